package converge

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// branch is a branch in a repository of the server, with a clone.
type branch struct {
	name   string // of the branch, in the model
	repo   string
	ref    string
	dir    string
	states map[string]*state // by commit
	wanted string            // the commit of the branch, or the one that it is about to get
	held   bool              // whether that commit was pushed with -o skip
	past   []string          // its earlier commits, oldest first
}

// full is the full name of the branch's ref.
func (b *branch) full() string { return "refs/heads/" + b.ref }

// state is the present content of the branch.
func (b *branch) state() *state { return b.states[b.wanted] }

func (w *world) newBranch(name, repo, ref string) error {
	b := &branch{name: name, repo: repo, ref: ref, dir: w.t.TempDir(), states: map[string]*state{}}
	w.branches = append(w.branches, b)
	for _, args := range [][]string{{"init", "-q"}, {"remote", "add", "origin", "pushboat:" + repo}} {
		if _, err := w.git(b.dir, args...); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) bare(b *branch) string { return w.home.Path("data", "repos", b.repo+".git") }

// head is the commit of the branch on the server.
func (w *world) head(b *branch) (string, error) {
	out, err := w.git(w.home.Dir, "--git-dir", w.bare(b), "rev-parse", b.full())
	return strings.TrimSpace(out), err
}

// commit makes a commit of a state in the clone, on top of the wanted commit.
func (w *world) commit(b *branch, s *state) string {
	w.must(s.write(b.dir))
	hash := w.commitAll(b.dir, fmt.Sprintf("Step %d", w.step))
	b.states[hash] = s
	return hash
}

// commitAll commits all changes in a clone.
func (w *world) commitAll(dir, message string) string {
	_, err := w.git(dir, "add", "-A")
	w.must(err)
	_, err = w.git(dir, "commit", "-q", "--allow-empty", "-m", message)
	w.must(err)
	out, err := w.git(dir, "rev-parse", "HEAD")
	w.must(err)
	return strings.TrimSpace(out)
}

// takeBack resets the clone to the wanted commit.
func (w *world) takeBack(b *branch) {
	_, err := w.git(b.dir, "reset", "-q", "--hard", b.wanted)
	w.must(err)
}

// confirmation matches the hint in the output of a push or a rollback that would delete
// many objects.
var confirmation = regexp.MustCompile(`(?:push with -o |repeat it with --)(confirm-prune=\d+)`)

// push pushes the clone, and confirms deletions if the server asks for a confirmation.
func (w *world) push(b *branch, options ...string) (string, error) {
	args := []string{"push"}
	for _, o := range options {
		args = append(args, "-o", o)
	}
	out, err := w.git(b.dir, append(args, "origin", "HEAD:"+b.full())...)
	if asked := confirmation.FindStringSubmatch(out); err != nil && asked != nil && !strings.Contains(strings.Join(options, " "), "confirm") {
		return w.push(b, append(options, asked[1])...)
	}
	return out, err
}

// change pushes a state. The push must be accepted, and the state is the wanted one from
// then on.
func (w *world) change(b *branch, s *state, options ...string) {
	w.t.Helper()
	hash := w.commit(b, s)
	w.mustPush(b, hash, options...)
	w.accept(b, hash)
}

// mustPush pushes a commit that must be accepted. Whether the first deploy succeeds depends
// on everything else that goes on; converge checks that a deploy succeeds in the end.
func (w *world) mustPush(b *branch, hash string, options ...string) {
	w.t.Helper()
	out, err := w.push(b, options...)
	if head, _ := w.head(b); head != hash {
		w.t.Fatalf("step %d: the push was not accepted: %v", w.step, err)
	}
	if err != nil {
		w.t.Logf("step %d: its first deploy did not succeed:\n%s", w.step, out)
	}
}

// settle pushes a commit until the server has it. A push that was cut short may continue
// for a while after its client has ended.
func (w *world) settle(b *branch, hash string, options ...string) {
	w.t.Helper()
	var last string
	late := time.After(quietWithin)
	for again := time.NewTicker(200 * time.Millisecond); ; {
		out, _ := w.push(b, options...)
		if head, _ := w.head(b); head == hash {
			again.Stop()
			return
		}
		last = out
		select {
		case <-again.C:
		case <-late:
			w.t.Fatalf("step %d: %s of %s cannot be pushed:\n%s", w.step, hash, b.name, last)
		}
	}
}

// accept notes that a commit is the wanted one. All apps of the branch follow it, except
// those that are held.
func (w *world) accept(b *branch, hash string) {
	b.wanted, b.past = hash, append(b.past, hash)
	if b.held {
		w.handBack(w.runningOn(b)...) // apps that were not deployed are checked again
		b.held = false
	}
	before, after := &state{apps: w.runningOn(b)}, &state{}
	for _, a := range b.state().apps {
		if was := w.running[a.name]; was != nil && w.suspended[a.name] {
			a = was
		}
		after.apps = append(after.apps, a)
	}
	w.become(before, after)
}

// hold notes that a commit is the wanted one, and that nothing is deployed.
func (w *world) hold(b *branch, hash string) { b.wanted, b.held = hash, true }

// become notes that the running objects of a branch's apps must change from one state to
// another.
func (w *world) become(before, after *state) {
	w.noteLeft(before, after)
	for _, a := range before.apps {
		delete(w.running, a.name)
	}
	for _, a := range after.apps {
		if was := before.app(a.name); was != nil && !was.same(a) {
			w.handBack(was)
			for _, o := range was.objects {
				delete(w.spent, was.place(o)) // a deploy that changes an object runs all hooks
			}
		}
		w.running[a.name] = a
	}
	w.forgetMoved()
}

// runningOn lists the apps of a branch that run, or are about to.
func (w *world) runningOn(b *branch) []*appState {
	var apps []*appState
	for _, name := range slices.Sorted(maps.Keys(w.running)) {
		if a := w.running[name]; a.home == b {
			apps = append(apps, a)
		}
	}
	return apps
}

// noteLeft notes the objects that stay on the cluster because their app does not prune.
func (w *world) noteLeft(before, after *state) {
	for _, a := range before.apps {
		for _, o := range a.objects {
			if !o.isHook() {
				w.left[a.place(o)] = a.name
			}
		}
	}
	for _, a := range after.apps {
		for _, o := range a.objects {
			delete(w.left, a.place(o))
		}
	}
	for p, name := range w.left {
		a := after.app(name)
		if before.app(name) != nil && a == nil && before.app(name).prune || a != nil && a.prune {
			delete(w.left, p)
		}
	}
}

// forgetMoved forgets edits by hand to objects that no longer exist.
func (w *world) forgetMoved() {
	there := map[place]*appState{}
	for _, a := range w.running {
		for _, o := range a.objects {
			there[a.place(o)] = a
		}
	}
	for p, h := range w.handed {
		if there[p] == nil || there[p].name != h.app {
			delete(w.handed, p)
		}
	}
	for p := range w.scaled {
		if there[p] == nil || !there[p].ignore {
			delete(w.scaled, p)
		}
	}
	for p := range w.spent {
		if there[p] == nil {
			delete(w.spent, p)
		}
	}
}

// handBack notes that the edits by hand to apps are reverted.
func (w *world) handBack(apps ...*appState) {
	for _, a := range apps {
		for p, h := range w.handed {
			if h.app == a.name {
				delete(w.handed, p)
			}
		}
	}
}
