package substitute

import (
	"maps"
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

// Where it is not known which names have a value, a name with a default in the object has that,
// and what is guessed is told.
func TestPostBuildGuessesWhatIsNotRead(t *testing.T) {
	for _, test := range []struct{ data, want, unknown, defaults string }{
		{"${x} ${none}", "1y unknown", "none", ""},
		{"${x:=d} ${none:=d}-${none}", "1y d-", "", "none"},
		{"${none:-${other}}", "unknown", "other", "none"},
		{"${none:-${x}} ${other:=${none:=e}}", "1y e", "", "none other"},
		{"${none/a/b} $${left:=d}", "unknown ${left:=d}", "none", ""},
	} {
		objects, problems := manifest.Parse("a.yaml", []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: '"+test.data+"'}\n"))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		post := &PostBuild{Values: map[string]string{"x": "1y"}, Unread: "unknown"}
		_, problems = Set{Post: post}.Apply(objects)
		if got, _ := objects[0].ValueAt("data.a"); len(problems) > 0 || got != test.want {
			t.Errorf("%s: %q, problems %v", test.data, got, problems)
		}
		var unknown, defaults []string
		for _, name := range slices.Sorted(maps.Keys(post.Guessed)) {
			if post.Guessed[name] {
				defaults = append(defaults, name)
			} else {
				unknown = append(unknown, name)
			}
		}
		if strings.Join(unknown, " ") != test.unknown || strings.Join(defaults, " ") != test.defaults {
			t.Errorf("%s: unknown %v, with a default %v", test.data, unknown, defaults)
		}
	}
	post := &PostBuild{Unread: "unknown"}
	objects, _ := manifest.Parse("a.yaml", []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: 'x', b: '${n:=2}'}\n"))
	if _, problems := (Set{Post: post}).Apply(objects); len(problems) > 0 {
		t.Errorf("a default that is structure: %v", problems)
	}
	if got := withDefaults("${x"); got != nil {
		t.Errorf("%v", got)
	}
}

// TestNamesIn: each name that is replaced is listed once, also in the default of another.
func TestNamesIn(t *testing.T) {
	for text, want := range map[string]string{
		"web.${region}.${zone}-${region}": "region zone", "${a:=${b}}": "b a", "${a/x/y} $b $${c}": "a", "": "", "${": "", "${a": "",
		strings.Repeat("${a}", maxExpressions+1): "",
	} {
		if got := strings.Join(NamesIn(text), " "); got != want {
			t.Errorf("%.40s: %s, want %s", text, got, want)
		}
	}
}
