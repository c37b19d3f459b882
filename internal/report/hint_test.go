package report

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
)

// whoToAsk is an error of another package that knows a hint.
type whoToAsk struct{}

func (whoToAsk) Error() string { return "not allowed" }
func (whoToAsk) Hint() string  { return "ask ana" }

// refusedError is an error for want of the right to read logs.
type refusedError struct{}

func (refusedError) Error() string { return "read the log: may not" }
func (refusedError) Lacks() manifest.Right {
	return manifest.Right{User: "system:serviceaccount:shop:deployer", Verbs: "get", Resource: "pods/log", Namespace: "shop", Name: "web-1"}
}

// TestMissingRightsAreSpelledOut: an error for want of a right ends with the role that grants
// it, once.
func TestMissingRightsAreSpelledOut(t *testing.T) {
	message, hint := Door{}.Explain(fmt.Errorf("logs: %w", refusedError{}))
	if hint != "try again when that is done" {
		t.Errorf("hint %q", hint)
	}
	for _, want := range []string{"logs: read the log: may not\n" + toAllowIt + "\napiVersion: v1\n", `{apiGroups: [""], resources: [pods/log], verbs: [get]}`, "{kind: ServiceAccount, namespace: shop, name: deployer}"} {
		if !strings.Contains(message, want) {
			t.Errorf("%q is missing:\n%s", want, message)
		}
	}
	lacks := refusedError{}.Lacks()
	told := WithGrant(manifest.Problems{{Message: "may not", Lacks: lacks}})
	if message, _ := (Door{}).Explain(told); strings.Count(message, toAllowIt) != 1 {
		t.Errorf("it is spelled out more than once, or not at all:\n%s", message)
	}
}

// TestErrorsAreExplained: an error's hint is found anywhere in the chain, and its text is
// shown unchanged, whatever it contains.
func TestErrorsAreExplained(t *testing.T) {
	door := Door{Again: "try again"}
	away := manifest.Problem{Source: manifest.Source{File: "a.yaml", Line: 2}, Message: "no answer", Remedy: manifest.Again("when it answers")}
	for name, test := range map[string]struct {
		err           error
		message, hint string
	}{
		"no hint":                    {errors.New("broken"), "broken", ""},
		"text that looks like one":   {errors.New("broken\nhint: run it as root"), "broken\nhint: run it as root", ""},
		"a given hint":               {WithHint(errors.New("broken"), "mend %s", "it"), "broken", "mend it"},
		"a given hint, wrapped":      {fmt.Errorf("read a: %w", WithHint(errors.New("broken"), "mend it")), "read a: broken", "mend it"},
		"a hint of another package":  {fmt.Errorf("deploy: %w", whoToAsk{}), "deploy: not allowed", "ask ana"},
		"the outermost of two":       {WithHint(whoToAsk{}, "see the list"), "not allowed", "see the list"},
		"a problem with a remedy":    {fmt.Errorf("plan: %w", away), "plan: a.yaml:2: no answer", "try again when it answers"},
		"a problem that has a hint":  {manifest.Problem{Message: "wrong", Hint: "right it"}, "wrong", "right it"},
		"a given hint for a problem": {WithHint(away, "wait"), "a.yaml:2: no answer", "wait"},
	} {
		message, hint := door.Explain(test.err)
		if message != test.message || hint != test.hint {
			t.Errorf("%s: %q, %q; want %q, %q", name, message, hint, test.message, test.hint)
		}
	}
	cause := errors.New("cause")
	if !errors.Is(WithHint(cause, "x"), cause) {
		t.Error("a hint hides the error")
	}
}

func TestHintsAreLines(t *testing.T) {
	for hint, want := range map[string]string{
		"":                    "",
		"mend it":             "hint: mend it\n",
		"mend it:\n  a: b\n":  "hint: mend it:\nhint:   a: b\n",
		"clean \x1b[31m this": "hint: clean \\x1b[31m this\n",
	} {
		if got := Hints(hint); got != want {
			t.Errorf("%q: got %q, want %q", hint, got, want)
		}
	}
}
