package converge

import (
	"slices"
	"strings"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// maySkip reports whether a revision can be pushed with -o skip so that the model knows the
// result.
func (w *world) maySkip(b *branch) bool {
	return !slices.ContainsFunc(w.runningOn(b), func(a *appState) bool { return w.suspended[a.name] })
}

// pushSkipped pushes a commit that is stored, but not deployed until the next push.
func pushSkipped(w *world) {
	b := pick(w, w.branches)
	if !w.maySkip(b) {
		return
	}
	w.converge() // whether unfinished work comes to its end is left to chance
	s := b.state().clone()
	said := w.mutate(b, s)
	w.say("push to %s with skip: %s", b.name, said)
	hash := w.commit(b, s)
	w.mustPush(b, hash, "skip")
	w.hold(b, hash)
}

// suspendMost is how many apps are suspended at a time.
const suspendMost = 2

func suspend(w *world) {
	b := pick(w, w.branches)
	a := pick(w, w.runningOn(b))
	needed := func(other *appState) bool { return slices.Contains(other.dependsOn, a.name) }
	if b.held || w.suspended[a.name] || len(w.suspended) >= suspendMost ||
		slices.ContainsFunc(b.state().apps, needed) || slices.ContainsFunc(w.runningOn(b), needed) {
		return
	}
	w.converge()
	w.say("suspend %s", a.name)
	_, err := w.ssh("suspend", a.name, "--reason", "converge")
	w.must(err)
	w.suspended[a.name] = true
}

// resume ends a suspension: everything that was pushed during it is deployed, and edits by
// hand are reverted.
func resume(w *world) {
	var held []*appState
	for _, b := range w.branches {
		for _, a := range w.runningOn(b) {
			if w.suspended[a.name] {
				held = append(held, a)
			}
		}
	}
	if len(held) == 0 {
		return
	}
	a := pick(w, held)
	w.say("resume %s", a.name)
	if out, err := w.ssh("resume", a.name); err != nil {
		w.t.Logf("step %d: its deploy did not succeed:\n%s", w.step, out)
	}
	delete(w.suspended, a.name)
	w.handBack(a)
	w.become(&state{apps: []*appState{a}}, &state{apps: []*appState{a.home.state().app(a.name)}})
}

// syncApp deploys an app again, which reverts edits by hand.
func syncApp(w *world) {
	b := pick(w, w.branches)
	a := pick(w, w.runningOn(b))
	if b.held || w.suspended[a.name] {
		return
	}
	w.converge()
	w.say("sync %s", a.name)
	_, err := w.ssh("sync", a.name)
	w.must(err)
	w.handBack(a)
}

// rollBack rolls an app back to an earlier revision.
func rollBack(w *world) {
	b := pick(w, w.branches)
	s := b.state().clone()
	a := pick(w, s.apps)
	var to []string
	for _, hash := range b.past {
		if was := b.states[hash].at(a.folder); was != nil && w.mayGoBack(a, was) {
			to = append(to, hash)
		}
	}
	if b.held || w.suspended[a.name] || len(to) == 0 {
		return
	}
	w.converge()
	hash := pick(w, to)
	a.objects = slices.Clone(b.states[hash].at(a.folder).objects)
	w.say("roll %s back to %s", a.name, hash[:7])
	args := []string{"rollback", a.name, hash}
	out, err := w.ssh(args...)
	if asked := confirmation.FindStringSubmatch(out); err != nil && asked != nil {
		out, err = w.ssh(append(args, "--"+asked[1])...)
	}
	if !strings.Contains(out, "suspended by") { // the output may be about another app of the branch, which does not change
		w.must(err)
	}
	_, err = w.git(b.dir, "pull", "-q", "--ff-only", "origin", b.full())
	w.must(err)
	w.must(s.write(b.dir))
	out, err = w.git(b.dir, "status", "--porcelain")
	w.must(err)
	if out != "" {
		w.t.Fatalf("step %d: the rollback made something else:\n%s", w.step, out)
	}
	head, err := w.head(b)
	w.must(err)
	b.states[head] = s
	w.accept(b, head)
}

// at returns the app that has a folder.
func (s *state) at(folder string) *appState {
	for _, a := range s.apps {
		if a.folder == folder {
			return a
		}
	}
	return nil
}

// mayGoBack reports whether an app can have its former objects again: no other app has them
// now, and they can be changed back in place.
func (w *world) mayGoBack(a, was *appState) bool {
	now, then := map[string]object{}, map[string]object{}
	for _, o := range a.objects {
		now[o.kind+" "+o.name] = o
	}
	for _, o := range was.objects {
		id := o.kind + " " + o.name
		then[id] = o
		had, has := now[id]
		p := a.place(o)
		if o.broken || has && had.mold != o.mold || !has && (o.fixed() || w.elsewhere(a, o)) || w.left[p] != "" && w.left[p] != a.name {
			return false
		}
	}
	for id, o := range now {
		if _, stays := then[id]; o.fixed() && !stays {
			return false
		}
	}
	return !a.same(&appState{name: a.name, namespace: a.namespace, prune: a.prune, ignore: a.ignore, objects: was.objects})
}

// elsewhere reports whether another app has an object.
func (w *world) elsewhere(a *appState, o object) bool {
	has := func(other *appState) bool {
		return other.name != a.name && slices.ContainsFunc(other.objects, func(x object) bool { return x.kind == o.kind && x.name == o.name })
	}
	for _, b := range w.branches {
		if slices.ContainsFunc(b.state().apps, has) || slices.ContainsFunc(w.runningOn(b), has) {
			return true
		}
	}
	return false
}

// pushHeldDeletion deletes an object through Git while a finalizer holds it. The finalizer
// is removed later: at once, after the server was killed, or when Git has the object again.
func pushHeldDeletion(w *world) {
	b := pick(w, w.branches)
	s := b.state().clone()
	a := pick(w, s.apps)
	o := pickObject(w, a, func(o object) bool { return !o.fixed() && !o.isHook() })
	if o == nil || b.held || !a.prune || w.suspended[a.name] {
		return
	}
	p := a.place(*o)
	w.converge()
	if _, touched := w.handed[p]; touched {
		return
	}
	w.say("push to %s: no %s in %s, which a finalizer holds", b.name, p, a.name)
	w.must(w.finalizer(p, `["converge.example.org/hold"]`))
	again := s.clone()
	a.objects = slices.DeleteFunc(a.objects, func(other object) bool { return other == *o })
	w.change(b, s, "detach")
	w.awaitDeletion(p)
	switch w.rand.IntN(3) {
	case 0:
		w.say("  and kill the server")
		w.must(w.home.Server.Stop(syscall.SIGKILL))
		w.must(w.home.Start(nil))
	case 1:
		w.say("  and push it again")
		w.remade[p] = true
		w.change(b, again, "detach")
	}
	w.must(w.finalizer(p, "null"))
}

// finalizer sets the finalizers of an object, as a controller does.
func (w *world) finalizer(p place, list string) error {
	_, err := w.at(p).Patch(w.ctx, p.name, types.MergePatchType, []byte(`{"metadata":{"finalizers":`+list+`}}`),
		metav1.PatchOptions{FieldManager: "holder"})
	return err
}

// awaitDeletion waits until the deletion of an object has begun.
func (w *world) awaitDeletion(p place) {
	late := time.After(quietWithin)
	for again := time.NewTicker(50 * time.Millisecond); ; {
		running, err := w.at(p).Get(w.ctx, p.name, metav1.GetOptions{})
		w.must(err)
		if running.GetDeletionTimestamp() != nil {
			again.Stop()
			return
		}
		select {
		case <-again.C:
		case <-late:
			out, _ := w.ssh("status")
			w.t.Fatalf("step %d: %s is not deleted after %s:\n%s", w.step, p, quietWithin, strings.TrimSpace(out))
		}
	}
}
