package kube

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestWebhookDenial makes a real admission webhook refuse an object, in several lines and
// with a warning.
func TestWebhookDenial(t *testing.T) {
	c := open(t)
	ns := newNamespace(t, c, "webhook")
	answer := map[string]any{
		"allowed": false, "warnings": []string{"weekdays are soon full"},
		"status": map[string]any{"message": "\n\nboats only on weekdays\r\n\n  rule-1: it is sunday\n", "code": 403},
	}
	serveWebhook(t, c, ns, answer)
	o := object(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: "+ns+"}")
	kind := kindOf(t, c, o)
	ctx, heard := Listen(t.Context())
	var err error
	eventually(t, func() bool { // the API server needs a moment to notice the webhook
		_, err = c.Apply(ctx, kind, o.Unstructured, ApplyOptions{DryRun: true})
		return err != nil
	})
	want := "a.yaml:1: ConfigMap " + ns + "/a: refused by the admission webhook weekdays.pushboat.example:\n  boats only on weekdays\n    rule-1: it is sunday"
	if got := strings.TrimSpace(explained(c.Explain(t.Context(), o, err), err)); got != want {
		t.Errorf("%v\nis explained as %q", err, got)
	}
	if told := heard.About(o); len(told) != 1 || told[0].Message != "weekdays are soon full" {
		t.Errorf("warnings: %v", told)
	}
}

// serveWebhook installs a webhook for objects that are created in a namespace.
func serveWebhook(t *testing.T, c *Cluster, ns string, answer map[string]any) {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review struct {
			APIVersion, Kind string
			Request          struct{ UID string }
		}
		_ = json.NewDecoder(r.Body).Decode(&review)
		response := maps.Clone(answer)
		response["uid"] = review.Request.UID
		_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": review.APIVersion, "kind": review.Kind, "response": response})
	}))
	t.Cleanup(server.Close)
	bundle := base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	hook := object(t, strings.NewReplacer("HOOK", "denial-"+run, "URL", server.URL, "BUNDLE", bundle, "PLACE", ns).Replace(`
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: HOOK}
webhooks:
  - name: weekdays.pushboat.example
    clientConfig: {url: "URL/", caBundle: BUNDLE}
    admissionReviewVersions: [v1]
    sideEffects: None
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: PLACE}}
    rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]
`))
	hooks := kindOf(t, c, hook)
	must[*unstructured.Unstructured](t)(c.Apply(t.Context(), hooks, hook.Unstructured, ApplyOptions{}))
	t.Cleanup(func() { _ = c.Delete(context.Background(), hooks, "", hook.GetName(), DeleteOptions{}) })
}

// TestGrantTooMuch makes a ServiceAccount write a Role with rights that it does not have.
func TestGrantTooMuch(t *testing.T) {
	c := open(t)
	ns := newNamespace(t, c, "grant")
	for _, text := range []string{
		"apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: roles, namespace: " + ns + "}\nrules: [{apiGroups: [rbac.authorization.k8s.io], resources: [roles], verbs: [get, create, patch]}]",
		"apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: roles, namespace: " + ns + "}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: roles}\nsubjects: [{kind: ServiceAccount, name: clerk, namespace: pushboat-system}]",
	} {
		o := object(t, text)
		must[*unstructured.Unstructured](t)(c.Apply(t.Context(), kindOf(t, c, o), o.Unstructured, ApplyOptions{}))
	}
	o := object(t, "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: all, namespace: "+ns+"}\nrules: [{apiGroups: [''], resources: [secrets], verbs: ['*']}]")
	clerk := as(t, "clerk")
	var got string
	eventually(t, func() bool { // the authorizer needs a moment to notice the binding
		_, err := clerk.Apply(t.Context(), kindOf(t, c, o), o.Unstructured, ApplyOptions{DryRun: true})
		got = explained(clerk.Explain(t.Context(), o, err), err)
		return !strings.Contains(got, "may not patch")
	})
	if !strings.Contains(got, "it grants rights that Pushboat itself does not have:") || !strings.Contains(got, `Resources:["secrets"]`) {
		t.Errorf("%s", got)
	}
}

// BenchmarkApply measures the cost of one small apply to this process. The wall time is the
// API server's.
func BenchmarkApply(b *testing.B) {
	c := open(b)
	o := object(b, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bench-"+run+", namespace: default}\ndata: {k: v}")
	kind := kindOf(b, c, o)
	b.Cleanup(func() { _ = c.Delete(context.Background(), kind, "default", o.GetName(), DeleteOptions{}) })
	before := cpu(b)
	for b.Loop() {
		if _, err := c.Apply(b.Context(), kind, o.Unstructured, ApplyOptions{DryRun: true}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-us/op")
}
