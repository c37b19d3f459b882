package unions

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// finder finds the choices of all built-in kinds of a cluster.
type finder struct {
	t         *testing.T
	namespace string
	client    dynamic.Interface
	rest      rest.Interface
	served    map[string]metav1.APIResource // by kind

	mu     sync.Mutex
	tried  int
	bodies map[string]*document // by group and version
}

func newFinder(t *testing.T, config *rest.Config, namespace string) *finder {
	t.Helper()
	config = rest.CopyConfig(config)
	config.WarningHandler = rest.NoWarnings{}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	found, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	f := &finder{
		t: t, namespace: namespace, client: client, rest: found.RESTClient(),
		served: map[string]metav1.APIResource{}, bodies: map[string]*document{},
	}
	lists, err := found.ServerPreferredResources()
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list.APIResources {
			if slices.Contains(r.Verbs, "create") && slices.Contains(r.Verbs, "patch") && !strings.Contains(r.Name, "/") {
				r.Group, r.Version = gv.Group, gv.Version
				f.served[r.Kind] = r
			}
		}
	}
	return f
}

// covered fails for a kind that is neither in bases nor in untried: a new version of
// Kubernetes has added it.
func (f *finder) covered() {
	f.t.Helper()
	for kind, r := range f.served {
		_, tried := bases[kind]
		if _, left := untried[kind]; !tried && !left && !strings.HasSuffix(r.Group, ".example.org") {
			f.t.Errorf("%s of %s/%s is neither in bases nor in untried", kind, r.Group, r.Version)
		}
	}
}

// find walks the schemas of all kinds, and returns their choices in order.
func (f *finder) find() []choice {
	f.t.Helper()
	kinds := slices.Sorted(maps.Keys(bases))
	found := make([][]choice, len(kinds))
	group, ctx := errgroup.WithContext(f.t.Context())
	group.SetLimit(8)
	for i, kind := range kinds {
		group.Go(func() (err error) {
			found[i], err = f.choices(ctx, kind)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		f.t.Fatal(err)
	}
	return once(slices.Concat(found...))
}

// once removes choices that another kind has from the same definition.
func once(all []choice) []choice {
	type key struct{ definition, from, to string }
	first := map[key]choice{}
	return slices.DeleteFunc(all, func(c choice) bool {
		k := key{c.definition, c.from, c.to}
		if c.definition == "" {
			return false
		}
		if _, known := first[k]; !known {
			first[k] = c
			return false
		}
		return first[k].kind != c.kind || first[k].path != c.path
	})
}

// choices walks one kind.
func (f *finder) choices(ctx context.Context, kind string) ([]choice, error) {
	base, err := baseOf(kind)
	if err != nil {
		return nil, err
	}
	gvk := schema.FromAPIVersionAndKind(base["apiVersion"].(string), kind)
	doc, err := f.document(ctx, gvk.GroupVersion())
	if err != nil {
		return nil, err
	}
	root := doc.kind(gvk)
	if root == nil {
		return nil, fmt.Errorf("%s has no schema", gvk)
	}
	if _, err := f.create(ctx, base, "base"); err != nil {
		return nil, fmt.Errorf("the base of %s: %w", kind, err)
	}
	w := &walker{doc: doc, kind: kind, known: map[string]any{}, taken: func(object map[string]any) bool {
		_, err := f.create(ctx, object, "try")
		return err == nil
	}}
	whole := place{put: func(value map[string]any) map[string]any { return value }}
	w.walk(whole, root, base, maxDepth)
	return w.found, nil
}

func (f *finder) document(ctx context.Context, gv schema.GroupVersion) (*document, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if doc := f.bodies[gv.String()]; doc != nil {
		return doc, nil
	}
	doc, err := readDocument(ctx, f.rest, gv)
	f.bodies[gv.String()] = doc
	return doc, err
}

// baseOf reads the base of a kind.
func baseOf(kind string) (map[string]any, error) {
	text := bases[kind]
	for range 2 { // parts may contain parts
		for name, part := range parts {
			text = strings.ReplaceAll(text, name, part)
		}
	}
	base := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &base); err != nil {
		return nil, fmt.Errorf("the base of %s: %w", kind, err)
	}
	return base, nil
}

// create has the API server create an object in a dry-run, and returns the result.
func (f *finder) create(ctx context.Context, fields map[string]any, name string) (*unstructured.Unstructured, error) {
	f.mu.Lock()
	f.tried++
	f.mu.Unlock()
	return f.of(fields["kind"].(string)).Create(ctx, f.named(fields, name),
		metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict})
}

// named copies an object, and sets its name and namespace.
func (f *finder) named(fields map[string]any, name string) *unstructured.Unstructured {
	u := (&unstructured.Unstructured{Object: maps.Clone(fields)})
	metadata := map[string]any{"name": name}
	if f.served[u.GetKind()].Namespaced {
		metadata["namespace"] = f.namespace
	}
	u.Object["metadata"] = metadata
	return u.DeepCopy()
}

// of is a client for a kind.
func (f *finder) of(kind string) dynamic.ResourceInterface {
	r := f.served[kind]
	client := f.client.Resource(schema.GroupVersionResource{Group: r.Group, Version: r.Version, Resource: r.Name})
	if r.Namespaced {
		return client.Namespace(f.namespace)
	}
	return client
}
