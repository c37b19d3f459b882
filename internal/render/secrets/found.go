package secrets

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
)

// shortValue is the length in bytes below which a decrypted value, such as "true" or
// "80", is not searched for in other values, nor removed from messages.
const shortValue = 4

// Values returns all values that were decrypted, given or hidden so far.
func (f *Files) Values() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	values := slices.Concat(f.hidden, f.givenValues())
	for _, name := range slices.Sorted(maps.Keys(f.decrypted)) {
		values = append(values, f.decrypted[name].values...)
	}
	return values
}

// Told returns the problems of a rendering in a form that may be shown: without any
// decrypted value. For a file that could not be decrypted, the reason replaces its
// reader's problems.
func (f *Files) Told(problems manifest.Problems) manifest.Problems {
	f.mu.Lock()
	failed := maps.Clone(f.failed)
	f.mu.Unlock()
	var told manifest.Problems
	for _, problem := range problems {
		if !about(problem, failed) {
			told = append(told, problem)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(failed)) {
		told = append(told, failed[name])
	}
	redact := f.redacter()
	for i := range told {
		for _, text := range []*string{&told[i].Message, &told[i].Hint, &told[i].Remedy.When, &told[i].Object} {
			*text = redact(*text)
		}
	}
	return told
}

// redacter returns a function that removes decrypted values from a text.
func (f *Files) redacter() func(string) string {
	values := slices.DeleteFunc(f.Values(), func(v string) bool { return len(strings.TrimSpace(v)) < shortValue })
	if len(values) == 0 {
		return func(text string) string { return text }
	}
	return manifest.NewRedacter(values)
}

// Hide makes the objects hide the decrypted values in them. Values of Secrets are
// always hidden, but a chart may put a password into an argument of a container, and
// kustomize a whole file into a ConfigMap.
func (f *Files) Hide(objects []*manifest.Object) {
	values := f.decryptedValues()
	if len(values) == 0 {
		return
	}
	for _, o := range objects {
		for _, text := range o.ShownTexts() {
			for _, value := range values {
				if strings.Contains(text, value) {
					o.Hide(value)
				}
			}
		}
	}
}

// decryptedValues returns the decrypted values that are long enough to matter, their
// lines, which a template may indent, and their base64.
func (f *Files) decryptedValues() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.decrypter != nil && f.decrypter.placeholders {
		return nil
	}
	all := f.givenValues()
	for _, file := range f.decrypted {
		all = append(all, file.values...)
	}
	values := map[string]bool{}
	for _, value := range all {
		for line := range strings.Lines(value) {
			values[strings.TrimSpace(line)] = true
		}
		values[strings.TrimSpace(value)] = true
		if len(value) >= shortValue {
			values[base64.StdEncoding.EncodeToString([]byte(value))] = true
		}
	}
	maps.DeleteFunc(values, func(v string, _ bool) bool { return len(v) < shortValue })
	return slices.Sorted(maps.Keys(values))
}

// ShownLine returns a line of a file if it may be shown; "" if the file is encrypted.
func (f *Files) ShownLine(file, line string) string {
	if f.has(file) {
		return ""
	}
	return line
}

// about reports whether a problem only says that a file could not be decrypted.
func about(problem manifest.Problem, failed map[string]manifest.Problem) bool {
	for name, failure := range failed {
		first, _, _ := strings.Cut(failure.Message, "\n")
		if problem.Source.File == name || strings.Contains(problem.Message, first) {
			return true
		}
	}
	return false
}

// Plain returns, in the order of the objects, each Secret with values that come from no
// encrypted file.
func (f *Files) Plain(objects []*manifest.Object) []Plain {
	var found []Plain
	known := newKnown(f.Values())
	for _, o := range objects {
		if o.GetKind() != "Secret" || o.GetAPIVersion() != "v1" || f.has(o.Source.File) {
			continue
		}
		if fields := known.plain(o); len(fields) > 0 {
			found = append(found, Plain{Object: o, Problem: plainProblem(o, fields)})
		}
	}
	return found
}

// Plain is a Secret with values in the clear.
type Plain struct {
	Object  *manifest.Object
	Problem manifest.Problem
}

// Decrypted reports whether any file was decrypted so far.
func (f *Files) Decrypted() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.decrypted) > 0
}

func (f *Files) has(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.decrypted[name]
	return ok
}

func plainProblem(o *manifest.Object, fields []string) manifest.Problem {
	shown := strings.Join(fields, ", ")
	if len(fields) > 5 {
		shown = strings.Join(fields[:5], ", ") + " and others"
	}
	is := "is"
	if len(fields) > 1 {
		is = "are"
	}
	return manifest.Problem{
		Source: o.At(fields[0]), Object: o.ID().String(),
		Message: shown + " " + is + " not encrypted, and who reads the repository would read it",
		Hint:    "encrypt it, as ssh HOST help secrets shows",
		Remedy:  manifest.Remedy{Kind: manifest.RemedyPlainSecrets},
	}
}

// known are values from encrypted files.
type known struct {
	values []string
	long   []string // long enough to count as part of others
	exact  map[string]bool
}

func newKnown(values []string) known {
	k := known{values: values, exact: map[string]bool{}}
	for _, value := range values {
		for _, form := range []string{value, strings.TrimSpace(value), strings.ReplaceAll(value, "\n", `\n`)} {
			k.exact[form] = true
			if len(form) >= shortValue {
				k.long = append(k.long, form)
			}
		}
	}
	return k
}

// plain returns the paths of a Secret's values that come from no encrypted file,
// sorted.
func (k known) plain(secret *manifest.Object) []string {
	var paths []string
	for _, field := range []string{"data", "stringData"} {
		entries, ok := secret.Object[field].(map[string]any)
		if !ok {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(entries)) {
			text, ok := entries[key].(string)
			if ok && !k.covers(text) && (field == "stringData" || !k.covers(decoded(text))) {
				paths = append(paths, field+"."+key)
			}
		}
	}
	return paths
}

// covers reports whether a value is an encrypted one, contains one, or is part of one.
func (k known) covers(value string) bool {
	trimmed := strings.TrimSpace(value)
	if trimmed == "" || k.exact[value] || k.exact[trimmed] {
		return true
	}
	contains := func(long string) bool { return strings.Contains(value, long) }
	within := func(long string) bool { return strings.Contains(long, trimmed) }
	return slices.ContainsFunc(k.long, contains) || slices.ContainsFunc(k.values, within)
}

// decoded returns the bytes that base64 text encodes, or the text itself.
func decoded(text string) string {
	if data, err := base64.StdEncoding.DecodeString(text); err == nil {
		return string(data)
	}
	return text
}
