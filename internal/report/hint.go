package report

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
)

// hinted is an error that knows the next thing to try: in one or more lines, without a
// full stop; "" if there is none.
type hinted interface {
	error
	Hint() string
}

// hintedError is an error that somebody has given a hint.
type hintedError struct {
	error
	hint string
}

func (e hintedError) Unwrap() error { return e.error }
func (e hintedError) Hint() string  { return e.hint }

// WithHint adds the next thing to try to an error. The error's text does not change.
func WithHint(err error, format string, args ...any) error {
	return hintedError{err, fmt.Sprintf(format, args...)}
}

// AsProblem returns an error as a problem. The hint is that of the outermost error in
// err's chain that has one: a problem, or any error with a method Hint.
func AsProblem(err error) manifest.Problem {
	problem := manifest.Problem{Message: err.Error()}
	if known, ok := errors.AsType[hinted](err); ok {
		problem.Hint = known.Hint()
	} else if known, ok := errors.AsType[manifest.Problem](err); ok {
		problem.Hint, problem.Remedy = known.Hint, known.Remedy
	}
	return problem
}

// Hints writes a hint for a terminal, each of its lines behind the word that Git's
// clients colour at the start of a line; "" for no hint.
func Hints(hint string) string {
	if hint == "" {
		return ""
	}
	var text strings.Builder
	for line := range strings.SplitSeq(strings.TrimRight(hint, "\n"), "\n") {
		text.WriteString("hint: " + manifest.Clean(line) + "\n")
	}
	return text.String()
}

// Explain parts an error into its text and the next thing to try, as the door spells it;
// hint is "" if the error knows none. The text of one for want of rights on a cluster ends
// with the roles that grant them.
func (d Door) Explain(err error) (message, hint string) {
	problem := AsProblem(err)
	hint = d.hint(problem)
	if grant := Grant(manifest.Lacking(err)); grant != "" && !strings.Contains(problem.Message, toAllowIt) {
		problem.Message += "\n" + grant
		hint = cmp.Or(hint, "try again when that is done")
	}
	return problem.Message, hint
}
