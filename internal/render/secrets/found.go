package secrets

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
)

// shortValue is the length in bytes below which a decrypted value says nothing
// by being a part of another, and is not removed from messages: "true", "80".
const shortValue = 4

// Values are what was decrypted so far, what was given, and what was hidden.
func (f *Files) Values() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	values := slices.Concat(f.hidden, f.givenValues())
	for _, name := range slices.Sorted(maps.Keys(f.decrypted)) {
		values = append(values, f.decrypted[name].values...)
	}
	return values
}

// Told returns the problems of a rendering as they may be told: without any
// value that was decrypted, and with those of files that could not be, in place
// of what their reader says of them.
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

// redacter returns what takes the values that were decrypted out of a text.
func (f *Files) redacter() func(string) string {
	values := slices.DeleteFunc(f.Values(), func(v string) bool { return len(strings.TrimSpace(v)) < shortValue })
	if len(values) == 0 {
		return func(text string) string { return text }
	}
	return manifest.NewRedacter(values)
}

// Hide has the objects hide the decrypted values that they have, but for the values
// of Secrets, which are hidden anyway: a chart may put a password into an argument of a container, and kustomize a whole
// file into a ConfigMap.
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

// decryptedValues are the values that were decrypted so far and say something by
// themselves, the lines of those that have several, which a template may indent, and
// their base64, which says as much.
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

// ShownLine returns a line of a file as it may be told: nothing, if the file is
// encrypted.
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

// Plain returns a problem for each Secret that has values which come out of no
// encrypted file, in the order of the objects, and the objects.
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

// known are values that come out of encrypted files.
type known struct {
	values []string
	long   []string // those that count as a part of others
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

// plain returns the paths of a Secret's values that come out of no encrypted
// file, sorted.
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

// covers reports whether a value is one that was encrypted, has one in it, or is
// a part of one.
func (k known) covers(value string) bool {
	trimmed := strings.TrimSpace(value)
	if trimmed == "" || k.exact[value] || k.exact[trimmed] {
		return true
	}
	contains := func(long string) bool { return strings.Contains(value, long) }
	within := func(long string) bool { return strings.Contains(long, trimmed) }
	return slices.ContainsFunc(k.long, contains) || slices.ContainsFunc(k.values, within)
}

// decoded is what base64 text stands for, or the text.
func decoded(text string) string {
	if data, err := base64.StdEncoding.DecodeString(text); err == nil {
		return string(data)
	}
	return text
}
