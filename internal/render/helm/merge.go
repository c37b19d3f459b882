package helm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/strvals"

	"github.com/pushboat/pushboat/internal/appfile"
)

// part is one of the values of an app, read.
type part struct {
	appfile.HelmValues
	values map[string]any // nil: it is one value, for a place
}

// merge merges the values of the app: later ones win. ok is false if one of them cannot be set.
func (r *renderer) merge(parts []part) (values map[string]any, ok bool) {
	values = map[string]any{}
	for _, p := range parts {
		values = loader.MergeMaps(values, p.values)
	}
	first, after := beneath(parts)
	if first == after {
		return values, true
	}
	values = map[string]any{}
	for _, p := range parts[:first] {
		values = loader.MergeMaps(values, p.values)
	}
	above := map[string]any{}
	for _, p := range parts[after:] {
		above = loader.MergeMaps(above, p.values)
	}
	found, ok := r.mergeBeneath(parts[first:after], above)
	return loader.MergeMaps(loader.MergeMaps(values, found), above), ok
}

// beneath are the parts from the first to the last that lie below those that are written.
func beneath(parts []part) (first, after int) {
	for i, p := range parts {
		if p.Beneath {
			if after == 0 {
				first = i
			}
			after = i + 1
		}
	}
	return first, after
}

// mergeBeneath merges values of ConfigMaps and Secrets, below those that are written, as Flux's
// helm-controller does (fluxcd/pkg/chartutil, ChartValuesFromReferences). Before a value is set in
// its place, those above are merged in, of which mappings are shared then: so it goes over one of
// these inside a mapping that no part before has, and only there.
func (r *renderer) mergeBeneath(parts []part, above map[string]any) (values map[string]any, ok bool) {
	values, ok = map[string]any{}, true
	for _, p := range parts {
		if p.At == "" {
			values = loader.MergeMaps(values, p.values)
			continue
		}
		values = loader.MergeMaps(values, above)
		if err := p.set(values); err != nil {
			r.add(appfile.Name, p.Line, fmt.Sprintf("helm: values: %s: %v", p.At, err), "the values have something else on the way to that place, or the text is no value of helm --set; text: true, or literal: true of a HelmRelease, takes it as it is")
			ok = false
		}
	}
	return values, ok
}

// literal keeps a text from being read as a list, or as several values.
var literal = strings.NewReplacer(`\`, `\\`, `,`, `\,`, `[`, `\[`, `]`, `\]`, `{`, `\{`, `}`, `\}`)

// number matches what helm --set takes for one.
var number = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

// set sets the value in its place, as helm --set does (fluxcd/pkg/chartutil, ReplacePathValue and
// ReplacePathLiteralValue): what looks like a number, true, false or null is one, and a list is in
// braces, unless the value is in quotes. A number of a Secret is a text all the same, since a
// password may look like one. The error does not have the value of a Secret.
func (p part) set(values map[string]any) error {
	var text string
	if err := json.Unmarshal(p.Inline, &text); err != nil {
		return errors.New("it is no text")
	}
	quoted := func(quote string) bool { return strings.HasPrefix(text, quote) && strings.HasSuffix(text, quote) }
	var err error
	switch {
	case p.Text, p.Secret && number.MatchString(text):
		err = strvals.ParseIntoString(p.At+"="+literal.Replace(text), values)
	case quoted(`'`), quoted(`"`):
		err = strvals.ParseIntoString(p.At+"="+escapeCommas(strings.Trim(text, `'"`)), values)
	default:
		err = strvals.ParseInto(p.At+"="+escapeCommas(text), values)
	}
	if err != nil && p.Secret {
		return errors.New("the value cannot be set there")
	}
	return err
}

// readParts reads the values of the app; nil with a problem.
func (r *renderer) readParts() []part {
	parts := make([]part, 0, len(r.release.Settings.Values))
	for _, given := range r.release.Settings.Values {
		p := part{HelmValues: given}
		switch {
		case isOwn(given):
			p.values = r.chart.Values
		case given.At != "":
		default:
			p.values = r.readMapping(given)
		}
		if len(r.problems) > 0 {
			return nil
		}
		parts = append(parts, p)
	}
	return parts
}

// readMapping reads values that are a mapping.
func (r *renderer) readMapping(given appfile.HelmValues) map[string]any {
	text := []byte(given.Inline)
	if given.File != "" {
		text = r.readValuesFile(given.File, given.Line)
	}
	if len(r.problems) > 0 {
		return nil
	}
	values, err := loader.LoadValues(bytes.NewReader(text))
	if err != nil {
		r.add(r.placeOf(given.File), 0, fmt.Sprintf("values: %v", err), "")
	}
	return values
}
