package converge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/retry"

	"github.com/pushboat/pushboat/internal/kube"
)

// editsMost is how often one object is changed by hand: whoever goes on is
// taken for a fight, and answered ever more slowly.
const editsMost = 2

// hand is a way in which people change what they should not.
type hand struct {
	name    string
	deletes bool
	does    func(ctx context.Context, c dynamic.ResourceInterface, o object) error
}

var hands = []hand{
	{"change a field (update)", false, update},
	{"change a field (patch)", false, patch},
	{"scale", false, scale},
	{"take the label off", false, func(ctx context.Context, c dynamic.ResourceInterface, o object) error {
		return merge(ctx, c, o, fmt.Sprintf(`{"metadata":{"labels":{%q:null}}}`, kube.PartOfLabel))
	}},
	{"wipe the managed fields", false, func(ctx context.Context, c dynamic.ResourceInterface, o object) error {
		return merge(ctx, c, o, `{"metadata":{"managedFields":[{}]}}`)
	}},
	{"delete", true, remove},
	{"delete, held by a finalizer", true, removeSlowly},
}

// at gives access to what is at a place.
func (w *world) at(p place) dynamic.ResourceInterface {
	k := kinds[p.kind]
	if k.namespaced {
		return w.client.Resource(k.resource).Namespace(p.namespace)
	}
	return w.client.Resource(k.resource)
}

// edit changes by hand an object of an app whose drift is corrected.
func edit(w *world) {
	var places []place
	var objects []object
	for _, repo := range []string{"one", "two"} {
		for _, a := range w.state(repo).apps {
			for _, o := range a.objects {
				if a.drift == "correct" && !o.fixed() && w.edits[a.place(o)] < editsMost {
					places, objects = append(places, a.place(o)), append(objects, o)
				}
			}
		}
	}
	h := pick(w, hands)
	if len(places) == 0 {
		return
	}
	i := w.rand.IntN(len(places))
	w.edits[places[i]]++
	w.say("by hand: %s of %s", h.name, places[i])
	w.remade[places[i]] = w.remade[places[i]] || h.deletes
	err := h.does(w.ctx, w.at(places[i]), objects[i])
	if !apierrors.IsNotFound(err) { // nothing is deployed yet, or again, of a push that nobody waits for
		w.must(err)
	}
}

func byHand(manager string) metav1.UpdateOptions { return metav1.UpdateOptions{FieldManager: manager} }

func update(ctx context.Context, c dynamic.ResourceInterface, o object) error {
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		found, err := c.Get(ctx, o.name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		other := object{kind: o.kind, name: o.name, value: o.value + 1}
		if err := unstructured.SetNestedField(found.Object, other.written(), kinds[o.kind].field...); err != nil {
			return err
		}
		_, err = c.Update(ctx, found, byHand("kubectl-edit"))
		return err
	})
}

func patch(ctx context.Context, c dynamic.ResourceInterface, o object) error {
	changed := &unstructured.Unstructured{Object: map[string]any{}}
	other := object{kind: o.kind, name: o.name, value: o.value + 2}
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

// scale scales a Deployment; anything else has its field changed.
func scale(ctx context.Context, c dynamic.ResourceInterface, o object) error {
	if o.kind != "Deployment" {
		return update(ctx, c, o)
	}
	_, err := c.Patch(ctx, o.name, types.MergePatchType, []byte(`{"spec":{"replicas":3}}`),
		metav1.PatchOptions{FieldManager: "kubectl"}, "scale")
	return err
}

func remove(ctx context.Context, c dynamic.ResourceInterface, o object) error {
	background := metav1.DeletePropagationBackground
	return c.Delete(ctx, o.name, metav1.DeleteOptions{PropagationPolicy: &background})
}

// removeSlowly deletes an object that a finalizer holds for a moment.
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
		return nil // the server has taken the finalizer off, as it does with what hands add
	}
	return err
}

// plantCopy makes an object with the labels of one of ours, as people do who
// copy one. It is none of ours.
func plantCopy(w *world) {
	repo := w.repo()
	a := pick(w, w.state(repo).apps)
	p := place{"ConfigMap", a.namespace, w.name("copy")}
	w.say("by hand: create %s with the label of %s", p, a.name)
	w.must(w.plant(p, map[string]any{kube.PartOfLabel: kube.NewParent(a.name, "").ID()}))
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

// prepare makes the namespaces, and foreign objects in them.
func (w *world) prepare() error {
	var errs []error
	for _, name := range namespaces {
		errs = append(errs, w.plant(place{"Namespace", "", name}, nil))
		delete(w.canaries, place{"Namespace", "", name}) // its controller writes to it
		errs = append(errs, w.plant(place{"ConfigMap", name, "foreign"}, map[string]any{"app": "foreign"}))
		errs = append(errs, w.plant(place{"Secret", name, "foreign"}, map[string]any{"app": "foreign"}))
	}
	return errors.Join(append(errs, w.plant(place{"ClusterRole", "", "foreign"}, map[string]any{"app": "foreign"}))...)
}
