package appfile

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"
)

// fleet are clusters with labels.
var fleet = Clusters{
	"default": nil,
	"oslo":    {"region": "north", "tier": "gold"},
	"paris":   {"region": "eu", "tier": "gold", "example.org/zone": "1"},
	"rome":    {"region": "eu"},
}

// made lists apps as NAME@CLUSTER PATH NAMESPACE.
func made(apps []App) string {
	var lines []string
	for _, app := range apps {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s@%s %s %s", app.Name, app.Cluster, app.Path, app.Namespace)))
	}
	return strings.Join(lines, ", ")
}

func TestClustersMakeApps(t *testing.T) {
	const eu = "clusters: {matchLabels: {region: eu}}"
	for _, test := range []struct{ about, file, want string }{
		{"by a label", "apps:\n- path: apps/shop\n  " + eu, "shop-paris@paris apps/shop, shop-rome@rome apps/shop"},
		{"with a name", "apps:\n- name: web\n  path: apps/shop\n  " + eu, "web-paris@paris apps/shop, web-rome@rome apps/shop"},
		{"with a name that has the cluster", "apps:\n- name: ${cluster}-web\n  path: apps/shop\n  " + eu, "paris-web@paris apps/shop, rome-web@rome apps/shop"},
		{"at the root", "apps:\n- " + eu, "site-paris@paris ., site-rome@rome ."},
		{"by an expression", "apps:\n- path: apps/shop\n  clusters: {matchExpressions: [{key: region, operator: NotIn, values: [eu]}, {key: tier, operator: Exists}]}", "shop-oslo@oslo apps/shop"},
		{"all", "apps:\n- path: apps/shop\n  clusters: {matchLabels: {}}", "shop-default@default apps/shop, shop-oslo@oslo apps/shop, shop-paris@paris apps/shop, shop-rome@rome apps/shop"},
		{"with a label in a field", "apps:\n- path: apps/shop\n  namespace: ${cluster}-${cluster.labels.example.org/zone}\n  clusters: {matchLabels: {example.org/zone: 1}}", "shop-paris@paris apps/shop paris-1"},
		{"of each folder", "apps:\n- path: apps/*\n  namespace: ${name}\n  " + eu, "blog-paris@paris apps/blog blog, blog-rome@rome apps/blog blog, shop-paris@paris apps/shop shop, shop-rome@rome apps/shop shop"},
		{"of each folder, without its name", "apps:\n- path: apps/s*\n  " + eu, "shop-paris@paris apps/shop, shop-rome@rome apps/shop"},
		{"with a matrix", "apps:\n- name: shop-${size}\n  path: apps/shop\n  namespace: ${size}\n  matrix: {size: [s, l]}\n  clusters: {matchLabels: {tier: gold, region: eu}}", "shop-s-paris@paris apps/shop s, shop-l-paris@paris apps/shop l"},
		{"by the matrix", "apps:\n- path: apps/shop\n  name: ${region}-${cluster}\n  matrix: {region: [eu, north]}\n  clusters: {matchLabels: {region: '${region}'}}", "eu-paris@paris apps/shop, eu-rome@rome apps/shop, north-oslo@oslo apps/shop"},
		{"none", "apps:\n- path: apps/shop\n  clusters: {matchLabels: {region: asia}}", ""},
		{"none, with a label in its name", "apps:\n- name: ${cluster.labels.region}-shop\n  path: apps/shop\n  clusters: {matchLabels: {region: asia}}", ""},
		{"dependencies on the same cluster", "apps:\n- path: apps/shop\n  dependsOn: ['blog-${cluster}']\n  " + eu + "\n- path: apps/blog\n  clusters: {matchLabels: {}}", "shop-paris@paris apps/shop, shop-rome@rome apps/shop, blog-default@default apps/blog, blog-oslo@oslo apps/blog, blog-paris@paris apps/blog, blog-rome@rome apps/blog"},
	} {
		file, problems := Read(revision(test.file), Place{Repo: "team/site", Main: "main", Clusters: fleet})
		if got := made(file.Apps); got != test.want || len(problems) > 0 {
			t.Errorf("%s: made %s\n%s", test.about, got, told(problems))
		}
	}
}

func TestWrongClusters(t *testing.T) {
	for _, test := range []struct{ about, file, want string }{
		{"none said", "apps:\n- clusters: {}\n", "clusters selects none"},
		{"a list", "apps:\n- clusters: [eu]\n", "clusters is a list"},
		{"an unknown field", "apps:\n- clusters: {labels: {a: b}}\n", "labels"},
		{"a wrong value", "apps:\n- clusters: {matchLabels: {region: 'e u'}}\n", "clusters: values[0][region]: Invalid value"},
		{"a wrong operator", "apps:\n- clusters: {matchExpressions: [{key: a, operator: Is}]}\n", "operator"},
		{"no operator", "apps:\n- clusters: {matchExpressions: [{key: a}]}\n", "has no operator"},
		{"values of Exists", "apps:\n- clusters: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}\n", "clusters: "},
		{"both", "apps:\n- cluster: paris\n  clusters: {matchLabels: {region: eu}}\n", "cluster and clusters are both given"},
		{"a branch by cluster", "apps:\n- branch: to-${cluster}\n  clusters: {matchLabels: {region: eu}}\n", "branch: it cannot depend on the cluster"},
		{"a branch by label", "apps:\n- branch: to-${cluster.labels.region}\n  clusters: {matchLabels: {region: eu}}\n", "branch: it cannot depend on the cluster"},
		{"a label that one lacks", "apps:\n- path: apps/shop\n  namespace: ${cluster.labels.tier}\n  clusters: {matchLabels: {region: eu}}\n", "${cluster.labels.tier} stands in the entry, and cluster rome has no such label"},
		{"an axis of the name", "apps:\n- name: a-${cluster}\n  matrix: {cluster: [a]}\n  clusters: {matchLabels: {region: eu}}\n", "the name cluster is that of clusters"},
		{"a long name", "apps:\n- name: " + strings.Repeat("a", 50) + "\n  path: apps/shop\n  clusters: {matchLabels: {region: eu}}\n", "the app of cluster paris would be called"},
		{"two that match one", "apps:\n- name: a\n  path: apps/shop\n  clusters: {matchLabels: {region: eu}}\n- name: b\n  path: apps/shop\n  clusters: {matchLabels: {tier: gold}}\n", "both deploy apps/shop to the same cluster and namespace"},
		{"a name of another", "apps:\n- name: shop-paris\n  path: apps/blog\n- path: apps/shop\n  clusters: {matchLabels: {region: eu}}\n", "the name shop-paris is taken by the app on line 2"},
		{"one name for all", "apps:\n- name: shop-${cluster.labels.region}\n  path: apps/shop\n  clusters: {matchLabels: {region: eu}}\n", "several apps that are called shop-eu"},
		{"no folder, and no cluster that matches", "apps:\n- path: apps/none\n  drift: never\n  clusters: {matchLabels: {region: asia}}\n", "drift"},
		{"a glob without folders", "apps:\n- path: more/*\n  clusters: {matchLabels: {region: eu}}\n", "no folder matches more/*"},
	} {
		file, problems := Read(revision(test.file), Place{Repo: "team/site", Main: "main", Clusters: fleet})
		if !strings.Contains(told(problems), test.want) || len(file.Apps) > 0 {
			t.Errorf("%s: want %q, got\n%s", test.about, test.want, told(problems))
		}
	}
}

func TestSelectionsAreKnown(t *testing.T) {
	const file = "apps:\n- path: apps/shop\n  clusters: {matchLabels: {region: eu}}\n- path: apps/blog\n  branch: next\n  clusters: {matchLabels: {region: asia}}\n"
	all, problems := Read(revision(file), Place{Repo: "site", Main: "main", Clusters: fleet})
	if len(problems) > 0 || len(all.Selections) != 2 || strings.Join(all.Selections[0].Matches, " ") != "paris rome" ||
		all.Selections[0].Selector != "region=eu" || all.Selections[1].Matches != nil || all.Selections[1].Source.Line != 4 {
		t.Errorf("%+v\n%s", all.Selections, told(problems))
	}
	next, _ := Read(revision(file), Place{Repo: "site", Branch: "next", Main: "main", Clusters: fleet})
	if len(next.Apps) > 0 || len(next.Selections) != 1 || next.Selections[0].Branch != "next" {
		t.Errorf("of branch next: %+v", next)
	}
	if branches, _ := Branches(revision(file), "site", "main"); fmt.Sprint(branches) != "[main next]" {
		t.Errorf("it is deployed from %v", branches)
	}
	broken, problems := Read(revision(strings.Replace(file, "path: apps/blog", "path: apps/none", 1)+"- name: shop-paris\n  path: apps/shop\n"), Place{Repo: "site", Main: "main", Clusters: fleet})
	if len(problems) == 0 || len(broken.Apps) > 0 || len(broken.Selections) != 2 {
		t.Errorf("of a file with problems: %+v", broken)
	}
}

// TestAnnotationsBesideLabels: no selector finds an annotation.
func TestAnnotationsBesideLabels(t *testing.T) {
	both := Annotated(map[string]string{"region": "eu"}, map[string]string{"team": "web"})
	labels, annotations := Apart(both)
	if !reflect.DeepEqual(labels, map[string]string{"region": "eu"}) || !reflect.DeepEqual(annotations, map[string]string{"team": "web"}) {
		t.Errorf("%v, %v", labels, annotations)
	}
	if labels, annotations := Apart(Annotated(nil, map[string]string{"team": "web"})); len(labels) > 0 || annotations["team"] != "web" {
		t.Errorf("%v, %v", labels, annotations)
	}
	if labels, annotations := Apart(nil); labels == nil || annotations == nil {
		t.Error("nothing is nil")
	}
	for key := range both {
		if key != "region" && len(validation.IsQualifiedName(key)) == 0 {
			t.Errorf("%q may be a label", key)
		}
	}
}
