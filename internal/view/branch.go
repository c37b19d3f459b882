package view

import (
	"github.com/pushboat/pushboat/internal/deploy"
)

// Branch is an object of an app's tree, or many that are alike, with what is below it.
type Branch struct {
	deploy.Node               // the first one of Alike; its Children are in Below
	Alike       []deploy.Node // the objects that share the branch; nil for a single one
	Below       []Branch
}

// foldAbove is the number of healthy objects of a kind above which they share a branch.
const foldAbove = 5

// Fold makes the branches of a tree. Many healthy objects of one kind and namespace with
// nothing below share one, unless all is set; old revisions without pods have none.
func Fold(nodes []deploy.Node, all bool) []Branch {
	var branches []Branch
	for len(nodes) > 0 {
		node := nodes[0]
		alike := 1
		for alike < len(nodes) && isQuiet(node) && isQuiet(nodes[alike]) && sameKind(node, nodes[alike]) {
			alike++
		}
		if alike > foldAbove && !all {
			branches = append(branches, Branch{Node: node, Alike: nodes[:alike]})
			nodes = nodes[alike:]
			continue
		}
		nodes = nodes[1:]
		if node.Old && !all {
			continue
		}
		branches = append(branches, Branch{Node: node, Below: Fold(node.Children, all)})
	}
	return branches
}

// isQuiet reports whether an object is healthy and has nothing below it.
func isQuiet(n deploy.Node) bool {
	return n.Health == "healthy" && !n.Drifted && len(n.Children) == 0
}

func sameKind(a, b deploy.Node) bool {
	return a.ID.GroupKind() == b.ID.GroupKind() && a.ID.Namespace == b.ID.Namespace
}
