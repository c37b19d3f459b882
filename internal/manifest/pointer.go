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
// have steps Each. Places in lists are those in the object, whatever else goes. Pointers to
// missing fields, and those that do not parse, change nothing.
func Without(object map[string]any, pointers ...string) map[string]any {
	result := copyOf(object)
	var gone [][]string
	for _, pointer := range pointers {
		if steps, err := ParsePointer(pointer); err == nil {
			gone = append(gone, steps)
		}
	}
	without(result, gone)
	return result
}

// without removes from a value the fields to which steps lead, of which each has at least one.
// It returns the value, which is a new one if it is a list that became shorter.
func without(value any, gone [][]string) any {
	if len(gone) == 0 {
		return value
	}
	switch v := value.(type) {
	case map[string]any:
		for key, child := range v {
			if inside, whole := within(gone, key); whole {
				delete(v, key)
			} else if len(inside) > 0 {
				v[key] = without(child, inside)
			}
		}
	case []any:
		left := v[:0]
		for i, child := range v {
			if inside, whole := within(gone, strconv.Itoa(i)); !whole {
				left = append(left, without(child, inside))
			}
		}
		return left
	}
	return value
}

// within are the rest of those steps that lead to a field or an element, or below it. whole
// reports whether some lead to just that.
func within(gone [][]string, step string) (inside [][]string, whole bool) {
	for _, steps := range gone {
		switch {
		case steps[0] != step && steps[0] != Each:
		case len(steps) == 1:
			whole = true
		default:
			inside = append(inside, steps[1:])
		}
	}
	return inside, whole
}
