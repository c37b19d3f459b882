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
	// rehearsalSuffix makes a name free in the namespace where it is rehearsed.
	rehearsalSuffix = "-9f3a1"
	// stageAge is how long the choice of that namespace is remembered.
	stageAge = time.Minute
)

// Rehearse dry-runs an object whose namespace comes with the same push. The
// server would refuse it there, so it is tried in a namespace that exists:
// SystemNamespace, or else default. What that namespace itself forbids (its
// quota, its limits, its service accounts) is not the object's fault and not
// reported; whether Pushboat may write into the new namespace is asked
// separately. The problems are told as of the object's own namespace.
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
	// An object of that name may live there and be the reason: once more under
	// a name that nobody has.
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

// rehearse dry-runs the moved copy of an object. The error is nil if there is
// nothing to say against the object itself.
func (c *Cluster) rehearse(ctx context.Context, kind Kind, obj *manifest.Object, moved *unstructured.Unstructured) error {
	inner, heard := Listen(ctx)
	_, err := c.TryOut(inner, kind, moved)
	heard.passOn(ctx, explainer{obj: obj, moved: moved})
	switch message := messageOf(err); {
	case !apierrors.IsForbidden(err) || strings.Contains(message, "admission webhook ") ||
		strings.Contains(message, "ValidatingAdmissionPolicy ") || strings.Contains(message, grantsTooMuch):
		return err
	case mayNot.MatchString(message):
		return c.mayWrite(ctx, kind, obj, err)
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

// freeName replaces the end of a long name, so that it does not become longer
// than a name of its kind may be (52 letters, that of a CronJob, at the least).
func freeName(name string) string {
	if longest := 52 - len(rehearsalSuffix); len(name) > longest {
		name = name[:max(longest, len(name)-len(rehearsalSuffix))]
	}
	return strings.TrimRight(name, "-.") + rehearsalSuffix
}

// isNameError reports whether an object was refused for its name, which the
// second try may have spoilt.
func isNameError(err error) bool {
	return apierrors.IsInvalid(err) && strings.Contains(messageOf(err), "metadata.name")
}

// stage remembers in which namespace of a cluster objects are rehearsed.
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
	_, err := c.Get(ctx, namespaces, "", SystemNamespace)
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

// mayWrite asks whether Pushboat may apply the object in its own namespace. It
// returns nil if it may, and the refusal if not.
func (c *Cluster) mayWrite(ctx context.Context, kind Kind, obj *manifest.Object, refusal error) error {
	review := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
		"spec": map[string]any{"resourceAttributes": map[string]any{
			"namespace": obj.GetNamespace(), "name": obj.GetName(), "verb": "patch",
			"group": kind.Resource.Group, "resource": kind.Resource.Resource,
		}},
	}}
	answer, err := c.dynamic.Resource(accessReviews).Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return refusal
	}
	if allowed, _, _ := unstructured.NestedBool(answer.Object, "status", "allowed"); allowed {
		return nil
	}
	return refusal
}
