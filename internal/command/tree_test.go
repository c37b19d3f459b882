package command

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
)

func node(kind, name, health string, children ...deploy.Node) deploy.Node {
	id := manifest.ID{Kind: kind, Namespace: "shop", Name: name}
	return deploy.Node{ID: id, Object: id.String(), Health: health, Children: children}
}

func many(n int, kind, health string) []deploy.Node {
	var nodes []deploy.Node
	for i := range n {
		nodes = append(nodes, node(kind, fmt.Sprint("n", i), health))
	}
	return nodes
}

func TestFoldTree(t *testing.T) {
	pods := func(n int) []deploy.Node { return many(n, "Pod", "healthy") }
	old := node("ReplicaSet", "web-0", "healthy")
	old.Old = true
	drifted := node("ConfigMap", "z", "healthy")
	drifted.Drifted = true
	for _, test := range []struct {
		name  string
		nodes []deploy.Node
		all   bool
		want  string
	}{
		{"few", many(2, "ConfigMap", "healthy"), false, "ConfigMap shop/n0|ConfigMap shop/n1"},
		{"many", many(6, "ConfigMap", "healthy"), false, "ConfigMap shop/* 6 objects"},
		{"all", many(6, "ConfigMap", "healthy")[:1], true, "ConfigMap shop/n0"},
		{"many and one that is sick", append(many(6, "Pod", "healthy"), node("Pod", "x", "failing")), false, "Pod shop/* 6 objects|Pod shop/x"},
		{"one that drifted", append(many(6, "ConfigMap", "healthy"), drifted), false, "ConfigMap shop/* 6 objects|ConfigMap shop/z drifted"},
		{"two kinds", append(many(6, "ConfigMap", "healthy"), many(1, "Service", "healthy")...), false, "ConfigMap shop/* 6 objects|Service shop/n0"},
		{
			"pods",
			[]deploy.Node{node("Deployment", "web", "healthy", old, node("ReplicaSet", "web-1", "healthy", pods(9)...))},
			false,
			"Deployment shop/web|  ReplicaSet web-1|    Pod * 9 objects",
		},
		{"old, too", []deploy.Node{node("Deployment", "web", "healthy", old)}, true, "Deployment shop/web|  ReplicaSet web-0"},
	} {
		var lines []string
		for _, line := range foldTree(test.nodes, test.all) {
			text := strings.Repeat("  ", line.depth) + line.object
			if line.message != "" {
				text += " " + line.message
			}
			lines = append(lines, text)
		}
		if got := strings.Join(lines, "|"); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}
