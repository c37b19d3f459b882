package health

import (
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// object reads fields of an object without ever failing: a field that is missing, or
// has an unexpected type, reads as the zero value.
type object struct{ fields map[string]any }

func (o object) lookupInt(path ...string) (int64, bool) {
	value, ok, err := unstructured.NestedFieldNoCopy(o.fields, path...)
	if err != nil || !ok {
		return 0, false
	}
	switch n := value.(type) {
	case int64:
		return n, true
	case float64:
		return int64(n), true
	case int:
		return int64(n), true
	case string: // Argo Rollouts writes its observedGeneration as text
		parsed, err := strconv.ParseInt(n, 10, 64)
		return parsed, err == nil
	}
	return 0, false
}

func (o object) int(path ...string) int64 {
	n, _ := o.lookupInt(path...)
	return n
}

// intOr reads a number whose absence has its own meaning.
func (o object) intOr(otherwise int64, path ...string) int64 {
	if n, ok := o.lookupInt(path...); ok {
		return n
	}
	return otherwise
}

func (o object) string(path ...string) string {
	s, _, _ := unstructured.NestedString(o.fields, path...)
	return s
}

func (o object) bool(path ...string) bool {
	b, _, _ := unstructured.NestedBool(o.fields, path...)
	return b
}

func (o object) list(path ...string) []any {
	value, _, _ := unstructured.NestedFieldNoCopy(o.fields, path...)
	items, _ := value.([]any)
	return items
}

func (o object) object(path ...string) object {
	value, _, _ := unstructured.NestedFieldNoCopy(o.fields, path...)
	fields, _ := value.(map[string]any)
	return object{fields}
}

// condition is one entry of status.conditions.
type condition struct{ status, reason, message string }

func (c condition) isTrue() bool  { return c.status == "True" }
func (c condition) isFalse() bool { return c.status == "False" }

// text returns a condition in words: its message, or its reason.
func (c condition) text() string {
	if c.message != "" {
		return c.message
	}
	return c.reason
}

// condition returns the condition of that type; its fields are empty if the
// object has none.
func (o object) condition(kind string) condition {
	for _, item := range o.list("status", "conditions") {
		fields, _ := item.(map[string]any)
		c := object{fields}
		if c.string("type") == kind {
			return condition{c.string("status"), c.string("reason"), c.string("message")}
		}
	}
	return condition{}
}
