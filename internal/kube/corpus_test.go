package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/manifest"
)

var update = flag.Bool("update", false, "rewrite testdata/errors from what the real API server answers")

// A case is testdata/errors/NAME.txtar: the existing objects (live.yaml), the applied
// object (object.yaml), the API server's recorded answer (status.json), and the text
// for the pusher (want). The words NAMESPACE and PORT are filled in. The head may have
// lines "key: value":
//
//	as: limited         as a user with hardly any right
//	force: no           without taking over other managers' fields
//	namespace: missing  in a namespace that does not exist
//	delete: namespace   after the namespace has begun to terminate
//	wait: ...           until live.yaml has taken effect
//	varies: ...         the answer is not the same each time
type errorCase struct {
	name    string
	head    map[string]string
	archive *txtar.Archive
}

func readCases(t *testing.T) []errorCase {
	t.Helper()
	paths, err := filepath.Glob("testdata/errors/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	var cases []errorCase
	for _, path := range paths {
		archive := must[*txtar.Archive](t)(txtar.ParseFile(path))
		c := errorCase{name: strings.TrimSuffix(filepath.Base(path), ".txtar"), head: map[string]string{}, archive: archive}
		for line := range strings.Lines(string(archive.Comment)) {
			if key, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
				c.head[key] = value
			}
		}
		cases = append(cases, c)
	}
	return cases
}

func (tc errorCase) file(name string) []byte {
	for _, f := range tc.archive.Files {
		if f.Name == name {
			return bytes.ReplaceAll(f.Data, []byte("NAMESPACE"), []byte(tc.namespace()))
		}
	}
	return nil
}

func (tc *errorCase) setFile(name string, data []byte) {
	data = bytes.ReplaceAll(data, []byte(tc.namespace()), []byte("NAMESPACE"))
	data = bytes.TrimRight(data, "\n")
	data = append(data, '\n')
	for i, f := range tc.archive.Files {
		if f.Name == name {
			tc.archive.Files[i].Data = data
			return
		}
	}
	tc.archive.Files = append(tc.archive.Files, txtar.File{Name: name, Data: data})
}

func (tc errorCase) namespace() string { return "case-" + tc.name + "-" + run }

func (tc errorCase) objects(t *testing.T, name string) []*manifest.Object {
	t.Helper()
	objects, problems := manifest.Parse(name, tc.file(name))
	if len(problems) > 0 && len(objects) == 0 {
		t.Fatalf("%s: %v", name, problems)
	}
	return objects
}

// recorded returns the recorded error of the API server.
func (tc errorCase) recorded(t *testing.T) error {
	t.Helper()
	var status metav1.Status
	if err := json.Unmarshal(tc.file("status.json"), &status); err != nil {
		t.Fatalf("status.json: %v", err)
	}
	return &apierrors.StatusError{ErrStatus: status}
}

// explained writes problems in the form of the golden files.
func explained(problems manifest.Problems, err error) string {
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintln(&b, p.Error())
		if p.Hint != "" {
			fmt.Fprintln(&b, "hint: "+p.Hint)
		}
		if p.Remedy != (manifest.Remedy{}) {
			fmt.Fprintln(&b, strings.TrimSpace("remedy: "+string(p.Remedy.Kind)+" "+p.Remedy.When))
		}
	}
	if IsImmutable(err) {
		fmt.Fprintln(&b, "immutable")
	}
	return b.String()
}

// TestExplainRecorded explains every recorded answer without a cluster. If the kind's
// schema would add to an explanation, the case has the shorter one in "offline".
func TestExplainRecorded(t *testing.T) {
	for _, c := range readCases(t) {
		t.Run(c.name, func(t *testing.T) {
			want := c.file("offline")
			if want == nil {
				want = c.file("want")
			}
			if got := c.offline(t, c.recorded(t)); got != string(want) {
				t.Errorf("explained as\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func (tc errorCase) offline(t *testing.T, err error) string {
	obj := tc.objects(t, "object.yaml")[0]
	tc.place(obj.Unstructured, true)
	return explained((&Cluster{name: "default"}).Explain(t.Context(), obj, err), err)
}

// place gives a namespaced object its namespace.
func (tc errorCase) place(u *unstructured.Unstructured, namespaced bool) {
	if namespaced && u.GetNamespace() == "" && !clusterScoped[u.GetKind()] {
		namespace := tc.namespace()
		if named := tc.head["namespace"]; named != "" {
			namespace = named
		}
		u.SetNamespace(namespace)
	}
}

var clusterScoped = map[string]bool{
	"CustomResourceDefinition": true, "StorageClass": true, "PriorityClass": true, "Namespace": true,
	"ValidatingAdmissionPolicy": true, "ValidatingAdmissionPolicyBinding": true, "ValidatingWebhookConfiguration": true,
}

// TestExplainReal gets every answer from the real API server, explains it, and compares
// both with the recorded ones.
func TestExplainReal(t *testing.T) {
	c := open(t)
	// Other versions of Kubernetes may use other words.
	recordedHere := strings.HasPrefix(must[string](t)(c.Check(t.Context())), "v1.37.")
	for _, tc := range readCases(t) {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.prepare(t, c)
			obj := tc.objects(t, "object.yaml")[0]
			tc.place(obj.Unstructured, true)
			client := c
			if tc.head["as"] != "" {
				client = as(t, tc.head["as"])
			}
			kind := kindWhenServed(t, c, obj.GroupVersionKind())
			err := tc.apply(t, client, kind, obj)
			if err == nil {
				t.Fatal("the API server accepts it")
			}
			status := statusOf(t, err)
			got := explained(client.Explain(t.Context(), obj, err), err)
			if *update {
				tc.setFile("status.json", status)
				tc.setFile("want", []byte(got))
				if offline := tc.offline(t, err); offline != got {
					tc.setFile("offline", []byte(offline))
				}
				if err := os.WriteFile("testdata/errors/"+tc.name+".txtar", txtar.Format(tc.archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want := tc.file("status.json"); recordedHere && tc.head["varies"] == "" && steady(status) != steady(want) {
				t.Errorf("the API server answers\n%s\nrecorded is\n%s", status, want)
			}
			if want := string(tc.file("want")); got != want {
				t.Errorf("explained as\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// steady removes the parts that differ between runs.
func steady(status []byte) string {
	return regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`).ReplaceAllString(strings.TrimSpace(string(status)), "UID")
}

func statusOf(t *testing.T, err error) []byte {
	t.Helper()
	api := apierrors.APIStatus(nil)
	if !errors.As(err, &api) {
		t.Fatalf("not the API server's answer: %v", err)
	}
	status := api.Status()
	status.TypeMeta, status.ListMeta = metav1.TypeMeta{}, metav1.ListMeta{}
	if status.Details != nil && len(status.Details.Causes) > 1 {
		slices.SortFunc(status.Details.Causes, func(a, b metav1.StatusCause) int { return strings.Compare(a.Field+a.Message, b.Field+b.Message) })
		status.Message = "(see details)" // the details have the same, in any order
	}
	return must[[]byte](t)(json.MarshalIndent(status, "", "  "))
}

// apply repeats the dry-run until live.yaml has taken effect, that is, until the answer is
// not one that only a young namespace gives.
func (tc errorCase) apply(t *testing.T, c *Cluster, kind Kind, obj *manifest.Object) error {
	t.Helper()
	opts := ApplyOptions{DryRun: true}
	if tc.head["force"] == "no" {
		opts.NoForce, opts.Manager = true, "somebody-else"
	}
	var err error
	eventually(t, func() bool {
		_, err = c.Apply(t.Context(), kind, obj.Unstructured, opts)
		young := err == nil || strings.Contains(err.Error(), "error looking up service account") && tc.name != "pod-service-account" ||
			strings.Contains(err.Error(), "status unknown for quota")
		return tc.head["wait"] == "" || !young
	})
	return err
}

// prepare creates the case's namespace and its objects.
func (tc errorCase) prepare(t *testing.T, c *Cluster) {
	t.Helper()
	namespace := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace",
		"metadata": map[string]any{"name": tc.namespace()},
	}}
	must[*unstructured.Unstructured](t)(c.Apply(t.Context(), namespaces, namespace, ApplyOptions{}))
	t.Cleanup(func() { _ = c.Delete(context.Background(), namespaces, "", tc.namespace(), DeleteOptions{}) })
	if data := tc.file("live.yaml"); data != nil {
		for _, obj := range tc.objects(t, "live.yaml") {
			tc.make(t, c, obj)
		}
	}
	if tc.head["delete"] == "namespace" {
		if err := c.Delete(t.Context(), namespaces, "", tc.namespace(), DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

func (tc errorCase) make(t *testing.T, c *Cluster, obj *manifest.Object) {
	t.Helper()
	var kind Kind
	eventually(t, func() (done bool) { // a definition may not be established yet, and a service account may not exist yet
		var err error
		if kind, err = c.Kind(t.Context(), obj.GroupVersionKind()); err != nil {
			return false
		}
		tc.place(obj.Unstructured, kind.Namespaced)
		live, err := c.Apply(t.Context(), kind, obj.Unstructured, ApplyOptions{})
		return err == nil && live.GetDeletionTimestamp() == nil
	})
	t.Cleanup(func() {
		obj.SetFinalizers(nil)
		_, _ = c.Apply(context.Background(), kind, obj.Unstructured, ApplyOptions{})
		_ = c.Delete(context.Background(), kind, obj.GetNamespace(), obj.GetName(), DeleteOptions{})
	})
}

// kindWhenServed looks a kind up, waiting for its definition to be served.
func kindWhenServed(t *testing.T, c *Cluster, gvk schema.GroupVersionKind) Kind {
	t.Helper()
	var kind Kind
	eventually(t, func() bool { // discovery and schemas lag behind the definition's condition
		c.Invalidate()
		var err error
		if kind, err = c.Kind(t.Context(), gvk); err != nil {
			return false
		}
		doc, err := c.schemas.of(t.Context(), gvk.GroupVersion())
		return err == nil && doc.kind(gvk) != nil
	})
	return kind
}
