package apply

import (
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
)

// TestNamespaceThatAnotherAppHas: an app that asks for a namespace of another app makes it,
// too, if the other app has not made it yet.
func TestNamespaceThatAnotherAppHas(t *testing.T) {
	id := plan.NamespaceID("shop")
	looks, makes := "look for Namespace shop", "create Namespace shop"
	for name, test := range map[string]struct {
		happens func(w *world)
		asked   []string
		want    string
	}{
		"it is not there":         {func(*world) {}, []string{looks, makes}, ""},
		"it is there":             {func(w *world) { w.made("kubectl-create", namespaceText("shop")) }, []string{looks}, ""},
		"it is another app's":     {func(w *world) { w.made("x", namespaceText("shop")); w.takenBy("blog", id) }, nil, ""},
		"the app makes it itself": {func(w *world) { w.order.Plan.Steps = []plan.Step{{ID: id}} }, nil, ""},
		"nobody asks for it":      {func(w *world) { w.order.Target.Spec.CreateNamespace = false }, nil, ""},
		"the app is removed":      {func(w *world) { w.order.Target.Gone = true }, nil, ""},
		"nobody knows if it is":   {func(w *world) { w.api.refuse(looks, kubetest.Refused) }, []string{looks}, "refused"},
		"it is made meanwhile": {
			func(w *world) {
				w.api.refuse(makes, apierrors.NewAlreadyExists(schema.GroupResource{Resource: "namespaces"}, "shop"))
			}, []string{looks, makes}, "",
		},
		"it must not be made": {func(w *world) { w.api.refuse(makes, kubetest.Forbidden(configMap("a"))) }, []string{looks, makes}, "may not write it"},
		"there are no namespaces": {
			func(w *world) { delete(w.api.kinds, manifest.NamespaceKind.WithVersion("v1")) }, []string{looks}, "Namespace",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.api.vanish(id)
			w.order.Target.Spec.CreateNamespace = true
			test.happens(w)
			wantError(t, w.work().makeNamespace(), test.want)
			w.wantAsked(test.asked...)
		})
	}
}

func TestNamespaceThatCannotBeMadeEndsTheDeploy(t *testing.T) {
	w := newWorld(t)
	w.api.vanish(plan.NamespaceID("shop"))
	w.order.Target.Spec.CreateNamespace = true
	w.api.refuse("create Namespace shop", kubetest.Refused)
	wantError(t, w.work().Apply(), "make namespace shop: refused")
	w.wantAsked("look for Namespace shop", "create Namespace shop")
}

func TestMadeNamespaceIsNoApps(t *testing.T) {
	w := newWorld(t)
	w.api.vanish(plan.NamespaceID("shop"))
	w.order.Target.Spec.CreateNamespace = true
	wantError(t, w.work().makeNamespace(), "")
	if u := w.api.look(plan.NamespaceID("shop")); u == nil || u.GetLabels()[kube.PartOfLabel] != "" {
		t.Errorf("the namespace is %v", u)
	}
}
