package kube

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/manifest"
)

const (
	// maxProblems bounds the problems of one object.
	maxProblems = 20
	// maxMessage bounds one message, in bytes; an admission webhook may send anything.
	maxMessage = 2000
	// maxCauses and maxAnswer bound the part of an answer that is read: causes, and
	// bytes of its message.
	maxCauses = 100
	maxAnswer = 64 << 10
)

const hintQuota = "ask for less, or have the quota raised"

// Explain turns the API server's answer to a request for an object into problems that
// its author can act on: all causes, each with the field, its line, the mistake in
// plain words and the next thing to try. Where the server stops at the first misspelled
// field or wrong type, Explain reads the kind's schema to find the others, and dry-runs
// the object once more without them. It never repeats the values of a Secret. A nil
// error has no problems. If the cluster does not answer, the one problem is about no
// object.
func (c *Cluster) Explain(ctx context.Context, obj *manifest.Object, err error) manifest.Problems {
	if err == nil {
		return nil
	}
	e := explainer{cluster: c, obj: obj}
	e.explain(ctx, err)
	return e.told()
}

// explainer collects the problems of one object.
type explainer struct {
	cluster  *Cluster
	obj      *manifest.Object
	moved    *unstructured.Unstructured // obj as it was tried elsewhere (Rehearse), or nil
	problems manifest.Problems
	more     bool // there are more than maxProblems
}

// told returns the problems, in order.
func (e *explainer) told() manifest.Problems {
	e.problems.Sort()
	if e.more {
		last := &e.problems[len(e.problems)-1]
		last.Hint, last.Remedy = "this object has more problems; fix these first", manifest.Remedy{}
	}
	return e.problems
}

// add notes a problem with a field; path "" is the object as a whole.
func (e *explainer) add(path, message, hint string) {
	e.addRemedied(path, message, hint, manifest.Remedy{})
}

// addRemedied is add for a problem with a remedy that the server offers.
func (e *explainer) addRemedied(path, message, hint string, remedy manifest.Remedy) {
	if e.more = len(e.problems) == maxProblems; e.more {
		return
	}
	if e.moved != nil {
		message = e.movedBack(message)
	}
	message = shorten(e.obj.Redact(message), maxMessage)
	remedy.When = manifest.Clean(e.obj.Redact(remedy.When))
	problem := manifest.Problem{
		Source: e.obj.Source, Object: e.obj.ID().String(),
		Message: manifest.CleanLines(fewLines(message)), Hint: manifest.Clean(e.obj.Redact(hint)), Remedy: remedy,
	}
	if path != "" {
		problem.Source = e.obj.At(path)
	}
	if slices.Contains(e.problems, problem) {
		return
	}
	e.problems = append(e.problems, problem)
}

// shorten cuts a text to about limit bytes, and shows the cut.
func shorten(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + " ..."
}

// movedBack words a message as if the object had been tried in its own place.
func (e *explainer) movedBack(message string) string {
	if name := e.moved.GetName(); name != e.obj.GetName() {
		message = strings.ReplaceAll(message, name, e.obj.GetName())
	}
	was, is := e.moved.GetNamespace(), e.obj.GetNamespace()
	return strings.NewReplacer("namespace "+was, "namespace "+is, `namespace "`+was+`"`, `namespace "`+is+`"`,
		was+"/"+e.obj.GetName(), is+"/"+e.obj.GetName()).Replace(message)
}

func (e *explainer) isSecret() bool {
	gvk := e.obj.GroupVersionKind()
	return gvk.Group == "" && gvk.Kind == "Secret"
}

func (e *explainer) explain(ctx context.Context, err error) {
	if unknown := (*UnknownKindError)(nil); errors.As(err, &unknown) {
		path := "kind"
		if len(unknown.Versions) > 0 {
			path = "apiVersion"
		}
		e.add(path, unknown.Error(), unknown.Hint())
		return
	}
	if IsUnreachable(err) {
		unreachable := &UnreachableError{Cluster: e.cluster.name, Err: err}
		errors.As(err, &unreachable)
		e.problems = manifest.Problems{{Message: unreachable.Error(), Remedy: manifest.Again("when the cluster is back")}}
		return
	}
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		e.refused(refused.Right)
		return
	}
	answer := apierrors.APIStatus(nil)
	if !errors.As(err, &answer) {
		e.add("", err.Error(), "")
		return
	}
	e.status(ctx, answer.Status())
}

// refused explains that the caller lacks a right. The problem has all that it takes to keep
// the object: whoever grants the one that was asked for first would meet the next.
func (e *explainer) refused(right manifest.Right) {
	if right.Verbs == "impersonate" { // it is about no object
		e.problems = manifest.Problems{{Message: right.Refusal(), Lacks: right}}
		return
	}
	right.Name = e.obj.GetName()
	if right.Namespace != "" {
		right.Namespace = e.obj.GetNamespace()
	}
	e.add("", right.Refusal(), "")
	right.Verbs = manifest.KeepVerbs
	e.problems[len(e.problems)-1].Lacks = right
}

// status explains an answer of the API server.
func (e *explainer) status(ctx context.Context, status metav1.Status) {
	status.Message = shorten(status.Message, maxAnswer)
	switch {
	case e.webhook(status.Message):
	case status.Code == http.StatusUnprocessableEntity && len(causesOf(status)) > 0:
		e.causes(causesOf(status))
	case status.Reason == metav1.StatusReasonForbidden:
		e.forbidden(status)
	case status.Reason == metav1.StatusReasonNotFound:
		e.notFound(status)
	case status.Reason == metav1.StatusReasonConflict:
		e.conflict(status)
	case status.Reason == metav1.StatusReasonUnauthorized:
		e.add("", "the cluster does not accept Pushboat's credentials", "renew the token or certificate in the server's kubeconfig")
	case status.Reason == metav1.StatusReasonAlreadyExists:
		e.add("metadata.name", "an object of this name exists already", "")
	case status.Reason == metav1.StatusReasonRequestEntityTooLarge || strings.Contains(status.Message, "etcdserver: request is too large"):
		e.add("", "the object is too large for the cluster: "+status.Message, "split it; an object may have about 1.5 MB")
	case status.Reason == metav1.StatusReasonTooManyRequests || status.Reason == metav1.StatusReasonTimeout || status.Reason == metav1.StatusReasonServerTimeout:
		e.addRemedied("", "the cluster is too busy: "+status.Message, "", manifest.Again("in a moment"))
	case e.decoding(ctx, status.Message):
	default:
		e.add("", status.Message, "")
	}
}

// causes explains the causes of an invalid object.
func (e *explainer) causes(causes []cause) {
	for _, c := range causes[:min(len(causes), maxCauses)] {
		c.detail = shorten(c.detail, 2*maxMessage)
		if m := policyDenied.FindStringSubmatch(c.detail); m != nil {
			e.add("", refusedBy("the admission policy "+m[1], m[2]), "")
			continue
		}
		if c.field == "<nil>" || e.derived(c, causes) {
			continue // "<nil>": the server says more once the others are fixed
		}
		path := e.path(c.field)
		message, hint := e.sentence(path, c)
		e.addRemedied(path, message, hint, e.remedy(c))
	}
}

// path writes a field's path in manifest's notation. The server checks some objects in
// another form than the written one.
func (e *explainer) path(field string) string {
	switch e.obj.GetKind() {
	case "CustomResourceDefinition": // a single version's schema
		field = strings.Replace(field, "spec.validation.", "spec.versions[0].schema.", 1)
	case "Secret":
		if rest, ok := strings.CutPrefix(field, "data["); ok && !e.wrote(field) && e.wrote("stringData["+rest) {
			field = "stringData[" + rest
		}
	case "Service":
		if field == "spec.clusterIPs[0]" && !e.wrote(field) {
			field = "spec.clusterIP"
		}
	}
	return parsePath(field, e.obj.Unstructured).String()
}

// wrote reports whether the author wrote the field.
func (e *explainer) wrote(field string) bool {
	_, ok := parsePath(field, e.obj.Unstructured).value(e.obj.Unstructured)
	return ok
}

// derived reports whether a cause is about a field that nobody wrote, and that the
// server has filled in from one that is refused for the same reason: the targetPort of
// a Service is its port.
func (e *explainer) derived(c cause, causes []cause) bool {
	path := parsePath(c.field, e.obj.Unstructured)
	if _, written := path.value(e.obj.Unstructured); written || c.value == "" {
		return false
	}
	for _, other := range causes[:min(len(causes), maxCauses)] {
		if other.value == c.value && other.detail == c.detail && e.wrote(other.field) &&
			parsePath(other.field, e.obj.Unstructured).parent().String() == path.parent().String() {
			return true
		}
	}
	return false
}

var (
	mayNot      = regexp.MustCompile(`(?s)^(?:\S+(?: "[^"]*")? is forbidden: )?User "([^"]*)" cannot (\S+) resource "([^"]*)" in API group "([^"]*)"(?: in the namespace "([^"]*)"| at the cluster scope)?`)
	isForbidden = regexp.MustCompile(`(?s)^\S+ "[^"]*" is forbidden: (.*)$`)
)

// grantsTooMuch is the API server's phrase for a Role with more rights than
// its author has.
const grantsTooMuch = "is attempting to grant RBAC permissions not currently held"

// forbidden explains a refusal by authorization or by a built-in admission
// plugin.
func (e *explainer) forbidden(status metav1.Status) {
	text := status.Message
	if m := mayNot.FindStringSubmatch(text); m != nil {
		e.add("", mayNotMessage(m[2], m[3], m[4], m[5]), mayNotHint(m[1], m[2], m[3], m[4]))
		return
	}
	if m := isForbidden.FindStringSubmatch(text); m != nil {
		text = m[1]
	}
	switch {
	case apierrors.HasStatusCause(&apierrors.StatusError{ErrStatus: status}, "NamespaceTerminating"):
		e.addRemedied("metadata.namespace", fmt.Sprintf("the namespace %s is being deleted", e.obj.GetNamespace()), "",
			manifest.Again("when it is gone, or use another namespace"))
	case strings.HasPrefix(text, "exceeded quota: "):
		quota, rest, _ := strings.Cut(strings.TrimPrefix(text, "exceeded quota: "), ", ")
		e.add("", fmt.Sprintf("it would exceed the quota %s: %s", quota, rest), hintQuota)
	case strings.HasPrefix(text, "failed quota: "):
		e.add("", "the quota refuses it: "+strings.TrimPrefix(text, "failed quota: "), "")
	case strings.HasPrefix(text, "violates PodSecurity "):
		e.add("", podViolations(text), "fix the pod, or have the namespace's pod-security.kubernetes.io/enforce label changed")
	case strings.Contains(text, grantsTooMuch):
		_, rights, _ := strings.Cut(text, "not currently held:")
		e.add("", "it grants rights that Pushboat itself does not have: "+strings.TrimSpace(rights),
			"give Pushboat's ServiceAccount these rights, or the verb escalate or bind on the role")
	case strings.HasPrefix(text, "error looking up service account "):
		_, why, _ := strings.Cut(strings.TrimPrefix(text, "error looking up service account "), ": ")
		e.add("spec.serviceAccountName", why, "push the ServiceAccount along")
	default:
		e.add("", text, "")
	}
}

func mayNotMessage(verb, resource, group, namespace string) string {
	if group != "" {
		resource += "." + group
	}
	where := "in the whole cluster"
	if namespace != "" {
		where = "in the namespace " + namespace
	}
	return fmt.Sprintf("Pushboat may not %s %s %s", verb, resource, where)
}

func mayNotHint(user, verb, resource, group string) string {
	if account, ok := strings.CutPrefix(user, "system:serviceaccount:"); ok {
		user = "the ServiceAccount " + strings.Replace(account, ":", "/", 1)
	} else {
		user = "the user " + user
	}
	verb = "verb " + verb
	if verb == "verb list" || verb == "verb watch" { // an account that lacks these most likely has none
		verb = "verbs get, list, watch, create, patch and delete"
	}
	return fmt.Sprintf("give %s the %s on %s of API group %q", user, verb, resource, group)
}

// Denied returns the right that Pushboat lacks, and what to grant, if err is the API
// server's refusal of a request that was about no single object.
func Denied(err error) (message, hint string, ok bool) {
	m := mayNot.FindStringSubmatch(messageOf(err))
	if m == nil {
		return "", "", false
	}
	return mayNotMessage(m[2], m[3], m[4], m[5]), mayNotHint(m[1], m[2], m[3], m[4]), true
}

func (e *explainer) notFound(status metav1.Status) {
	if status.Details != nil && status.Details.Kind == "namespaces" && e.obj.GetNamespace() != "" {
		e.add("metadata.namespace", fmt.Sprintf("the namespace %s does not exist", status.Details.Name),
			"push a Namespace along, or set createNamespace: true in pushboat.yaml")
		return
	}
	if status.Details == nil || status.Details.Name == "" {
		e.add("kind", fmt.Sprintf("the cluster does not serve %s of %s any more", e.obj.GetKind(), e.obj.GetAPIVersion()), "")
		return
	}
	e.add("", status.Message, "")
}

var conflictWith = regexp.MustCompile(`^conflict with (.*)$`)

func (e *explainer) conflict(status metav1.Status) {
	found := false
	if status.Details != nil {
		for _, c := range status.Details.Causes {
			if m := conflictWith.FindStringSubmatch(c.Message); m != nil && c.Type == metav1.CauseTypeFieldManagerConflict {
				path := e.path(c.Field)
				e.add(path, fmt.Sprintf("%s is owned by %s", path, m[1]), "leave the field to its owner by an ignore line in pushboat.yaml")
				found = true
			}
		}
	}
	if !found {
		e.addRemedied("", "the object was changed by somebody else at the same moment: "+status.Message, "", manifest.Again(""))
	}
}
