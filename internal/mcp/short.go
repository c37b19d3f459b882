package mcp

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pushboat/pushboat/internal/manifest"
)

// The keys of a tool's structured answer.
const (
	resultKey    = "result"    // what the verb prints
	messageKey   = "message"   // what it says beside that; left out if nothing
	shortenedKey = "shortened" // that the result is not all of it; left out if it is
)

// outputOf makes the schema of a tool's structured answer of the schema of a result: an
// object in any case, as clients of older versions of the protocol want it. Of several
// results, the first is the tool's.
func outputOf(schema json.RawMessage) (json.RawMessage, error) {
	var result map[string]any
	if err := json.Unmarshal(schema, &result); err != nil {
		return nil, err
	}
	definitions, _ := result["$defs"].(map[string]any)
	if choices, ok := result["anyOf"].([]any); ok && len(choices) > 0 {
		if first, ok := choices[0].(map[string]any); ok {
			result = first
		}
	}
	for _, key := range []string{"$schema", "$defs", "title"} {
		delete(result, key)
	}
	output := map[string]any{
		"type": "object",
		"properties": map[string]any{
			resultKey:    result,
			messageKey:   map[string]any{"type": "string", "description": "warnings, what is not in order, and what to try next"},
			shortenedKey: map[string]any{"type": "string", "description": "what the result leaves out, if it is not complete"},
		},
		"required": []string{resultKey},
	}
	if used := usedOf(definitions, result); len(used) > 0 {
		output["$defs"] = used
	}
	return json.Marshal(output)
}

// usedOf returns the definitions to which a schema refers, and those to which they refer.
func usedOf(definitions map[string]any, schema any) map[string]any {
	used := map[string]any{}
	var walk func(node any)
	walk = func(node any) {
		switch node := node.(type) {
		case map[string]any:
			if ref, ok := node["$ref"].(string); ok {
				name := strings.TrimPrefix(ref, "#/$defs/")
				if _, seen := used[name]; !seen {
					used[name] = definitions[name]
					walk(definitions[name])
				}
			}
			for _, value := range node {
				walk(value)
			}
		case []any:
			for _, value := range node {
				walk(value)
			}
		}
	}
	walk(schema)
	return used
}

// shortText bounds a text, at the end of a line where there is one. left is how many bytes
// are left out: of the beginning or of the end.
func shortText(text string, limit int, keepEnd bool) (short string, left int) {
	if len(text) <= limit {
		return text, 0
	}
	if keepEnd {
		short = text[len(text)-limit:]
		if i := strings.IndexByte(short, '\n'); i >= 0 && i < len(short)-1 {
			short = short[i+1:]
		}
	} else {
		short = text[:limit]
		if i := strings.LastIndexByte(short, '\n'); i > 0 {
			short = short[:i]
		}
	}
	short = strings.ToValidUTF8(short, "")
	return short, len(text) - len(short)
}

// shortData wraps a result, without characters that do not print, and bounds it: it takes
// half of the longest list away, what is worth less, and where no list is long, of the
// longest text, until the rest is within the limit. What remains is as the schema says.
func shortData(data json.RawMessage, message string, tool Tool, limit int) (json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber() // as they are
	var result any
	if err := decoder.Decode(&result); err != nil {
		return nil, err
	}
	wrapped := map[string]any{resultKey: cleaned(result)}
	if message != "" {
		wrapped[messageKey] = message
	}
	cut := cuts{keepEnd: tool.KeepEnd}
	for {
		text, err := json.Marshal(wrapped)
		if err != nil || len(text) <= limit {
			return text, err
		}
		if list, ok := wrapped[resultKey].([]any); ok && tool.First != nil && cut == (cuts{keepEnd: tool.KeepEnd}) {
			wrapped[resultKey] = worthFirst(list, tool.First)
		}
		if !cut.halve(wrapped) {
			return nil, errTooLarge
		}
		wrapped[shortenedKey] = cut.String()
	}
}

// worthFirst puts some entries of a list before the others.
func worthFirst(list []any, first func(entry map[string]any) bool) []any {
	var worth, others []any
	for _, entry := range list {
		if fields, ok := entry.(map[string]any); ok && first(fields) {
			worth = append(worth, entry)
		} else {
			others = append(others, entry)
		}
	}
	return append(worth, others...)
}

// cleaned is a value whose texts have only characters that print.
func cleaned(value any) any {
	switch value := value.(type) {
	case string:
		return manifest.CleanLines(value)
	case []any:
		for i := range value {
			value[i] = cleaned(value[i])
		}
	case map[string]any:
		for _, key := range slices.Collect(maps.Keys(value)) {
			inner := cleaned(value[key])
			if clean := manifest.Clean(key); clean != key {
				delete(value, key)
				key = clean
			}
			value[key] = inner
		}
	}
	return value
}

// errTooLarge says that an answer cannot be shortened: it is neither lists nor long texts.
var errTooLarge = errors.New("the answer is too large")

// cuts counts what shortData has taken away.
type cuts struct {
	entries, bytes int
	keepEnd        bool // of lists
}

// String says it, and how to see the rest.
func (c cuts) String() string {
	var what []string
	if c.entries > 0 {
		what = append(what, manifest.Plural(c.entries, "item"))
	}
	if c.bytes > 0 {
		what = append(what, manifest.Plural(c.bytes, "byte")+" of long texts")
	}
	return strings.Join(what, " and ") + " left out; ask for less: name one app, or a smaller number"
}

// Texts and lists below these sizes are not shortened.
const (
	longText = 256 // bytes
	longList = 512 // bytes of its JSON
)

// halve takes half of the largest list, or text, away.
func (c *cuts) halve(wrapped map[string]any) bool {
	found := largest{}
	found.look(wrapped[resultKey], func(value any) { wrapped[resultKey] = value })
	switch {
	case found.set == nil:
		return false
	case found.list != nil:
		keep := len(found.list) / 2
		c.entries += len(found.list) - keep
		if c.keepEnd {
			found.set(found.list[len(found.list)-keep:])
		} else {
			found.set(found.list[:keep:keep])
		}
	default:
		keep := found.text[:len(found.text)/2]
		for keep != "" && !utf8.ValidString(keep) {
			keep = keep[:len(keep)-1]
		}
		c.bytes += len(found.text) - len(keep)
		found.set(keep + "…")
	}
	return true
}

// largest is the list or text that is worth most to shorten.
type largest struct {
	size int
	list []any
	text string
	set  func(value any)
}

// look finds it in a value, and returns about how many bytes of JSON the value has. A list
// counts with all that it has; one within another is preferred if it is most of it.
func (l *largest) look(value any, set func(value any)) (size int) {
	switch value := value.(type) {
	case string:
		if size = len(value) + 2; len(value) > longText && size > l.size {
			*l = largest{size: size, text: value, set: set}
		}
		return size
	case []any:
		within := largest{}
		for i := range value {
			size += within.look(value[i], func(inner any) { value[i] = inner }) + 1
		}
		switch {
		case within.size*2 > size && within.size > l.size:
			*l = within
		case len(value) > 0 && size > longList && size > l.size:
			*l = largest{size: size, list: value, set: set}
		}
		return size
	case map[string]any:
		for key, inner := range value {
			size += len(key) + 4 + l.look(inner, func(other any) { value[key] = other })
		}
		return size
	}
	return 8
}
