package push

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/hook"
)

const (
	zero  = git.Hash("0000000000000000000000000000000000000000")
	one   = git.Hash("1111111111111111111111111111111111111111")
	two   = git.Hash("2222222222222222222222222222222222222222")
	three = git.Hash("3333333333333333333333333333333333333333")
)

func TestSift(t *testing.T) {
	var updates []hook.RefUpdate
	for _, ref := range []string{"refs/heads/main", "refs/pull/1/head", "refs/tags/v1", "refs/headsx", "refs/notes/commits", "refs/pushboat/deploys/x"} {
		updates = append(updates, hook.RefUpdate{New: one, Ref: ref})
	}
	stored, foreign := sift(updates)
	if len(stored) != 3 || len(foreign) != 3 || foreign[0].Ref != "refs/pull/1/head" {
		t.Errorf("stored %v, foreign %v", stored, foreign)
	}
	if problems := judgeForeign(nil); len(problems) != 0 {
		t.Errorf("of none: %v", problems)
	}
	if problems := judgeForeign(foreign); !strings.Contains(problems[0].Message, `"refs/pull/1/head" and 2 more are neither`) {
		t.Errorf("of three: %v", problems)
	}
	var out strings.Builder
	tellForeign(&out, nil)
	tellForeign(&out, foreign)
	if out.String() != "not stored, since they are neither branches nor tags: refs/pull/1/head and 2 more\n" {
		t.Errorf("told %q", out.String())
	}
}

func TestJudgeName(t *testing.T) {
	for ref, refused := range map[string]bool{
		"refs/heads/HEAD": true, "refs/tags/HEAD": true, "refs/heads/HEADS": false, "refs/heads/x/HEAD": false, "refs/heads/head": false,
	} {
		if problems := judgeName(hook.RefUpdate{New: one, Ref: ref}); (len(problems) > 0) != refused {
			t.Errorf("%s: %v", ref, problems)
		}
		if problems := judgeName(hook.RefUpdate{Old: one, New: zero, Ref: ref}); len(problems) > 0 {
			t.Errorf("deleting %s: %v", ref, problems)
		}
	}
}

func TestOvertakenBy(t *testing.T) {
	branch := hook.RefUpdate{Old: one, New: two, Ref: "refs/heads/main"}
	for name, test := range map[string]struct {
		update  hook.RefUpdate
		at      git.Hash
		last    git.Move
		message string
		hint    string
	}{
		"by another push":    {branch, three, git.Move{To: three, Who: "ben", Why: "push"}, "ben pushed 3333333 to main meanwhile", "git pull --rebase, then push again"},
		"nobody knows":       {branch, three, git.Move{}, "somebody pushed 3333333 to main meanwhile", "git pull --rebase, then push again"},
		"of an older move":   {branch, three, git.Move{To: one, Who: "ben"}, "somebody pushed 3333333 to main meanwhile", "git pull --rebase, then push again"},
		"deleted":            {branch, zero, git.Move{}, "main was deleted meanwhile", "push again to make it anew"},
		"a tag":              {hook.RefUpdate{New: two, Ref: "refs/tags/v1"}, three, git.Move{}, "somebody pushed 3333333 to tags/v1 meanwhile", "look at it first: git fetch origin refs/tags/v1"},
		"a name with an ESC": {branch, three, git.Move{To: three, Who: "b\x1b[1m"}, `b\x1b[1m pushed 3333333 to main meanwhile`, "git pull --rebase, then push again"},
	} {
		if got := overtakenBy(test.update, test.at, test.last); got.Message != test.message || got.Hint != test.hint {
			t.Errorf("%s: %q, %q", name, got.Message, got.Hint)
		}
	}
}

func TestTurns(t *testing.T) {
	var all turns
	refs := func(names ...string) (list []turn) {
		for _, name := range names {
			list = append(list, turn{"shop", name})
		}
		return list
	}
	over, err := all.take(t.Context(), refs("b", "a"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := all.take(t.Context(), []turn{{"blog", "a"}, {"shop", "c"}})
	if err != nil {
		t.Fatal(err)
	}
	other()
	ctx, cancel := context.WithCancel(t.Context())
	refused := make(chan error)
	go func() {
		_, err := all.take(ctx, refs("c", "b"))
		refused <- err
	}()
	cancel()
	if err := <-refused; err == nil {
		t.Error("a push whose pusher has left took its turn")
	}
	next := make(chan func())
	go func() {
		over, _ := all.take(t.Context(), refs("c", "b"))
		next <- over
	}()
	select {
	case <-next:
		t.Error("two pushes have the turn for one ref")
	case <-time.After(10 * time.Millisecond): // the wait itself cannot be observed
	}
	over()
	over()
	(<-next)()
	if len(all.refs) != 0 {
		t.Errorf("turns left over: %v", all.refs)
	}
}

func TestAdvice(t *testing.T) {
	if got := advice(128, false, false, &git.Talk{}); !strings.Contains(got, "SHA-1") {
		t.Errorf("to a client that says nothing: %q", got)
	}
	if got := advice(128, true, false, &git.Talk{}); got != "" {
		t.Errorf("after the gate: %q", got)
	}
	if got := advice(128, false, true, &git.Talk{}); !strings.Contains(got, "disk") {
		t.Errorf("on a full disk: %q", got)
	}
}
