package argo

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

const managersWhy = "a field that another program takes by server-side apply is left to it; name others under jsonPointers"

// readIgnore reads the fields that somebody else owns.
func (a *application) readIgnore(spec *meaning.Map) {
	app := &a.app.App
	app.Ignore = append(app.Ignore, a.tree.config.ignore...)
	entries := spec.Maps("ignoreDifferences")
	if len(entries)+len(app.Ignore) > appfile.MaxList {
		spec.Problem("ignoreDifferences", fmt.Sprintf("there are more than %d entries", appfile.MaxList), "")
		return
	}
	for _, m := range entries {
		ignore := appfile.Ignore{Group: m.Text("group"), Kind: m.Text("kind"), Name: m.Text("name"), Namespace: m.Text("namespace")}
		if isRead(ignore) {
			m.Without("kind", ignore.Kind+"s are read as apps, and not applied")
			for _, field := range []string{"jsonPointers", "jqPathExpressions", "managedFieldsManagers"} {
				m.Raw(field)
			}
			continue
		}
		if ignore.Group == "*" {
			ignore.Group = ""
		}
		kind := ignore.Kind
		if kind == appfile.EveryKind {
			kind = "all"
		}
		if kind == "" || strings.ContainsAny(kind+ignore.Name+ignore.Group, "*?[") {
			m.Problem("kind", "an entry of ignoreDifferences is about one kind or all, and about one name or all", "write an entry for each")
		}
		for i, pointer := range m.Texts("jsonPointers") {
			if message := checkPointer(pointer); message != "" {
				a.reader.Add(fmt.Sprintf("%s[%d]", m.At("jsonPointers"), i), message, "")
			}
			ignore.Pointers = append(ignore.Pointers, pointer)
		}
		for i, expression := range m.Texts("jqPathExpressions") {
			pointer, ok := pointerOf(expression)
			if !ok {
				a.reader.Add(fmt.Sprintf("%s[%d]", m.At("jqPathExpressions"), i), jqMessage(expression), jqHint(expression))
			}
			ignore.Pointers = append(ignore.Pointers, pointer)
		}
		m.Without("managedFieldsManagers", managersWhy)
		if len(ignore.Pointers) > 0 {
			app.Ignore = append(app.Ignore, ignore)
		}
	}
}

// isRead reports whether an entry is about objects that are read here, and not applied.
func isRead(entry appfile.Ignore) bool {
	return entry.Group == group && slices.Contains([]string{applicationKind, setKind, projectKind}, entry.Kind)
}

// checkPointer returns the mistake of a JSON pointer; "" for none.
func checkPointer(pointer string) string {
	if _, err := manifest.ParsePointer(pointer); err != nil {
		return err.Error()
	}
	if appfile.IsIdentity(pointer) {
		return pointer + " cannot be ignored: it says which object this is"
	}
	return ""
}

// step is one step of a path in jq: .name, ."name", .["name"], ["name"], [3] or [].
var step = regexp.MustCompile(`^(?:\.?\["((?:[^"\\])+)"\]|\."((?:[^"\\])+)"|\.([A-Za-z_][A-Za-z0-9_]*)|\.?\[(\d{1,6})\]|\.?\[(\s*)\])\??`)

// pointerOf is the JSON pointer of a path in jq that leads to one field, or to one of each
// element of a list.
func pointerOf(expression string) (pointer string, ok bool) {
	rest := strings.TrimSpace(expression)
	var b strings.Builder
	for rest != "" {
		m := step.FindStringSubmatch(rest)
		if m == nil {
			return "", false
		}
		name := manifest.EscapeStep(m[1] + m[2] + m[3] + m[4])
		if name == "" {
			name = manifest.Each
		}
		b.WriteString("/" + name)
		rest = rest[len(m[0]):]
	}
	pointer = b.String()
	return pointer, pointer != "" && checkPointer(pointer) == ""
}

func jqMessage(expression string) string {
	return "the expression " + strconv.Quote(expression) + " is no path to a field"
}

// jqHint is the pointer to write in place of an expression, as far as it can be known.
func jqHint(expression string) string {
	first, _, _ := strings.Cut(expression, "|")
	written, ok := pointerOf(strings.ReplaceAll(strings.TrimSpace(first), "[]", "[0]"))
	if !ok {
		written = "/spec/replicas"
	}
	return "name the field under jsonPointers, with its place in a list: " + written
}
