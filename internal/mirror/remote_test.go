package mirror

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/git/storetest"
	"github.com/pushboat/pushboat/internal/mirror/mirrortest"
	"github.com/pushboat/pushboat/internal/name"
)

func TestWanted(t *testing.T) {
	refs := []git.Ref{
		{Name: "refs/heads/draft", Hash: hashB},
		{Name: "refs/heads/main", Hash: hashA},
		{Name: "refs/tags/v1", Hash: hashA},
		{Name: "refs/tags/x", Hash: hashB},
		{Name: recordRefs + "shop", Hash: hashB},
		{Name: "refs/pushboat/upstream/heads/main", Hash: hashB},
	}
	settled := deploy.Status{Branch: "main", Revision: name.Revision(hashA), Sync: deploy.InSync}
	with := func(change func(s *deploy.Status)) []deploy.Status {
		s := settled
		change(&s)
		return []deploy.Status{settled, s}
	}
	for what, test := range map[string]struct {
		remote rules.Remote
		apps   []deploy.Status
		want   string
		waits  string
	}{
		"deployed":           {rules.Remote{}, []deploy.Status{settled}, "heads/main tags/v1 tags/x", ""},
		"no app":             {rules.Remote{}, nil, "tags/v1 tags/x", ""},
		"records":            {rules.Remote{Records: true, Tags: []glob.Pattern{}}, []deploy.Status{settled}, "heads/main pushboat/deploys/shop", ""},
		"named branches":     {rules.Remote{Branches: []glob.Pattern{"d*"}, Tags: []glob.Pattern{"v*"}}, []deploy.Status{settled}, "heads/draft tags/v1", ""},
		"it failed":          {rules.Remote{Tags: []glob.Pattern{}}, with(func(s *deploy.Status) { s.Sync = deploy.NotSynced }), "heads/main", ""},
		"another app is out": {rules.Remote{Tags: []glob.Pattern{}}, with(func(s *deploy.Status) { s.Branch, s.Running = "draft", "x-1" }), "heads/main", "draft"},
		"a removed app":      {rules.Remote{Tags: []glob.Pattern{}}, with(func(s *deploy.Status) { s.Sync, s.Revision = deploy.Gone, "" }), "heads/main", ""},
		"one goes on":        {rules.Remote{Tags: []glob.Pattern{}}, with(func(s *deploy.Status) { s.Running = "shop-2" }), "", "main"},
		"one is older":       {rules.Remote{Tags: []glob.Pattern{}}, with(func(s *deploy.Status) { s.Revision = name.Revision(hashB) }), "", "main"},
		"one waits":          {rules.Remote{Tags: []glob.Pattern{}}, with(func(s *deploy.Status) { s.Sync = deploy.Waits }), "", "main"},
		"one is held":        {rules.Remote{Tags: []glob.Pattern{}}, with(func(s *deploy.Status) { s.Sync = deploy.Held }), "", "main"},
		"one is pending":     {rules.Remote{Tags: []glob.Pattern{}}, with(func(s *deploy.Status) { s.Sync = deploy.Pending }), "", "main"},
		"one is deploying":   {rules.Remote{Tags: []glob.Pattern{}}, with(func(s *deploy.Status) { s.Sync = deploy.Deploying }), "", "main"},
	} {
		wants, waits := wanted(&test.remote, refs, test.apps)
		var got []string
		for _, ref := range wants {
			got = append(got, strings.TrimPrefix(ref.Name, "refs/"))
		}
		if strings.Join(got, " ") != test.want || name.Join(waits, " ") != test.waits {
			t.Errorf("%s: got %q, waits for %q", what, got, waits)
		}
	}
}

func TestJudgeRef(t *testing.T) {
	branch, tag := git.Ref{Name: "refs/heads/main", Hash: hashA}, git.Ref{Name: "refs/tags/v1", Hash: hashA}
	for _, test := range []struct {
		ref            git.Ref
		there          git.Hash
		forward, force bool
		want           step
		why            string
	}{
		{branch, hashA, false, false, asItIs, ""},
		{branch, "", false, false, sends, ""},
		{branch, hashB, true, false, sends, ""},
		{branch, hashB, true, true, sends, ""},
		{branch, hashB, false, true, replaces, ""},
		{branch, hashB, false, false, leaves, "the remote has moved on: it has branch main at bbbbbbb, which is no part of aaaaaaa here"},
		{tag, hashA, false, false, asItIs, ""},
		{tag, "", false, false, sends, ""},
		{tag, hashB, true, false, leaves, "it has tag v1 at bbbbbbb"},
		{tag, hashB, true, true, replaces, ""},
	} {
		if got, why := judgeRef(test.ref, test.there, test.forward, test.force); got != test.want || !strings.Contains(why, test.why) || (why == "") != (test.why == "") {
			t.Errorf("%+v: got %v, %q", test, got, why)
		}
	}
}

func TestUnsentAreBounded(t *testing.T) {
	early, late := time.Unix(1, 0), time.Unix(2, 0)
	is, was := map[string]Unsent{}, map[string]Unsent{"refs/heads/b00": {Since: early}}
	for i := range maxUnsent + 3 {
		is["refs/heads/b"+string(rune('0'+i/10))+string(rune('0'+i%10))] = Unsent{Here: hashA}
	}
	kept, more := listUnsent(is, was, late)
	if len(kept) != maxUnsent || more != 3 || !kept["refs/heads/b00"].Since.Equal(early) || !kept["refs/heads/b01"].Since.Equal(late) {
		t.Errorf("kept %d, %d more", len(kept), more)
	}
	if kept, more := listUnsent(nil, was, late); kept != nil || more != 0 {
		t.Errorf("nothing is %v, %d", kept, more)
	}
}

// sending is a world whose repository shop is sent to a copy.
type sending struct {
	*world
	sender *Sender
	repo   *git.Repository
	copy   string // the directory of the copy
}

func newSending(t *testing.T) *sending {
	w := newWorld(t, git.StoreOptions{})
	s := &sending{world: w, sender: NewSender(w.keeper, filepath.Join(w.dir, "remotes.json")), repo: storetest.Shop(t, w.repos), copy: filepath.Join(w.dir, "upstream", "shop.git")}
	t.Cleanup(s.sender.Stop)
	t.Cleanup(w.keeper.Stop) // before
	return s
}

// remotes writes the rules.
func (s *sending) remotes(text string) {
	s.Helper()
	s.ruleFiles(map[string]string{"remotes/shop.yaml": text})
}

// here makes a commit on main of what is here, on top of another.
func (s *sending) here(text string, on git.Hash) git.Hash {
	s.Helper()
	head := s.head("main")
	made, err := s.repo.Import(s.Context(), on, git.NewCommit{Message: text, Files: map[string][]byte{"file": []byte(text)}})
	if err != nil {
		s.Fatal(err)
	}
	if err := s.repo.MoveBranch(s.Context(), "refs/heads/main", orNone(head), made, git.Note{Who: "x", Why: "x"}); err != nil {
		s.Fatal(err)
	}
	s.apps = []deploy.Status{{Branch: "main", Revision: name.Revision(made), Sync: deploy.InSync}}
	return made
}

func (s *sending) there(ref string) git.Hash {
	s.Helper()
	copied, err := s.gitIn(s.copy, "rev-parse", "--verify", "-q", ref)
	if err != nil {
		return ""
	}
	return git.Hash(copied)
}

func (s *sending) send(ask Ask) (Sent, error) {
	s.Helper()
	ask.Repo = "shop"
	list, err := s.sender.Send(s.Context(), ask)
	if len(list) != 1 {
		return Sent{}, err
	}
	return list[0], err
}

func (s *sending) stateOf() RemoteState {
	s.Helper()
	list := s.sender.States("shop")
	if len(list) != 1 {
		s.Fatalf("the remotes are %+v", list)
	}
	return list[0]
}

func TestSendOverHTTP(t *testing.T) {
	s := newSending(t)
	up := s.http()
	s.remotes("remotes: [{name: copy, url: 'http://" + up.Addr + "/shop.git'}]\n")
	if sent, err := s.send(Ask{}); err != nil || len(sent.Refs) > 0 {
		t.Fatalf("an empty repository: %+v, %v", sent, err)
	}
	one := s.here("one", "")
	if sent, err := s.send(Ask{}); err != nil || len(sent.Refs) != 1 || s.there("refs/heads/main") != one || s.stateOf().Sent.IsZero() {
		t.Fatalf("the first commit: %+v, %v, %+v", sent, err, s.stateOf())
	}
	asked := up.Asked.Load()
	if sent, err := s.send(Ask{}); err != nil || len(sent.Refs) > 0 || up.Asked.Load() != asked+1 {
		t.Fatalf("nothing new: %+v, %v", sent, err)
	}

	// What goes on waits.
	two := s.here("two", one)
	s.apps[0].Running = "shop-2"
	if sent, err := s.send(Ask{}); err != nil || len(sent.Refs) > 0 || !slices.Equal(sent.Waits, []name.Branch{"main"}) || s.there("refs/heads/main") != one {
		t.Fatalf("while it goes on: %+v, %v", sent, err)
	}
	s.apps[0].Running = ""
	if _, err := s.send(Ask{}); err != nil || s.there("refs/heads/main") != two {
		t.Fatalf("the second commit: %v", err)
	}

	// A remote that has moved on keeps what it has, until somebody says otherwise.
	s.git("fetch", "-q", "origin", "main")
	s.git("reset", "-q", "--hard", "FETCH_HEAD")
	moved := s.commit("elsewhere")
	three := s.here("three", two)
	sent, err := s.send(Ask{})
	if one := sent.Unsent["refs/heads/main"]; err != nil || one.There != moved || one.Here != three || s.there("refs/heads/main") != moved || s.stateOf().Done != "" {
		t.Fatalf("moved on: %+v, %v", sent, err)
	}
	since := s.stateOf().Unsent["refs/heads/main"].Since
	if _, err := s.send(Ask{}); err != nil || !s.stateOf().Unsent["refs/heads/main"].Since.Equal(since) {
		t.Errorf("again: %v, %+v", err, s.stateOf())
	}
	if sent, err := s.send(Ask{Force: true}); err != nil || !sent.Refs[0].Force || s.there("refs/heads/main") != three || s.stateOf().Unsent != nil {
		t.Errorf("by force: %+v, %v", sent, err)
	}

	// What the remote refuses is said in its words, and is tried again.
	hook := filepath.Join(s.copy, "hooks", "pre-receive")
	if err := os.MkdirAll(filepath.Dir(hook), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hook, []byte("#!/bin/sh\nexit 1\n"), 0o700); err != nil { //nolint:gosec // it is a program
		t.Fatal(err)
	}
	four := s.here("four", three)
	if sent, err := s.send(Ask{}); err != nil || !strings.Contains(sent.Unsent["refs/heads/main"].Why, "pre-receive hook declined") {
		t.Errorf("refused: %+v, %v", sent, err)
	}
	if err := os.Remove(hook); err != nil {
		t.Fatal(err)
	}

	// Away, the next server knows since when, and sends when it is back.
	up.Away(true)
	if _, err := s.send(Ask{}); err == nil || !strings.Contains(err.Error(), "the remote answers 503") {
		t.Errorf("away: %v", err)
	}
	again := NewSender(s.keeper, s.sender.file)
	if is := again.States("shop")[0]; is.Trouble == nil || !is.Trouble.Since.Equal(s.stateOf().Trouble.Since) {
		t.Errorf("the next server knows %+v", is)
	}
	up.Away(false)
	s.sender = again
	if _, err := s.send(Ask{}); err != nil || s.there("refs/heads/main") != four || s.stateOf().Trouble != nil {
		t.Errorf("back: %v, %+v", err, s.stateOf())
	}
	if _, err := s.send(Ask{Remote: "none"}); !errors.Is(err, ErrNoRemote) {
		t.Errorf("a remote that is none: %v", err)
	}
}

func TestTagsAndRecordsAreSent(t *testing.T) {
	s := newSending(t)
	up := s.http()
	s.remotes("remotes: [{name: copy, url: 'http://" + up.Addr + "/shop.git', tags: ['v*'], records: true, force: true}]\n")
	one := s.here("one", "")
	if _, err := s.repo.Append(t.Context(), recordRefs+"shop", "", git.NewCommit{Message: "record"}); err != nil {
		t.Fatal(err)
	}
	tag := func(ref string, from, to git.Hash) {
		t.Helper()
		if err := s.repo.MoveBranch(t.Context(), ref, orNone(from), to, git.Note{Who: "x", Why: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	tag("refs/tags/v1", "", one)
	tag("refs/tags/x", "", one)
	if sent, err := s.send(Ask{}); err != nil || len(sent.Refs) != 3 || s.there("refs/tags/v1") != one || s.there("refs/tags/x") != "" || s.there(recordRefs+"shop") == "" {
		t.Fatalf("sent %+v, %v", sent, err)
	}
	two := s.here("two", one)
	tag("refs/tags/v1", one, two)
	if sent, err := s.send(Ask{}); err != nil || len(sent.Refs) != 2 || s.there("refs/tags/v1") != two {
		t.Errorf("a tag that moved, by force: %+v, %v", sent, err)
	}
}

func TestSendOverSSH(t *testing.T) {
	s := newSending(t)
	file := filepath.Join(s.dir, "files", "key")
	key, err := mirrortest.NewKey(file)
	if err != nil {
		t.Fatal(err)
	}
	up, err := mirrortest.StartSSH(filepath.Join(s.dir, "upstream"), key.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	defer up.Close()
	s.remotes("remotes: [{name: copy, url: 'ssh://git@" + up.Addr + "/shop.git', keyFile: " + file + "}]\n")
	one := s.here("one", "")
	if _, err := s.send(Ask{}); err != nil || s.there("refs/heads/main") != one || s.stateOf().HostKey.Fingerprint != up.HostKey() {
		t.Fatalf("sent: %v, %+v", err, s.stateOf())
	}
	if err := up.NewHostKey(); err != nil {
		t.Fatal(err)
	}
	two := s.here("two", one)
	if _, err := s.send(Ask{}); err == nil || !strings.Contains(err.Error(), "somebody may be in between") || s.there("refs/heads/main") != one {
		t.Errorf("another key: %v", err)
	}
	if _, err := s.send(Ask{AcceptHostKey: true}); err != nil || s.there("refs/heads/main") != two {
		t.Errorf("accepted: %v", err)
	}
}

// Remotes are sent to by themselves: at the start, when there is news, and again when they
// failed.
func TestRemotesAreLookedAfter(t *testing.T) {
	s := newSending(t)
	up := s.http()
	s.remotes("remotes: [{name: copy, url: 'http://" + up.Addr + "/shop.git'}]\n")
	one := s.here("one", "")
	m := s.rules.Remotes()[0]
	s.sender.see(t.Context(), m)
	s.sender.rounds.Wait()
	if s.there("refs/heads/main") != one {
		t.Fatalf("at the start: %+v", s.stateOf())
	}
	asked := up.Asked.Load()
	s.sender.see(t.Context(), m)
	s.sender.rounds.Wait()
	if up.Asked.Load() != asked {
		t.Error("a remote that has everything is asked")
	}
	up.Away(true)
	two := s.here("two", one)
	s.sender.see(t.Context(), m)
	s.sender.rounds.Wait()
	asked = up.Asked.Load()
	at := s.sender.see(t.Context(), m)
	s.sender.rounds.Wait()
	if up.Asked.Load() != asked || at.IsZero() || s.stateOf().Trouble == nil {
		t.Errorf("one that is away is asked at once again, or never: %v", at)
	}
	if wait := s.sender.work(m).retries.wait; wait != leastSendRetry {
		t.Errorf("it waits for %s", wait)
	}
	up.Away(false)
	s.sender.again(m)
	s.sender.see(t.Context(), m)
	s.sender.rounds.Wait()
	if s.there("refs/heads/main") != two {
		t.Errorf("back: %+v", s.stateOf())
	}
	s.remotes("remotes: []\n")
	s.sender.forget()
	if len(s.sender.states) > 0 || len(s.sender.working) > 0 {
		t.Errorf("of what is no remote any more, there is %+v", s.sender.states)
	}
}

// Remotes that failed last have turns of their own: sound ones do not wait for them.
func TestFailingRemotesDelayNobody(t *testing.T) {
	s := newSending(t)
	s.remotes("remotes: [{name: bad, url: 'https://a.example.org/x'}, {name: bad2, url: 'https://b.example.org/x'}, {name: bad3, url: 'https://c.example.org/x'}, {name: good, url: 'https://d.example.org/x'}]\n")
	remotes := s.rules.Remotes()
	for _, m := range remotes[:3] {
		s.sender.change(m, func(state *RemoteState) { state.Trouble = &Trouble{Error: "away"} })
	}
	for _, m := range remotes[:failingAtOnce] {
		if _, err := s.sender.takeTurn(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.sender.failing) != failingAtOnce || len(s.sender.sound) != 0 {
		t.Errorf("turns: %d of failing ones, %d of sound ones", len(s.sender.failing), len(s.sender.sound))
	}
	if over, err := s.sender.takeTurn(t.Context(), remotes[3]); err != nil {
		t.Error(err)
	} else {
		over()
	}
}

func TestRemotesThatCannotBe(t *testing.T) {
	s := newSending(t)
	for text, want := range map[string]string{
		"remotes: [{name: x, url: 'https://10.0.0.1/x'}]\n":                          "does not allow it",
		"remotes: [{name: x, url: 'http://example.org/x'}]\n":                        "",
		"remotes: [{name: x, url: 'https://example.org/x', tokenFile: /etc/shadow}]": "outside of the directory",
	} {
		s.remotes(text)
		problems := s.keeper.Propose(s.rules, rules.None())
		if (len(problems) == 0) != (want == "") || !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: %v", text, problems)
		}
		if again := s.keeper.Propose(s.rules, s.rules); len(again) > 0 {
			t.Errorf("%s: what is in force is refused: %v", text, again)
		}
	}
	if was, moved := s.rules.Remotes()[0], *s.rules.Remotes()[0]; !sameRemote(was, &moved) || reflect.DeepEqual(was, &rules.Remote{}) {
		t.Error("a remote is another than itself")
	}
}
