package kube

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// fieldPath is the path of a field. The API server writes paths in three notations, and
// manifest in the first:
//
//	spec.template.spec.containers[0].image    validation
//	.spec.template.spec.containers[name="web"].image    structured merge
//	spec.template.spec.containers[0].image, data[key], metadata.labels[a.b/c]
type fieldPath []step

// step is one step of a path: a field, a key of a map, or an index.
type step struct {
	name    string
	index   int
	isIndex bool
	isKey   bool // written in brackets: a key of a map
}

// String writes the path in the notation of the API's validation and of
// manifest.Object.LineOf.
func (p fieldPath) String() string {
	var b strings.Builder
	for _, s := range p {
		switch {
		case s.isIndex:
			fmt.Fprintf(&b, "[%d]", s.index)
		case s.isKey:
			b.WriteString("[" + s.name + "]")
		case b.Len() == 0:
			b.WriteString(s.name)
		default:
			b.WriteString("." + s.name)
		}
	}
	return b.String()
}

// bare writes the path without distinguishing keys from fields, so that two notations
// of one path are equal.
func (p fieldPath) bare() string {
	var b strings.Builder
	for _, s := range p {
		if s.isIndex {
			fmt.Fprintf(&b, "[%d]", s.index)
		} else {
			b.WriteString("." + s.name)
		}
	}
	return b.String()
}

// last returns the last name of the path; "" for an index.
func (p fieldPath) last() string {
	if len(p) == 0 || p[len(p)-1].isIndex {
		return ""
	}
	return p[len(p)-1].name
}

// parent returns the path without its last step.
func (p fieldPath) parent() fieldPath { return p[:max(len(p)-1, 0)] }

// value returns an object's value at the path.
func (p fieldPath) value(u *unstructured.Unstructured) (any, bool) {
	var at any = u.Object
	for _, s := range p {
		switch v := at.(type) {
		case []any:
			if !s.isIndex || s.index < 0 || s.index >= len(v) {
				return nil, false
			}
			at = v[s.index]
		case map[string]any:
			next, ok := v[s.name]
			if !ok || s.isIndex {
				return nil, false
			}
			at = next
		default:
			return nil, false
		}
	}
	return at, true
}

// parsePath parses a path in any notation. It follows the path through the object:
// containers[name="web"] becomes containers[0] if web is there, and a key of a map may
// contain dots without brackets around it.
func parsePath(text string, u *unstructured.Unstructured) fieldPath {
	var path fieldPath
	text = strings.TrimPrefix(strings.TrimSpace(text), ".")
	for text != "" {
		if text[0] == '[' {
			inner, rest, ok := bracket(text)
			if !ok {
				break
			}
			path = append(path, bracketStep(inner, path, u))
			text = strings.TrimPrefix(rest, ".")
			continue
		}
		name := nameAt(text, path, u)
		path = append(path, step{name: name, isKey: path.endsInMap()})
		text = strings.TrimPrefix(text[len(name):], ".")
	}
	return path
}

// nameAt returns the name at the beginning of text: the longest key of the object at
// that place, or else everything up to a dot or bracket.
func nameAt(text string, before fieldPath, u *unstructured.Unstructured) string {
	end := strings.IndexAny(text, ".[")
	if end < 0 {
		return text
	}
	name := text[:end]
	at, _ := before.value(u)
	fields, _ := at.(map[string]any)
	for key := range fields {
		rest, ok := strings.CutPrefix(text, key)
		if ok && len(key) > len(name) && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			name = key
		}
	}
	return name
}

// endsInMap reports whether the keys below the path are chosen by people, and so
// written in brackets. Without the schema, it knows only the maps that every object may
// have.
func (p fieldPath) endsInMap() bool {
	switch p.last() {
	case "data", "stringData", "binaryData":
		return len(p) == 1
	case "labels", "annotations":
		return p.parent().last() == "metadata"
	case "limits", "requests":
		return p.parent().last() == "resources"
	}
	return false
}

// bracket splits "[...]rest"; brackets inside quotes do not count.
func bracket(text string) (inner, rest string, ok bool) {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case ']':
			return text[1:i], text[i+1:], true
		case '"':
			quoted, err := strconv.QuotedPrefix(text[i:])
			if err != nil {
				return "", "", false
			}
			i += len(quoted) - 1
		}
	}
	return "", "", false
}

var keyValue = regexp.MustCompile(`^([A-Za-z0-9_]+)=(.*)$`)

// bracketStep parses the text in brackets: an index, a map's key, the key fields of a
// list's element (name="web",protocol="TCP"), or an element of a set (="a").
func bracketStep(inner string, before fieldPath, u *unstructured.Unstructured) step {
	if n, err := strconv.Atoi(inner); err == nil {
		return step{index: n, isIndex: true}
	}
	list, _ := before.value(u)
	items, _ := list.([]any)
	if keyValue.MatchString(inner) || strings.HasPrefix(inner, "=") {
		best, most := -1, -1
		for i, item := range items {
			if n := matchKey(item, inner); n > most {
				best, most = i, n
			}
		}
		if best >= 0 {
			return step{index: best, isIndex: true}
		}
	}
	if unquoted, err := strconv.Unquote(inner); err == nil {
		inner = unquoted
	}
	return step{name: inner, isKey: true}
}

// matchKey counts the key fields that an element has; -1 if one of them has another
// value. A missing field may have its default there (protocol: TCP), and does not
// count.
func matchKey(item any, keys string) int {
	if value, ok := strings.CutPrefix(keys, "="); ok {
		if sameJSON(item, value) {
			return 1
		}
		return -1
	}
	fields, ok := item.(map[string]any)
	if !ok {
		return -1
	}
	found := 0
	for keys != "" {
		match := keyValue.FindStringSubmatch(keys)
		if match == nil {
			return -1
		}
		value, rest := cutValue(match[2])
		if have, ok := fields[match[1]]; ok {
			if !sameJSON(have, value) {
				return -1
			}
			found++
		}
		keys = rest
	}
	return found
}

// cutValue splits `"web",protocol="TCP"` after the first value.
func cutValue(text string) (value, rest string) {
	if quoted, err := strconv.QuotedPrefix(text); err == nil {
		return quoted, strings.TrimPrefix(text[len(quoted):], ",")
	}
	value, rest, _ = strings.Cut(text, ",")
	return value, rest
}

func sameJSON(have any, written string) bool {
	var value any
	if err := json.Unmarshal([]byte(written), &value); err != nil {
		return fmt.Sprint(have) == written
	}
	if n, ok := value.(float64); ok {
		return fmt.Sprint(have) == strconv.FormatFloat(n, 'f', -1, 64)
	}
	return reflect.DeepEqual(have, value)
}
