package argo

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/jq"
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
			ignore.Pointers = withOne(ignore.Pointers, pointer)
		}
		for i, expression := range m.Texts("jqPathExpressions") {
			at := fmt.Sprintf("%s[%d]", m.At("jqPathExpressions"), i)
			switch refusal := addExpression(&ignore, expression); {
			case refusal == nil:
			case refusal.NoField:
				a.reader.Tell(at, at+noField(refusal))
			default:
				a.reader.Add(at, refusal.Message, refusal.Hint)
			}
		}
		m.Without("managedFieldsManagers", managersWhy)
		if len(ignore.Pointers)+len(ignore.JQ) > 0 {
			app.Ignore = append(app.Ignore, ignore)
		}
	}
	if n := app.Expressions(); n > appfile.MaxList {
		spec.Problem("ignoreDifferences", fmt.Sprintf("there are %d expressions with conditions; at most %d are read", n, appfile.MaxList), "")
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

// addExpression adds an expression to what an entry ignores: as a pointer, if it is a path without
// conditions. The refusal is nil if it can be read.
func addExpression(ignore *appfile.Ignore, expression string) *jq.Refusal {
	path, refusal := appfile.CheckJQ(expression)
	if refusal != nil {
		if refusal.Hint == "" {
			refusal.Hint = nearest(expression)
		}
		return refusal
	}
	if pointer, ok := path.Pointer(); ok {
		ignore.Pointers = withOne(ignore.Pointers, pointer)
	} else {
		ignore.JQ = withOne(ignore.JQ, expression)
	}
	return nil
}

// withOne adds a text to a list, which has each once.
func withOne(list []string, text string) []string {
	if slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

// noField says of an expression that leads to no field that it has no effect. Argo CD deletes what
// it leads to on both sides, which fails, and then compares all of them.
func noField(refusal *jq.Refusal) string {
	return " has no effect, in Argo CD neither: " + refusal.Message + "; " + refusal.Hint
}

// nearest is the pointer to write in place of an expression, as far as it can be known.
func nearest(expression string) string {
	written := "/spec/replicas"
	first, _, _ := strings.Cut(expression, "|")
	if path, refusal := appfile.CheckJQ(first); refusal == nil {
		if pointer, ok := path.Pointer(); ok {
			written = pointer
		}
	}
	return "name the field under jsonPointers: " + written
}
