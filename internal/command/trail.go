package command

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/view"
)

// Trail is the audit trail. Package audit has it.
type Trail interface {
	// Write returns when the events are on disk. With an error, the verb does nothing.
	Write(events ...audit.Event) error
	// Note has events written soon.
	Note(events ...audit.Event)
	// NoteLimited is Note with a quota for the source of the event.
	NoteLimited(source string, e audit.Event)
	// Read returns the lines that a query selects, and how many cannot be read.
	Read(q audit.Query) (events []audit.Event, unread int, err error)
	// Verify finds lines that were removed, changed or moved.
	Verify() (audit.Verdict, error)
}

// check decides whether the caller has a right. What changes something is on the audit
// trail when it returns, and so is the decision by which nothing is changed.
func (c *call) check(right access.Right, on access.Subject) error {
	return c.checkApps(right, asked{on: on})
}

// asked is what a right is asked for.
type asked struct {
	app name.App // "": none
	on  access.Subject
}

// aboutApp is what a right on an app is asked for.
func aboutApp(status deploy.Status) asked { return asked{status.App, view.SubjectOf(status)} }

// checkApps is check for several apps, which go to the disk together. The first refusal
// counts.
func (c *call) checkApps(right access.Right, subjects ...asked) error {
	var allowed []audit.Event
	for _, one := range subjects {
		decision, err := c.Policy.Judge(c.Caller(), right, one.on)
		e := c.event(one)
		e.Rule, e.Decision = decision.Rule, audit.Allowed
		if err != nil {
			e.Decision, e.Reason = audit.Refused, err.Error()
			c.Trail.NoteLimited(e.Operator, e)
			return err
		}
		allowed = append(allowed, e)
	}
	switch {
	case right.Changes():
		return c.Trail.Write(allowed...)
	case right.Least() != access.RoleRead:
		c.Trail.Note(allowed...)
	}
	return nil
}

// event is the line of the call.
func (c *call) event(about asked) audit.Event {
	e := audit.Of(audit.Verb, c.Caller())
	e.Verb, e.Arguments = c.verb.words, c.arguments(about.app)
	e.Repository, e.App, e.Ref = string(about.on.Repo), string(about.app), about.on.Ref
	return e
}

// arguments are the words of the call and its flags, by name, as they go onto the audit
// trail. A value, which may be a secret by mistake, does not. A verb that names values has only the names that its app declares there: another
// word may be a value that was given by mistake.
func (c *call) arguments(app name.App) []string {
	words := slices.Clone(c.args)
	if c.verb.namesValues && len(words) > 1 {
		known := map[string]bool{}
		values, _ := c.Engine.GeneratedValues(app) // none are known then
		for _, value := range values {
			known[value.Path] = true
		}
		for i, word := range words[1:] {
			if !known[word] {
				words[i+1] = "(not declared)"
			}
		}
	}
	if n := c.verb.private; n > 0 && len(words) > n {
		words = append(words[:n], "(value)")
	}
	c.flags.Visit(func(f *pflag.Flag) {
		if f.Name == "color" || f.Name == "output" {
			return
		}
		if f.Value.Type() == "bool" && f.Value.String() == "true" {
			words = append(words, "--"+f.Name)
			return
		}
		words = append(words, "--"+f.Name+"="+strings.Trim(f.Value.String(), "[]"))
	})
	return words
}
