package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/view"
)

// plan shows the changes that a revision would make.
func plan(ctx context.Context, c *call) error {
	if _, err := c.asJSON(); err != nil {
		return err
	}
	status, err := c.app(c.args[0])
	if err != nil {
		return err
	}
	revision := status.Branch.Ref()
	if len(c.args) == 2 {
		revision = c.args[1]
	}
	at, err := c.locate(ctx, status, revision)
	if err != nil {
		return err
	}
	change, err := c.changeTo(status, at)
	if err != nil {
		return err
	}
	change.Options = deploy.Options{Plan: true, ConfirmPrune: -1}
	var proposal *deploy.Proposal
	c.meanwhile(asking, func(func(string)) { proposal = c.Engine.Propose(ctx, change) })
	defer proposal.Close()
	door := at.standing.spelling(status.App, at.hash.Short())
	if err := c.print(proposal.Outline(door), func(io.Writer) { proposal.Print(c.lines(), door) }); err != nil {
		return err
	}
	if len(proposal.Problems) > 0 {
		return report.WithHint(errors.New("this revision cannot be deployed as it is"), "the lines above say why")
	}
	return nil
}

// change returns the change that would bring an app to a revision.
func (c *call) change(ctx context.Context, status deploy.Status, revision string) (deploy.Change, error) {
	at, err := c.locate(ctx, status, revision)
	if err != nil {
		return deploy.Change{}, err
	}
	return c.changeTo(status, at)
}

// located is a revision in the repository of an app.
type located struct {
	repo     *git.Repository
	hash     git.Hash
	standing standing
}

// locate finds a revision in an app's repository, and its relation to the app's branch.
func (c *call) locate(ctx context.Context, status deploy.Status, revision string) (located, error) {
	repo, err := c.Repos.Open(status.Repo)
	if err != nil {
		return located{}, err
	}
	hash, err := resolve(ctx, repo, revision)
	if err != nil {
		return located{}, err
	}
	stands, err := standingOf(ctx, repo, status.Branch, hash)
	return located{repo, hash, stands}, err
}

// standingOf returns the relation of a revision to a branch.
func standingOf(ctx context.Context, repo *git.Repository, branch name.Branch, hash git.Hash) (standing, error) {
	head, err := repo.Head(ctx, branch.Ref())
	switch {
	case errors.Is(err, git.ErrNoRef): // the branch is gone, and nothing is on it
		return elsewhere, nil
	case err != nil:
		return elsewhere, err
	case head == hash:
		return newest, nil
	}
	reached, err := repo.IsAncestor(ctx, hash, head, git.Quarantine{})
	if err != nil || !reached {
		return elsewhere, err
	}
	return earlier, nil
}

// changeTo is change for a located revision.
func (c *call) changeTo(status deploy.Status, at located) (deploy.Change, error) {
	tree, err := at.repo.Tree(at.hash)
	return deploy.Change{
		Repo: status.Repo, Branch: status.Branch, Revision: name.Revision(at.hash),
		Tree: tree, Caller: c.Caller(), Only: status.App, Unaccepted: !c.accepted(status, at.standing),
	}, err
}

// accepted reports whether the server may use its keys and values of clusters to render
// a revision for the caller. It may if the revision is on the app's branch, where
// somebody who may deploy has put it; or if the caller may deploy, and so could see
// everything by a push.
func (c *call) accepted(status deploy.Status, stands standing) bool {
	return stands != elsewhere || c.Policy.Check(c.Caller(), access.Deploy, view.SubjectOf(status)) == nil
}

// resolve finds the commit that a revision names. The words never reach a command line.
func resolve(ctx context.Context, repo *git.Repository, revision string) (git.Hash, error) {
	hash, err := repo.Revision(ctx, revision)
	missing := (*git.NoRevisionError)(nil)
	if !errors.As(err, &missing) {
		return hash, err
	}
	text := fmt.Sprintf("revision %q not found in %s", manifest.Clean(revision), repo.Name())
	if missing.Why != "" {
		text += ": " + missing.Why
	}
	return "", report.WithHint(missingError{text}, "name a branch, a tag, or at least 7 digits of a commit; main~1 is the one before")
}

// follow shows a deploy until it ends, and fails if it does not end well.
func (c *call) follow(ctx context.Context, run *deploy.Run) error {
	rec, err := c.attend(ctx, run)
	if err != nil {
		return report.WithHint(errors.New("detached; the deploy goes on"), "follow it again: ssh HOST logs -f %s", run.ID())
	}
	if run.HandedOver() {
		return nil
	}
	return verdict(rec)
}

// verdict returns an error if a deploy did not end well, for scripts.
func verdict(r record.Record) error {
	if r.Result.OK() || r.Result == record.Skipped || r.Result == record.Resumed || r.Result == record.Waiting {
		return nil
	}
	return report.WithHint(fmt.Errorf("deploy %s is %s", r.ID(), r.Result), "see how it is now: ssh HOST status %s", r.App)
}

func historyFlags(f *pflag.FlagSet) {
	output(f)
	f.IntP("number", "n", 20, "how many deploys to list")
	f.Int("before", 0, "list the deploys before this number")
}

// maxHistory bounds the deploys that one call lists.
const maxHistory = 1000

// listHistory lists the deploys of an app.
func listHistory(ctx context.Context, c *call) error {
	status, err := c.app(c.args[0])
	if err != nil {
		return err
	}
	number, err := c.flags.GetInt("number")
	if err != nil || number < 1 || number > maxHistory {
		return usageError{fmt.Sprintf("-n wants a number from 1 to %d", maxHistory)}
	}
	before, err := c.flags.GetInt("before")
	if err != nil || before < 0 {
		return usageError{"--before wants the number of a deploy, such as 42"}
	}
	records, err := c.History.List(ctx, status.Repo, status.App, before, number)
	if err != nil {
		return err
	}
	return c.print(listed(records), func(w io.Writer) { printHistory(w, records, time.Now()) })
}

func printHistory(w io.Writer, records []record.Record, now time.Time) {
	columns := []string{"DEPLOY", "REVISION", "RESULT", "TOOK", "WHEN", "BY", "CHANGED"}
	warned := slices.ContainsFunc(records, func(r record.Record) bool { return len(r.Warnings) > 0 })
	if warned {
		columns = append(columns, "WARNINGS")
	}
	signed := slices.ContainsFunc(records, func(r record.Record) bool { return len(r.SignedBy) > 0 })
	if signed {
		columns = append(columns, "SIGNED BY")
	}
	pushed := slices.ContainsFunc(records, func(r record.Record) bool { return r.PushBy != nil })
	if pushed {
		columns = append(columns, "PUSH SIGNED BY")
	}
	table := newTable(w, columns...)
	for _, r := range records {
		cells := append([]string{r.ID()}, historyCells(r, now)...)
		if warned {
			cells = append(cells, strconv.Itoa(len(r.Warnings)))
		}
		if signed {
			cells = append(cells, cmp.Or(r.SignedBy.Names(), "-"))
		}
		if pushed {
			cells = append(cells, r.PushBy.Name())
		}
		table.row(cells...)
	}
	table.print()
	printNames(w, records)
}

// printNames names the app before and after a rename, with its other deploys.
func printNames(w io.Writer, records []record.Record) {
	if len(records) == 0 {
		return
	}
	if app := records[0].Renamed; app != "" {
		fmt.Fprintf(w, "renamed to %s; later deploys: history %s\n", app, app)
	}
	for _, app := range records[len(records)-1].Formerly {
		fmt.Fprintf(w, "formerly app %s; earlier deploys: history %s\n", app, app)
	}
}

// deploy finds a deploy by its id: a running one, or a record.
func (c *call) deploy(ctx context.Context, id string) (*deploy.Run, record.Entry, error) {
	app, number, err := record.ParseDeployID(id)
	if err != nil {
		return nil, record.Entry{}, report.WithHint(err, "see the deploys of an app: ssh HOST history APP")
	}
	status, err := c.known(app, access.ReadDeploys)
	if err != nil {
		return nil, record.Entry{}, err
	}
	if run := c.Engine.Run(app, number); run != nil {
		if _, ended := run.Outcome(); !ended {
			return run, record.Entry{}, nil
		}
	}
	entry, ok, err := c.History.Find(ctx, status.Repo, app, number)
	if err == nil && !ok {
		err = report.WithHint(fmt.Errorf("deploy %s %w", id, ErrNotFound), "see its deploys: ssh HOST history %s", app)
	}
	return nil, entry, err
}

// signedPush says who signed a push; "" for nobody.
func signedPush(by *record.PushSigner) string {
	if by == nil {
		return ""
	}
	return "signed by " + by.String()
}

// show shows one deploy in full.
func show(ctx context.Context, c *call) error {
	run, entry, err := c.deploy(ctx, c.args[0])
	if err != nil {
		return err
	}
	if run != nil {
		return report.WithHint(fmt.Errorf("deploy %s goes on", run.ID()), "follow it: ssh HOST logs -f %s", run.ID())
	}
	r := entry.Record
	if status, ok := c.Engine.Status(r.App); ok && c.Policy.Allows(c.Caller(), access.ReadLogs, view.SubjectOf(status)) {
		r = c.Engine.WithPrinted(r)
	}
	return c.print(r, func(w io.Writer) {
		fields := [][2]string{
			{"deploy", r.ID()},
			{"result", string(r.Result)},
			{"message", r.Message},
			{"revision", string(r.Revision)},
			{"from", string(r.Repo) + ", branch " + string(r.Branch)},
			{"cluster", r.Cluster},
			{"by", r.Operator + " (" + string(r.Cause) + ")"},
			{"override", r.Override},
			{"key", r.Key},
			{"signed by", r.SignedBy.String()},
			{"push", signedPush(r.PushBy)},
			{"began", r.Started.UTC().Format(time.RFC3339)},
			{"took", fmt.Sprintf("%.1f s", r.Seconds)},
		}
		for _, field := range fields {
			if field[1] != "" {
				text := strings.ReplaceAll(manifest.CleanLines(field[1]), "\n", "\n"+strings.Repeat(" ", 10))
				fmt.Fprintf(w, "%-9s %s\n", field[0], text)
			}
		}
		fmt.Fprintf(w, "%-9s %d changed, %d unchanged\n", "objects", r.Changed(), r.Same)
		for _, culprit := range r.Culprits() {
			fmt.Fprintf(w, "%-9s %s\n", "culprit", manifest.Clean(culprit.String()))
		}
		for _, warning := range r.Warnings {
			fmt.Fprintf(w, "%-9s %s\n", "warning", manifest.Clean(warning.String()))
		}
		printHooks(w, r.Hooks)
		fmt.Fprintf(c.lines(), "\n%s", entry.Log)
	})
}

// printHooks prints how the hooks went, with what those that have succeeded have printed.
func printHooks(w io.Writer, hooks []record.HookResult) {
	for _, hook := range hooks {
		object := hook.Key
		if id, ok := manifest.ParseKey(object); ok {
			object = id.String()
		}
		fmt.Fprintf(w, "%-9s %s, %s: %s in %.1f s\n", "hook", manifest.Clean(object), hook.Phase, hook.Result, hook.Seconds)
		for _, line := range hook.Printed {
			fmt.Fprintf(w, "%-9s   %s\n", "", manifest.Clean(line))
		}
	}
}
