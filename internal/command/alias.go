package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/rulebook"
)

const aliasHelp = "Objects of Flux and Argo CD that name the address mean the repository: those in\n" +
	"itself, and those of the repositories that --used-by names, whose apps may then\n" +
	"come from it. It is committed to the file aliases/NAME.yaml of the repository\n" +
	"admin, and is in force at once. Without flags, lists what is in force.\n" +
	"Example: repo alias lib https://github.com/example/lib --used-by fleet"

func aliasFlags(f *pflag.FlagSet) {
	f.StringSlice("used-by", nil, "repositories whose apps may come from it, with * for any letters")
	f.Bool("remove", false, "take the address, or these repositories, out; without any, all")
	reviseFlags(f)
}

// aliasRow are the aliases of a repository, as JSON.
type aliasRow struct {
	Repo   name.Repo `json:"repository"`
	URLs   []string  `json:"urls"`
	UsedBy []string  `json:"usedBy"`
}

// revisedAlias is a change of aliases, as JSON.
type revisedAlias struct {
	Repo     name.Repo `json:"repository"`
	Revision git.Hash  `json:"revision"` // the commit on admin, or with --plan one on no branch
	Changes  []string  `json:"changes"`  // in words
	InForce  bool      `json:"inForce"`  // false with --plan
}

func (r *revisedAlias) made(by rulebook.Revised) {
	r.Revision, r.Changes = by.Commit, append([]string{}, by.Changes...)
}
func (r *revisedAlias) begun()        { r.InForce = true }
func (r *revisedAlias) about() string { return "aliases of " + string(r.Repo) }

// aliasChange is what somebody wants of the aliases of a repository.
type aliasChange struct {
	repo   name.Repo
	url    string // "": none
	usedBy []string
	remove bool
}

// aliasRepo lists or changes by which addresses repositories are known.
func aliasRepo(ctx context.Context, c *call) error {
	if err := c.check(c.right(), access.Subject{}); err != nil {
		return err
	}
	change, err := c.readAlias()
	if err != nil {
		return err
	}
	if change.url == "" && len(change.usedBy) == 0 && !change.remove {
		return c.listAliases(change.repo)
	}
	_, err = c.Repos.Open(change.repo)
	if err != nil && (!errors.Is(err, git.ErrNotExist) || !change.remove) {
		if errors.Is(err, git.ErrNotExist) {
			return report.WithHint(fmt.Errorf("no repository %s is hosted here, which could be known by an address", change.repo), "make it by a push, or see those that there are: ssh HOST repo list")
		}
		return err
	}
	verb := "Name"
	if change.remove {
		verb = "Take back from"
	}
	return c.revise(ctx, &revisedAlias{Repo: change.repo}, rulebook.Revision{
		Subject: fmt.Sprintf("%s %s", verb, change.repo), By: c.Caller(),
		Edit: func(_ fs.FS, now *rules.Rules) (map[string][]byte, error) { return change.edit(now) },
	})
}

// readAlias reads what is wanted from the arguments and flags.
func (c *call) readAlias() (change aliasChange, err error) {
	change.usedBy, _ = c.flags.GetStringSlice("used-by") // the flags are those of aliasFlags
	change.remove, _ = c.flags.GetBool("remove")
	if len(c.args) == 0 {
		if change.remove || len(change.usedBy) > 0 {
			return change, usageError{"NAME is missing"}
		}
		return change, nil
	}
	if change.repo, err = name.ParseRepo(c.args[0]); err != nil {
		return change, report.WithHint(err, "list the repositories: ssh HOST repo list")
	}
	if len(c.args) > 1 {
		change.url = c.args[1]
	}
	for _, text := range append([]string{change.url}, change.usedBy...) {
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return change, usageError{"a control character is in the way"}
		}
	}
	return change, nil
}

// edit is the file of the aliases as they are to be. What is wrong with them, the gate says.
func (a aliasChange) edit(now *rules.Rules) (map[string][]byte, error) {
	next := &rules.Alias{Repo: a.repo}
	if was := now.Alias(a.repo); was != nil {
		next.URLs, next.UsedBy = slices.Clone(was.URLs), slices.Clone(was.UsedBy)
	}
	before := string(next.File())
	switch {
	case a.remove && a.url == "" && len(a.usedBy) == 0:
		next.URLs, next.UsedBy = nil, nil
	case a.remove:
		next.URLs = slices.DeleteFunc(next.URLs, func(url string) bool { return url == a.url })
		next.UsedBy = slices.DeleteFunc(next.UsedBy, func(p glob.Pattern) bool { return slices.Contains(a.usedBy, string(p)) })
	default:
		if a.url != "" && !slices.Contains(next.URLs, a.url) {
			next.URLs = append(next.URLs, a.url)
		}
		for _, repo := range a.usedBy {
			if p := glob.Pattern(repo); !slices.Contains(next.UsedBy, p) {
				next.UsedBy = append(next.UsedBy, p)
			}
		}
	}
	if string(next.File()) == before {
		what := "has that already"
		if a.remove {
			what = "has no such alias"
		}
		return nil, report.WithHint(fmt.Errorf("repository %s %s", a.repo, what), "see what is in force: ssh HOST repo alias %s", a.repo)
	}
	return map[string][]byte{rules.AliasFile(a.repo): next.File()}, nil
}

// listAliases prints the aliases of a repository; "" for all.
func (c *call) listAliases(repo name.Repo) error {
	list := []aliasRow{}
	for _, a := range c.Rules().Aliases() {
		if repo != "" && a.Repo != repo {
			continue
		}
		row := aliasRow{Repo: a.Repo, URLs: append([]string{}, a.URLs...), UsedBy: []string{}}
		for _, p := range a.UsedBy {
			row.UsedBy = append(row.UsedBy, string(p))
		}
		list = append(list, row)
	}
	return c.print(list, func(w io.Writer) {
		if len(list) == 0 {
			fmt.Fprint(w, "there are no aliases\n", report.Hints("to add one: ssh HOST repo alias NAME URL --used-by REPOSITORY"))
			return
		}
		table := newTable(w, "REPOSITORY", "ADDRESSES", "USED BY")
		for _, row := range list {
			table.row(string(row.Repo), manifest.Clean(dash(strings.Join(row.URLs, ", "))), dash(strings.Join(row.UsedBy, ", ")))
		}
		table.print()
	})
}
