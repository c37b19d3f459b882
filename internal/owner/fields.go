package owner

import (
	"strconv"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Remove removes the fields of a set of leaves from an object, as far as it has them.
// In a list whose elements have keys, an element goes as a whole with its key. Anything
// that is empty then goes too.
func Remove(object map[string]any, leaves *fieldpath.Set) { removeFrom(object, leaves) }

// removeFrom returns the rest of a value, and whether there is any.
func removeFrom(at any, leaves *fieldpath.Set) (left any, some bool) {
	for element := range leaves.Members.All() {
		if index, _, ok := find(at, element); ok {
			at = removeAt(at, element, index)
		}
	}
	for element := range leaves.Children.All() {
		index, child, ok := find(at, element)
		if !ok {
			continue
		}
		below := leaves.WithPrefix(element)
		keyless := losesKey(element, below)
		rest, remain := removeFrom(child, below)
		if !remain || keyless {
			at = removeAt(at, element, index)
			continue
		}
		switch at := at.(type) {
		case map[string]any:
			at[*element.FieldName] = rest
		case []any:
			at[index] = rest
		}
	}
	switch at := at.(type) {
	case map[string]any:
		return at, len(at) > 0
	case []any:
		return at, len(at) > 0
	}
	return at, true
}

// losesKey reports whether fields that tell a list's element from the others
// are among those that go.
func losesKey(element fieldpath.PathElement, leaves *fieldpath.Set) bool {
	if element.Key == nil {
		return false
	}
	for _, field := range *element.Key {
		if leaves.Members.Has(fieldpath.FieldNameElement(field.Name)) {
			return true
		}
	}
	return false
}

// removeAt returns the value without one element, which find has found.
func removeAt(at any, element fieldpath.PathElement, index int) any {
	switch at := at.(type) {
	case map[string]any:
		delete(at, *element.FieldName)
	case []any:
		return append(at[:index:index], at[index+1:]...)
	}
	return at
}

// find looks one element of a path up. index is that of a list.
func find(at any, element fieldpath.PathElement) (index int, child any, ok bool) {
	switch at := at.(type) {
	case map[string]any:
		if element.FieldName == nil {
			return 0, nil, false
		}
		child, ok = at[*element.FieldName]
		return 0, child, ok
	case []any:
		for i, item := range at {
			if selects(element, i, item) {
				return i, item, true
			}
		}
	}
	return 0, nil, false
}

// keyDefaults are the values of fields in the keys of lists that have a default: in the
// built-in kinds of Kubernetes 1.37 that is the protocol of ports alone.
var keyDefaults = map[string]value.Value{"protocol": value.NewValueInterface("TCP")}

// selects reports whether a path's element means the i-th item of a list. A
// field of the key that the item does not have has its default, and is passed over if
// that is not known.
func selects(element fieldpath.PathElement, i int, item any) bool {
	switch {
	case element.Index != nil:
		return i == *element.Index
	case element.Value != nil:
		return value.Equals(*element.Value, value.NewValueInterface(item))
	case element.Key == nil:
		return false
	}
	fields, ok := item.(map[string]any)
	found := false
	for _, key := range *element.Key {
		have, known := fields[key.Name]
		if preset, ok := keyDefaults[key.Name]; ok && !known && !value.Equals(key.Value, preset) {
			return false
		}
		if known && !value.Equals(key.Value, value.NewValueInterface(have)) {
			return false
		}
		found = found || known
	}
	return ok && found
}

// Pointers writes a set of leaves as JSON pointers into an object, in the
// order of the fields. Fields that it does not have are left out.
func Pointers(object map[string]any, leaves *fieldpath.Set) []string {
	var pointers []string
	for path := range leaves.All() {
		if pointer := Pointer(object, path); pointer != "" {
			pointers = append(pointers, pointer)
		}
	}
	return pointers
}

// Pointer writes a path as a JSON pointer (RFC 6901) into an object; "" if it
// does not have the field.
func Pointer(object map[string]any, path fieldpath.Path) string {
	var pointer strings.Builder
	var at any = object
	for _, element := range path {
		index, child, ok := find(at, element)
		if !ok {
			return ""
		}
		step := strconv.Itoa(index)
		if element.FieldName != nil {
			step = manifest.EscapeStep(*element.FieldName)
		}
		pointer.WriteString("/" + step)
		at = child
	}
	return pointer.String()
}

// Select returns the leaves of a set whose pointers into an object pass keep.
func Select(object map[string]any, leaves *fieldpath.Set, keep func(pointer string) bool) *fieldpath.Set {
	return without(leaves, func(path fieldpath.Path) bool {
		pointer := Pointer(object, path)
		return pointer == "" || !keep(pointer)
	})
}
