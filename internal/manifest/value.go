package manifest

import (
	"maps"
	"slices"
)

// ValueAt returns the value of a field, and whether the object has it. The path
// is in a notation that LineOf knows; it has to lead to the field itself.
func (o *Object) ValueAt(path string) (any, bool) {
	value := any(o.Object)
	for path != "" {
		switch inner := value.(type) {
		case map[string]any:
			key, rest, ok := cutKey(path, slices.Collect(maps.Keys(inner)))
			if !ok {
				return nil, false
			}
			value, path = inner[key], rest
		case []any:
			index, rest, ok := cutElement(path, inner)
			if !ok {
				return nil, false
			}
			value, path = inner[index], rest
		default:
			return nil, false
		}
	}
	return value, true
}
