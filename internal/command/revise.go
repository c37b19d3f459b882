package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/rulebook"
)

// reviseFlags are the flags of verbs that change the rules.
func reviseFlags(f *pflag.FlagSet) {
	f.Bool("plan", false, "only show what would change")
	output(f)
}

// revisedKey is a change of a key, as JSON.
type revisedKey struct {
	Operator string     `json:"operator"`
	Key      string     `json:"key"` // its fingerprint
	Expires  *time.Time `json:"expires,omitempty"`
	From     []string   `json:"from,omitempty"`
	Revision git.Hash   `json:"revision"` // the commit on admin, or with --plan one on no branch
	Changes  []string   `json:"changes"`  // in words
	InForce  bool       `json:"inForce"`  // false with --plan
}

func (r *revisedKey) made(by rulebook.Revised) {
	r.Revision, r.Changes = by.Commit, append([]string{}, by.Changes...)
}
func (r *revisedKey) begun()        { r.InForce = true }
func (r *revisedKey) about() string { return fmt.Sprintf("key %s of %s", r.Key, r.Operator) }

// revised is what a verb prints of its revision, as JSON.
type revised interface {
	made(by rulebook.Revised)
	begun()        // it is in force
	about() string // for the audit trail
}

// revise makes a revision of the rules, shows what it changes, and puts it in force. The
// result is complete when the revision's edit has named what it is about.
func (c *call) revise(ctx context.Context, result revised, revision rulebook.Revision) error {
	planOnly, _ := c.flags.GetBool("plan") // the flags are those of reviseFlags
	asJSON, err := c.asJSON()
	if err != nil {
		return err
	}
	made, err := c.Book.Revise(ctx, revision)
	if problems, ok := errors.AsType[manifest.Problems](err); ok {
		_ = c.trailRevision(made, audit.Refused, whyRefused(problems)) // nothing is waited for
		report.WriteProblems(c.Stderr(), problems, spelling)
		return report.WithHint(errors.New("the rules are not changed"), "the lines above say why")
	}
	if err != nil {
		return err
	}
	result.made(made)
	if !asJSON {
		fmt.Fprintf(c, "%s: plan, %s\n%s\n", access.AdminRepo, made.Commit.Short(), manifest.CleanLines(strings.Join(made.Changes, "\n")))
	}
	if !planOnly {
		if err := c.publish(ctx, made, result); err != nil {
			return err
		}
	}
	return c.print(result, func(w io.Writer) {
		if planOnly {
			fmt.Fprintln(w, "plan only: nothing was changed")
			return
		}
		fmt.Fprintf(w, "%s: in force; a clone takes it over with: git pull\n", access.AdminRepo)
	})
}

// publish puts a revision in force, which is on the audit trail before.
func (c *call) publish(ctx context.Context, made rulebook.Revised, result revised) error {
	if err := c.trailRevision(made, audit.Allowed, result.about()); err != nil {
		return fmt.Errorf("%w; nothing was changed", err)
	}
	if err := c.Book.Publish(ctx, made); err != nil {
		return report.WithHint(err, "see what is in force: ssh HOST keys list; then try again")
	}
	result.begun()
	return nil
}

// trailRevision puts a revision on the audit trail, as a push of it would be. One that is
// allowed is on disk when it returns.
func (c *call) trailRevision(made rulebook.Revised, decision audit.Decision, reason string) error {
	e := audit.Of(audit.Push, c.Caller())
	e.Repository, e.Ref, e.Decision, e.Reason = string(access.AdminRepo), rulebook.Main.Ref(), decision, reason
	e.Old, e.New = made.From.String(), made.Commit.String()
	e.Rule = c.Policy.Decide(c.Caller(), access.Administer, access.Subject{}).Rule
	if decision == audit.Allowed {
		return c.Trail.Write(e)
	}
	c.Trail.NoteLimited(e.Operator, e)
	return nil
}

// whyRefused is the audit trail's reason: the text of a problem in a file is for those who
// may read the rules.
func whyRefused(problems manifest.Problems) string {
	if place := problems[0].Source.String(); place != "" {
		return "problem at " + place
	}
	return problems[0].Message
}
