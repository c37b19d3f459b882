package helm

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/strvals"

	"github.com/pushboat/pushboat/internal/appfile"
)

// setParameters puts the single values of the app into values, as helm template does it:
// those of --set, then those of --set-string, then files.
func (r *renderer) setParameters(values map[string]any) {
	all := slices.Clone(r.release.Settings.Parameters)
	slices.SortStableFunc(all, func(a, b appfile.Parameter) int { return rank(a) - rank(b) })
	for _, p := range all {
		if err := r.setParameter(values, p); err != nil {
			r.add(appfile.Name, p.Line, fmt.Sprintf("helm: parameters: %s: %v", p.Name, err), "names are keys with dots between, and places in lists: a.b[0].c")
		}
	}
}

// rank is the place of a parameter in the order in which Helm sets them.
func rank(p appfile.Parameter) int {
	switch {
	case p.File != "":
		return 2
	case p.Text:
		return 1
	}
	return 0
}

func (r *renderer) setParameter(values map[string]any, p appfile.Parameter) error {
	switch {
	case p.File != "":
		return strvals.ParseIntoFile(p.Name+"="+p.File, values, func([]rune) (any, error) {
			return string(r.readFileOf("parameters", p.File, p.Line)), nil
		})
	case p.Text:
		return strvals.ParseIntoString(p.Name+"="+escapeCommas(p.Value), values)
	}
	return strvals.ParseInto(p.Name+"="+escapeCommas(p.Value), values)
}

var bareComma = regexp.MustCompile(`(^|[^\\]),`)

// escapeCommas keeps the commas of a value from ending it, unless it is a list in braces.
func escapeCommas(value string) string {
	if strings.HasPrefix(value, "{") && strings.HasSuffix(value, "}") {
		return value
	}
	for { // neighbours share a character, so one pass is not enough
		escaped := bareComma.ReplaceAllString(value, `$1\,`)
		if escaped == value {
			return value
		}
		value = escaped
	}
}
