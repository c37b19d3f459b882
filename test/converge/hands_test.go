package converge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/retry"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/name"
)

// editsMost is how often one object is changed by hand. More changes would be taken for a
// fight with another writer, and reverted ever more slowly.
const editsMost = 2

// hand is one way in which people change objects by hand.
type hand struct {
	name    string
	deletes bool
	does    func(ctx context.Context, c dynamic.ResourceInterface, o object) error
	adds    int // what it adds to the value; 0 if the result is unknown when the change stays
}

var hands = []hand{
	{"change a field (update)", false, update, 1},
	{"change a field (patch)", false, patch, 2},
	{"delete", true, remove, 0},
	{"scale", false, scale, 0},
	{"take the label off", false, func(ctx context.Context, c dynamic.ResourceInterface, o object) error {
		return merge(ctx, c, o, fmt.Sprintf(`{"metadata":{"labels":{%q:null}}}`, kube.PartOfLabel))
	}, 0},
	{"wipe the managed fields", false, func(ctx context.Context, c dynamic.ResourceInterface, o object) error {
		return merge(ctx, c, o, `{"metadata":{"managedFields":[{}]}}`)
	}, 0},
	{"delete, held by a finalizer", true, removeSlowly, 0},
}

// plainHands is the number of hands whose result is known when the change stays.
const plainHands = 3

// at returns a client for the object at a place.
func (w *world) at(p place) dynamic.ResourceInterface {
	k := kinds[p.kind]
	if k.namespaced {
		return w.client.Resource(k.resource).Namespace(p.namespace)
	}
	return w.client.Resource(k.resource)
}

// corrects reports whether edits by hand to an app are reverted.
func (w *world) corrects(a *appState) bool { return a.drift == "correct" && !w.suspended[a.name] }

// edit changes an object of an app by hand.
func edit(w *world) {
	type target struct {
		app    *appState
		object object
	}
	var targets []target
	for _, b := range w.branches {
		for _, a := range w.runningOn(b) {
			for _, o := range a.objects {
				_, touched := w.handed[a.place(o)]
				if !o.fixed() && !o.isHook() && !touched && w.edits[a.place(o)] < editsMost {
					targets = append(targets, target{a, o})
				}
			}
		}
	}
	if len(targets) == 0 {
		return
	}
	t := pick(w, targets)
	switch h := pick(w, hands); {
	case t.app.ignore && t.object.kind == "Deployment" && h.name == "scale":
		w.scaleIgnored(t.app, t.object)
	case w.corrects(t.app):
		w.editCorrected(t.app, t.object, h)
	case !w.suspended[t.app.name] || t.app.same(t.app.home.state().app(t.app.name)): // otherwise the app's wanted state is unknown
		w.editLeft(t.app, t.object, pick(w, hands[:plainHands]))
	}
}

// editCorrected makes a change that is reverted.
func (w *world) editCorrected(a *appState, o object, h hand) {
	p := a.place(o)
	w.edits[p]++
	w.say("by hand: %s of %s", h.name, p)
	w.remade[p] = w.remade[p] || h.deletes
	if h.deletes {
		delete(w.scaled, p)
	}
	err := h.does(w.ctx, w.at(p), o)
	if !apierrors.IsNotFound(err) { // the object may not exist yet, or not again: nobody waits for the deploy of a push
		w.must(err)
	}
}

// editLeft makes a change that stays, and is shown as drift.
func (w *world) editLeft(a *appState, o object, h hand) {
	w.converge()
	p := a.place(o)
	w.say("by hand: %s of %s, which is left so (drift: %s, suspended: %t)", h.name, p, a.drift, w.suspended[a.name])
	w.remade[p] = w.remade[p] || h.deletes
	w.must(h.does(w.ctx, w.at(p), o))
	w.handed[p] = handed{app: a.name, gone: h.deletes, value: o.value + h.adds}
	delete(w.scaled, p)
}

// scaleIgnored changes the replicas of a Deployment whose replicas the app ignores.
func (w *world) scaleIgnored(a *appState, o object) {
	w.converge()
	p := a.place(o)
	w.say("by hand: scale %s, whose replicas are ignored", p)
	w.must(scale(w.ctx, w.at(p), o))
	w.scaled[p] = scaledTo
}

// loses notes that an object of an app is deleted, together with the objects that need it.
func (w *world) loses(a *appState, o object) {
	p := a.place(o)
	w.edits[p]++
	w.remade[p] = true
	delete(w.scaled, p)
	switch {
	case o.isHook():
		w.spent[p] = true
	case !w.corrects(a):
		w.handed[p] = handed{app: a.name, gone: true}
	}
}

// deletable reports whether a fixed object is recreated after its deletion.
func (w *world) deletable(o object) bool {
	a := w.owner(o)
	return a != nil && w.corrects(a) && w.edits[a.place(o)] < editsMost
}

// deleteDefinition deletes the definition of a kind by hand. All objects of that kind are
// deleted with it, in every app.
func deleteDefinition(w *world) {
	if !w.deletable(theDefinition) {
		return
	}
	w.converge()
	w.say("by hand: delete the definition of the widgets")
	for _, name := range slices.Sorted(maps.Keys(w.running)) {
		a := w.running[name]
		for _, o := range a.objects {
			if o.kind == "Widget" || o == theDefinition {
				w.loses(a, o)
			}
		}
	}
	maps.DeleteFunc(w.left, func(p place, _ string) bool { return p.kind == "Widget" })
	w.must(remove(w.ctx, w.at(place{theDefinition.kind, "", theDefinition.name}), theDefinition))
	w.converge()
}

// deleteNamespace deletes a namespace by hand, with everything in it.
func deleteNamespace(w *world) {
	if !w.deletable(theNamespace) {
		return
	}
	w.converge()
	w.say("by hand: delete the namespace %s", theNamespace.name)
	within := func(p place) bool { return p.namespace == theNamespace.name }
	for _, name := range slices.Sorted(maps.Keys(w.running)) {
		a := w.running[name]
		for _, o := range a.objects {
			if within(a.place(o)) || o == theNamespace {
				w.loses(a, o)
			}
		}
	}
	maps.DeleteFunc(w.left, func(p place, _ string) bool { return within(p) })
	maps.DeleteFunc(w.canaries, func(p place, _ alien) bool { return within(p) })
	w.must(remove(w.ctx, w.at(place{theNamespace.kind, "", theNamespace.name}), theNamespace))
	w.converge()
}

func byHand(manager string) metav1.UpdateOptions { return metav1.UpdateOptions{FieldManager: manager} }

func update(ctx context.Context, c dynamic.ResourceInterface, o object) error {
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		found, err := c.Get(ctx, o.name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		other := object{kind: o.kind, value: o.value + 1}
		if err := unstructured.SetNestedField(found.Object, other.written(), kinds[o.kind].field...); err != nil {
			return err
		}
		_, err = c.Update(ctx, found, byHand("kubectl-edit"))
		return err
	})
}

func patch(ctx context.Context, c dynamic.ResourceInterface, o object) error {
	changed := &unstructured.Unstructured{Object: map[string]any{}}
	other := object{kind: o.kind, value: o.value + 2}
	if err := unstructured.SetNestedField(changed.Object, other.written(), kinds[o.kind].field...); err != nil {
		return err
	}
	text, err := json.Marshal(changed.Object)
	if err != nil {
		return err
	}
	return merge(ctx, c, o, string(text))
}

func merge(ctx context.Context, c dynamic.ResourceInterface, o object, text string) error {
	_, err := c.Patch(ctx, o.name, types.MergePatchType, []byte(text), metav1.PatchOptions{FieldManager: "kubectl-patch"})
	return err
}

// scaledTo is the number of replicas that a hand gives a Deployment.
const scaledTo = 3

// scale scales a Deployment. In an object of another kind it changes the field.
func scale(ctx context.Context, c dynamic.ResourceInterface, o object) error {
	if o.kind != "Deployment" {
		return update(ctx, c, o)
	}
	_, err := c.Patch(ctx, o.name, types.MergePatchType, fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, scaledTo),
		metav1.PatchOptions{FieldManager: "kubectl"}, "scale")
	return err
}

func remove(ctx context.Context, c dynamic.ResourceInterface, o object) error {
	background := metav1.DeletePropagationBackground
	return c.Delete(ctx, o.name, metav1.DeleteOptions{PropagationPolicy: &background})
}

// removeSlowly deletes an object that a finalizer keeps for a moment.
func removeSlowly(ctx context.Context, c dynamic.ResourceInterface, o object) error {
	hold := merge(ctx, c, o, `{"metadata":{"finalizers":["converge.example.org/hold"]}}`)
	if hold != nil {
		return hold
	}
	if err := remove(ctx, c, o); err != nil {
		return err
	}
	err := merge(ctx, c, o, `{"metadata":{"finalizers":null}}`)
	if apierrors.IsNotFound(err) {
		return nil // the server has removed the finalizer, as it reverts other fields that hands add
	}
	return err
}

// plantCopy makes an object with the labels of one of ours, as people do when they copy
// one. The copy is not ours.
func plantCopy(w *world) {
	a := pick(w, w.runningOn(pick(w, w.branches)))
	p := place{"ConfigMap", a.namespace, w.name("copy")}
	w.say("by hand: create %s with the label of %s", p, a.name)
	w.must(w.plant(p, map[string]any{kube.PartOfLabel: kube.NewParent(name.App(a.name), "").ID()}))
}

// plant makes an object that nobody may touch.
func (w *world) plant(p place, labels map[string]any) error {
	made := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": kinds[p.kind].resource.GroupVersion().String(), "kind": p.kind,
		"metadata": map[string]any{"name": p.name, "labels": labels},
	}}
	if p.namespace != "" {
		made.SetNamespace(p.namespace)
	}
	stored, err := w.at(p).Create(w.ctx, made, metav1.CreateOptions{FieldManager: "kubectl-create"})
	if err == nil {
		w.canaries[p] = alienOf(stored)
	}
	return err
}

// prepare makes the namespaces, with foreign objects in them.
func (w *world) prepare() error {
	var errs []error
	for _, name := range namespaces[:2] { // the third namespace comes with an app
		errs = append(errs, w.plant(place{"Namespace", "", name}, nil))
		delete(w.canaries, place{"Namespace", "", name}) // its controller changes it
		errs = append(errs, w.plant(place{"ConfigMap", name, "foreign"}, map[string]any{"app": "foreign"}))
		errs = append(errs, w.plant(place{"Secret", name, "foreign"}, map[string]any{"app": "foreign"}))
		errs = append(errs, w.plant(place{"ConfigMap", name, "of-another-set"}, map[string]any{kube.PartOfLabel: "applyset-of-another-tool-v1"}))
	}
	return errors.Join(append(errs, w.plant(place{"ClusterRole", "", "foreign"}, map[string]any{"app": "foreign"}))...)
}
