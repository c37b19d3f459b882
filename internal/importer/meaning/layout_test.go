package meaning

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestLayout(t *testing.T) {
	tree := fstest.MapFS{
		"base/kustomization.yaml": {Data: []byte("resources: [app.yaml, more]\n")}, "base/app.yaml": {},
		"base/more/kustomization.yml":        {Data: []byte("bases: [../../loop]\n")},
		"loop/Kustomization":                 {Data: []byte("components: [../base/more, a.yaml]\n")},
		"loop/a.yaml":                        {},
		"overlays/prod/kustomization.yaml":   {Data: []byte("resources: [../../base]\npatches: [{path: p.yaml}]\npatchesStrategicMerge: [q.yaml]\n")},
		"overlays/test/kustomization.yaml":   {Data: []byte("resources: [../../base]\npatchesJson6902: [{path: r.yaml}]\n")},
		"overlays/remote/kustomization.yaml": {Data: []byte("resources: [../../base, https://example.org/install.yaml]\n")},
		"broken/kustomization.yaml":          {Data: []byte("resources: {\n")},
		"strange/kustomization.yaml":         {Data: []byte("resources: text\n")},
		"plain/a.yaml":                       {},
	}
	layout := &Layout{}
	for name, file := range tree {
		layout.Note(&Page{builds: readKustomization(name, file.Data)})
	}
	for file, want := range map[string]bool{"overlays/prod/p.yaml": true, "overlays/prod/q.yaml": true, "overlays/test/r.yaml": true, "base/app.yaml": false} {
		if layout.IsPatch(file) != want {
			t.Errorf("%s is a patch: %t", file, !want)
		}
	}
	for _, test := range []struct {
		folder, file string
		want         bool
	}{
		{"overlays/prod", "base/app.yaml", true},
		{"overlays/prod", "loop/a.yaml", true},
		{"overlays/prod", "plain/a.yaml", false},
		{"plain", "plain/a.yaml", true},
		{"broken", "broken/a.yaml", true},
		{".", "plain/a.yaml", true},
	} {
		if got := layout.Readers([]Start{{test.folder, "x"}}).Reach(test.file).Other(""); got != test.want {
			t.Errorf("%s is built from %s: %t", test.folder, test.file, got)
		}
		if got := layout.Reads([]string{test.file})(test.folder).Other(""); got != test.want {
			t.Errorf("%s reads %s: %t", test.folder, test.file, got)
		}
	}
	for file, want := range map[string][]string{
		"base/app.yaml": {"overlays/prod", "overlays/test"}, "loop/a.yaml": {"overlays/prod", "overlays/test"}, "plain/a.yaml": nil,
	} {
		if got, err := layout.Tops(tree, file); err != nil || !slices.Equal(got, want) {
			t.Errorf("above %s are %q, want %q; %v", file, got, want, err)
		}
	}
}

func TestBelow(t *testing.T) {
	for _, test := range []struct{ folder, file, want string }{{".", "a/b", "a/b"}, {"x/y", "x/y/a", "a"}, {"x", "xy/a", "xy/a"}} {
		if got := Below(test.folder, test.file); got != test.want {
			t.Errorf("%s below %s: %s", test.file, test.folder, got)
		}
	}
}

func TestSeveral(t *testing.T) {
	for names, want := range map[string]string{"a": "a", "a b": "a, b", "a b c d e f": "a, b, c, d, e, f", "a b c d e f g h": "a, b, c, d, e, f and 2 more"} {
		if got := Several(strings.Fields(names)); got != want {
			t.Errorf("%s: %s", names, got)
		}
	}
}

func TestNameOf(t *testing.T) {
	long := strings.Repeat("a", 43)
	for object, want := range map[string]string{"shop": "shop", "Big.One": "big-one", long + "-bbbbbbbbbbbbbb": long + "-" + HashOf(long+"-bbbbbbbbbbbbbb")} {
		if got := string(NameOf(object)); got != want || len(got) > 53 {
			t.Errorf("%s: %s, want %s", object, got, want)
		}
	}
	if NameOf(long+"-bbbbbbbbbbbbbb") == NameOf(long+"-bbbbbbbbbbbbbc") {
		t.Error("two objects have one name")
	}
}
