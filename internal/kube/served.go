package kube

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Served returns how the cluster serves a kind, for callers that forget objects of a
// kind that is gone. served is false only if the API server itself has said so, when
// asked for the kind's group and each of its versions. A kind that discovery does not
// list may just have been created, or be served by an extension API server that is
// away, and its objects then still exist. An error means that this is not known.
func (c *Cluster) Served(ctx context.Context, gk schema.GroupKind) (kind Kind, served bool, err error) {
	kind, err = c.KindOf(ctx, gk)
	if err == nil || !IsUnserved(err) {
		return kind, err == nil, err
	}
	version, err := c.askFor(ctx, gk)
	if err != nil || version == "" {
		return Kind{}, false, err
	}
	c.Invalidate()
	kind, err = c.KindOf(ctx, gk)
	if IsUnserved(err) {
		err = &UnknownKindError{GVK: gk.WithVersion(version), Broken: errLate}
	}
	return kind, err == nil, err
}

// errLate is the reason why a served kind is not known.
var errLate = errors.New("the API server does not list it yet")

// IsAway reports whether an error means that the cluster answers, but one of its
// extension API servers does not: nothing is known of the objects of its kinds.
func IsAway(err error) bool {
	unknown, ok := errors.AsType[*UnknownKindError](err)
	return ok && unknown.Broken != nil
}

// Away distinguishes an extension API that does not answer from a cluster that does
// not, by the error of a request about a kind: the API server answers the same for
// both. It returns the error for which IsAway holds; nil in the other case.
func (c *Cluster) Away(ctx context.Context, kind Kind, err error) error {
	status := apierrors.APIStatus(nil)
	if kind.GVK.Group == "" || IsAway(err) || !errors.As(err, &status) || !isGateway(status) {
		return nil
	}
	_, asked := c.kinds.client.ServerResourcesForGroupVersionWithContext(ctx, kind.GVK.GroupVersion().String())
	if !errors.As(asked, &status) || !isGateway(status) {
		return nil
	}
	if _, down := c.kinds.client.ServerVersionWithContext(ctx); down == nil {
		return &UnknownKindError{GVK: kind.GVK, Broken: err}
	}
	return nil
}

// wrapFor is wrap for a request about a kind.
func (c *Cluster) wrapFor(ctx context.Context, kind Kind, step string, err error) error {
	if away := c.Away(ctx, kind, err); away != nil {
		return away
	}
	if isPathMissing(err) {
		c.kinds.doubt()
	}
	return c.wrap(step, err)
}

// IsUnserved reports whether an error says that the cluster does not serve a kind. It
// is false where the kind's API could not be asked.
func IsUnserved(err error) bool {
	unknown, ok := errors.AsType[*UnknownKindError](err)
	return ok && unknown.Broken == nil
}

// askFor asks the API server for a kind, bypassing discovery and its cache. It returns
// a version in which the kind is served; "" if there is none.
func (c *Cluster) askFor(ctx context.Context, gk schema.GroupKind) (version string, err error) {
	client, group := c.kinds.client, metav1.APIGroup{}
	path, err := groupPath(gk.Group)
	if err != nil {
		return "", err
	}
	if gk.Group == "" {
		group.Versions = []metav1.GroupVersionForDiscovery{{GroupVersion: "v1", Version: "v1"}}
	} else if err := client.RESTClient().Get().AbsPath(path).Do(ctx).Into(&group); apierrors.IsNotFound(err) {
		return "", nil
	} else if err != nil {
		return "", c.wrap("ask for the API "+gk.Group, err)
	}
	for _, v := range group.Versions {
		list, err := client.ServerResourcesForGroupVersionWithContext(ctx, v.GroupVersion)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return "", &UnknownKindError{GVK: gk.WithVersion(v.Version), Broken: err}
		}
		for _, r := range list.APIResources {
			if r.Kind == gk.Kind {
				return v.Version, nil
			}
		}
	}
	return "", nil
}

// isPathMissing reports whether the API server does not know the path of a request.
// That says nothing about the object: its kind is served differently.
func isPathMissing(err error) bool {
	return apierrors.IsNotFound(err) && apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}
