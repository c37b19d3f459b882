package plan

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
)

const widgetDefinition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {kind: Widget, plural: widgets, singular: widget, listKind: WidgetList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {size: {type: integer}}}
`

var (
	widgetKind = kube.Kind{GVK: schema.GroupVersionKind{Group: "example.org", Version: "v1", Kind: "Widget"}, Namespaced: true}
	webWidget  = manifest.ID{Group: "example.org", Kind: "Widget", Namespace: "shop", Name: "web"}
)

func widget(size string, annotations ...string) string {
	return "apiVersion: example.org/v1\nkind: Widget\nmetadata:\n  name: web\n" + manifesttest.Annotated(annotations...) + "spec: {size: " + size + "}\n"
}

// defines makes the definition of Widgets come with the push.
func (w *world) defines() {
	w.Target.Objects = parsed(w.t, widgetDefinition)
	w.pushedWith()
}

// TestObjectsThatComeWithTheirDefinition: a custom resource whose definition is new or
// changes is checked by the new definition, and compared with the running object.
func TestObjectsThatComeWithTheirDefinition(t *testing.T) {
	const apply, get = "apply Widget shop/web", "get Widget shop/web"
	served := func(w *world) { w.api.kinds[widgetKind.GVK] = widgetKind }
	runs := func(w *world) { served(w); w.deployed(widget("1")) }
	for name, test := range map[string]struct {
		change   func(w *world)
		size     string
		want     string
		changes  []string
		problems []string
		fails    bool
	}{
		"the kind is new":                  {func(*world) {}, "2", "created Widget shop/web", nil, nil, false},
		"the kind is new, and it is wrong": {func(*world) {}, "large", "created Widget shop/web", nil, []string{"large"}, false},
		"it is not there":                  {served, "2", "created Widget shop/web", nil, nil, false},
		"it runs":                          {runs, "2", "configured Widget shop/web", []string{"spec.size"}, nil, false},
		"it runs as it is written":         {runs, "1", "unchanged Widget shop/web", nil, nil, false},
		"it runs, and it is wrong":         {runs, "large", "configured Widget shop/web", []string{"spec.size"}, []string{"large"}, false},
		"it runs as another repository's": {
			func(w *world) { served(w); w.deployedBy("blog", "blog", widget("1")) }, "2", "unchanged Widget shop/web", nil, []string{"belongs to app blog"}, false,
		},
		"it runs in another scope": {
			func(w *world) {
				w.api.kinds[widgetKind.GVK] = kube.Kind{GVK: widgetKind.GVK}
			}, "2", "created Widget shop/web", nil, nil, false,
		},
		"it runs in another version": {
			func(w *world) {
				old := widgetKind
				old.GVK.Version = "v1beta1"
				w.api.kinds[old.GVK] = old
				w.deployed(strings.Replace(widget("1"), "/v1", "/v1beta1", 1))
			}, "2", "configured Widget shop/web", []string{"apiVersion", "spec.size"}, nil, false,
		},
		"the old definition refuses it": {
			func(w *world) { runs(w); w.api.refuses[apply] = []error{kubetest.Refused} }, "2", "configured Widget shop/web", []string{"spec.size"}, nil, false,
		},
		"Pushboat may not write it": {
			func(w *world) { runs(w); w.api.refuses[apply] = []error{kubetest.Forbidden(webWidget)} }, "2", "unchanged Widget shop/web", nil, []string{"may not write it"}, false,
		},
		"it cannot be read": {
			func(w *world) { runs(w); w.api.refuses[get] = []error{kubetest.Refused} }, "2", "unchanged Widget shop/web", nil, []string{"refused"}, false,
		},
		"no answer when it is read":  {func(w *world) { runs(w); w.api.refuses[get] = []error{kubetest.Down} }, "2", "", nil, nil, true},
		"no answer when it is tried": {func(w *world) { runs(w); w.api.refuses[apply] = []error{kubetest.Down} }, "2", "", nil, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			test.change(w)
			w.defines()
			objects, problems := w.resolved(widget(test.size))
			wantProblems(t, problems)
			plan, problems, err := w.Plan(t.Context(), objects)
			if test.fails {
				if !errors.Is(err, kubetest.Down) {
					t.Errorf("the error is %v", err)
				}
				return
			}
			wantProblems(t, problems, test.problems...)
			wantTold(t, plan, test.want)
			if got := changed(plan.Steps[0]); !slices.Equal(got, test.changes) {
				t.Errorf("the step changes %q, want %q", got, test.changes)
			}
			if _, runs := w.api.running[webWidget]; runs && len(test.changes) == 0 && len(test.problems) == 0 && plan.Steps[0].Entry.UID == "" && test.want[:9] == "unchanged" {
				t.Error("the step does not have the running object")
			}
			if slices.Contains(w.index.followed, "Widget") {
				t.Error("a kind is followed that may not exist yet")
			}
			if !plan.Steps[0].Defined && name != "it runs as it is written" {
				t.Error("the step does not say that its definition comes with the push")
			}
		})
	}
}

// TestDefinitionOfUnchangedObjects: an unchanged object is checked by the new definition,
// and a hook of this kind is not tried with the old one.
func TestDefinitionOfUnchangedObjects(t *testing.T) {
	w := newWorld(t)
	w.api.kinds[widgetKind.GVK] = widgetKind
	w.deployed(widget("large"))
	w.defines()
	plan, problems := w.planned(widget("large"))
	wantTold(t, plan, "unchanged Widget shop/web")
	wantProblems(t, problems, "large")
	wantAsked(t, w)

	plan, problems = w.planned(widget("large", preSync))
	wantTold(t, plan, "hook Widget shop/web")
	wantProblems(t, problems, "large")
	wantAsked(t, w)
}

// TestWrittenLeavesOutWhatOnlyRuns: most fields that only the running object has are
// defaults, which come back.
func TestWrittenLeavesOutWhatOnlyRuns(t *testing.T) {
	w := newWorld(t)
	written, running := parsed(t, config("a", "2"))[0], parsed(t, config("a", "1")+"  default: x\n")[0]
	changes := w.written(Placed{Object: written}, running.Unstructured)
	if len(changes) != 1 || changes[0].Path != "data.value" {
		t.Errorf("the changes are %v", changes)
	}
}
