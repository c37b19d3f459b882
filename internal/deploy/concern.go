package deploy

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
)

// A repository can name any object of another tool, and the server reads it with rights of its
// own. So one that the grant does not give is there for the repository only if it deploys to
// what the grant gives: who has that sees there who else writes to it.

// concerns reports whether a repository with such bounds may know of the object.
func (r rival) concerns(ctx context.Context, within plan.Bounds) bool {
	gives := func(id manifest.ID) bool {
		refusal, err := within.Outside(ctx, id)
		return refusal == nil && err == nil
	}
	if gives(r.id) {
		return true
	}
	placed := *within.Grant // the place counts, whatever kinds may be deployed there
	placed.Kinds = grant.Kinds{}
	within.Grant = &placed
	return slices.ContainsFunc(r.deploysTo(), gives)
}

// deploysTo are the places of what the tool has deployed for the object, as its status says, or
// else the one that it is to be deployed to. But for a Namespace, no names are told.
func (r rival) deploysTo() (places []manifest.ID) {
	seen := map[manifest.ID]bool{}
	add := func(id manifest.ID) {
		if id.GroupKind() != manifest.NamespaceKind {
			id.Name = ""
		}
		if !seen[id] {
			seen[id] = true
			places = append(places, id)
		}
	}
	for _, entry := range r.list("status", "inventory", "entries") { // of a Kustomization
		id, _ := entry["id"].(string)
		if parts := strings.Split(id, "_"); len(parts) >= 4 { // NAMESPACE_NAME_GROUP_KIND
			add(manifest.ID{Namespace: parts[0], Name: parts[1], Group: parts[len(parts)-2], Kind: parts[len(parts)-1]})
		}
	}
	for _, entry := range r.list("status", "resources") { // of an Application
		text := func(field string) string { text, _ := entry[field].(string); return text }
		add(manifest.ID{Namespace: text("namespace"), Name: text("name"), Group: text("group"), Kind: text("kind")})
	}
	if len(places) > 0 {
		return places
	}
	target := cmp.Or(r.text("spec", "targetNamespace"), r.text("spec", "destination", "namespace"))
	if target != "" && target != r.id.Namespace {
		add(manifest.ID{Namespace: target, Group: r.id.Group, Kind: r.id.Kind})
	}
	return places
}

func (r rival) list(fields ...string) (list []map[string]any) {
	found, _, _ := unstructured.NestedFieldNoCopy(r.object.Object, fields...)
	all, _ := found.([]any)
	for _, one := range all {
		if entry, is := one.(map[string]any); is {
			list = append(list, entry)
		}
	}
	return list
}

func (r rival) text(fields ...string) string {
	text, _, _ := unstructured.NestedString(r.object.Object, fields...)
	return text
}
