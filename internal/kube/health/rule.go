package health

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Rule says how to judge the objects of a kind, in CEL expressions over their top-level
// fields (docs/health.md). The first that is true decides, in this order: Suspended,
// InProgress, Failed, Current; if none is, the object is in progress. Ended is
// evaluated separately: the object has done its work, and its deletion is not drift.
// While status.observedGeneration is behind, only Suspended is evaluated.
type Rule struct {
	Group      string `json:"group"` // "": any
	Kind       string `json:"kind"`
	Suspended  string `json:"suspended"` // "" for this and the next two: never
	InProgress string `json:"inProgress"`
	Failed     string `json:"failed"`
	Current    string `json:"current"`
	Ended      string `json:"ended"`   // "": see Rules.EndOf
	Message    string `json:"message"` // text; "": that of the condition Ready
}

// judge is a compiled rule.
type judge struct {
	group, kind string

	suspended, inProgress, failed, current, ended, message *expression // nil if there is none
}

// Rules are the compiled rules of one app. Nil has none.
type Rules struct {
	rules  []Rule // as written
	judges []*judge
}

// Equal reports whether two apps have the same rules.
func (r *Rules) Equal(other *Rules) bool {
	if r == nil || other == nil {
		return r == other
	}
	return slices.Equal(r.rules, other.rules)
}

// Has reports whether one of the rules is about a kind.
func (r *Rules) Has(gk schema.GroupKind) bool { return r.judge(gk) != nil }

// judge returns the rule for a kind: one that names its group before one that names
// none; nil if there is neither.
func (r *Rules) judge(gk schema.GroupKind) *judge {
	if r == nil {
		return nil
	}
	var found *judge
	for _, j := range r.judges {
		if j.kind == gk.Kind && (j.group == gk.Group || j.group == "" && found == nil) {
			found = j
		}
	}
	return found
}

// Of judges a live object: by the app's rules, else as the function Of does.
func (r *Rules) Of(u *unstructured.Unstructured) Health {
	if u == nil {
		return Health{Unknown, "no such object"}
	}
	o := object{u.Object}
	if u.GetDeletionTimestamp() != nil {
		return Health{Terminating, terminatingMessage(o, u.GetFinalizers())}
	}
	gk := u.GroupVersionKind().GroupKind()
	if j := r.judge(gk); j != nil {
		return j.of(u).short()
	}
	if plain[gk] {
		return healthy("")
	}
	if judge, ok := table[gk]; ok {
		if unseen(u) {
			return progressing(newestNotSeen)
		}
		return judge(o).short()
	}
	if j := fromLibrary(gk); j != nil {
		return j.of(u).short()
	}
	if unseen(u) {
		return progressing(newestNotSeen)
	}
	return generic(u).short()
}

const newestNotSeen = "the newest change has not been seen by its controller yet"

// unseen reports whether the object's controller says that it has not looked at the
// newest generation yet.
func unseen(u *unstructured.Unstructured) bool {
	seen, ok := object{u.Object}.lookupInt("status", "observedGeneration")
	return ok && seen < u.GetGeneration()
}

// of judges an object by the rule.
func (j *judge) of(u *unstructured.Unstructured) Health {
	fields := fieldsOf(u)
	for _, step := range []struct {
		field   string
		is      *expression
		verdict Status
	}{
		{"suspended", j.suspended, Suspended},
		{"inProgress", j.inProgress, Progressing},
		{"failed", j.failed, Failed},
		{"current", j.current, Healthy},
	} {
		if step.verdict == Progressing && unseen(u) {
			return progressing(newestNotSeen)
		}
		is, err := step.is.isTrue(fields)
		if err != nil {
			return Health{Unknown, "its health rule " + err.Error() + ": " + step.field}
		}
		if is {
			return Health{step.verdict, j.words(u, fields)}
		}
	}
	return progressing(j.words(u, fields))
}

// words returns the rule's message for an object, to go with its verdict.
func (j *judge) words(u *unstructured.Unstructured, fields map[string]any) string {
	if j.message != nil {
		return j.message.text(fields)
	}
	return object{u.Object}.condition("Ready").text()
}

// fieldsOf returns the fields for expressions. A missing field is an empty map, so that
// has(status.phase) is false without it.
func fieldsOf(u *unstructured.Unstructured) map[string]any {
	fields := make(map[string]any, len(variables))
	for _, name := range variables {
		fields[name] = u.Object[name]
		if fields[name] == nil {
			fields[name] = map[string]any{}
		}
	}
	return fields
}
