package kube

import (
	"fmt"
	"regexp"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pushboat/pushboat/internal/manifest"
)

// maxShown bounds the repeated part of a refused value, in bytes.
const maxShown = 80

var (
	between   = regexp.MustCompile(`^must be between (\S+) and (\S+), inclusive$`)
	inBody    = regexp.MustCompile(`^\S+ in body (should|must) `)
	patterns  = regexp.MustCompile(`(?s) \((?:e\.g\. .*?, ?\s*)?regex used for validation is '.*'\)$`)
	supported = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
	exceptFor = regexp.MustCompile(`^spec is immutable after creation (except .*?)(?: for bound claims)?$`)
	ofType    = regexp.MustCompile(`must be of type (\w+)`)
	rfcName   = regexp.MustCompile(`^a(?: valid)? (?:lowercase )?(?:RFC 1123|RFC 1035|DNS-1035) (?:sub)?(?:domain|label)`)
)

// sentence puts the mistake in a field into words, with the next thing to try.
func (e *explainer) sentence(path string, c cause) (message, hint string) {
	detail, _, _ := strings.Cut(c.detail, "\n@@") // a diff of internal structures
	detail = strings.TrimSpace(patterns.ReplaceAllString(detail, ""))
	detail = inBody.ReplaceAllString(detail, "must ")
	shown := e.shown(c.value)
	if m := ofType.FindStringSubmatch(detail); m != nil && c.reason == metav1.CauseTypeTypeInvalid {
		return e.wrongType(path, m[1])
	}
	switch {
	case c.isImmutable():
		return e.immutable(path, detail)
	case c.reason == "FieldValueRequired":
		return required(path, detail), ""
	case c.reason == "FieldValueNotSupported":
		return notSupported(path, shown, c.value, detail)
	case c.reason == "FieldValueDuplicate":
		return sentenceOf(path, shown, "is there twice"), ""
	case c.reason == "FieldValueNotFound":
		return sentenceOf(path, shown, "is not defined anywhere") + suffix(detail), ""
	case rfcName.MatchString(detail):
		return sentenceOf(path, shown, "is no valid name: it may have "+nameRule(detail)), ""
	}
	if m := between.FindStringSubmatch(detail); m != nil {
		return sentenceOf(path, shown, fmt.Sprintf("is not between %s and %s", m[1], m[2])), ""
	}
	if shown != "" && (strings.HasPrefix(detail, "must ") || strings.HasPrefix(detail, "may ")) {
		return sentenceOf(path, shown, detail), ""
	}
	return strings.TrimPrefix(sentenceOf(path, shown, "")+suffix(detail), ": "), ""
}

// wrongType names the type that a field has in place of the schema's.
func (e *explainer) wrongType(path, want string) (message, hint string) {
	m := mismatch{path: parsePath(path, e.obj.Unstructured), want: want}
	if own, ok := wanted[want]; ok {
		m.want = own
	}
	value, _ := m.path.value(e.obj.Unstructured)
	return e.describe(m), hintFor(m.want, value)
}

// sentenceOf joins "spec.ports[0].port", "70000" and "is not between 1 and 65535", all
// but the first of which may be empty.
func sentenceOf(path, shown, what string) string {
	text := strings.TrimSpace(shown + " " + what)
	switch {
	case path == "":
		return text
	case text == "":
		return path
	case shown == "":
		return path + " " + text
	}
	return path + ": " + text
}

func suffix(detail string) string {
	if detail == "" {
		return ""
	}
	return ": " + detail
}

// shown returns the part of a refused value that is worth repeating: nothing if it is a
// structure, or may be secret.
func (e *explainer) shown(value string) string {
	if e.isSecret() || value == "" || value == "null" || value == `"object"` || strings.HasPrefix(value, "{") || strings.HasPrefix(value, "[") {
		return ""
	}
	if len(value) > maxShown {
		return strings.ToValidUTF8(value[:maxShown], "") + "..."
	}
	return value
}

func required(path, detail string) string {
	if detail == "" || strings.HasSuffix(detail, "must be specified") {
		return path + " is required"
	}
	return path + " is required" + suffix(detail)
}

// notSupported parses `supported values: "Always", "IfNotPresent", "Never"`.
func notSupported(path, shown, value, detail string) (message, hint string) {
	var known []string
	for _, m := range supported.FindAllStringSubmatch(detail, -1) {
		known = append(known, m[1])
	}
	if len(known) == 0 {
		return sentenceOf(path, shown, "is not supported") + suffix(detail), ""
	}
	if meant := manifest.Closest(strings.Trim(value, `"`), known); meant != "" {
		hint = "did you mean " + meant + "?"
	}
	return sentenceOf(path, shown, "is not one of "+strings.Join(known, ", ")), hint
}

func nameRule(detail string) string {
	rule := "lower case letters, digits and -"
	if strings.Contains(detail, "'.'") {
		rule = "lower case letters, digits, - and ."
	}
	if strings.Contains(detail, "start with an alphabetic") {
		return rule + ", and begins with a letter"
	}
	return rule + ", and begins and ends with a letter or digit"
}

// holdsData are the kinds whose deletion deletes more than themselves.
var holdsData = map[string]bool{
	"PersistentVolumeClaim": true, "PersistentVolume": true, "Namespace": true,
	"CustomResourceDefinition": true,
}

// remedy returns the way past a cause: an object that cannot change can be recreated.
func (e *explainer) remedy(c cause) manifest.Remedy {
	switch {
	case !c.isImmutable():
		return manifest.Remedy{}
	case holdsData[e.obj.GetKind()]:
		return manifest.Remedy{Kind: manifest.RemedyForceWithData}
	}
	return manifest.Remedy{Kind: manifest.RemedyForce}
}

func (e *explainer) immutable(path, detail string) (message, hint string) {
	message = path + " cannot be changed on a live object"
	switch {
	case strings.Contains(detail, "when `immutable` is set"):
		return path + " cannot be changed: the live object is marked immutable", "give it a new name"
	case exceptFor.MatchString(detail):
		message += ", " + exceptFor.FindStringSubmatch(detail)[1]
	case strings.HasPrefix(detail, "pod updates may not change fields other than "):
		message += ", except " + strings.ReplaceAll(strings.TrimPrefix(detail, "pod updates may not change fields other than "), ",", ", ")
	case strings.HasPrefix(detail, "updates to statefulset spec for fields other than "):
		only := strings.TrimPrefix(detail, "updates to statefulset spec for fields other than ")
		message += ", except " + strings.TrimSuffix(only, " are forbidden")
	}
	return strings.ReplaceAll(message, "`", ""), ""
}
