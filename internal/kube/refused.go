package kube

import (
	"errors"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pushboat/pushboat/internal/manifest"
)

// refusedRight reads the missing right from the API server's answer to a request as an
// account. Admission refuses with the same code and reason; so the answer's details have
// to name what its text does, and the text the account. ok is false if it is about anything
// else.
//
// Where the server may not act as the account, the right is the server's, to impersonate.
// Recent API servers (1.37) ask for narrower rights before they ask for that one, and name
// those (impersonate:serviceaccount, impersonate-on:serviceaccount:patch).
func refusedRight(account Account, err error) (right manifest.Right, ok bool) {
	answer := apierrors.APIStatus(nil)
	if !errors.As(err, &answer) {
		return right, false
	}
	status := answer.Status()
	if status.Reason != metav1.StatusReasonForbidden || status.Details == nil {
		return right, false
	}
	details := status.Details
	m := mayNot.FindStringSubmatch(shorten(status.Message, maxAnswer))
	if m == nil {
		return right, false
	}
	right = manifest.Right{User: m[1], Verbs: m[2], Resource: m[3], Group: m[4], Namespace: m[5], Name: details.Name}
	resource, _, _ := strings.Cut(right.Resource, "/")
	if resource != details.Kind || right.Group != details.Group {
		return right, false
	}
	if verb, _, _ := strings.Cut(right.Verbs, ":"); strings.HasPrefix(verb, "impersonate") && right.User != account.User() {
		return manifest.Right{
			User: right.User, Verbs: "impersonate", Resource: accountKind.Resource.Resource,
			Namespace: account.Namespace, Name: account.Name,
		}, true
	}
	return right, right.User == account.User()
}
