package converge

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"syscall"
)

func pushChange(w *world) {
	b := pick(w, w.branches)
	s := b.state().clone()
	said := w.mutate(b, s)
	w.say("push to %s: %s", b.name, said)
	w.change(b, s, w.options()...)
}

// deletesNothing is a push option with which a push that needs a confirmation is refused.
const deletesNothing = "confirm-prune=0"

// pushMove moves objects from one app of a branch to another.
func pushMove(w *world) {
	b := pick(w, w.branches)
	s := b.state().clone()
	if len(s.apps) < 2 {
		pushChange(w)
		return
	}
	i := w.rand.IntN(len(s.apps))
	from, to := s.apps[i], s.apps[(i+1)%len(s.apps)]
	n := len(from.objects)
	if n == 0 || w.suspended[from.name] || w.suspended[to.name] {
		pushChange(w)
		return
	}
	w.converge() // an earlier push's deletions would count; edits by hand that only one of the apps ignores would move too
	n = 1 + w.rand.IntN(n)
	w.say("push to %s: move %d objects from %s to %s", b.name, n, from.name, to.name)
	elsewhere := from.namespace != to.namespace
	if elsewhere {
		w.mayRemake(from, to)
	}
	from.objects, to.objects = slices.Clone(from.objects[n:]), append(to.objects, from.objects[:n]...)
	if elsewhere || b.held {
		w.change(b, s, w.options()...)
		return
	}
	w.change(b, s, append(w.options(), deletesNothing)...)
}

func pushRename(w *world) {
	b := pick(w, w.branches)
	s := b.state().clone()
	a := pick(w, s.apps)
	if w.suspended[a.name] {
		pushChange(w)
		return
	}
	old := a.name
	s.rename(a, w.name("app"))
	quiet := w.rand.IntN(2) == 0
	if quiet {
		w.converge() // an earlier push's deletions would count
	}
	w.say("push to %s: rename %s to %s", b.name, old, a.name)
	if !quiet || w.hasLeft(old) || b.held {
		w.change(b, s, w.options()...)
		return
	}
	w.change(b, s, append(w.options(), deletesNothing)...)
}

func pushFolder(w *world) {
	b := pick(w, w.branches)
	s := b.state().clone()
	a := pick(w, s.apps)
	a.folder = w.name("folder")
	w.say("push to %s: move the folder of %s", b.name, a.name)
	w.change(b, s)
}

func pushSettings(w *world) {
	b := pick(w, w.branches)
	s := b.state().clone()
	a := pick(w, s.apps)
	switch w.rand.IntN(4) {
	case 0:
		w.mayRemake(a)
		a.namespace = pick(w, namespaces)
		w.say("push to %s: %s in namespace %s", b.name, a.name, a.namespace)
	case 1:
		a.prune = !a.prune
		w.say("push to %s: %s with prune: %t", b.name, a.name, a.prune)
	case 2:
		w.converge() // edits that are not yet reverted would stay
		a.drift = pick(w, []string{"correct", "warn", "off"})
		w.say("push to %s: %s with drift: %s", b.name, a.name, a.drift)
		if a.drift == "correct" && !b.held && !w.suspended[a.name] {
			w.handBack(w.running[a.name])
		}
	case 3:
		w.converge() // edits by hand could stay
		a.ignore = !a.ignore
		w.say("push to %s: %s ignores replicas: %t", b.name, a.name, a.ignore)
	}
	w.change(b, s)
}

// pushDependency makes an app depend on one before it, or removes its dependency. No app
// depends on a suspended one, because it would be held too.
func pushDependency(w *world) {
	b := pick(w, w.branches)
	s := b.state().clone()
	i := w.rand.IntN(len(s.apps))
	a := s.apps[i]
	switch {
	case len(a.dependsOn) > 0:
		a.dependsOn = nil
		w.say("push to %s: %s depends on nothing", b.name, a.name)
	case i > 0 && !w.suspended[s.apps[i-1].name]:
		a.dependsOn = []string{s.apps[i-1].name}
		w.say("push to %s: %s depends on %s", b.name, a.name, a.dependsOn[0])
	}
	w.change(b, s, w.options()...)
}

// pushRecreation changes a field that cannot be changed in place: first without force, then
// with it, and perhaps the server is killed meanwhile.
func pushRecreation(w *world) {
	b := pick(w, w.branches)
	if b.held {
		pushChange(w)
		return
	}
	s := b.state().clone()
	a := pick(w, s.apps)
	i := slices.IndexFunc(a.objects, func(o object) bool { return o.kind == "Deployment" && w.running[a.name].has(o) })
	if i < 0 || w.suspended[a.name] {
		pushChange(w)
		return
	}
	a.objects[i].mold++
	p := a.place(a.objects[i])
	if _, gone := w.handed[p]; !gone {
		w.refused(b, s, "another mold of "+p.String()+" without force")
	}
	w.remade[p] = true
	w.say("push to %s with force: another mold of %s", b.name, p)
	if w.rand.IntN(2) == 0 {
		w.change(b, s, append(w.options(), "force")...)
		return
	}
	hash := w.commit(b, s)
	line := w.rand.IntN(8)
	w.say("  and kill the server at line %d", line)
	w.pushAmid(b, line, func(int) { w.must(w.home.Server.Stop(syscall.SIGKILL)) }, "force")
	w.must(w.home.Start(nil))
	w.settle(b, hash, "force")
	w.accept(b, hash)
}

// has reports whether the app has the object, in a form to which it can be changed in
// place.
func (a *appState) has(o object) bool {
	return a != nil && slices.ContainsFunc(a.objects, func(other object) bool {
		return other.kind == o.kind && other.name == o.name && other.mold == o.mold
	})
}

// pushBroken pushes an app that cannot become healthy, and then a correction.
func pushBroken(w *world) {
	b := pick(w, w.branches)
	s := b.state().clone()
	a := pick(w, s.apps)
	o := w.newHook()
	if w.rand.IntN(2) == 0 {
		o = object{kind: "Deployment", name: w.name("o"), value: w.rand.IntN(1000)}
	}
	o.broken = true
	a.objects = append(a.objects, o)
	w.say("push to %s: a broken %s in %s %s", b.name, a.place(o), a.name, o.phase)
	w.change(b, s, "detach")
	if w.rand.IntN(3) == 0 {
		w.say("  and kill the server")
		w.must(w.home.Server.Stop(syscall.SIGKILL))
		w.must(w.home.Start(nil))
	}
	s = s.clone()
	a = s.app(a.name)
	a.objects[len(a.objects)-1].broken = false
	w.say("push to %s: its fix", b.name)
	w.change(b, s, w.options()...)
}

// pushAtOnce pushes to all branches at the same time, or twice to one branch.
func pushAtOnce(w *world) {
	said := ""
	hashes := map[*branch]string{}
	for _, b := range w.branches {
		s := b.state().clone()
		said += "; " + w.mutate(b, s)
		hashes[b] = w.commit(b, s)
	}
	w.say("push to all%s", said)
	var group sync.WaitGroup
	outs := make([]string, len(w.branches))
	for i, b := range w.branches {
		group.Go(func() { outs[i], _ = w.push(b) })
	}
	group.Wait()
	for i, b := range w.branches {
		if head, _ := w.head(b); head != hashes[b] {
			w.t.Fatalf("step %d: the push to %s was not accepted:\n%s", w.step, b.name, outs[i])
		}
		w.accept(b, hashes[b])
	}
	if w.rand.IntN(2) == 0 {
		twice(w)
	}
}

// twice pushes a revision and, at once, the next: the last one is deployed.
func twice(w *world) {
	b := pick(w, w.branches)
	for range 2 {
		s := b.state().clone()
		said := w.mutate(b, s)
		w.say("push to %s without waiting: %s", b.name, said)
		w.change(b, s, "detach")
	}
}

// pushRace pushes to one branch from two clones at the same time. One of the pushes must be
// refused, and a third push is made on top of the other's commit.
func pushRace(w *world) {
	b := pick(w, w.branches)
	other := *b
	other.dir = w.t.TempDir()
	_, err := w.git(other.dir, "clone", "-q", b.dir, ".")
	w.must(err)
	_, err = w.git(other.dir, "remote", "set-url", "origin", "pushboat:"+b.repo)
	w.must(err)
	clones := []*branch{b, &other}
	hashes, outs := make([]string, 2), make([]string, 2)
	said := ""
	for i, clone := range clones {
		s := b.state().clone()
		said += "; " + w.mutate(b, s)
		hashes[i] = w.commit(clone, s)
	}
	w.say("push to %s from two clones%s", b.name, said)
	var group sync.WaitGroup
	for i, clone := range clones {
		group.Go(func() { outs[i], _ = w.push(clone) })
	}
	group.Wait()
	head, err := w.head(b)
	w.must(err)
	won := slices.Index(hashes, head)
	if won < 0 {
		w.t.Fatalf("step %d: neither of two pushes was accepted:\n%s", w.step, strings.Join(outs, "\n"))
	}
	if late := outs[1-won]; !strings.Contains(late, "rejected") && !strings.Contains(late, "refused") {
		w.t.Fatalf("step %d: both pushes were accepted:\n%s", w.step, late)
	}
	if won == 1 {
		_, err = w.git(b.dir, "fetch", "-q", other.dir, "HEAD")
		w.must(err)
	}
	w.accept(b, head)
	w.takeBack(b)
	pushChangeTo(w, b)
}

func pushChangeTo(w *world, b *branch) {
	s := b.state().clone()
	said := w.mutate(b, s)
	w.say("push to %s: %s", b.name, said)
	w.change(b, s)
}

// pushPlan asks for the plan of a push, which must change nothing.
func pushPlan(w *world) {
	b := pick(w, w.branches)
	s := b.state().clone()
	w.refused(b, s, "only to see the plan: "+w.mutate(b, s), "plan")
}

// pushRefused pushes a commit that must be refused.
func pushRefused(w *world) {
	i := w.rand.IntN(len(w.branches))
	b, other := w.branches[i], w.branches[(i+1)%len(w.branches)]
	s := b.state().clone()
	a := pick(w, s.apps)
	theirs := pick(w, w.runningOn(other))
	switch w.rand.IntN(6) {
	case 0:
		s.rename(a, theirs.name)
		w.refused(b, s, "the name of an app of "+other.name)
	case 1:
		a.objects = append(a.objects, object{kind: "ConfigMap", name: "No_Name"})
		w.refused(b, s, "what is no name")
	case 2:
		o := pickObject(w, theirs, func(o object) bool { return !o.isHook() })
		if o == nil {
			return
		}
		a.namespace = theirs.namespace
		a.objects = append(a.objects, *o)
		w.refused(b, s, fmt.Sprintf("what %s of %s has: %s", theirs.name, other.name, theirs.place(*o)))
	case 3:
		a.dependsOn = []string{a.name}
		w.refused(b, s, "an app that depends on itself")
	case 4:
		a.drift = "perhaps"
		w.refused(b, s, "a setting that does not exist")
	case 5:
		if !w.removable(s, a) || len(w.running[a.name].owned()) == 0 || !a.prune || b.held {
			return
		}
		s.remove(a.name)
		w.refused(b, s, "no app "+a.name+", unconfirmed", deletesNothing)
	}
}

// owned are the objects that the app keeps: all except its hooks.
func (a *appState) owned() []object {
	if a == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(a.objects), object.isHook)
}

// pickObject picks one object of an app for which fits is true; nil if there is none.
func pickObject(w *world, a *appState, fits func(object) bool) *object {
	var list []object
	for _, o := range a.objects {
		if fits(o) {
			list = append(list, o)
		}
	}
	if len(list) == 0 {
		return nil
	}
	o := pick(w, list)
	return &o
}

// refused makes a push that must be refused, and that must change nothing, neither in Git
// nor on the cluster.
func (w *world) refused(b *branch, s *state, what string, options ...string) {
	w.t.Helper()
	w.converge()
	w.say("refused push to %s: %s", b.name, what)
	refs, objects := w.refs(b), w.owned()
	hash := w.commit(b, s)
	args := []string{"push"}
	for _, o := range options {
		args = append(args, "-o", o)
	}
	if out, err := w.git(b.dir, append(args, "origin", "HEAD:"+b.full())...); err == nil {
		w.t.Fatalf("step %d: the push was accepted:\n%s", w.step, out)
	}
	if now := w.refs(b); now != refs {
		w.t.Fatalf("step %d: a refused push changed refs:\n%s\nnow\n%s", w.step, refs, now)
	}
	if now := w.owned(); !maps.Equal(objects, now) {
		w.t.Fatalf("step %d: a refused push changed the cluster:\n%v\nnow\n%v", w.step, objects, now)
	}
	delete(b.states, hash)
	w.takeBack(b)
}
