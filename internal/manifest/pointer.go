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

// Without returns a copy of an object without the fields that JSON pointers name.
// Pointers to missing fields, and those that do not parse, change nothing.
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
