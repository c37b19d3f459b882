package health

import (
	"os"
	"path/filepath"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// example is an object from its project's documentation, and the verdict on it.
type example struct {
	Want   string         `json:"want"`
	Object map[string]any `json:"object"`
}

// TestLibrary judges the examples of testdata/library. Each expression that decides a
// verdict needs an example, and each entry needs one that is in progress.
func TestLibrary(t *testing.T) {
	shown := map[*shipped]map[Status]bool{}
	files, err := filepath.Glob("testdata/library/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no examples", err)
	}
	for _, file := range files {
		for _, e := range examples(t, file) {
			u := &unstructured.Unstructured{Object: e.Object}
			h := Of(u)
			if h.String() != e.Want {
				t.Errorf("%s: %s: got %q, want %q", file, u.GetKind(), h, e.Want)
			}
			entry := choose(u.GroupVersionKind().GroupKind())
			if entry == nil {
				t.Errorf("%s: no entry is about %s", file, u.GroupVersionKind().GroupKind())
				continue
			}
			if shown[entry] == nil {
				shown[entry] = map[Status]bool{}
			}
			shown[entry][h.Status] = true
		}
	}
	entries, err := library()
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		for status, needed := range map[Status]bool{
			Suspended:   entry.Suspended != "",
			Progressing: entry.InProgress != "" || entry.Current != "true",
			Failed:      entry.Failed != "",
			Healthy:     true,
		} {
			if needed && !shown[entry][status] {
				t.Errorf("testdata/library has no %v of group %s that is %s", entry.Kinds, entry.Group, status)
			}
		}
	}
}

func examples(t *testing.T, file string) []example {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []example
	if err := yaml.UnmarshalStrict(data, &list); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	for i := range list { // numbers in the form that a cluster's objects have
		u := &unstructured.Unstructured{Object: list[i].Object}
		text, err := u.MarshalJSON()
		if err != nil || u.UnmarshalJSON(text) != nil {
			t.Fatalf("%s: example %d: %v", file, i, err)
		}
		list[i].Object = u.Object
	}
	return list
}

// TestLibraryIsSound compiles every entry, and looks for kinds that two entries cover.
func TestLibraryIsSound(t *testing.T) {
	entries, err := library()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[schema.GroupKind]bool{}
	for _, entry := range entries {
		if _, problems := NewCompiler().Compile([]Rule{entry.Rule}); len(problems) > 0 {
			t.Errorf("%s %v: %+v", entry.Group, entry.Kinds, problems)
		}
		if entry.Group == "" || entry.Kind != "" || len(entry.Kinds) == 0 || entry.Current == "" {
			t.Errorf("%+v has no group, kinds or current", entry.Rule)
		}
		for _, kind := range entry.Kinds {
			gk := schema.GroupKind{Group: entry.Group, Kind: kind}
			if seen[gk] {
				t.Errorf("two entries are about %s", gk)
			}
			seen[gk] = true
			if _, judged := table[gk]; judged || plain[gk] {
				t.Errorf("%s is a built-in kind", gk)
			}
		}
	}
}

func TestLibraryChoosesTheClosest(t *testing.T) {
	for gk, want := range map[schema.GroupKind]string{
		{Group: "pkg.crossplane.io", Kind: "Provider"}:         "pkg.crossplane.io",
		{Group: "s3.aws.upbound.io", Kind: "Bucket"}:           "*.upbound.io",
		{Group: "notupbound.io", Kind: "Bucket"}:               "",
		{Group: "cert-manager.io", Kind: "Other"}:              "",
		{Group: "networking.istio.io", Kind: "VirtualService"}: "networking.istio.io",
	} {
		got := ""
		if entry := choose(gk); entry != nil {
			got = entry.Group
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", gk, got, want)
		}
	}
}
