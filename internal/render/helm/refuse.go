package helm

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxDiffering is the number of differing fields that a refusal names.
const maxDiffering = 3

// chanceProblem says that the objects of a template differ each time: where the chart
// uses chance, which fields differ, and what to do about it.
func (r *renderer) chanceProblem(ctx context.Context, o output) {
	uses := r.usesIn(ctx, o.name)
	found, rest := r.settings(ctx, o, r.candidates(uses))
	template, _ := r.place(o.name, 0)
	file, line, functions := template, 0, r.chance.names()
	if len(uses) > 0 {
		last := uses[0].hops[len(uses[0].hops)-1]
		file, line = r.place(last.template, last.line)
		functions = functionsOf(uses)
	}
	message := "the template renders to something else each time: it uses " + strings.Join(functions, ", ")
	if template != file {
		message = template + " renders to something else each time: it uses " + strings.Join(functions, ", ") + " here"
	}
	r.add(file, line, message+"\nwhat differs: "+listed(o.differing), r.chanceHint(found, rest))
}

func functionsOf(uses []use) []string {
	names := map[string]bool{}
	for _, u := range uses {
		names[u.function] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// listed names the first few of some fields.
func listed(fields []string) string {
	text := strings.Join(fields[:min(len(fields), maxDiffering)], ", ")
	if more := len(fields) - maxDiffering; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// generable are the functions whose result the server can generate instead, and the
// format for it; see appfile.Generated.
var generable = map[string]string{
	"randAlphaNum": "", "randAlpha": "", "randAscii": "", "randInt": "", "shuffle": "",
	"randNumeric": "digits", "randBytes": "base64", "uuidv4": "uuid",
}

// generated returns an entry of helm.generated for a value; ok is false if random text
// cannot replace it.
func (c candidate) generated() (entry string, ok bool) {
	for _, function := range c.functions {
		if _, ok := generable[function]; !ok {
			return "", false
		}
	}
	if format := generable[c.functions[0]]; format != "" && len(c.functions) == 1 {
		return fmt.Sprintf("{path: %s, format: %s}", c.path, format), true
	}
	return c.path, true
}

// chanceHint says what to do about made-up values: those with a replacement, and the
// rest.
func (r *renderer) chanceHint(found []candidate, rest []string) string {
	var generated, given, hints []string
	for _, c := range found {
		if entry, ok := c.generated(); ok && !r.release.Inflated {
			generated = append(generated, entry)
		} else {
			given = append(given, c.path)
		}
	}
	if len(generated) > 0 {
		hints = append(hints, r.settingHint(generated)...)
		hints = append(hints, "or set it in a file of values; in an encrypted file, if it is secret")
	}
	if len(given) > 0 {
		where := "a file of values"
		if r.release.Inflated {
			where = "the kustomization's valuesInline or valuesFile"
		}
		hints = append(hints, "set "+strings.Join(given, ", ")+" in "+where+"; in an encrypted file, if it is secret")
	}
	if len(rest) > 0 {
		hints = append(hints, r.unsettable(len(found) > 0, rest)...)
	}
	return strings.Join(hints, "\n")
}

// settingHint has lines to paste, which fit the app's setting helm.
func (r *renderer) settingHint(entries []string) []string {
	const generate = "have the server generate it once and keep it; in pushboat.yaml, "
	list := strings.Join(entries, ", ")
	switch settings := r.release.Settings; {
	case len(settings.Generated) > 0:
		return []string{generate + "add to the app's helm.generated:", "  " + list}
	case !settings.IsZero():
		return []string{generate + "in the app's helm:", "  generated: [" + list + "]"}
	}
	return []string{generate + "of the app:", "  helm: {generated: [" + list + "]}"}
}

// unsettable says what to do about a made-up value that no value replaces.
func (r *renderer) unsettable(some bool, rest []string) []string {
	text := "no value was found that takes its place: "
	if some {
		text = "no value was found that takes the place of " + listed(rest) + ": "
	}
	change := "change that line so that it takes one"
	if r.release.Chart != nil {
		change = fmt.Sprintf("commit the chart (helm pull --untar %s) and change that line", r.release.Chart.Name)
	}
	return []string{text + change, "or commit the output of helm template instead of the chart, Secrets encrypted"}
}
