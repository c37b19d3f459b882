package web

import (
	"net/url"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// This file has the tree of an app's objects, by kind. Few objects of a kind are shown as they
// are. Of many, those that are not well come first, and open; the others are folded, and left
// out above maxCalm until somebody asks for all.

const (
	// foldAbove is how many objects of a kind are shown one by one.
	foldAbove = 5
	// maxLoud bounds the objects of one page that are not well, and maxCalm the others: a page
	// of a thousand objects has to stay below 100 KB.
	maxLoud = 150
	maxCalm = 150
)

// kindGroup is the objects of one kind.
type kindGroup struct {
	Kind   string
	N      int      // all of them
	Unwell int      // those that are not healthy, or have drifted, at any depth
	Folded bool     // Calm is folded
	Loud   []branch // those that are not well; all, unless they are folded
	Calm   []branch
	More   int // how many are not shown
}

// branch is an object, and what is below it.
type branch struct {
	deploy.Node
	Path  string // of its page
	Below []branch
}

// objectPath is the address of the page of an object.
func objectPath(app name.App, id manifest.ID) string {
	kind, namespace := id.Kind, id.Namespace
	if id.Group != "" {
		kind += "." + id.Group
	}
	if namespace == "" {
		namespace = noNamespace
	}
	return "/apps/" + url.PathEscape(string(app)) + "/objects/" + url.PathEscape(kind) + "/" + url.PathEscape(namespace) + "/" + url.PathEscape(id.Name)
}

// noNamespace stands for the namespace of objects that are in none. No namespace has that name.
const noNamespace = "-"

// idIn reads the object of an address that objectPath has made.
func idIn(kind, namespace, object string) manifest.ID {
	kind, group, _ := strings.Cut(kind, ".")
	if namespace == noNamespace {
		namespace = ""
	}
	return manifest.ID{Group: group, Kind: kind, Namespace: namespace, Name: object}
}

// groupTree groups an app's objects by kind. With all, none is left out but what a page cannot
// hold.
func groupTree(app name.App, nodes []deploy.Node, all bool) []kindGroup {
	var groups []kindGroup
	loud, calm := maxLoud, maxCalm
	if all {
		loud, calm = maxGroup, maxGroup
	}
	for _, of := range byKind(nodes) {
		g := kindGroup{Kind: of[0].ID.Kind, N: len(of), Folded: len(of) > foldAbove}
		for _, node := range of {
			well := isWell(node)
			if !well {
				g.Unwell++
			}
			list, room := &g.Loud, &loud
			if well && g.Folded {
				list, room = &g.Calm, &calm
			}
			if *room--; *room < 0 {
				g.More++
				continue
			}
			*list = append(*list, branchOf(app, node, all || !well || !g.Folded))
		}
		groups = append(groups, g)
	}
	return groups
}

// byKind puts objects of a kind together, the kinds by name.
func byKind(nodes []deploy.Node) [][]deploy.Node {
	var groups [][]deploy.Node
	at := map[string]int{}
	for _, node := range nodes {
		kind := node.ID.GroupKind().String()
		i, known := at[kind]
		if !known {
			i = len(groups)
			at[kind], groups = i, append(groups, nil)
		}
		groups[i] = append(groups[i], node)
	}
	slices.SortStableFunc(groups, func(a, b []deploy.Node) int { return strings.Compare(a[0].ID.Kind, b[0].ID.Kind) })
	return groups
}

// isWell reports whether nobody need look at an object, and at what is below it.
func isWell(n deploy.Node) bool {
	return (n.Health == "healthy" || n.Health == "suspended") && !n.Drifted && !slices.ContainsFunc(n.Children, func(below deploy.Node) bool {
		return !below.Old && !isWell(below)
	})
}

// branchOf is the branch of an object; with below, down to its pods. Old revisions without
// pods have none.
func branchOf(app name.App, node deploy.Node, below bool) branch {
	b := branch{Node: node, Path: objectPath(app, node.ID)}
	if below {
		for _, child := range node.Children {
			if !child.Old {
				b.Below = append(b.Below, branchOf(app, child, true))
			}
		}
	}
	return b
}
