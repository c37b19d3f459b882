package kube

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/validation/path"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"

	"github.com/pushboat/pushboat/internal/manifest"
)

// PathError reports a request that was not sent, because a part of its path is invalid:
// "namespaces/shop/deployments" as the name of a resource would lead into another
// namespace.
type PathError struct {
	Part  string // "group", "version", "resource", "namespace", "name"
	Value string
	Why   string
}

// Error names the part and its value, which somebody may have written.
func (e *PathError) Error() string {
	return fmt.Sprintf("no request is sent: %q is not a %s of the API: %s", shorten(manifest.Clean(e.Value), 100), e.Part, e.Why)
}

// apiPath returns the API server's path of a group in a version. Every path of an
// object begins with it.
func apiPath(gv schema.GroupVersion) (string, error) {
	if err := checkPart("version", gv.Version, validation.IsDNS1035Label); err != nil {
		return "", err
	}
	base, err := groupPath(gv.Group)
	return base + "/" + gv.Version, err
}

// groupPath returns the path under which the API server lists the versions of a group;
// "" is the core group.
func groupPath(group string) (string, error) {
	if group == "" {
		return "/api", nil
	}
	if err := checkPart("group", group, validation.IsDNS1123Subdomain); err != nil {
		return "", err
	}
	return "/apis/" + group, nil
}

// listPath returns the path of the objects of a resource: those of a namespace, or all
// if that is "".
func listPath(resource schema.GroupVersionResource, namespace string) (string, error) {
	base, err := apiPath(resource.GroupVersion())
	if err != nil {
		return "", err
	}
	if err := checkPart("resource", resource.Resource, validation.IsDNS1035Label); err != nil {
		return "", err
	}
	if namespace == "" {
		return base + "/" + resource.Resource, nil
	}
	if err := checkPart("namespace", namespace, validation.IsDNS1123Label); err != nil {
		return "", err
	}
	return base + "/namespaces/" + namespace + "/" + resource.Resource, nil
}

// objectPath returns the path of one object.
func objectPath(resource schema.GroupVersionResource, namespace, name string) (string, error) {
	list, err := listPath(resource, namespace)
	if err != nil {
		return "", err
	}
	if err := checkPart("name", name, path.IsValidPathSegmentName); err != nil { //nolint:staticcheck // content, its successor, is not in every release
		return "", err
	}
	return list + "/" + name, nil
}

func checkPart(part, value string, check func(string) []string) error {
	if value == "" {
		return &PathError{Part: part, Why: "it is empty"}
	}
	if wrong := check(value); len(wrong) > 0 {
		return &PathError{Part: part, Value: value, Why: strings.Join(wrong, "; ")}
	}
	return nil
}

// Objects returns a client for a kind's objects in a namespace, or in all of them if it
// is "". A cluster-scoped kind has no namespace, whatever an object says. The error is
// a *PathError.
func (c *Cluster) Objects(kind Kind, namespace string) (dynamic.ResourceInterface, error) {
	if !kind.Namespaced {
		namespace = ""
	}
	if _, err := listPath(kind.Resource, namespace); err != nil {
		return nil, err
	}
	return inNamespace(c.dynamic.Resource(kind.Resource), namespace), nil
}

// MetadataOf returns a client for the metadata of a kind's objects in all namespaces.
// The error is a *PathError.
func (c *Cluster) MetadataOf(kind Kind) (metadata.ResourceInterface, error) {
	if _, err := listPath(kind.Resource, ""); err != nil {
		return nil, err
	}
	return c.metadata.Resource(kind.Resource), nil
}

// object returns a client for one object, as Objects does.
func (c *Cluster) object(kind Kind, namespace, name string) (dynamic.ResourceInterface, error) {
	if !kind.Namespaced {
		namespace = ""
	}
	if _, err := objectPath(kind.Resource, namespace, name); err != nil {
		return nil, err
	}
	return inNamespace(c.dynamic.Resource(kind.Resource), namespace), nil
}

func inNamespace(objects dynamic.NamespaceableResourceInterface, namespace string) dynamic.ResourceInterface {
	if namespace == "" {
		return objects
	}
	return objects.Namespace(namespace)
}
