package kube

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/manifest"
)

const (
	// rehearsalSuffix makes a name unique in the namespace where it is rehearsed.
	rehearsalSuffix = "-9f3a1"
	// stageAge is how long the choice of that namespace is remembered.
	stageAge = time.Minute
)

// Rehearse dry-runs an object whose namespace comes with the same push. The server
// would refuse it there, so it is tried in a namespace that exists: SystemNamespace, or
// else default. Restrictions of that namespace (its quota, its limits, its service
// accounts) are not the object's fault and not reported. A separate request finds out
// whether the caller may write into the new namespace. The problems are worded as for the
// object's own namespace.
func (c *Cluster) Rehearse(ctx context.Context, kind Kind, obj *manifest.Object) manifest.Problems {
	stage, err := c.stage.choose(ctx, c)
	if err != nil {
		return c.Explain(ctx, obj, err)
	}
	moved := obj.DeepCopy()
	moved.SetNamespace(stage)
	if err = c.rehearse(ctx, kind, obj, moved); err == nil {
		return nil
	}
	// An object of that name may exist there and be the reason: try once more under a
	// name that nobody has.
	renamed := moved.DeepCopy()
	renamed.SetName(freeName(obj.GetName()))
	if again := c.rehearse(ctx, kind, obj, renamed); again == nil {
		return nil
	} else if !isNameError(again) {
		moved, err = renamed, again
	}
	e := explainer{cluster: c, obj: obj, moved: moved}
	e.explain(ctx, err)
	return e.told()
}

// rehearse dry-runs the moved copy of an object. The error is nil if the object itself
// is valid.
func (c *Cluster) rehearse(ctx context.Context, kind Kind, obj *manifest.Object, moved *unstructured.Unstructured) error {
	inner, heard := Listen(ctx)
	_, err := c.TryOut(inner, kind, moved)
	heard.passOn(ctx, explainer{obj: obj, moved: moved})
	switch message := messageOf(err); {
	case !apierrors.IsForbidden(err) || strings.Contains(message, "admission webhook ") ||
		strings.Contains(message, "ValidatingAdmissionPolicy ") || strings.Contains(message, grantsTooMuch):
		return err
	case mayNot.MatchString(message):
		if refusal := c.mayWrite(ctx, kind, obj, err); refusal != nil || c.server == nil {
			return refusal
		}
		// An account that may write there need not have rights here. The server may; if
		// not, nobody can rehearse it.
		if err = c.server.rehearse(ctx, kind, obj, moved); mayNot.MatchString(messageOf(err)) || strings.Contains(messageOf(err), grantsTooMuch) {
			return nil
		}
		return err
	}
	return nil // a quota, a limit range, pod security, a service account: those of the stage
}

// messageOf is the API server's own message.
func messageOf(err error) string {
	status := apierrors.APIStatus(nil)
	if errors.As(err, &status) {
		return status.Status().Message
	}
	return ""
}

// freeName replaces the end of a long name, so that it does not exceed the maximum of
// its kind (at least 52 characters, for a CronJob).
func freeName(name string) string {
	if longest := 52 - len(rehearsalSuffix); len(name) > longest {
		name = name[:max(longest, len(name)-len(rehearsalSuffix))]
	}
	return strings.TrimRight(name, "-.") + rehearsalSuffix
}

// isNameError reports whether an object was refused for its name, which the second try
// may have spoilt.
func isNameError(err error) bool {
	return apierrors.IsInvalid(err) && strings.Contains(messageOf(err), "metadata.name")
}

// stage remembers the namespace of a cluster where objects are rehearsed.
type stage struct {
	mu   sync.Mutex
	name string
	at   time.Time
}

func (s *stage) choose(ctx context.Context, c *Cluster) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.name != "" && time.Since(s.at) < stageAge {
		return s.name, nil
	}
	_, err := c.own().Get(ctx, namespaces, "", SystemNamespace)
	switch {
	case err == nil:
		s.name, s.at = SystemNamespace, time.Now()
	case IsNotFound(err) || apierrors.IsForbidden(err):
		s.name, s.at = metav1.NamespaceDefault, time.Now()
	default:
		return "", err
	}
	return s.name, nil
}

var accessReviews = schema.GroupVersionResource{Group: "authorization.k8s.io", Version: "v1", Resource: "selfsubjectaccessreviews"}

// mayWrite tests whether the caller may apply the object in its own namespace. It returns
// nil if so, and the refusal if not.
func (c *Cluster) mayWrite(ctx context.Context, kind Kind, obj *manifest.Object, refusal error) error {
	allowed, err := c.may(ctx, manifest.Right{
		Verbs: "patch", Group: kind.Resource.Group, Resource: kind.Resource.Resource,
		Namespace: obj.GetNamespace(), Name: obj.GetName(),
	})
	if err == nil && allowed {
		return nil
	}
	return refusal
}
