package converge

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// branch is a branch of a repository of the server, and a clone with it.
type branch struct {
	name   string // of the branch in the model
	repo   string
	ref    string
	dir    string
	states map[string]*state // by commit
	wanted string            // the commit that the branch has, or is about to have
	held   bool              // that was pushed with -o skip
	past   []string          // its earlier commits, oldest first
}

// full is the full name of the ref.
func (b *branch) full() string { return "refs/heads/" + b.ref }

// state is the content of the branch.
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

// head is the commit of the server's branch.
func (w *world) head(b *branch) (string, error) {
	out, err := w.git(w.home.Dir, "--git-dir", w.bare(b), "rev-parse", b.full())
	return strings.TrimSpace(out), err
}

// commit makes a state the newest commit of the clone, on top of the wanted one.
func (w *world) commit(b *branch, s *state) string {
	w.must(s.write(b.dir))
	hash := w.commitAll(b.dir, fmt.Sprintf("Step %d", w.step))
	b.states[hash] = s
	return hash
}

// commitAll commits everything in a clone.
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

// confirmation is the hint of a push or a rollback that deletes much.
var confirmation = regexp.MustCompile(`(?:push with -o |repeat it with --)(confirm-prune=\d+)`)

// push pushes the clone, and confirms deletions if the server asks for it.
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

// change makes a state wanted by a push that must be accepted.
func (w *world) change(b *branch, s *state, options ...string) {
	w.t.Helper()
	hash := w.commit(b, s)
	w.mustPush(b, hash, options...)
	w.accept(b, hash)
}

// mustPush pushes a commit that must be accepted. Whether its deploy ends well the
// first time depends on the other things that go on; converge checks that it ends well
// at last.
func (w *world) mustPush(b *branch, hash string, options ...string) {
	w.t.Helper()
	out, err := w.push(b, options...)
	if head, _ := w.head(b); head != hash {
		w.t.Fatalf("step %d: the push was not accepted: %v", w.step, err)
	}
	if err != nil {
		w.t.Logf("step %d: the first deploy of it did not end well:\n%s", w.step, out)
	}
}

// settle pushes a commit until Git has it: a push that was cut short may go on
// for a while after its client is gone.
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

// accept notes that a commit is the wanted one now, and has all apps follow it that
// nobody holds.
func (w *world) accept(b *branch, hash string) {
	b.wanted, b.past = hash, append(b.past, hash)
	if b.held {
		w.handBack(w.runningOn(b)...) // apps that were not deployed are compared again
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

// hold notes that a commit is the wanted one now, and that nothing is deployed.
func (w *world) hold(b *branch, hash string) { b.wanted, b.held = hash, true }

// become notes that the running objects of a branch's apps must change.
func (w *world) become(before, after *state) {
	w.noteLeft(before, after)
	for _, a := range before.apps {
		delete(w.running, a.name)
	}
	for _, a := range after.apps {
		if was := before.app(a.name); was != nil && !was.same(a) {
			w.handBack(was)
			for _, o := range was.objects {
				delete(w.spent, was.place(o)) // a deploy that changes something runs all hooks
			}
		}
		w.running[a.name] = a
	}
	w.forgetMoved()
}

// runningOn lists the apps of a branch as they run, or come to.
func (w *world) runningOn(b *branch) []*appState {
	var apps []*appState
	for _, name := range slices.Sorted(maps.Keys(w.running)) {
		if a := w.running[name]; a.home == b {
			apps = append(apps, a)
		}
	}
	return apps
}

// noteLeft notes the objects that stay on the cluster, since their app does not prune.
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

// forgetMoved forgets the edits of hands to objects that are gone.
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

// handBack notes that the edits of hands to apps are taken back.
func (w *world) handBack(apps ...*appState) {
	for _, a := range apps {
		for p, h := range w.handed {
			if h.app == a.name {
				delete(w.handed, p)
			}
		}
	}
}
