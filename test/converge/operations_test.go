package converge

import (
	"fmt"
	"slices"
)

// operation is one thing that may happen in a step.
type operation struct {
	name   string
	weight int
	do     func(w *world)
}

// operations are all operations, with how often each happens.
var operations = []operation{
	{"change", 14, pushChange},
	{"move", 6, pushMove},
	{"rename", 4, pushRename},
	{"folder", 2, pushFolder},
	{"settings", 5, pushSettings},
	{"depend", 3, pushDependency},
	{"recreate", 3, pushRecreation},
	{"break", 2, pushBroken},
	{"refused", 5, pushRefused},
	{"plan", 1, pushPlan},
	{"at once", 3, pushAtOnce},
	{"race", 2, pushRace},
	{"skip", 2, pushSkipped},
	{"deletion held", 2, pushHeldDeletion},
	{"suspend", 3, suspend},
	{"resume", 4, resume},
	{"rollback", 3, rollBack},
	{"sync", 2, syncApp},
	{"edit", 16, edit},
	{"copy", 2, plantCopy},
	{"delete definition", 1, deleteDefinition},
	{"delete namespace", 1, deleteNamespace},
	{"kill client", 3, killClient},
	{"kill server", 4, killServer},
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

func (w *world) newApp(b *branch) *appState {
	name := w.name("app")
	return &appState{
		name: name, folder: name, home: b, namespace: pick(w, namespaces), prune: true, drift: "correct",
		ignore: w.rand.IntN(4) == 0,
	}
}

func (w *world) newObject() object {
	o := object{kind: pick(w, common), name: w.name("o"), value: w.rand.IntN(1000)}
	if w.rand.IntN(5) == 0 {
		o.wave = w.rand.IntN(3)
	}
	return o
}

func (w *world) newHook() object {
	return object{
		kind: hook, name: w.name("hook"), value: w.rand.IntN(1000), wave: w.rand.IntN(2),
		phase: pick(w, []string{"PreSync", "Sync", "PostSync"}),
	}
}

// begin pushes the first revision of each branch, on which later steps build.
func (w *world) begin() {
	for _, b := range w.branches {
		s := &state{}
		for i := range 2 {
			a := w.newApp(b)
			if i == 0 && b.name == "one" {
				a.objects = append(a.objects, theDefinition, theNamespace)
			}
			for range 4 {
				a.objects = append(a.objects, w.newObject())
			}
			s.apps = append(s.apps, a)
		}
		if w.rand.IntN(2) == 0 {
			s.apps[1].dependsOn = []string{s.apps[0].name}
		}
		w.change(b, s)
	}
}

// mutate makes a random change to a state, and describes it.
func (w *world) mutate(b *branch, s *state) (said string) {
	if len(s.apps) < 3 && w.rand.IntN(4) == 0 {
		a := w.newApp(b)
		a.objects = append(a.objects, w.newObject())
		s.apps = append(s.apps, a)
		return "a new app " + a.name
	}
	a := pick(w, s.apps)
	switch n := w.rand.IntN(10); {
	case n == 0 && w.removable(s, a):
		s.remove(a.name)
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
	case n == 6 && !slices.ContainsFunc(a.objects, object.isHook):
		o := w.newHook()
		a.objects = append(a.objects, o)
		return fmt.Sprintf("a new %s for %s in %s", a.place(o), o.phase, a.name)
	}
	o := w.newObject()
	a.objects = append(a.objects, o)
	return fmt.Sprintf("a new %s in %s", a.place(o), a.name)
}

// removable reports whether an app may be removed from its branch.
func (w *world) removable(s *state, a *appState) bool {
	return len(s.apps) > 1 && !w.suspended[a.name] && !slices.ContainsFunc(a.objects, object.fixed)
}

// options are push options that do not change the result.
func (w *world) options() []string {
	if w.rand.IntN(3) == 0 {
		return []string{"detach"}
	}
	return nil
}

// owner returns the app that has a fixed object.
func (w *world) owner(o object) *appState {
	for _, a := range w.running {
		if slices.Contains(a.objects, o) {
			return a
		}
	}
	return nil
}

// mayRemake notes that objects of apps move to other places, and may move back.
func (w *world) mayRemake(apps ...*appState) {
	for _, a := range apps {
		for _, o := range a.objects {
			for _, namespace := range namespaces {
				w.remade[place{o.kind, namespace, o.name}] = true
			}
		}
	}
}

// hasLeft reports whether an app has left objects on the cluster.
func (w *world) hasLeft(app string) bool {
	for _, name := range w.left {
		if name == app {
			return true
		}
	}
	return false
}
