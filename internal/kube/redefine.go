package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/pushboat/pushboat/internal/manifest"
)

// definitionKind is the kind of definitions.
var definitionKind = Kind{
	GVK:      manifest.DefinitionKind.WithVersion("v1"),
	Resource: schema.GroupVersionResource{Group: manifest.DefinitionKind.Group, Version: "v1", Resource: "customresourcedefinitions"},
}

// faults returns the reason why the API server would refuse the names in a definition,
// from which paths are built; "" if it would not. The rules are those of
// ValidateCustomResourceDefinition (apiextensions-apiserver 1.37), with which
// TestNamesLikeTheServer compares them.
func (d *definition) faults() string {
	checks := []struct {
		field, value string
		wrong        func(string) []string
	}{
		{"spec.group", d.kind.Group, validation.IsDNS1123Subdomain},
		{"spec.names.plural", d.plural, validation.IsDNS1035Label},
		{"spec.names.kind", strings.ToLower(d.kind.Kind), validation.IsDNS1035Label},
	}
	for _, check := range checks {
		if wrong := check.wrong(check.value); len(wrong) > 0 {
			return fmt.Sprintf("%s: %q is not valid: %s", check.field, check.value, wrong[0])
		}
	}
	for _, version := range d.order {
		if wrong := validation.IsDNS1035Label(version); len(wrong) > 0 {
			return fmt.Sprintf("spec.versions: the name %q is not valid: %s", version, wrong[0])
		}
	}
	switch {
	case !strings.Contains(d.kind.Group, "."):
		return fmt.Sprintf("spec.group: %q is not a domain with a dot", d.kind.Group)
	case d.scope != string(apiextensionsv1.NamespaceScoped) && d.scope != string(apiextensionsv1.ClusterScoped):
		return fmt.Sprintf("spec.scope: %q is neither Namespaced nor Cluster", d.scope)
	case d.object.GetName() != d.plural+"."+d.kind.Group:
		return "metadata.name is not " + d.plural + "." + d.kind.Group
	case len(slices.Compact(slices.Sorted(slices.Values(d.order)))) != len(d.order):
		return "spec.versions has a name twice"
	}
	return ""
}

// Vet leaves out the definitions that define nothing on this cluster. Those that would
// redefine a kind that the cluster serves by other means are problems; those that the
// cluster has and that are left alone are not.
func (c *Cluster) Vet(ctx context.Context, s *Schemas) manifest.Problems {
	if s.Empty() {
		return nil
	}
	known, _, err := c.kinds.current(ctx, nil, rediscoverAfter)
	if err != nil {
		return nil //nolint:nilerr // every other question says so too
	}
	var problems manifest.Problems
	for gk, d := range s.definitions {
		taken, ok := known.taken(d)
		if !ok {
			continue
		}
		why, problem := c.redefines(ctx, d, taken)
		if why == "" {
			continue
		}
		delete(s.definitions, gk)
		s.left[gk] = why
		if problem {
			problems = append(problems, manifest.Problem{
				Source: d.object.At("spec.names"), Object: d.object.ID().String(), Message: why,
				Hint: "choose another group, or other names",
			})
		}
	}
	problems.Sort()
	return problems
}

// redefines returns the reason why a definition does not count whose kind or plural the
// cluster already serves as taken, and whether that is a problem; "" if the definition
// changes an existing one.
func (c *Cluster) redefines(ctx context.Context, d *definition, taken Kind) (why string, wrong bool) {
	gr := taken.Resource.GroupResource()
	if taken.GVK.Kind != d.kind.Kind || gr.Resource != d.plural {
		return fmt.Sprintf("the cluster has %s already, as the kind %s: it cannot be defined anew", gr, taken.GVK.Kind), true
	}
	running, err := c.own().Get(ctx, definitionKind, "", d.object.GetName())
	switch {
	case IsNotFound(err) && c.servesItself(ctx, taken.GVK):
		return fmt.Sprintf("the cluster itself serves %s: it cannot be defined anew", gr), true
	case IsNotFound(err):
		return "", false // its definition was just deleted, and is still listed as served
	case err != nil:
		return "", false // its own plan reports it
	}
	policy, _ := manifest.PolicyOf(running)
	if policy.Has(manifest.Frozen) || d.policy.Has(manifest.IfNotPresent) || d.policy.Phase != 0 {
		return "its CustomResourceDefinition is left as it is on the cluster", false
	}
	return "", false
}

// apiServices is the kind of the objects that say who serves a version of a group.
var apiServices = Kind{
	GVK:      schema.GroupVersionKind{Group: "apiregistration.k8s.io", Version: "v1", Kind: "APIService"},
	Resource: schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"},
}

// autoManaged is the label with which the API server marks its own versions ("onstart")
// and those of definitions ("true"); extensions have none (kube-aggregator,
// autoregister).
const autoManaged = "kube-aggregator.kubernetes.io/automanaged"

// servesItself reports whether a version is the API server's own, or an extension's,
// and not that of a definition. It returns true if it cannot find out.
func (c *Cluster) servesItself(ctx context.Context, gvk schema.GroupVersionKind) bool {
	service, err := c.own().Get(ctx, apiServices, "", gvk.Version+"."+gvk.Group)
	switch {
	case IsNotFound(err):
		return false
	case err != nil:
		return true
	}
	return service.GetLabels()[autoManaged] != "true"
}

// taken returns a kind that is served under the definition's kind or plural.
func (c *catalogue) taken(d *definition) (Kind, bool) {
	var same *Kind
	for gvk, kind := range c.kinds {
		if gvk.Group != d.kind.Group || gvk.Kind != d.kind.Kind && kind.Resource.Resource != d.plural {
			continue
		}
		if gvk.Kind != d.kind.Kind || kind.Resource.Resource != d.plural {
			return kind, true
		}
		same = &kind
	}
	if same == nil {
		return Kind{}, false
	}
	return *same, true
}
