package kube

import (
	"context"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const webIn = "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  namespace: not-yet\nspec:\n  selector: {app: web}\n  ports:\n    - port: "

func TestRehearse(t *testing.T) {
	c := open(t)
	for name, test := range map[string]struct{ object, want string }{
		"fine":          {webIn + "80", ""},
		"out of range":  {webIn + "70000", "a.yaml:9: Service not-yet/web: spec.ports[0].port: 70000 is not between 1 and 65535"},
		"unknown field": {webIn + "80\n      nodeport: 1", "a.yaml:10: Service not-yet/web: unknown field spec.ports[0].nodeport\nhint: did you mean nodePort?"},
		"both": {webIn + "70000\n      nodeport: 1", "a.yaml:9: Service not-yet/web: spec.ports[0].port: 70000 is not between 1 and 65535\n" +
			"a.yaml:10: Service not-yet/web: unknown field spec.ports[0].nodeport\nhint: did you mean nodePort?"},
		"bad name":                   {strings.Replace(webIn, "name: web", "name: Web", 1) + "80", "a.yaml:4: Service not-yet/Web: metadata.name: \"Web\" is no valid name: it may have lower case letters, digits and -, and begins and ends with a letter or digit"},
		"service account of its own": {"apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: not-yet}\nspec: {serviceAccountName: nobody, containers: [{name: a, image: b}]}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := object(t, test.object)
			before := toYAML(t, o.Unstructured)
			got := strings.TrimSpace(explained(c.Rehearse(t.Context(), kindOf(t, c, o), o), nil))
			if got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
			if after := toYAML(t, o.Unstructured); after != before {
				t.Errorf("the object was changed to\n%s", after)
			}
		})
	}
}

// TestRehearseBesideAnother: an object of the same kind and name in the namespace of the
// rehearsal is not in the way.
func TestRehearseBesideAnother(t *testing.T) {
	c := open(t)
	if err := c.EnsureSystemNamespace(t.Context()); err != nil {
		t.Fatal(err)
	}
	there := object(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: beside, namespace: pushboat-system}\nimmutable: true\ndata: {a: b}")
	kind := kindOf(t, c, there)
	must[*unstructured.Unstructured](t)(c.Apply(t.Context(), kind, there.Unstructured, ApplyOptions{}))
	t.Cleanup(func() { _ = c.Delete(context.Background(), kind, SystemNamespace, "beside", DeleteOptions{}) })
	o := object(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: beside, namespace: not-yet}\ndata: {a: c}")
	fresh := open(t) // this cluster has not chosen its stage yet
	if problems := fresh.Rehearse(t.Context(), kind, o); len(problems) > 0 {
		t.Errorf("%v", problems)
	}
	// The object's problems are still reported, under its own name.
	o = object(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: beside, namespace: not-yet, labels: {a: b c}}\ndata: {a: c}")
	got := explained(fresh.Rehearse(t.Context(), kind, o), nil)
	if !strings.Contains(got, `ConfigMap not-yet/beside: metadata.labels: "b c"`) || strings.Contains(got, "immutable") || strings.Contains(got, rehearsalSuffix) {
		t.Errorf("%s", got)
	}
}

// TestRehearseForbidden: if the account may write nowhere, the problem names the object's
// namespace, not the one of the rehearsal.
func TestRehearseForbidden(t *testing.T) {
	c := as(t, "limited")
	o := object(t, webIn+"80")
	kind := kindOf(t, open(t), o)
	got := explained(c.Rehearse(t.Context(), kind, o), nil)
	if !strings.Contains(got, "Pushboat may not patch services in the namespace not-yet") {
		t.Errorf("%s", got)
	}
}

func TestFreeName(t *testing.T) {
	for name, want := range map[string]string{
		"web":                   "web-9f3a1",
		"web.":                  "web-9f3a1",
		strings.Repeat("a", 63): strings.Repeat("a", 57) + "-9f3a1",
		strings.Repeat("a", 50): strings.Repeat("a", 46) + "-9f3a1",
	} {
		if got := freeName(name); got != want || len(name) > 52 && len(got) > len(name) {
			t.Errorf("%s becomes %s", name, got)
		}
	}
}
