package manifest

import (
	"fmt"
	"strconv"
	"strings"
)

// ParsePointer splits a JSON pointer (RFC 6901) into its steps. The empty
// pointer, which means the whole object, is an error here.
func ParsePointer(pointer string) ([]string, error) {
	rest, ok := strings.CutPrefix(pointer, "/")
	if !ok {
		return nil, fmt.Errorf("%q is not a JSON pointer: it does not start with /; write it like /spec/replicas", pointer)
	}
	steps := strings.Split(rest, "/")
	for i, step := range steps {
		if strings.Contains(strings.NewReplacer("~0", "", "~1", "").Replace(step), "~") {
			return nil, fmt.Errorf("%q is not a JSON pointer: ~ stands only in ~0 (for ~) and ~1 (for /)", pointer)
		}
		steps[i] = UnescapeStep(step)
	}
	return steps, nil
}

var escaped, unescaped = strings.NewReplacer("~", "~0", "/", "~1"), strings.NewReplacer("~1", "/", "~0", "~")

// EscapeStep writes the name of a field as a step of a JSON pointer: "a~1b" for "a/b".
func EscapeStep(name string) string { return escaped.Replace(name) }

// UnescapeStep is the reverse of EscapeStep.
func UnescapeStep(step string) string { return unescaped.Replace(step) }

// Each is the step of a pointer that stands for every element of a list and every key of a map.
// RFC 6901 has no such step; jq writes it [].
const Each = "*"

// Covers reports whether a pointer, which may have steps Each, names a field or one above it.
// The pointer of the field has none.
func Covers(pointer, field string) bool {
	for pointer != "" {
		var step, at string
		step, pointer = firstStep(pointer)
		if at, field = firstStep(field); step != at && (step != Each || at == "") {
			return false
		}
	}
	return true
}

// firstStep cuts the first step off a pointer; it is "" of the empty pointer.
func firstStep(pointer string) (step, rest string) {
	step, rest, found := strings.Cut(strings.TrimPrefix(pointer, "/"), "/")
	if found {
		rest = "/" + rest
	}
	return step, rest
}

// Without returns a copy of an object without the fields that JSON pointers name, which may
// have steps Each. Pointers to missing fields, and those that do not parse, change nothing.
func Without(object map[string]any, pointers ...string) map[string]any {
	result := copyOf(object)
	for _, pointer := range pointers {
		if steps, err := ParsePointer(pointer); err == nil {
			without(result, steps)
		}
	}
	return result
}

// without removes the field to which steps lead from value, and returns value, which is
// a new one if it is a list that became shorter.
func without(value any, steps []string) any {
	step, last := steps[0], len(steps) == 1
	if step == Each {
		return withoutEach(value, steps[1:])
	}
	switch v := value.(type) {
	case map[string]any:
		if last {
			delete(v, step)
		} else if child, ok := v[step]; ok {
			v[step] = without(child, steps[1:])
		}
	case []any:
		i, err := strconv.Atoi(step)
		if err != nil || i < 0 || i >= len(v) || strconv.Itoa(i) != step {
			return value
		}
		if last {
			return append(v[:i], v[i+1:]...)
		}
		v[i] = without(v[i], steps[1:])
	}
	return value
}

// withoutEach removes the field to which steps lead from all that a value has, and all of it
// without steps. It returns the value, as without does.
func withoutEach(value any, steps []string) any {
	switch v := value.(type) {
	case map[string]any:
		if len(steps) == 0 {
			clear(v)
		}
		for key, child := range v {
			v[key] = without(child, steps)
		}
	case []any:
		if len(steps) == 0 {
			return v[:0]
		}
		for i, child := range v {
			v[i] = without(child, steps)
		}
	}
	return value
}
