package appfile

import (
	"fmt"
	"regexp"

	"github.com/pushboat/pushboat/internal/manifest"
)

// MaxHealth bounds the health rules of one app.
const MaxHealth = 50

// Health is one rule for the health of objects of a kind. Its expressions are CEL, and
// are compiled by the packages that use them.
type Health struct {
	Group string // "": any
	Kind  string

	Suspended, InProgress, Failed, Current, Ended, Message Expression // only Current has to be there
	// Source is the rule's entry.
	Source manifest.Source
}

// Expression is CEL, with the place where it is written; its Text is "" where
// there is none.
type Expression struct {
	Text   string
	Source manifest.Source
}

var healthFields = []string{"group", "kind", "suspended", "inProgress", "failed", "current", "ended", "message"}

var (
	kindPattern  = regexp.MustCompile(`^[A-Z][A-Za-z0-9]{0,62}$`)
	groupPattern = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
)

// readHealth reads the health rules of an app, one a kind.
func (r *reader) readHealth(app *App, f field) {
	seen := map[[2]string]int{}
	for _, element := range r.List(f, MaxHealth) {
		rule := r.health(element)
		key := [2]string{rule.Group, rule.Kind}
		if first, twice := seen[key]; twice && rule.Kind != "" {
			r.Add(element.Line, fmt.Sprintf("health: there is a rule for %s on line %d already", rule.Kind, first), "make one of the two, or give them groups")
		}
		seen[key] = element.Line
		app.Health = append(app.Health, rule)
	}
}

// health reads one rule.
func (r *reader) health(element field) Health {
	before := len(r.Problems)
	fields := r.Fields(element.Value, "an entry of health", healthFields)
	h := Health{Source: manifest.Source{File: Name, Line: element.Line}}
	for name, into := range map[string]*Expression{
		"suspended": &h.Suspended, "inProgress": &h.InProgress, "failed": &h.Failed, "current": &h.Current, "ended": &h.Ended, "message": &h.Message,
	} {
		*into = r.expression(fields, name)
	}
	h.Kind = r.matching(fields, "kind", kindPattern, "is not the name of a kind, such as Certificate")
	h.Group = r.matching(fields, "group", groupPattern, "is not a group, such as cert-manager.io")
	if len(r.Problems) > before {
		return h
	}
	if h.Kind == "" {
		r.Add(element.Line, "an entry of health has no kind", "for example kind: Certificate")
	}
	if h.Current.Text == "" {
		r.Add(element.Line, "an entry of health has no current", "for example current: status.phase == 'Ready'")
	}
	return h
}

func (r *reader) expression(fields map[string]field, name string) Expression {
	f, ok := fields[name]
	if !ok {
		return Expression{}
	}
	text, ok := r.Text(f)
	if ok && text == "" {
		r.Add(f.Line, fmt.Sprintf("health: %s is empty", name), "remove the line, or write an expression")
	}
	return Expression{Text: text, Source: manifest.Source{File: Name, Line: f.Line}}
}

// matching reads a text that has to match a pattern; "" where there is none.
func (r *reader) matching(fields map[string]field, name string, pattern *regexp.Regexp, wrong string) string {
	f, ok := fields[name]
	if !ok {
		return ""
	}
	text, ok := r.Text(f)
	if ok && (!pattern.MatchString(text) || len(text) > 253) {
		r.Add(f.Line, fmt.Sprintf("health: %s: %q %s", name, text, wrong), "")
	}
	return text
}
