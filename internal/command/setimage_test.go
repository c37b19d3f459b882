package command

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/amend"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
)

// deployment is an object with containers, as NAME=IMAGE.
func deployment(t *testing.T, name string, containers ...string) *manifest.Object {
	t.Helper()
	var list []string
	for _, c := range containers {
		n, image, _ := strings.Cut(c, "=")
		list = append(list, "{name: "+n+", image: '"+image+"'}")
	}
	u := &unstructured.Unstructured{}
	text := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name + "}\nspec: {template: {spec: {containers: [" + strings.Join(list, ", ") + "]}}}\n"
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatal(err)
	}
	return &manifest.Object{Unstructured: u}
}

func TestWishesAreRead(t *testing.T) {
	wishes, err := parseWishes([]string{"r.example/web:1", "app=web:2", "deploy/web:app=web@sha256:" + strings.Repeat("a", 64)})
	if err != nil || len(wishes) != 3 || wishes[1].container != "app" || wishes[2].object != "deploy/web" || wishes[2].container != "app" {
		t.Errorf("got %+v, %v", wishes, err)
	}
	for _, words := range [][]string{{"web"}, {"=web:1"}, {"app="}, {"a=web:1", "a=web:2"}, {"Web:1"}, {"web:1 2"}, slices.Repeat([]string{"web:1"}, maxImages+1)} {
		if got, err := parseWishes(words); err == nil {
			t.Errorf("%.60q gives %+v", words, got)
		}
	}
}

func TestContainersAreChosen(t *testing.T) {
	web, job := deployment(t, "web", "app=r/web:1", "tool=r/tool:1"), deployment(t, "job", "app=r/job:1", "web=r/web:1")
	canary := deployment(t, "canary", "app=r/web:2")
	for name, c := range map[string]struct {
		objects []*manifest.Object
		word    string
		want    string // the containers, or a part of the error
	}{
		"by repository":          {[]*manifest.Object{web, job}, "r/web:3", "web:app job:web"},
		"the only image":         {[]*manifest.Object{deployment(t, "one", "a=x:1", "b=x:1")}, "r/web:3", "one:a one:b"},
		"by container":           {[]*manifest.Object{web}, "tool=r/web:3", "web:tool"},
		"by object":              {[]*manifest.Object{web, job}, "Deployment/job:app=r/web:3", "job:app"},
		"two of one name":        {[]*manifest.Object{web, job}, "app=r/web:3", "could be for several containers"},
		"two of the repository":  {[]*manifest.Object{web, canary}, "r/web:3", "could be for several containers"},
		"none of the repository": {[]*manifest.Object{web}, "r/other:3", "could be for several containers"},
		"no such container":      {[]*manifest.Object{web}, "nobody=r/web:3", "no container nobody was found"},
		"no containers":          {nil, "r/web:3", "the app has no containers"},
	} {
		wishes, err := parseWishes([]string{c.word})
		if err != nil {
			t.Fatal(err)
		}
		is := func(o *manifest.Object) bool {
			return wishes[0].object == "" || strings.HasSuffix(wishes[0].object, "/"+o.GetName())
		}
		found, err := choose(containersOf(c.objects), wishes[0], is)
		var got []string
		for _, one := range found {
			got = append(got, one.object.GetName()+":"+one.name)
		}
		if text := strings.Join(got, " "); err == nil && text != c.want || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %s, %v", name, text, err)
		}
	}
	offers := new(call).offers(deploy.Status{App: "shop"}, containersOf([]*manifest.Object{web, job}), imageWish{image: amend.Split("r/web:3")})
	if want := "ssh HOST set-image shop Deployment/web:app=r/web:3\nssh HOST set-image shop tool=r/web:3\n"; !strings.HasPrefix(offers, want) {
		t.Errorf("the offers are %s", offers)
	}
}

func TestValuesOfSet(t *testing.T) {
	for text, ok := range map[string]bool{"3": true, "a b": true, "": true, "a\nb": false, "\x1b[31m": false, "\xff": false, strings.Repeat("a", amend.MaxValue+1): false} {
		if err := checkValue(text); (err == nil) != ok {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	if got := clipped(strings.Repeat("ä", 200)); len([]rune(got)) != maxSubjectLine {
		t.Errorf("the subject has %d characters", len([]rune(got)))
	}
}
