package errand

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/record"
)

// TestErrands: each is a verb with its own right, has words, and fits only where the verb
// does something.
func TestErrands(t *testing.T) {
	calm := deploy.Status{App: "shop", Branch: "main", Cluster: "default", Objects: 1, Last: &record.Record{}}
	fresh, suspended, running := calm, calm, calm
	fresh.Last, fresh.Objects = nil, 0
	suspended.Suspension = &record.Suspension{By: "ben"}
	running.Running = "shop-3"
	fits := map[string]string{
		"calm": "sync check rollback suspend restart", "fresh": "sync check suspend",
		"suspended": "check rollback resume", "running": "sync check rollback suspend restart cancel",
	}
	for name, s := range map[string]deploy.Status{"calm": calm, "fresh": fresh, "suspended": suspended, "running": running} {
		var got []string
		for _, e := range All() {
			if e.Fits(s) {
				got = append(got, e.Verb)
			}
			if right, _ := access.OfVerb(e.Verb); right != e.Right {
				t.Errorf("%s takes the right %q, and the verb %q", e.Verb, e.Right, right)
			}
			if e.Title == "" || !strings.HasSuffix(e.Says(s), ".") {
				t.Errorf("%s says %q under the title %q", e.Verb, e.Says(s), e.Title)
			}
		}
		if strings.Join(got, " ") != fits[name] {
			t.Errorf("for an app that is %s: %v, want %s", name, got, fits[name])
		}
	}
	if e, ok := Of("rollback"); !ok || e.Verb != "rollback" {
		t.Errorf("got %v, %t", e.Verb, ok)
	}
	if _, ok := Of("backup"); ok {
		t.Error("backup is an errand about an app")
	}
}

func TestSessionKeepsOutput(t *testing.T) {
	s := &Session{Most: 20, Errors: &Session{}}
	fmt.Fprint(s, "one\x1b[2J\n")
	fmt.Fprint(s.Stderr(), "wrong\n")
	fmt.Fprint(s, strings.Repeat("x", 100))
	if got, want := s.Text(), `one\x1b[2J`+"\n"+strings.Repeat("x", 12); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := s.Errors.Text(); got != "wrong\n" {
		t.Errorf("got %q as errors", got)
	}
	full := &Session{}
	fmt.Fprint(full, strings.Repeat("x", MaxOutput+1))
	if n := len(full.Bytes()); n != MaxOutput {
		t.Errorf("it keeps %d bytes", n)
	}
}

func TestSessionTellsLines(t *testing.T) {
	var got []string
	s := &Session{Most: 8, Tell: func(line string) { got = append(got, line) }}
	fmt.Fprint(s, "a\nb")
	fmt.Fprint(s, "c\n\x1b[H\nmuch longer than that\nend")
	s.Finish()
	s.Finish()
	if text := strings.Join(got, "|"); text != `a|bc|\x1b[H|much lon|ger than| that|end` {
		t.Errorf("got %s", text)
	}
}
