package kube

import (
	"context"
	"errors"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Account is a ServiceAccount of a cluster. The zero value is none: the server itself.
type Account struct{ Namespace, Name string }

// String writes the account as grants do: "team-a/deployer".
func (a Account) String() string { return a.Namespace + "/" + a.Name }

// User is the name by which Kubernetes knows the account.
func (a Account) User() string { return serviceAccountPrefix + a.Namespace + ":" + a.Name }

// Groups are those that the API server adds to the account.
func (a Account) Groups() []string {
	return []string{"system:serviceaccounts", "system:serviceaccounts:" + a.Namespace, "system:authenticated"}
}

const serviceAccountPrefix = "system:serviceaccount:"

// As returns the cluster as an account sees it: all requests for objects and logs are made
// as the account, with the server's connections, and the API server decides by the
// account's rights. What is the server's own stays its own, whoever asks: the kinds that
// the cluster serves and their schemas, inventories, whether a namespace exists, and the
// index's lists and watches.
//
// A request names the account and none of its Groups: the API server knows those of a
// ServiceAccount, and adds them. To name them would take the right to impersonate groups.
//
// The result is a few pointers to what the server has anyway, so nobody needs to keep it.
func (c *Cluster) As(account Account) *Cluster {
	own := c.own()
	if account == (Account{}) {
		return own
	}
	as := *own
	as.caller, as.server = account, own
	as.requests = requests{
		objects:  impersonating{own.requests.objects, account.User()},
		metadata: impersonating{own.requests.metadata, account.User()},
		plain:    impersonating{own.requests.plain, account.User()},
	}
	as.dynamic = dynamic.New(as.requests.objects)
	return &as
}

// own returns the cluster as the server itself sees it.
func (c *Cluster) own() *Cluster {
	if c.server != nil {
		return c.server
	}
	return c
}

// impersonating begins requests that are made as another user.
type impersonating struct {
	rest.Interface
	user string
}

func (i impersonating) as(r *rest.Request) *rest.Request {
	return r.SetHeader(transport.ImpersonateUserHeader, i.user)
}

// Verb implements rest.Interface, as the other methods do.
func (i impersonating) Verb(verb string) *rest.Request { return i.as(i.Interface.Verb(verb)) }

// Post begins a POST.
func (i impersonating) Post() *rest.Request { return i.as(i.Interface.Post()) }

// Put begins a PUT.
func (i impersonating) Put() *rest.Request { return i.as(i.Interface.Put()) }

// Patch begins a PATCH.
func (i impersonating) Patch(kind types.PatchType) *rest.Request {
	return i.as(i.Interface.Patch(kind))
}

// Get begins a GET.
func (i impersonating) Get() *rest.Request { return i.as(i.Interface.Get()) }

// Delete begins a DELETE.
func (i impersonating) Delete() *rest.Request { return i.as(i.Interface.Delete()) }

// MissingAccountError reports that a cluster does not have the account of a grant.
type MissingAccountError struct {
	Account   Account
	Namespace bool // it does not have the account's namespace either
}

// Error names the account.
func (e *MissingAccountError) Error() string {
	if e.Namespace {
		return fmt.Sprintf("the cluster has no ServiceAccount %s, as which this repository is deployed: there is no namespace %s", e.Account, e.Account.Namespace)
	}
	return fmt.Sprintf("the cluster has no ServiceAccount %s, as which this repository is deployed", e.Account)
}

// Hint says how to make the account.
func (e *MissingAccountError) Hint() string {
	make := fmt.Sprintf("kubectl create serviceaccount -n %s %s", e.Account.Namespace, e.Account.Name)
	if e.Namespace {
		make = fmt.Sprintf("kubectl create namespace %s && %s", e.Account.Namespace, make)
	}
	return make
}

var accountKind = Kind{
	GVK:      schema.GroupVersionKind{Version: "v1", Kind: "ServiceAccount"},
	Resource: schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}, Namespaced: true,
}

// CheckAccount tests whether the cluster has the account as which it is seen. The API
// server does not: it lets an account that does not exist do whatever is granted to its
// name. The error is a *MissingAccountError if not. A server that may not read
// ServiceAccounts cannot tell.
func (c *Cluster) CheckAccount(ctx context.Context) error {
	if c.caller == (Account{}) {
		return nil
	}
	_, err := c.own().Get(ctx, accountKind, c.caller.Namespace, c.caller.Name)
	switch {
	case IsNotFound(err):
		there, unknown := c.HasNamespace(ctx, c.caller.Namespace)
		return &MissingAccountError{Account: c.caller, Namespace: unknown == nil && !there}
	case mayNot.MatchString(messageOf(err)):
		return nil
	}
	return err
}

// Needs tests whether an account has a right, of a single verb. The error is a
// *RefusedError if not.
func (c *Cluster) Needs(ctx context.Context, right manifest.Right) error {
	right.User = c.caller.User()
	allowed, err := c.may(ctx, right)
	if err == nil && !allowed {
		return &RefusedError{Right: right}
	}
	return err
}

// may asks the API server whether the caller has a right, of a single verb.
func (c *Cluster) may(ctx context.Context, right manifest.Right) (bool, error) {
	resource, subresource, _ := strings.Cut(right.Resource, "/")
	review := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
		"spec": map[string]any{"resourceAttributes": map[string]any{
			"namespace": right.Namespace, "name": right.Name, "verb": right.Verbs,
			"group": right.Group, "resource": resource, "subresource": subresource,
		}},
	}}
	answer, err := c.dynamic.Resource(accessReviews).Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return false, c.wrap("ask for the rights", err)
	}
	allowed, _, err := unstructured.NestedBool(answer.Object, "status", "allowed")
	return allowed, err
}

// RefusedError is the API server's refusal, or the announcement of one, for want of a right.
type RefusedError struct {
	Right manifest.Right // that was missing
	err   error          // the API server's; nil for an announcement
}

// Error names the account and the right.
func (e *RefusedError) Error() string { return e.Right.Refusal() }

// Unwrap returns the API server's error.
func (e *RefusedError) Unwrap() error { return e.err }

// Lacks returns the right.
func (e *RefusedError) Lacks() manifest.Right { return e.Right }

// Refused returns a *RefusedError for err if an account lacks the right for a request, or
// the server the right to act as an account; otherwise err.
func (c *Cluster) Refused(err error) error {
	if c.caller == (Account{}) || errors.As(err, new(*RefusedError)) {
		return err
	}
	if right, ok := refusedRight(c.caller, err); ok {
		return &RefusedError{Right: right, err: err}
	}
	return err
}
