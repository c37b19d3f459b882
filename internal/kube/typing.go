package kube

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// This file explains objects that do not fit their schema. Four parts of the API server
// refuse those, in plain text and mostly with code 500: structured merge, conversion,
// strict decoding and JSON decoding. Some stop at the first mistake, so the schema is
// used to find the others.

var (
	// structured merge: "failed to create typed patch object (shop/web;
	// apps/v1, Kind=Deployment): .spec.replica: field not declared in schema"
	typedPatch = regexp.MustCompile(`(?s)^failed to create typed (?:patch|live) object \([^)]*\): (.*)$`)
	// conversion: "failed to convert new object (...) to proper version:
	// unable to convert unstructured object to apps/v1, Kind=Deployment: ..."
	conversion = regexp.MustCompile(`(?s)^failed to convert new object \([^)]*\) to proper version: (?:unable to convert unstructured object to \S+, Kind=\S+: )?(?:error decoding from json: )?(.*)$`)
	// JSON decoding: `Deployment in version "v1" cannot be handled as a
	// Deployment: json: cannot unmarshal ...`
	unhandled = regexp.MustCompile(`(?s)^\S+ in version "[^"]*" cannot be handled as a \S+: (.*)$`)

	strictField = regexp.MustCompile(`(unknown|duplicate) field "((?:[^"\\]|\\.)*)"`)
	expected    = regexp.MustCompile(`(?s)^expected (string|boolean|numeric|list|map|any scalar)[^,]*, got `)
	duplicates  = regexp.MustCompile(`^duplicate entries for key (.*)$`)
)

// decoding explains an object that does not fit its schema; it returns false if the
// message is about something else.
func (e *explainer) decoding(ctx context.Context, message string) bool {
	found := e.decodingErrors(message)
	if found == nil {
		return false
	}
	found = append(found, e.mismatches(ctx)...)
	found = found.unique()
	for _, m := range found {
		e.add(m.path.String(), e.describe(m), m.hint)
	}
	tried := e.obj.Unstructured
	if e.moved != nil {
		tried = e.moved
	}
	if mended, ok := mend(tried, found); ok {
		e.beyond(ctx, mended, found)
	}
	return true
}

// mismatch is a field that does not fit its schema.
type mismatch struct {
	path  fieldPath
	want  string // the expected type: string, boolean, number, list, map, quantity; "" for an unknown field
	text  string // the whole message, instead of want
	hint  string
	fatal bool   // cannot be removed to try again
	meant string // the field that an unknown one was probably meant to be
}

type mismatches []mismatch

// unique keeps one mismatch for each path, and that of the schema rather than that of
// the server's message, which has no hint; the order is that of the paths. A mismatch
// without a path gives way to any that has one.
func (ms mismatches) unique() mismatches {
	byPath := map[string]mismatch{}
	for _, m := range ms {
		byPath[m.path.bare()] = m
	}
	if len(byPath) > 1 {
		delete(byPath, "")
	}
	var all mismatches
	for _, path := range slices.Sorted(maps.Keys(byPath)) {
		all = append(all, byPath[path])
	}
	return all
}

// decodingErrors parses the server's message; nil if it is none of the four.
func (e *explainer) decodingErrors(message string) mismatches {
	if m := typedPatch.FindStringSubmatch(message); m != nil {
		return e.typedErrors(m[1])
	}
	if found := e.strictErrors(message); found != nil {
		return found
	}
	for _, pattern := range []*regexp.Regexp{conversion, unhandled} {
		if m := pattern.FindStringSubmatch(message); m != nil {
			return e.valueErrors(m[1])
		}
	}
	return nil
}

// typedErrors parses the message of structured merge: one error, or a line "errors:"
// and one a line.
func (e *explainer) typedErrors(text string) mismatches {
	var found mismatches
	for line := range strings.SplitSeq(strings.TrimPrefix(text, "errors:"), "\n  ") {
		if line = strings.TrimSpace(line); line != "" {
			found = append(found, e.typedError(line))
		}
	}
	return found
}

func (e *explainer) typedError(line string) mismatch {
	path, what := cutPath(line)
	m := mismatch{path: parsePath(path, e.obj.Unstructured)}
	if what == "field not declared in schema" {
		return m
	}
	if match := expected.FindStringSubmatch(what); match != nil {
		m.want = map[string]string{"numeric": "number", "any scalar": "string"}[match[1]]
		if m.want == "" {
			m.want = match[1]
		}
		value, _ := m.path.value(e.obj.Unstructured)
		m.hint = hintFor(m.want, value)
		return m
	}
	if match := duplicates.FindStringSubmatch(what); match != nil {
		m.path = append(m.path, second(m.path, match[1], e.obj.Unstructured)...)
		m.text = "is the second with " + strings.Trim(match[1], "[]")
		m.hint, m.fatal = "remove or rename it", true
		return m
	}
	m.text = what
	if e.isSecret() {
		m.text = "does not fit the schema of a Secret"
	}
	return m
}

// second returns the step to the second element of a list that has the key fields, or
// nothing.
func second(list fieldPath, keys string, u *unstructured.Unstructured) fieldPath {
	value, _ := list.value(u)
	items, _ := value.([]any)
	inner, _, ok := bracket(keys)
	seen := false
	for i, item := range items {
		if ok && matchKey(item, inner) > 0 {
			if seen {
				return fieldPath{{index: i, isIndex: true}}
			}
			seen = true
		}
	}
	return nil
}

// cutPath splits ".spec.containers[name=\"a: b\"].image: what is wrong".
func cutPath(line string) (path, what string) {
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '[':
			_, rest, ok := bracket(line[i:])
			if !ok {
				return "", line
			}
			i = len(line) - len(rest) - 1
		case strings.HasPrefix(line[i:], ": "):
			return line[:i], line[i+2:]
		}
	}
	return "", line
}

// strictErrors parses `strict decoding error: unknown field "spec.foo", duplicate field
// "spec.bar"`.
func (e *explainer) strictErrors(message string) mismatches {
	_, list, ok := strings.Cut(message, "strict decoding error: ")
	if !ok {
		if _, list, ok = strings.Cut(message, "error strict decoding patch: "); !ok {
			return nil
		}
	}
	var found mismatches
	for _, match := range strictField.FindAllStringSubmatch(list, -1) {
		m := mismatch{path: parsePath(match[2], e.obj.Unstructured)}
		if match[1] == "duplicate" {
			m.text = "is there twice"
		}
		found = append(found, m)
	}
	return found
}

// valueErrors parses the message of the conversion to the server's own types. It does
// not name the field, so the values are tried here as well.
func (e *explainer) valueErrors(text string) mismatches {
	var found mismatches
	if e.isSecret() && strings.HasPrefix(text, "illegal base64 data") {
		data, _, _ := unstructured.NestedMap(e.obj.Object, "data")
		for key, value := range data {
			if s, ok := value.(string); ok && !isBase64(s) {
				found = append(found, mismatch{
					path: fieldPath{{name: "data"}, {name: key, isKey: true}},
					text: notBase64, hint: hintSecret,
				})
			}
		}
	}
	if strings.HasPrefix(text, "quantities must match") || strings.HasPrefix(text, "unable to parse quantity") {
		return mismatches{{want: "quantity", text: "a quantity cannot be read", hint: hintQuantity}}
	}
	if len(found) > 0 {
		return found
	}
	if e.isSecret() {
		text = "does not fit the schema of a Secret"
	}
	return mismatches{{text: strings.TrimPrefix(text, "json: ")}}
}

const (
	notBase64  = "is not base64"
	hintSecret = "write plain text under stringData instead of data"
)

func isBase64(s string) bool {
	_, err := base64.StdEncoding.DecodeString(s)
	return err == nil
}

const hintQuantity = "write a quantity like 500m, 1.5 or 128Mi"

// describe puts the mistake in a field into words.
func (e *explainer) describe(m mismatch) string {
	path := m.path.String()
	switch {
	case m.text != "" && path == "":
		return m.text
	case m.text != "":
		return path + " " + m.text
	case m.want == "":
		return "unknown field " + path
	}
	value, written := m.path.value(e.obj.Unstructured)
	shown := e.shownScalar(value, written)
	if _, truth := value.(bool); truth && shown != "" || m.want == "quantity" && shown != "" {
		return sentenceOf(path, shown, "is not "+typeNames[m.want])
	}
	return sentenceOf(path, shown, fmt.Sprintf("is %s, not %s", typeName(value), typeNames[m.want]))
}

var typeNames = map[string]string{
	"string": "text", "boolean": "true or false", "number": "a number", "list": "a list", "map": "a mapping",
	"quantity": "a quantity",
}

func typeName(value any) string {
	switch value.(type) {
	case nil:
		return "empty"
	case string:
		return typeNames["string"]
	case bool:
		return typeNames["boolean"]
	case map[string]any:
		return typeNames["map"]
	case []any:
		return typeNames["list"]
	}
	return typeNames["number"]
}

func (e *explainer) shownScalar(value any, written bool) string {
	switch v := value.(type) {
	case map[string]any, []any, nil:
		return ""
	case string:
		return e.shown(strconv.Quote(v))
	default:
		if !written {
			return ""
		}
		return e.shown(fmt.Sprint(v))
	}
}

// hintFor says how to write a value of the expected type.
func hintFor(want string, value any) string {
	text := fmt.Sprint(value)
	switch value.(type) {
	case map[string]any, []any, nil:
		text = ""
	}
	switch {
	case want == "string" && text != "":
		return "put the value in quotes"
	case want == "boolean":
		return "write true or false, without quotes"
	case want == "number":
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			return "write the number without quotes"
		}
	case want == "list":
		return "begin each item with a dash"
	case want == "quantity":
		return hintQuantity
	}
	return ""
}

// mend returns a copy of the object without any mismatch, so that the server can be
// asked for further mistakes; false if that is impossible.
func mend(u *unstructured.Unstructured, found mismatches) (*unstructured.Unstructured, bool) {
	mended := u.DeepCopy()
	for _, m := range found {
		if len(m.path) == 0 || m.fatal {
			return nil, false
		}
		parent, ok := m.path.parent().value(mended)
		if !ok {
			continue // gone with a field above it
		}
		value, _ := m.path.value(mended)
		last := m.path[len(m.path)-1]
		switch at := parent.(type) {
		case map[string]any:
			if m.want == "string" && isScalar(value) {
				at[last.name] = fmt.Sprint(value)
			} else {
				delete(at, last.name)
			}
		case []any:
			if m.want != "string" || !isScalar(value) || last.index >= len(at) {
				return nil, false
			}
			at[last.index] = fmt.Sprint(value)
		default:
			return nil, false
		}
	}
	return mended, true
}

func isScalar(value any) bool {
	switch value.(type) {
	case nil, map[string]any, []any:
		return false
	}
	return true
}

// beyond asks the server for further mistakes in an object, once its mismatches are
// removed. Causes near a removed field are its consequences.
func (e *explainer) beyond(ctx context.Context, mended *unstructured.Unstructured, found mismatches) {
	if e.cluster.dynamic == nil {
		return
	}
	kind, err := e.cluster.Kind(ctx, mended.GroupVersionKind())
	if err != nil {
		return
	}
	_, err = e.cluster.Apply(ctx, kind, mended, ApplyOptions{DryRun: true})
	status := apierrors.APIStatus(nil)
	if err == nil || !errors.As(err, &status) || status.Status().Reason != metav1.StatusReasonInvalid {
		return
	}
	var others []cause
	for _, c := range causesOf(status.Status()) {
		path := e.path(c.field)
		if !slices.ContainsFunc(found, func(m mismatch) bool { return near(path, m.path.String()) || path == m.meant }) && !c.isImmutable() {
			others = append(others, c)
		}
	}
	e.causes(others)
}

// near reports whether one path is the other, or above or below it.
func near(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return strings.HasPrefix(b, a) && (len(a) == len(b) || b[len(a)] == '.' || b[len(a)] == '[')
}
