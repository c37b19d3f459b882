package converge

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
)

// operation is one thing that may happen.
type operation struct {
	name   string
	weight int
	do     func(w *world)
}

// operations are all that may happen, and how often.
var operations = []operation{
	{"change", 14, pushChange},
	{"move", 6, pushMove},
	{"rename", 4, pushRename},
	{"folder", 2, pushFolder},
	{"settings", 4, pushSettings},
	{"refused", 4, pushRefused},
	{"at once", 3, pushAtOnce},
	{"edit", 16, edit},
	{"copy", 2, plantCopy},
	{"kill client", 3, killClient},
	{"kill server", 3, killServer},
	{"restart server", 1, restartServer},
	{"kill cluster", 2, killCluster},
	{"restart cluster", 1, restartCluster},
	{"cut line", 3, cutLine},
}

func (w *world) choose() operation {
	total := 0
	for _, o := range operations {
		total += o.weight
	}
	n := w.rand.IntN(total)
	for _, o := range operations {
		if n -= o.weight; n < 0 {
			return o
		}
	}
	return operations[0]
}

func pick[T any](w *world, list []T) T { return list[w.rand.IntN(len(list))] }

func (w *world) repo() string { return pick(w, []string{"one", "two"}) }

var namespaces = []string{"space-a", "space-b"}

func (w *world) newApp() *appState {
	name := w.name("app")
	return &appState{name: name, folder: name, namespace: pick(w, namespaces), prune: true, drift: "correct"}
}

func (w *world) newObject() object {
	k := pick(w, common)
	return object{kind: k, name: w.name("o"), value: w.rand.IntN(1000)}
}

// begin is the first revision of each repository: what later steps build on.
func (w *world) begin() {
	for _, name := range []string{"one", "two"} {
		s := &state{}
		for range 2 {
			a := w.newApp()
			for range 4 {
				a.objects = append(a.objects, w.newObject())
			}
			s.apps = append(s.apps, a)
		}
		if name == "one" {
			s.apps[0].objects = append(s.apps[0].objects,
				object{kind: "CustomResourceDefinition", name: "widgets.converge.example.org"},
				object{kind: "Namespace", name: "space-c"})
		}
		w.change(name, s)
	}
}

// mutate makes a random change to a state, and says which.
func (w *world) mutate(s *state) (said string) {
	if len(s.apps) < 3 && w.rand.IntN(4) == 0 {
		a := w.newApp()
		a.objects = append(a.objects, w.newObject())
		s.apps = append(s.apps, a)
		return "a new app " + a.name
	}
	a := pick(w, s.apps)
	fixed := slices.ContainsFunc(a.objects, object.fixed)
	switch n := w.rand.IntN(10); {
	case n == 0 && !fixed && len(s.apps) > 1:
		s.apps = slices.DeleteFunc(s.apps, func(b *appState) bool { return b == a })
		return "no app " + a.name
	case n < 3 && len(a.objects) > 0:
		i := w.rand.IntN(len(a.objects))
		o := a.objects[i]
		if !o.fixed() {
			a.objects = slices.Delete(a.objects, i, i+1)
			return fmt.Sprintf("no %s in %s", a.place(o), a.name)
		}
	case n < 6 && len(a.objects) > 0:
		i := w.rand.IntN(len(a.objects))
		if !a.objects[i].fixed() {
			a.objects[i].value = w.rand.IntN(1000)
			return fmt.Sprintf("another value of %s in %s", a.place(a.objects[i]), a.name)
		}
	}
	o := w.newObject()
	a.objects = append(a.objects, o)
	return fmt.Sprintf("a new %s in %s", a.place(o), a.name)
}

// options are push options that change nothing of the outcome.
func (w *world) options() []string {
	if w.rand.IntN(3) == 0 {
		return []string{"detach"}
	}
	return nil
}

func pushChange(w *world) {
	repo := w.repo()
	s := w.state(repo).clone()
	said := w.mutate(s)
	w.say("push to %s: %s", repo, said)
	w.change(repo, s, w.options()...)
}

// deletesNothing is a push option with which whatever has to be confirmed is
// refused.
const deletesNothing = "confirm-prune=0"

// mayRemake notes that objects come to be elsewhere, and perhaps back again.
func (w *world) mayRemake(apps ...*appState) {
	for _, a := range apps {
		for _, o := range a.objects {
			for _, namespace := range namespaces {
				w.remade[place{o.kind, namespace, o.name}] = true
			}
		}
	}
}

// hasLeft reports whether an app has left something on the cluster.
func (w *world) hasLeft(app string) bool {
	for _, name := range w.left {
		if name == app {
			return true
		}
	}
	return false
}

// pushMove moves objects from one app of a repository to another.
func pushMove(w *world) {
	repo := w.repo()
	s := w.state(repo).clone()
	if len(s.apps) < 2 {
		pushChange(w)
		return
	}
	i := w.rand.IntN(len(s.apps))
	from, to := s.apps[i], s.apps[(i+1)%len(s.apps)]
	n := len(from.objects)
	if n == 0 {
		pushChange(w)
		return
	}
	n = 1 + w.rand.IntN(n)
	w.say("push to %s: move %d objects from %s to %s", repo, n, from.name, to.name)
	if from.namespace != to.namespace {
		w.mayRemake(from, to)
		from.objects, to.objects = slices.Clone(from.objects[n:]), append(to.objects, from.objects[:n]...)
		w.change(repo, s, w.options()...)
		return
	}
	from.objects, to.objects = slices.Clone(from.objects[n:]), append(to.objects, from.objects[:n]...)
	w.change(repo, s, append(w.options(), deletesNothing)...)
}

func pushRename(w *world) {
	repo := w.repo()
	s := w.state(repo).clone()
	a := pick(w, s.apps)
	old := a.name
	a.name = w.name("app")
	w.say("push to %s: rename %s to %s", repo, old, a.name)
	if w.hasLeft(old) {
		w.change(repo, s, w.options()...)
		return
	}
	w.change(repo, s, append(w.options(), deletesNothing)...)
}

func pushFolder(w *world) {
	repo := w.repo()
	s := w.state(repo).clone()
	a := pick(w, s.apps)
	a.folder = w.name("folder")
	w.say("push to %s: move the folder of %s", repo, a.name)
	w.change(repo, s)
}

func pushSettings(w *world) {
	repo := w.repo()
	s := w.state(repo).clone()
	a := pick(w, s.apps)
	switch w.rand.IntN(3) {
	case 0:
		w.mayRemake(a)
		a.namespace = pick(w, namespaces)
		w.say("push to %s: %s in namespace %s", repo, a.name, a.namespace)
	case 1:
		a.prune = !a.prune
		w.say("push to %s: %s with prune: %t", repo, a.name, a.prune)
	case 2:
		w.converge() // what is not yet taken back would be left
		a.drift = pick(w, []string{"correct", "warn", "off"})
		w.say("push to %s: %s with drift: %s", repo, a.name, a.drift)
	}
	w.change(repo, s)
}

// pushRefused pushes what must not be accepted.
func pushRefused(w *world) {
	repo, other := "one", "two"
	if w.rand.IntN(2) == 0 {
		repo, other = other, repo
	}
	s := w.state(repo).clone()
	a := pick(w, s.apps)
	switch w.rand.IntN(3) {
	case 0:
		w.say("push to %s what has the name of an app of %s", repo, other)
		a.name = pick(w, w.state(other).apps).name
	case 1:
		w.say("push to %s what is no name", repo)
		a.objects = append(a.objects, object{kind: "ConfigMap", name: "No_Name"})
	case 2:
		b := pick(w, w.state(other).apps)
		if len(b.objects) == 0 {
			return
		}
		o := pick(w, b.objects)
		w.say("push to %s what %s of %s has: %s", repo, b.name, other, b.place(o))
		a.namespace = b.namespace
		a.objects = append(a.objects, o)
	}
	r := w.repos[repo]
	before := r.wanted
	hash := w.commit(repo, s)
	if out, err := w.push(repo); err == nil {
		w.t.Fatalf("step %d: the push was accepted:\n%s", w.step, out)
	}
	if head, err := w.head(repo); err != nil || head != before {
		w.t.Fatalf("step %d: a refused push moved the branch to %s (%v)", w.step, head, err)
	}
	delete(r.states, hash)
	_, err := w.git(r.dir, "reset", "-q", "--hard", before)
	w.must(err)
}

// pushAtOnce pushes to both repositories at the same time, or twice to one.
func pushAtOnce(w *world) {
	s, said := map[string]*state{}, ""
	for _, repo := range []string{"one", "two"} {
		s[repo] = w.state(repo).clone()
		said += "; " + w.mutate(s[repo])
	}
	w.say("push to both%s", said)
	hashes := map[string]string{}
	for _, repo := range []string{"one", "two"} {
		hashes[repo] = w.commit(repo, s[repo])
	}
	var group sync.WaitGroup
	outs := map[string]string{}
	var mu sync.Mutex
	for repo := range s {
		group.Go(func() {
			out, _ := w.push(repo)
			mu.Lock()
			defer mu.Unlock()
			outs[repo] = out
		})
	}
	group.Wait()
	for _, repo := range []string{"one", "two"} {
		if head, _ := w.head(repo); head != hashes[repo] {
			w.t.Fatalf("step %d: the push to %s was not accepted:\n%s", w.step, repo, outs[repo])
		}
		w.accept(repo, hashes[repo])
	}
	if w.rand.IntN(2) == 0 {
		twice(w)
	}
}

// twice pushes the newest revision, and at once the next: the newest wins.
func twice(w *world) {
	repo := w.repo()
	for range 2 {
		s := w.state(repo).clone()
		said := w.mutate(s)
		w.say("push to %s without waiting: %s", repo, said)
		w.change(repo, s, "detach")
	}
}

// cutShort pushes a change, and something happens amid it; afterwards the same
// commit is pushed until Git has it, so that all goes on as the seed says.
func cutShort(w *world, what string, happens func(pusher *os.Process)) {
	repo := w.repo()
	s := w.state(repo).clone()
	said := w.mutate(s)
	line := w.rand.IntN(8)
	w.say("%s at line %d of a push to %s: %s", what, line, repo, said)
	hash := w.commit(repo, s)
	w.pushAmid(repo, line, happens)
	if !w.home.Server.Running() {
		w.must(w.home.Start(nil))
	}
	w.settle(repo, hash)
}

func killClient(w *world) {
	cutShort(w, "kill the client", func(pusher *os.Process) {
		_ = syscall.Kill(-pusher.Pid, syscall.SIGKILL) // it may have ended
	})
}

func killServer(w *world) {
	cutShort(w, "kill the server", func(*os.Process) { w.must(w.home.Server.Stop(syscall.SIGKILL)) })
}

func restartServer(w *world) {
	cutShort(w, "restart the server", func(*os.Process) { w.must(w.home.Restart()) })
}

func killCluster(w *world) {
	cutShort(w, "kill the API server", func(*os.Process) {
		w.cluster.Kill()
		w.must(w.startCluster())
	})
}

func restartCluster(w *world) {
	cutShort(w, "restart the API server", func(*os.Process) {
		w.must(w.cluster.Stop())
		w.must(w.startCluster())
	})
}

func cutLine(w *world) {
	cutShort(w, "cut the line to the API server", func(*os.Process) {
		w.line.Off()
		w.must(w.line.On())
	})
}
