package plan

import (
	"cmp"
	"context"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
)

// TestResolve checks which objects get a place on the cluster, and which problems the
// others have.
func TestResolve(t *testing.T) {
	reviews := schema.GroupVersionKind{Group: "authentication.k8s.io", Version: "v1", Kind: "TokenReview"}
	review := "apiVersion: authentication.k8s.io/v1\nkind: TokenReview\nmetadata: {name: r}\n"
	for name, test := range map[string]struct {
		change   func(w *world)
		objects  []string
		want     string // the identities
		problems []string
		hint     string
		kind     string // the kind that the problem is about
	}{
		"without a namespace":       {nil, []string{config("a", "1")}, "ConfigMap shop/a", nil, "", ""},
		"the app names none either": {func(w *world) { w.Target.Spec.Namespace = "" }, []string{config("a", "1")}, "ConfigMap default/a", nil, "", ""},
		"with a namespace":          {nil, []string{named(config("a", "1"), "other")}, "ConfigMap other/a", nil, "", ""},
		"a kind that has none":      {nil, []string{named(namespaceText("a"), "other")}, "Namespace a", nil, "", ""},
		"written twice": {
			nil,
			[]string{config("a", "1"), config("b", "1"), named(config("a", "2"), "shop")},
			"ConfigMap shop/a, ConfigMap shop/b",
			[]string{"is written twice; the first is at app.yaml:1"},
			"remove one of the two", "",
		},
		"written twice, once skipped": {nil, []string{job("a", skip), job("a")}, "Job shop/a, Job shop/a", nil, "", ""},
		"in the server's namespace": {
			nil, []string{named(config("a", "1"), kube.SystemNamespace)}, "", []string{"it is no app's"}, "choose another namespace", "",
		},
		"the server's namespace itself":   {nil, []string{namespaceText(kube.SystemNamespace)}, "", []string{"it is no app's"}, "choose another namespace", ""},
		"an unknown kind":                 {nil, []string{widget("1"), config("a", "1")}, "ConfigMap shop/a", []string{"does not know the kind Widget"}, "explained", "example.org/v1, Kind=Widget"},
		"an unknown kind that is skipped": {nil, []string{widget("1", skip)}, "", nil, "", ""},
		"an unknown kind of an app that is gone": {
			func(w *world) { w.Target.Gone = true }, []string{widget("1")}, "", nil, "", "",
		},
		"a kind whose API is away": {
			func(w *world) { w.API = awayAPI{w.api} }, []string{widget("1")}, "", []string{"does not answer"}, "again", "",
		},
		"a kind whose API is away, of an app that is gone": {
			func(w *world) { w.API = awayAPI{w.api}; w.Target.Gone = true }, []string{widget("1")}, "", []string{"does not answer"}, "again", "",
		},
		"a kind that an unread file may define": {func(w *world) { w.With.Unread = true }, []string{widget("1"), config("a", "1")}, "ConfigMap shop/a", nil, "", ""},
		"a kind that comes with the push":       {(*world).defines, []string{widget("1")}, "Widget shop/web", nil, "", ""},
		"a kind that comes in another version": {
			(*world).defines, []string{strings.Replace(widget("1"), "/v1", "/v2", 1)}, "", []string{"does not know the kind Widget of example.org/v2"}, "", "example.org/v2, Kind=Widget",
		},
		"a kind whose definition is not applied": {
			func(w *world) {
				w.Target.Objects = parsed(w.t, strings.Replace(widgetDefinition, "widgets.example.org}", "widgets.example.org, annotations: {"+frozen+"}}", 1))
				w.pushedWith()
			},
			[]string{widget("1")},
			"",
			[]string{"does not know the kind Widget"},
			"its CustomResourceDefinition at app.yaml:2 is not applied before it", "example.org/v1, Kind=Widget",
		},
		"a kind whose definition is not applied, and whose API is away": {
			func(w *world) {
				w.API = awayAPI{w.api}
				w.Target.Objects = parsed(w.t, strings.Replace(widgetDefinition, "widgets.example.org}", "widgets.example.org, annotations: {"+frozen+"}}", 1))
				w.pushedWith()
			},
			[]string{widget("1")},
			"",
			[]string{"does not answer"},
			"again", "",
		},
		"a kind that cannot be kept": {
			func(w *world) { w.api.kinds[reviews] = kube.Kind{GVK: reviews, Verbs: []string{"create"}} },
			[]string{review},
			"",
			[]string{"a TokenReview cannot be kept: its API does not offer get, list, watch, patch, delete"},
			"remove it from the revision: Pushboat deploys objects that can be read back and watched",
			"authentication.k8s.io/v1, Kind=TokenReview",
		},
		"a kind that cannot be kept, of an app that is gone": {
			func(w *world) {
				w.api.kinds[reviews] = kube.Kind{GVK: reviews, Verbs: []string{"create"}}
				w.Target.Gone = true
			}, []string{review}, "", nil, "", "",
		},
		"the hooks that run when an app goes": {
			func(w *world) { w.Target.LastHooks = parsed(w.t, job("last", "argocd.argoproj.io/hook: PostDelete")) }, nil, "Job shop/last", nil, "", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if test.change != nil {
				test.change(w)
			}
			w.Target.Objects = parsed(t, test.objects...)
			placed, problems := Resolve(t.Context(), w.API, w.Target, w.With, Bounds{})
			var ids []string
			for _, o := range placed {
				ids = append(ids, o.Key.String())
			}
			if got := strings.Join(ids, ", "); got != test.want {
				t.Errorf("the placed objects are %s, want %s", got, test.want)
			}
			wantProblems(t, problems, test.problems...)
			for _, problem := range problems {
				if problem.App != "shop" || problem.Source.Line == 0 || problem.Object == "" || problem.Kind != test.kind || test.hint != "" && hintOf(problem) != test.hint {
					t.Errorf("the problem is %+v", problem)
				}
			}
		})
	}
}

// hintOf returns a problem's hint, or the kind of its remedy.
func hintOf(problem manifest.Problem) string {
	return cmp.Or(problem.Hint, string(problem.Remedy.Kind))
}

// awayAPI has an extension API that does not answer, and cannot explain anything.
type awayAPI struct{ *fakeAPI }

func (c awayAPI) Kind(_ context.Context, gvk schema.GroupVersionKind) (kube.Kind, error) {
	return kube.Kind{}, &kube.UnknownKindError{GVK: gvk, Broken: kubetest.Refused}
}

func (c awayAPI) Explain(context.Context, *manifest.Object, error) manifest.Problems { return nil }

// named sets the namespace of an object.
func named(document, namespace string) string {
	return strings.Replace(document, "metadata:\n", "metadata:\n  namespace: "+namespace+"\n", 1)
}

// TestKindsAreLookedUpOnce: a push may bring thousands of objects of one kind.
func TestKindsAreLookedUpOnce(t *testing.T) {
	w := newWorld(t)
	if w.resolved(config("a", "1"), config("b", "1"), config("c", "1"), job("j")); w.api.looks != 2 {
		t.Errorf("two kinds were looked up %d times", w.api.looks)
	}
}

// TestPlace: a placed object has the app's label. Its digest is that of the object as
// written.
func TestPlace(t *testing.T) {
	w := newWorld(t)
	written := parsed(t, config("a", "1"))[0]
	kind := w.api.kinds[written.GroupVersionKind()]
	placed := Place(w.Target, written, kind)
	if got := placed.GetLabels()[kube.PartOfLabel]; got != SetID("shop") || placed.GetNamespace() != "shop" {
		t.Errorf("placed is %v", placed.Object.Object)
	}
	if len(written.GetLabels()) > 0 || written.GetNamespace() != "" {
		t.Errorf("the object as it is written has become %v", written.Object)
	}
	blog := *w.Target
	blog.Spec.Name = "blog"
	if other := Place(&blog, written, kind); other.Digest != placed.Digest || placed.Digest == "" {
		t.Errorf("the digests are %q and %q", placed.Digest, other.Digest)
	}
	labels := parsed(t, config("a", "1"))[0]
	labels.SetLabels(map[string]string{"x": "y"})
	if got := Place(w.Target, labels, kind).GetLabels(); len(got) != 2 || got["x"] != "y" {
		t.Errorf("the labels are %v", got)
	}
	secret := parsed(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {x: text}\n")[0]
	if fields := Place(w.Target, secret, kind).Object.Object; fields["stringData"] != nil || fields["data"] == nil {
		t.Errorf("the Secret is applied as %v", fields)
	}
	written.Hide("1")
	if got := Place(w.Target, written, kind).Digest; got != "sealed "+placed.Digest {
		t.Errorf("the digest of an object with a hidden value is %q", got)
	}
}

// TestScaledReplicas: the replicas of a workload are left to its autoscaler.
func TestScaledReplicas(t *testing.T) {
	const deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2, paused: false}\n"
	without := strings.Replace(deployment, "replicas: 2, ", "", 1)
	for name, test := range map[string]struct {
		scalers map[manifest.ID]string
		ignore  []appfile.Ignore
		written string
		fields  int // the number of fields of spec that stay
		note    string
	}{
		"nobody scales it":               {nil, nil, deployment, 2, ""},
		"it is scaled":                   {map[manifest.ID]string{webDeployment: "HorizontalPodAutoscaler web"}, nil, deployment, 1, "spec.replicas is left to HorizontalPodAutoscaler web"},
		"it is scaled, and says nothing": {map[manifest.ID]string{webDeployment: "HorizontalPodAutoscaler web"}, nil, without, 1, ""},
		"they are ignored":               {nil, []appfile.Ignore{{Kind: "Deployment", Pointers: []string{"/spec/replicas"}}}, deployment, 1, ""},
	} {
		w := newWorld(t)
		w.Target.Scalers, w.Target.Spec.Ignore = test.scalers, test.ignore
		w.deployed(test.written)
		for _, depth := range []Depth{BySight, ByTrial} {
			w.Depth = depth
			if plan, _ := w.planned(test.written); depth == ByTrial && plan.Steps[0].Note != test.note || len(plan.Steps) == 1 && plan.Steps[0].Note != test.note {
				t.Errorf("%s: the plan is %q", name, told(plan))
			}
		}
		objects, _ := w.resolved(test.written)
		spec := objects[0].Object.Object["spec"].(map[string]any)
		if len(spec) != test.fields || objects[0].Note != test.note {
			t.Errorf("%s: the spec is %v, the note %q", name, spec, objects[0].Note)
		}
		if left := len(objects[0].Ignored.Pointers); left > 0 != (test.scalers != nil || test.ignore != nil) {
			t.Errorf("%s: the fields that are left to others are %q", name, objects[0].Ignored.Pointers)
		}
	}
}

func TestScalersOf(t *testing.T) {
	scaler := func(kind, target string, annotations ...string) string {
		version := map[string]string{"HorizontalPodAutoscaler": "autoscaling/v2", "ScaledObject": "keda.sh/v1alpha1"}[kind]
		if version == "" {
			version = "v1"
		}
		return "apiVersion: " + version + "\nkind: " + kind + "\nmetadata:\n  name: s\n" + manifesttest.Annotated(annotations...) + "spec:\n  scaleTargetRef: " + target + "\n"
	}
	for name, test := range map[string]struct {
		object string
		want   string
	}{
		"a Deployment":              {scaler("HorizontalPodAutoscaler", "{apiVersion: apps/v1, kind: Deployment, name: web}"), "apps/Deployment/shop/web=HorizontalPodAutoscaler s"},
		"one of another kind":       {scaler("HorizontalPodAutoscaler", "{apiVersion: example.org/v1, kind: Widget, name: web}"), "example.org/Widget/shop/web=HorizontalPodAutoscaler s"},
		"KEDA's default":            {scaler("ScaledObject", "{name: web}"), "apps/Deployment/shop/web=ScaledObject s"},
		"another namespace":         {named(scaler("ScaledObject", "{name: web}"), "other"), "apps/Deployment/other/web=ScaledObject s"},
		"an odd version":            {scaler("HorizontalPodAutoscaler", "{apiVersion: a/b/c, kind: Deployment, name: web}"), ""},
		"one that is never applied": {scaler("ScaledObject", "{name: web}", skip), ""},
		"a kind of that name":       {strings.Replace(scaler("HorizontalPodAutoscaler", "{name: web}"), "autoscaling/v2", "example.org/v1", 1), ""},
		"what is no autoscaler":     {scaler("ConfigMap", "{name: web}"), ""},
	} {
		var got string
		for id, scaler := range ScalersOf("shop", parsed(t, test.object)) {
			got += id.Key() + "=" + scaler
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	for id := range ScalersOf("", parsed(t, scaler("ScaledObject", "{name: web}"))) {
		if id.Namespace != "default" {
			t.Errorf("without a namespace, the autoscaler scales %s", id)
		}
	}
}
