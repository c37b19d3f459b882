package appfile

import (
	"fmt"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// reader collects the problems of the file while its nodes are read.
type reader struct {
	form.Reader
	dependsLine map[int]int       // line of an app's entry -> line of its dependsOn
	absent      map[name.App]bool // names of apps whose folder is missing
	unmatched   bool              // a glob matches nothing: its apps have no names
	clusters    Clusters          // from which entries select
	selections  []Selection
}

// field is one key of a mapping. Name is the path to it that messages show.
type field = form.Field

// texts returns the elements of a list of different texts.
func (r *reader) texts(f field) []string {
	var texts []string
	for _, element := range r.Texts(f, MaxList) {
		texts = append(texts, element.Value.Value)
	}
	return texts
}

// duration returns a duration between two bounds.
func (r *reader) duration(f field, least, most time.Duration) (time.Duration, bool) {
	text, ok := r.Text(f)
	if !ok {
		return 0, false
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		r.Add(f.Line, fmt.Sprintf("%s: %s is not a duration", f.Name, text), durationHint(text))
	case d < least || d > most:
		r.Add(f.Line, fmt.Sprintf("%s: %s is not between %s and %s", f.Name, text, manifest.AsSetting(least), manifest.AsSetting(most)), "")
	default:
		return d, true
	}
	return 0, false
}

// durationHint guesses the meaning of a number without a known unit.
func durationHint(text string) string {
	for _, guess := range []struct{ suffix, unit string }{{"", "m"}, {"min", "m"}, {"sec", "s"}} {
		number, ok := strings.CutSuffix(text, guess.suffix)
		number = strings.TrimSpace(number)
		if d, err := time.ParseDuration(number + guess.unit); ok && err == nil && d > 0 {
			return "write " + number + guess.unit
		}
	}
	return "write it like 90s, 5m or 1h30m"
}
