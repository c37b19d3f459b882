package substitute

import (
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
)

func TestPostBuild(t *testing.T) {
	object := func(data string) *manifest.Object {
		objects, problems := manifest.Parse("a.yaml", []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: '"+data+"'}\n"))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return objects[0]
	}
	for _, test := range []struct{ data, want, wrong string }{
		{"${x}", "1y", ""},
		{"${none}", "", ""},
		{"${none:=d} ${none:-e} ${x:=f}", "d e 1y", ""},
		{"$${x} $x", "${x} $x", ""},
		{"${x^^}", "1Y", ""},
		{"${x/1/2}", "2y", ""},
		{"${hidden}", "hunter22", ""},
		{"${x", "", "replace names"},
		{"${a-b-c", "", "replace names"},
		{strings.Repeat("${x}", maxExpressions+1), "", "more than"},
	} {
		post := &PostBuild{Values: map[string]string{"x": "1y", "hidden": "hunter22"}, Secret: map[string]bool{"hidden": true}, Labels: map[string]string{"l": "m"}, Annotations: map[string]string{"n": "o"}}
		o := object(test.data)
		objects, problems := Set{Post: post}.Apply([]*manifest.Object{o})
		if test.wrong != "" {
			if len(objects) > 0 || !strings.Contains(problems.Error(), test.wrong) {
				t.Errorf("%.40s: %d objects, problems %v", test.data, len(objects), problems)
			}
			continue
		}
		got, _ := o.ValueAt("data.a")
		if got == nil {
			got = ""
		}
		if len(problems) > 0 || got != test.want || o.GetLabels()["l"] != "m" || o.GetAnnotations()["n"] != "o" {
			t.Errorf("%s: %q, labels %v, problems %v", test.data, got, o.GetLabels(), problems)
		}
		if hides := len(o.Hidden()) > 0; hides != strings.Contains(test.data, "hidden") {
			t.Errorf("%s: hides %v", test.data, o.Hidden())
		}
	}
}

func TestPostBuildLeavesOthersAlone(t *testing.T) {
	objects, _ := manifest.Parse("a.yaml", []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}}\ndata: {a: '${x}'}\n"))
	set := Set{Post: &PostBuild{Values: map[string]string{"x": "y"}}}
	if _, problems := set.Apply(objects); len(problems) > 0 {
		t.Fatal(problems)
	}
	if got, _ := objects[0].ValueAt("data.a"); got != "${x}" {
		t.Errorf("%v", got)
	}
}

// What a function has made of a value of a Secret is concealed, and a name must not be made
// of one.
func TestPostBuildConcealsWhatIsMadeOfSecrets(t *testing.T) {
	set := Set{Post: &PostBuild{Values: map[string]string{"hidden": "hunter22", "open": "shop"}, Secret: map[string]bool{"hidden": true}}}
	parse := func(name, data string) []*manifest.Object {
		objects, problems := manifest.Parse("a.yaml", []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '"+name+"'}\ndata: {a: '"+data+"', b: '${open}'}\n"))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return objects
	}
	for _, data := range []string{"${hidden}", "${hidden^^}", "${hidden:0:3}", "${hidden/hunter/}", "x${hidden}y"} {
		objects, problems := set.Apply(parse("a", data))
		if len(problems) > 0 || len(objects) != 1 || !slices.Equal(objects[0].Concealed(), []string{"/data/a"}) {
			t.Errorf("%s: %v, problems %v", data, objects, problems)
		}
	}
	o := parse("a", "x")[0]
	o.SetName("${hidden}")
	if objects, problems := set.Apply([]*manifest.Object{o}); len(objects) > 0 || !strings.Contains(problems.Error(), "is made of a value of a Secret") || strings.Contains(problems.Error(), "hunter") {
		t.Errorf("%d objects, problems %v", len(objects), problems)
	}
}
