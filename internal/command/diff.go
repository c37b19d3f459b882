package command

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/history"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/view"
)

// difference is the result of diff: two ends and the changes between them.
type difference struct {
	From    string        `json:"from"` // a deploy or a revision; "" for nothing
	To      string        `json:"to"`
	Objects []view.Object `json:"objects"`

	files []git.FileChange
}

// diff shows the changes from one deploy or revision to another.
func diff(ctx context.Context, c *call) error {
	status, err := c.app(c.args[0])
	if err != nil {
		return err
	}
	ends := ""
	if len(c.args) == 2 {
		ends = c.args[1]
	}
	d, err := c.difference(ctx, status, ends)
	if err != nil {
		return err
	}
	if asJSON, err := c.asJSON(); err != nil || asJSON {
		if err == nil {
			d.Objects, err = view.ObjectsOf(d.files)
		}
		if err != nil {
			return err
		}
		return c.print(d, nil)
	}
	text, err := c.Repos.Diff(ctx, d.files)
	if err != nil {
		return report.WithHint(err, "list the objects: ssh HOST diff %s %s -o json", status.App, ends)
	}
	return c.print(d, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %s..%s, %s\n", status.App, d.From, d.To, objects(len(d.files)))
		fmt.Fprint(w, manifest.CleanLines(string(text)))
	})
}

func objects(n int) string {
	return manifest.PluralDoes(n, "object", "differs", "differ")
}

// difference finds the two ends: deploys if both are, else revisions.
func (c *call) difference(ctx context.Context, status deploy.Status, ends string) (*difference, error) {
	first, last, two := strings.Cut(ends, "..")
	if two && (first == "" || last == "") || strings.Contains(last, "..") {
		return nil, usageError{fmt.Sprintf("%q: write two ends as A..B, such as 41..42 or v1..main", ends)}
	}
	if !two {
		first, last = "", ends
	}
	from, to := deployNumber(status.App, first), deployNumber(status.App, last)
	switch {
	case ends == "" || to > 0 && (from > 0 || first == ""):
		return c.compareDeploys(ctx, status, from, to)
	case !two: // one revision: against the branch
		first, last = ends, status.Branch.Ref()
	}
	return c.compareRevisions(ctx, status, first, last)
}

// commitDigits is the number of digits from which a number means a commit, and not a
// deploy: as many as every verb prints of a commit.
const commitDigits = 7

// deployNumber reads 41 or shop-41 as a deploy of the app; 0 for anything else.
func deployNumber(app name.App, word string) int {
	if name, number, err := record.ParseDeployID(word); err == nil && name == app {
		return number
	}
	number, err := strconv.Atoi(word)
	if err != nil || number < 1 || len(word) >= commitDigits {
		return 0
	}
	return number
}

func (c *call) compareDeploys(ctx context.Context, status deploy.Status, from, to int) (*difference, error) {
	found, ok, err := c.History.Compare(ctx, status.Repo, status.App, history.Span{From: from, To: to})
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, report.WithHint(fmt.Errorf("app %s has no such deploys", status.App), "see its deploys: ssh HOST history %s", status.App)
	}
	d := &difference{To: found.To.ID(), files: found.Changes}
	if found.From.Number > 0 {
		d.From = found.From.ID()
	}
	return d, nil
}

func (c *call) compareRevisions(ctx context.Context, status deploy.Status, first, last string) (*difference, error) {
	d := &difference{}
	var changes [2]deploy.Change
	for i, word := range []string{first, last} {
		hash, err := c.revision(ctx, status, word)
		if err != nil {
			return nil, err
		}
		if changes[i], err = c.change(ctx, status, hash.String()); err != nil {
			return nil, err
		}
	}
	var sides [2]map[manifest.ID][]byte
	for i, into := range []*string{&d.From, &d.To} {
		change := changes[i]
		// If one end was never accepted, the other is not rendered with secrets either.
		change.Unaccepted = changes[0].Unaccepted || changes[1].Unaccepted
		short := git.Hash(change.Revision).Short()
		var err error
		if sides[i], err = c.Engine.Rendered(ctx, change); err != nil {
			return nil, report.WithHint(fmt.Errorf("render %s: %w", short, err), "see more: ssh HOST plan %s %s", status.App, short)
		}
		*into = short
	}
	d.files = history.Rendered(sides[0], sides[1])
	return d, nil
}
