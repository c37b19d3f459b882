package manifest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// lines has the place of a value and of the values inside it. A server keeps one for each
// value of each object that it wants: two words, as most values are scalars.
type lines struct {
	line   int
	inside *inside // nil: nothing is inside
}

// inside has the places of the values inside a mapping or a list: for a mapping, parts has
// that of each of keys; for a list, of each element.
type inside struct {
	keys  []string
	parts []lines
}

// keys returns the keys of a mapping that were written.
func (l *lines) keys() []string {
	if l.inside == nil {
		return nil
	}
	return l.inside.keys
}

// part returns the place of an element, or nil.
func (l *lines) part(i int) *lines {
	if l.inside == nil || i >= len(l.inside.parts) {
		return nil
	}
	return &l.inside.parts[i]
}

// key returns the place of a mapping's key, or nil.
func (l *lines) key(key string) *lines {
	if i := slices.Index(l.keys(), key); i >= 0 {
		return l.part(i)
	}
	return nil
}

// find follows a field path as far as it was written, and returns the last place that
// it passed. value is the value at this place; it resolves list elements that the path
// names by their fields.
func (l *lines) find(path string, value any) *lines {
	for path != "" {
		next, rest, inner := l.step(path, value)
		if next == nil {
			break
		}
		l, path, value = next, rest, inner
	}
	return l
}

// step takes one step of a path: ".name", "[key]", "[0]" or `[name="web"]`.
func (l *lines) step(path string, value any) (next *lines, rest string, inner any) {
	switch value := value.(type) {
	case map[string]any:
		key, rest, ok := cutKey(path, l.keys())
		if !ok {
			return nil, "", nil
		}
		return l.key(key), rest, value[key]
	case []any:
		index, rest, ok := cutElement(path, value)
		if !ok {
			return nil, "", nil
		}
		return l.part(index), rest, value[index]
	}
	return nil, "", nil
}

// cutKey finds the longest of keys that path starts with. Keys may have dots
// and slashes in them, with brackets around or not.
func cutKey(path string, keys []string) (key, rest string, ok bool) {
	bare := strings.TrimPrefix(path, ".")
	for _, k := range keys {
		if ok && len(k) <= len(key) {
			continue
		}
		if inner, bracket := strings.CutPrefix(path, "["); bracket && strings.HasPrefix(inner, k) && strings.HasPrefix(inner[len(k):], "]") {
			key, rest, ok = k, inner[len(k)+1:], true
		} else if after, found := strings.CutPrefix(bare, k); found && (after == "" || after[0] == '.' || after[0] == '[') {
			key, rest, ok = k, after, true
		}
	}
	return key, rest, ok
}

// cutElement finds the list element that path starts with: by index, by the
// fields that identify it (the notation of server-side apply), or by its name
// alone (the notation of Diff).
func cutElement(path string, list []any) (index int, rest string, ok bool) {
	if !strings.HasPrefix(path, "[") {
		return 0, "", false
	}
	for i, element := range list {
		for _, s := range selectors(i, element) {
			if after, found := strings.CutPrefix(path[1:], s+"]"); found {
				return i, after, true
			}
		}
	}
	want, rest, found := strings.Cut(path[1:], "]")
	if !found || !strings.Contains(want, "=") {
		return 0, "", false
	}
	for i, element := range list {
		if matchesFields(element, want) {
			return i, rest, true
		}
	}
	return 0, "", false
}

// selectors are the short ways to name an element in brackets.
func selectors(i int, element any) []string {
	names := []string{strconv.Itoa(i)}
	if fields, ok := element.(map[string]any); ok {
		for _, key := range []string{"name", "key"} {
			if name, ok := fields[key].(string); ok {
				names = append(names, name)
			}
		}
	}
	return names
}

// matchesFields reports whether element has each of the fields of
// `port=80,protocol="TCP"`. A field that is not written matches, because the
// server may have filled it in.
func matchesFields(element any, want string) bool {
	fields, ok := element.(map[string]any)
	if !ok {
		return false
	}
	matched := false
	for part := range strings.SplitSeq(want, ",") {
		key, text, _ := strings.Cut(part, "=")
		if unquoted, err := strconv.Unquote(text); err == nil {
			text = unquoted
		}
		value, written := fields[key]
		if written && fmt.Sprint(value) != text {
			return false
		}
		matched = matched || written
	}
	return matched
}
