package web

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
)

// nodes makes objects of a kind, with a health.
func nodes(kind, health string, from, to int) []deploy.Node {
	var list []deploy.Node
	for i := from; i < to; i++ {
		id := manifest.ID{Group: "apps", Kind: kind, Namespace: "shop", Name: fmt.Sprint("n", i)}
		list = append(list, deploy.Node{ID: id, Object: id.String(), Health: health})
	}
	return list
}

// TestTreeIsGrouped: few objects of a kind are shown as they are; of many, those that are not
// well are open and have what is below them, and the others are folded.
func TestTreeIsGrouped(t *testing.T) {
	many := append(nodes("Deployment", "healthy", 0, 998), nodes("Deployment", "failing", 998, 1000)...)
	many[3].Drifted = true
	many[4].Children = nodes("ReplicaSet", "healthy", 0, 1)
	many[5].Children = nodes("ReplicaSet", "progressing", 0, 1)
	many[6].Children = []deploy.Node{{Health: "failing", Old: true}}
	few := append(nodes("Service", "healthy", 0, 4), nodes("Service", "missing", 4, 5)...)
	for _, test := range []struct {
		all  bool
		want string
	}{
		{false, "Deployment: 1000, 4 not well, folded, 4 loud with 1 below, 150 calm with 0 below, 846 more|Service: 5, 1 not well, 5 loud with 0 below, 0 calm with 0 below, 0 more"},
		{true, "Deployment: 1000, 4 not well, folded, 4 loud with 1 below, 996 calm with 1 below, 0 more|Service: 5, 1 not well, 5 loud with 0 below, 0 calm with 0 below, 0 more"},
	} {
		var got []string
		for _, g := range groupTree("shop", append(append([]deploy.Node{}, few...), many...), test.all) {
			folded := ""
			if g.Folded {
				folded = "folded, "
			}
			got = append(got, fmt.Sprintf("%s: %d, %d not well, %s%d loud with %d below, %d calm with %d below, %d more",
				g.Kind, g.N, g.Unwell, folded, len(g.Loud), below(g.Loud), len(g.Calm), below(g.Calm), g.More))
		}
		if strings.Join(got, "|") != test.want {
			t.Errorf("all %v: got\n%s\nwant\n%s", test.all, strings.Join(got, "|"), test.want)
		}
	}
}

func below(list []branch) (n int) {
	for _, b := range list {
		n += len(b.Below)
	}
	return n
}

// TestPageOfAThousandObjectsIsBounded: neither all that are well nor all that are not take more
// than a page may have.
func TestPageOfAThousandObjectsIsBounded(t *testing.T) {
	const most = 100 << 10
	h := newHouse(t, nil)
	for _, health := range []string{"healthy", "failing"} {
		var all []deploy.Node
		for _, kind := range []string{"Deployment", "ConfigMap", "Service", "NetworkPolicy"} {
			all = append(all, nodes(kind, health, 0, 250)...)
		}
		var out strings.Builder
		p := appPage{Status: deploy.Status{App: "shop"}, Groups: groupTree("shop", all, false)}
		if err := h.pages["app"].ExecuteTemplate(&out, "layout", frame{Body: p}); err != nil {
			t.Fatal(err)
		}
		if out.Len() > most {
			t.Errorf("%s: the page has %d bytes", health, out.Len())
		}
	}
}

// TestObjectsHaveAddresses: each object has one of its own, from which it is read again.
func TestObjectsHaveAddresses(t *testing.T) {
	for _, id := range []manifest.ID{
		{Kind: "Pod", Namespace: "shop", Name: "web-1"},
		{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"},
		{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "system:a/../b?c#d%2f"},
		{Kind: "Namespace", Name: "shop"},
	} {
		address, err := url.Parse("https://x" + objectPath("shop", id))
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(address.EscapedPath(), "/")
		if len(parts) != 7 || address.RawQuery != "" || address.Fragment != "" {
			t.Fatalf("%s is at %s", id, address)
		}
		for i := range parts {
			parts[i], _ = url.PathUnescape(parts[i])
		}
		if got := idIn(parts[4], parts[5], parts[6]); got != id {
			t.Errorf("%s is at %s, which is %s", id, address, got)
		}
	}
}

func TestPathToAnObject(t *testing.T) {
	tree := nodes("Deployment", "healthy", 0, 3)
	tree[1].Children = nodes("ReplicaSet", "healthy", 7, 9)
	tree[1].Children[1].Children = nodes("Pod", "healthy", 5, 6)
	for name, want := range map[string]string{
		"Pod n5":        "Deployment shop/n1, ReplicaSet shop/n8, Pod shop/n5",
		"Deployment n2": "Deployment shop/n2",
		"Deployment n9": "",
	} {
		kind, object, _ := strings.Cut(name, " ")
		var got []string
		for _, node := range pathTo(tree, manifest.ID{Group: "apps", Kind: kind, Namespace: "shop", Name: object}) {
			got = append(got, node.Object)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
