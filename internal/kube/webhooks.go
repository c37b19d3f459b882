package kube

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pushboat/pushboat/internal/manifest"
)

// The API server's messages where it calls others' programs (apiserver 1.37,
// pkg/admission/plugin/webhook, and apiextensions-apiserver,
// pkg/apiserver/conversion/webhook_converter.go).
var (
	webhookDenied   = regexp.MustCompile(`(?s)^(?:.*? is forbidden: )?admission webhook "([^"]*)" denied the request(?:: (.*)| without explanation)?$`)
	webhookFailed   = regexp.MustCompile(`(?s)failed calling webhook "([^"]*)"(?:: |; )(?:failed to call webhook: )?(.*)$`)
	webhookOdd      = regexp.MustCompile(`(?s)^received invalid webhook response: (.*)$`)
	webhookNeverDry = regexp.MustCompile(`admission webhook "([^"]*)" does not support dry run`)
	policyDenied    = regexp.MustCompile(`(?s)^(?:.*? is forbidden: )?ValidatingAdmissionPolicy '([^']*)' with binding '[^']*' denied request: (.*)$`)
	unconvertible   = regexp.MustCompile(`(?s)conversion webhook for (\S+), Kind=(\S+) (failed|returned)(?:: |, | )(.*)$`)
	requested       = regexp.MustCompile(`(?:Post|Get) "https?://([^/"]*)[^"]*": `)
	ofService       = regexp.MustCompile(`^([^.:]+)\.([^.:]+)\.svc(?::\d+)?$`)
)

// webhook explains refusals by admission webhooks and policies, which come with any
// code and reason, and webhooks that do not work.
func (e *explainer) webhook(message string) bool {
	if m := webhookDenied.FindStringSubmatch(message); m != nil {
		e.add("", refusedBy("the admission webhook "+m[1], m[2]), "")
		return true
	}
	if m := webhookNeverDry.FindStringSubmatch(message); m != nil {
		e.add("", fmt.Sprintf("the admission webhook %s takes no dry-run, so the gate cannot check this object", m[1]),
			"set sideEffects: None, or NoneOnDryRun if that is true, in the webhook's configuration; or leave the object out there by its rules or namespaceSelector")
		return true
	}
	if problem, ok := unconverted(message); ok {
		e.addRemedied("", problem.Message, "", problem.Remedy)
		return true
	}
	m := webhookFailed.FindStringSubmatch(message)
	if m == nil {
		return false
	}
	at, why := addressed(m[2])
	again := manifest.Again(fmt.Sprintf("when %s answers; until then the cluster takes no such object from anybody, unless the webhook's configuration has failurePolicy: Ignore", orElse(at, "the webhook")))
	if odd := webhookOdd.FindStringSubmatch(why); odd != nil {
		e.addRemedied("", fmt.Sprintf("the cluster's admission webhook %s%s answers wrongly: %s", m[1], inBrackets(at), odd[1]), "", again)
		return true
	}
	e.addRemedied("", fmt.Sprintf("the cluster's admission webhook %s%s does not answer: %s", m[1], inBrackets(at), why), "", again)
	return true
}

// Unconverted names a conversion webhook that does not work, and what to try, if err is
// the API server's message about that in answer to a request about no single object.
func Unconverted(err error) (_ manifest.Problem, ok bool) {
	status := apierrors.APIStatus(nil)
	if !errors.As(err, &status) {
		return manifest.Problem{}, false
	}
	said := status.Status()
	causes := []metav1.StatusCause{{Message: said.Message}}
	if said.Details != nil {
		causes = append(causes, said.Details.Causes...)
	}
	for _, cause := range causes[:min(len(causes), maxCauses)] {
		if problem, ok := unconverted(shorten(cause.Message, maxAnswer)); ok {
			problem.Message = shorten(problem.Message, maxMessage)
			return problem, true
		}
	}
	return manifest.Problem{}, false
}

// unconverted explains that objects could not be converted from one version to another.
func unconverted(text string) (_ manifest.Problem, ok bool) {
	m := unconvertible.FindStringSubmatch(text)
	if m == nil {
		return manifest.Problem{}, false
	}
	at, why := addressed(m[4])
	kind := m[2] + " of " + m[1]
	trouble := "does not answer"
	if m[3] == "returned" || !requested.MatchString(m[4]) {
		trouble = "answers wrongly"
	}
	return manifest.Problem{
		Message: fmt.Sprintf("the conversion webhook for %s%s %s: %s", kind, inBrackets(at), trouble, why),
		Remedy: manifest.Again(fmt.Sprintf("when %s answers; the CustomResourceDefinition of %s names it in spec.conversion",
			orElse(at, "the webhook"), m[2])),
	}, true
}

// addressed removes the request from a transport error, and returns its target: a
// service of the cluster, or a host. The rest of the address may be secret.
func addressed(text string) (at, why string) {
	m := requested.FindStringSubmatch(text)
	if m == nil {
		return "", text
	}
	at = m[1]
	if s := ofService.FindStringSubmatch(at); s != nil {
		at = "service " + s[2] + "/" + s[1]
	}
	return at, strings.Replace(text, m[0], "", 1)
}

func inBrackets(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// refusedBy writes a refusal and its reasons.
func refusedBy(who, why string) string { return saidBy("refused by "+who, why) }

// saidBy writes somebody's message: behind a colon if it is one line, else below.
func saidBy(who, text string) string {
	var lines []string
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\r", "\n"), "\n") {
		if line = strings.TrimRight(line, " \t"); line != "" {
			lines = append(lines, line)
		}
	}
	switch len(lines) {
	case 0:
		return who
	case 1:
		return who + ": " + strings.TrimLeft(lines[0], " \t")
	}
	return who + ":\n  " + strings.Join(lines, "\n  ")
}

// maxTextLines bounds how many lines a message has.
const maxTextLines = 25

// fewLines cuts a message to maxTextLines lines.
func fewLines(text string) string {
	lines := strings.Split(text, "\n")
	if len(lines) <= maxTextLines {
		return text
	}
	return fmt.Sprintf("%s\n... and %d more lines", strings.Join(lines[:maxTextLines], "\n"), len(lines)-maxTextLines)
}

// podViolations puts the violations that PodSecurity reports on a line each: the level,
// and the reason, such as `host namespaces (hostNetwork=true)`.
func podViolations(text string) string {
	level, list, ok := strings.Cut(text, `": `)
	if !ok {
		return text
	}
	return saidBy(level+`"`, strings.ReplaceAll(list, "), ", ")\n"))
}
