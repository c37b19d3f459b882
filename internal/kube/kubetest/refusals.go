package kubetest

import (
	"errors"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
)

func resource(name string) schema.GroupResource { return schema.GroupResource{Resource: name} }

// Conflict refuses to write an object of which somebody has written a newer version.
func Conflict(id manifest.ID) error {
	return apierrors.NewConflict(resource(id.Kind), id.Name, errors.New("the object has been modified"))
}

// NotFound is the answer about an object that there is not.
func NotFound(id manifest.ID) error { return apierrors.NewNotFound(resource(id.Kind), id.Name) }

// NoNamespace refuses an object whose namespace does not exist.
func NoNamespace(name string) error { return apierrors.NewNotFound(resource("namespaces"), name) }

// Forbidden refuses an object for a lack of rights.
func Forbidden(id manifest.ID) error {
	return apierrors.NewForbidden(resource(id.Kind), id.Name, errors.New("the server may not write it"))
}

// Ends refuses an object whose namespace is being deleted.
func Ends(id manifest.ID) error {
	err := apierrors.NewForbidden(resource(id.Kind), id.Name, errors.New("its namespace is being terminated"))
	err.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	return err
}

// Invalid refuses a field; "field is immutable" is how it says that it may not change.
func Invalid(id manifest.ID, path, detail string) error {
	return apierrors.NewInvalid(schema.GroupKind{Kind: id.Kind}, id.Name, field.ErrorList{field.Invalid(field.NewPath(path), "value", detail)})
}

// Immutable refuses to change a field in place.
func Immutable(id manifest.ID) error { return Invalid(id, "spec", "field is immutable") }

var (
	// Down is how a cluster fails to answer.
	Down = &kube.UnreachableError{Cluster: "default", Err: errors.New("connection refused")}
	// Refused is an error of no special meaning.
	Refused = &apierrors.StatusError{ErrStatus: metav1.Status{Code: http.StatusBadRequest, Reason: metav1.StatusReasonBadRequest, Message: "refused"}}
)
