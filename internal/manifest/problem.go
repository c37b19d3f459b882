package manifest

import (
	"sort"
	"strings"

	"github.com/pushboat/pushboat/internal/name"
)

// Problem is one mistake in a revision, for the pusher to read: its place, its object,
// the mistake, and the next thing to try.
type Problem struct {
	Source  Source
	App     name.App // the app that the object belongs to; "" if it concerns none
	Object  string   // ID.String(); "" if it concerns no single object
	Message string   // may have several lines
	Hint    string   // the next thing to try, without a full stop; "" if there is none
	Remedy  Remedy   // a way past it that the server offers, which the hint does not name
	Lacks   Right    // the right for want of which the cluster refuses the object; zero for none
	// Kind is the kind that the problem is about, whatever object of it is named; "" if
	// it is about the object.
	Kind string
}

// Error writes the problem on one line, without its hint.
func (p Problem) Error() string {
	var parts []string
	for _, part := range []string{p.Source.String(), p.Object, p.Message} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// Problems are all mistakes of a revision. An empty list is not an error; use Err to
// return one as an error.
type Problems []Problem

// Error writes one problem a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Err returns ps as an error, or nil if there is no problem.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// Sort orders the problems by app, file, line, object and message, so that the
// same mistakes are always told in the same order.
func (ps Problems) Sort() {
	sort.SliceStable(ps, func(i, j int) bool {
		a, b := ps[i], ps[j]
		switch {
		case a.App != b.App:
			return a.App < b.App
		case a.Source.File != b.Source.File:
			return a.Source.File < b.Source.File
		case a.Source.Line != b.Source.Line:
			return a.Source.Line < b.Source.Line
		case a.Object != b.Object:
			return a.Object < b.Object
		}
		return a.Message < b.Message
	})
}
