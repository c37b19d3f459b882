package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render"
	"github.com/pushboat/pushboat/internal/report"
)

// answer is the output of why.
type answer struct {
	Object string   `json:"object"`
	Field  string   `json:"field"`
	Value  any      `json:"value,omitempty"` // omitted for a Secret
	Causes []origin `json:"causes"`
}

// origin is a line that decides a value.
type origin struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Text    string `json:"text,omitempty"`  // of the line; omitted for a Secret
	Gives   string `json:"gives,omitempty"` // the name that is replaced, to which the line gives its value
	From    string `json:"from,omitempty"`  // the ConfigMap or Secret that has it
	Commit  string `json:"commit,omitempty"`
	Author  string `json:"author,omitempty"`
	When    string `json:"when,omitempty"` // RFC 3339
	Subject string `json:"subject,omitempty"`
}

// why says which lines decide a field of an object, and who wrote them.
func why(ctx context.Context, c *call) error {
	status, err := c.app(c.args[0])
	if err != nil {
		return err
	}
	change, err := c.change(ctx, status, cmp.Or(string(status.Revision), status.Branch.Ref()))
	if err != nil {
		return err
	}
	var reason deploy.Reason
	c.meanwhile("trying one line after another", func(func(string)) { reason, err = c.Engine.Why(ctx, change, c.args[1], c.args[2]) })
	switch {
	case errors.Is(err, deploy.ErrNaming):
		return usageError{fmt.Sprintf("%q: %v", manifest.Clean(c.args[1]), err)}
	case errors.Is(err, fs.ErrNotExist):
		return report.WithHint(fmt.Errorf("app %s renders no object %s", status.App, c.args[1]), "name it like deploy/web, or deploy/NAMESPACE/web, as listed by: ssh HOST tree %s", status.App)
	case errors.Is(err, render.ErrNoField):
		return report.WithHint(fmt.Errorf("%s sets no field %s", c.args[1], c.args[2]), "the cluster or somebody else has set it, if it is there; see its drift: ssh HOST status %s", status.App)
	case err != nil:
		return err
	}
	found := answer{Object: reason.Object.String(), Field: c.args[2], Value: reason.Value}
	secret := reason.Object.Kind == "Secret"
	if secret {
		found.Value = nil
	}
	for _, cause := range causesOf(reason) {
		found.Causes = append(found.Causes, c.originOf(ctx, change, cause, secret))
	}
	found.Causes = listed(found.Causes)
	return c.print(found, found.print)
}

// causesOf returns the causes, or else the place of the object.
func causesOf(reason deploy.Reason) []render.Cause {
	if len(reason.Causes) > 0 {
		return reason.Causes
	}
	return []render.Cause{{Source: reason.Source}}
}

// originOf adds a line's author. It leaves the author out if Git does not know the
// line, which the server may have added.
func (c *call) originOf(ctx context.Context, change deploy.Change, cause render.Cause, secret bool) origin {
	o := origin{File: cause.File, Line: cause.Line, Text: cause.Text}
	if secret {
		o.Text = ""
	}
	if n := cause.Gives; n != nil {
		o.Gives = n.Name
		if n.From.Kind != "" {
			o.From = n.From.Origin().String()
		}
	}
	if cause.Line == 0 {
		return o
	}
	repo, err := c.Repos.Open(change.Repo)
	if err != nil {
		return o
	}
	commit, err := repo.Blame(ctx, git.Hash(change.Revision), cause.File, cause.Line)
	if err != nil {
		return o
	}
	o.Commit, o.Author, o.Subject = commit.Hash.Short(), commit.Author.Name, commit.Subject()
	o.When = commit.When.UTC().Format("2006-01-02T15:04:05Z07:00")
	return o
}

// given says which name has its value here.
func (o origin) given() string {
	text := "${" + o.Gives + "} has its value here"
	if o.From != "" {
		text += ", from " + o.From
	}
	return text
}

func (a answer) print(w io.Writer) {
	title := a.Object + "  " + a.Field
	if a.Value != nil {
		title += fmt.Sprintf(" = %v", a.Value)
	}
	fmt.Fprintln(w, manifest.Clean(title))
	for _, o := range a.Causes {
		place := manifest.Source{File: o.File, Line: o.Line}.String()
		fmt.Fprintln(w, "  "+manifest.Clean(place))
		if o.Text != "" {
			fmt.Fprintln(w, "      "+manifest.Clean(o.Text))
		}
		if o.Gives != "" {
			fmt.Fprintln(w, "      "+manifest.Clean(o.given()))
		}
		if o.Commit != "" {
			fmt.Fprintln(w, "      "+manifest.Clean(fmt.Sprintf("%s, %s, %s: %s", o.Commit, o.When[:10], o.Author, o.Subject)))
		}
	}
}
