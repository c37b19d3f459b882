package appfile

import (
	"fmt"
	"strings"
	"testing"
)

func TestNamesOfFolders(t *testing.T) {
	for _, test := range []struct{ name, file, want string }{
		{
			"each app of a glob has a namespace of its own",
			"apps:\n- {path: 'apps/*', namespace: '${name}', createNamespace: true}\n",
			"blog in blog from apps/blog; shop in shop from apps/shop",
		},
		{
			"as a part of text, in several fields, and also in a name",
			"apps:\n- {name: 'x-${name}', path: 'apps/*', namespace: 'team-${name}', helm: {releaseName: '${name}'}}\n",
			"x-blog in team-blog from apps/blog; x-shop in team-shop from apps/shop",
		},
		{
			"of one folder",
			"apps:\n- {path: apps/shop, namespace: '${name}'}\n",
			"shop in shop from apps/shop",
		},
		{
			"the names of a matrix win",
			"apps:\n- {name: 'a-${name}', path: apps/shop, matrix: {name: [x, y]}, namespace: '${name}'}\n",
			"a-x in x from apps/shop; a-y in y from apps/shop",
		},
	} {
		var got []string
		for _, app := range mustParse(t, test.file) {
			got = append(got, fmt.Sprintf("%s in %s from %s", app.Name, app.Namespace, app.Path))
		}
		if is := strings.Join(got, "; "); is != test.want {
			t.Errorf("%s:\n  %s, want\n  %s", test.name, is, test.want)
		}
	}
}

// TestOneMistakeIsToldOnce: problems that follow from a mistake are not reported besides
// the mistake.
func TestOneMistakeIsToldOnce(t *testing.T) {
	for _, test := range []struct{ name, file, want string }{
		{
			"dependsOn of an app with a wrong path",
			"apps:\n- {path: apps/nowhere}\n- {path: apps/shop, dependsOn: [nowhere]}\n",
			"pushboat.yaml:2: path: there is no folder apps/nowhere in this revision | folders there are apps/blog, apps/shop\n",
		},
		{
			"dependsOn of apps of a glob that matches nothing",
			"apps:\n- {path: 'none/*'}\n- {path: apps/shop, dependsOn: [web]}\n",
			"pushboat.yaml:2: path: no folder matches none/* | write the path from the repository's root\n",
		},
		{
			"two folders of one name",
			"apps:\n- {path: '*/*/same'}\n",
			"pushboat.yaml:2: the folders apps/a/same and apps/b/same both make an app that is called same | write an entry with a path and a name for each of them\n",
		},
		{
			"a namespace that the folder's name cannot be",
			"apps:\n- {path: 'odd/*', namespace: '${name}'}\n",
			"pushboat.yaml:2: namespace: \"Has_Capitals\" is not made of lower-case letters, digits and inner hyphens\n",
		},
	} {
		fsys := revision(test.file, "apps/a/same/x.yaml", "apps/b/same/x.yaml", "odd/Has_Capitals/x.yaml")
		if test.name != "two folders of one name" {
			delete(fsys, "apps/a/same/x.yaml")
			delete(fsys, "apps/b/same/x.yaml")
		}
		_, problems := parseAll(fsys, "site")
		if got := told(problems); got != test.want {
			t.Errorf("%s:\n%swant\n%s", test.name, got, test.want)
		}
	}
}
