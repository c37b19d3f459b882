package manifest

import (
	"errors"
	"fmt"
	"strings"
)

// Right is what RBAC can grant an account of a cluster. It is comparable; the zero Right is
// none.
type Right struct {
	User      string // the account, as Kubernetes names it: system:serviceaccount:team-a:deployer
	Verbs     string // "get", or several: "get,patch"
	Group     string // the API group; "" is the core group
	Resource  string // "secrets", "pods/log"
	Namespace string // "" for the whole cluster
	Name      string // of the object; "" for all of them
}

// KeepVerbs are the verbs by which an account keeps objects as a revision says. To refuse
// one of them is to refuse the object.
const KeepVerbs = "get,create,patch,update,delete"

// Account returns the ServiceAccount that the user is; ok is false for any other user.
func (r Right) Account() (namespace, name string, ok bool) {
	rest, ok := strings.CutPrefix(r.User, "system:serviceaccount:")
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, ":")
}

// Refusal says that the account does not have the right.
func (r Right) Refusal() string {
	who := "the user " + r.User
	if namespace, name, ok := r.Account(); ok {
		who = "the ServiceAccount " + namespace + "/" + name
	}
	if r.Verbs == "impersonate" {
		return fmt.Sprintf("the server, as %s, may not act as the ServiceAccount %s/%s", strings.TrimPrefix(who, "the "), r.Namespace, r.Name)
	}
	resource := r.Resource
	if r.Group != "" {
		resource += "." + r.Group
	}
	where := "in the whole cluster"
	if r.Namespace != "" {
		where = "in the namespace " + r.Namespace
	}
	return fmt.Sprintf("%s may not %s %s %s", who, strings.ReplaceAll(r.Verbs, ",", ", "), resource, where)
}

// LackedBy returns the right for want of which an error came about; zero if there is none.
// Such an error has the method Lacks.
func LackedBy(err error) Right {
	if refused, ok := errors.AsType[refusal](err); ok {
		return refused.Lacks()
	}
	return Right{}
}

// Lacking collects the rights for want of which an error came about, which may be several
// errors, or problems.
func Lacking(err error) (rights []Right) {
	if problems, ok := err.(Problems); ok { //nolint:errorlint // the tree is walked here
		for _, p := range problems {
			if p.Lacks != (Right{}) {
				rights = append(rights, p.Lacks)
			}
		}
		return rights
	}
	if e, ok := err.(refusal); ok && e.Lacks() != (Right{}) { //nolint:errorlint // likewise
		return []Right{e.Lacks()}
	}
	switch e := err.(type) { //nolint:errorlint // likewise
	case interface{ Unwrap() error }:
		return Lacking(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			rights = append(rights, Lacking(err)...)
		}
	}
	return rights
}

// refusal is an error for want of a right.
type refusal interface {
	error
	Lacks() Right
}
