package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/mirror"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/report"
)

// repoRow is a repository in the list.
type repoRow struct {
	Name     name.Repo              `json:"name"`
	Apps     []name.App             `json:"apps"`
	Branches map[name.Branch]string `json:"branches,omitempty"`
	Mirror   *mirror.State          `json:"mirror,omitempty"`  // of a repository that is fetched from elsewhere
	Remotes  []mirror.RemoteState   `json:"remotes,omitempty"` // to which it is sent
}

// repoList lists the repositories that the caller may see, but for the server's own.
func repoList(_ context.Context, c *call) error {
	repos, err := c.Repos.List()
	if err != nil {
		return err
	}
	rows := []repoRow{}
	for _, repo := range repos {
		if repo != access.AdminRepo && c.Policy.Allows(c.Caller(), access.ReadRepo, access.Subject{Repo: repo}) {
			rows = append(rows, repoRow{Name: repo, Apps: listed(c.Engine.AppsOf(repo)), Mirror: c.mirrorOf(repo), Remotes: c.Remotes.States(repo)})
		}
	}
	return c.print(rows, func(w io.Writer) {
		if len(rows) == 0 {
			fmt.Fprintln(w, "No repositories yet. Push one: git push ssh://HOST/NAME main")
		} else {
			printRepos(w, rows, time.Now())
		}
		if c.Policy.Allows(c.Caller(), access.ReadRepo, access.Subject{Repo: access.AdminRepo}) {
			fmt.Fprintf(w, "The rules of this server: git clone ssh://HOST/%s\n", access.AdminRepo)
		}
	})
}

// printRepos writes the list. Where none is a mirror or has remotes, there is no column for that.
func printRepos(w io.Writer, rows []repoRow, now time.Time) {
	headings := []string{"REPOSITORY", "APPS"}
	mirrors := slices.ContainsFunc(rows, func(row repoRow) bool { return row.Mirror != nil })
	if mirrors {
		headings = append(headings, "MIRROR OF")
	}
	remotes := slices.ContainsFunc(rows, func(row repoRow) bool { return row.Remotes != nil })
	if remotes {
		headings = append(headings, "SENT TO")
	}
	table := newTable(w, headings...)
	for _, row := range rows {
		cells := []string{string(row.Name), dash(name.Join(row.Apps, ", "))}
		switch {
		case row.Mirror != nil:
			cells = append(cells, manifest.Clean(row.Mirror.URL))
		case mirrors:
			cells = append(cells, "-")
		}
		if remotes {
			cells = append(cells, dash(remoteNames(row.Remotes)))
		}
		table.row(cells...)
		if row.Mirror != nil {
			for _, line := range mirrorLines(row.Name, row.Mirror, now) {
				table.note(line)
			}
		}
		for _, line := range remoteLines(row.Name, row.Remotes, now) {
			table.note(line)
		}
	}
	table.print()
}

// printMirror writes where a repository is fetched from.
func printMirror(w io.Writer, repo name.Repo, s *mirror.State, now time.Time) {
	if s == nil {
		return
	}
	asked := "not yet asked"
	switch {
	case s.Fetching:
		asked = "being asked now"
	case !s.Asked.IsZero():
		asked = "asked " + ago(s.Asked, now)
	}
	fmt.Fprintf(w, "mirror of   %s, %s\n", manifest.Clean(s.URL), asked)
	for _, line := range setupLines(s.Setup) {
		fmt.Fprintln(w, line)
	}
	if s.HostKey != nil {
		fmt.Fprintf(w, "host key    %s %s, since %s\n", s.HostKey.Host, s.HostKey.Fingerprint, s.HostKey.Since.UTC().Format(time.DateOnly))
	}
	for _, line := range mirrorLines(repo, s, now) {
		fmt.Fprintln(w, "  "+line)
	}
}

// missingRepo is the error for a repository that does not exist for the caller.
func missingRepo(repo name.Repo) error {
	return report.WithHint(fmt.Errorf("repository %q %w", repo, ErrNotFound), "list the repositories: ssh HOST repo list")
}

// repo opens a repository on which the caller has the right of the call. A caller who may
// not see it is told that it does not exist.
func (c *call) repo(text string) (*git.Repository, error) {
	repo, err := name.ParseRepo(text)
	if err != nil {
		return nil, report.WithHint(err, "list the repositories: ssh HOST repo list")
	}
	missing := missingRepo(repo)
	if !c.Policy.Allows(c.Caller(), access.ReadRepo, access.Subject{Repo: repo}) {
		return nil, missing
	}
	repository, err := c.Repos.Open(repo)
	if errors.Is(err, git.ErrNotExist) {
		return nil, missing
	}
	if err != nil {
		return nil, err
	}
	return repository, c.check(c.right(), access.Subject{Repo: repo})
}

// repoInfo shows a repository's branches and apps.
func repoInfo(ctx context.Context, c *call) error {
	repo, err := c.repo(c.args[0])
	if err != nil {
		return err
	}
	refs, err := repo.Refs(ctx, name.BranchPrefix)
	if err != nil {
		return err
	}
	row := repoRow{Name: repo.Name(), Apps: listed(c.Engine.AppsOf(repo.Name())), Branches: map[name.Branch]string{}, Mirror: c.mirrorOf(repo.Name()), Remotes: c.Remotes.States(repo.Name())}
	for _, ref := range refs {
		branch, _ := name.BranchOf(ref.Name)
		row.Branches[branch] = ref.Hash.String()
	}
	return c.print(row, func(w io.Writer) {
		fmt.Fprintf(w, "repository  %s\napps        %s\n", row.Name, dash(name.Join(row.Apps, ", ")))
		printMirror(w, row.Name, row.Mirror, time.Now())
		printRemotes(w, row.Name, row.Remotes, time.Now())
		for _, ref := range refs {
			branch, _ := name.BranchOf(ref.Name)
			subject := ""
			if commit, err := repo.Commit(ref.Hash); err == nil {
				subject = commit.Subject()
			}
			fmt.Fprintf(w, "branch      %s  %s  %s\n", manifest.Clean(string(branch)), ref.Hash.Short(), manifest.Clean(subject))
		}
	})
}

// repoCreate creates an empty repository.
func repoCreate(ctx context.Context, c *call) error {
	repo, err := name.ParseRepo(c.args[0])
	if err != nil {
		return report.WithHint(err, "choose a name such as shop or team/shop")
	}
	if err := c.check(c.right(), access.Subject{Repo: repo}); err != nil {
		return err
	}
	if _, err := c.Repos.Create(ctx, repo); err != nil {
		if errors.Is(err, git.ErrExist) {
			return report.WithHint(fmt.Errorf("repository %q exists", repo), "push to it: git push ssh://HOST/%s main", repo)
		}
		return err
	}
	fmt.Fprintf(c, "created %s; push to it: git push ssh://HOST/%s main\n", repo, repo)
	return nil
}

func deleteFlags(f *pflag.FlagSet) {
	f.Bool("yes", false, "do it: the repository and its records are gone for good")
}

// repoDelete deletes a repository whose apps have left the clusters.
func repoDelete(ctx context.Context, c *call) error {
	repository, err := c.repo(c.args[0])
	if err != nil {
		return err
	}
	repo := repository.Name()
	if repo == access.AdminRepo {
		return report.WithHint(fmt.Errorf("repository %q has the rules of this server and cannot be deleted", repo),
			"change them by a push: git clone ssh://HOST/%s", repo)
	}
	if c.mirrorOf(repo) != nil {
		return report.WithHint(fmt.Errorf("repository %q is a mirror, and would be fetched again", repo), "first end that: ssh HOST repo mirror %s --stop", repo)
	}
	if apps := c.Engine.AppsOf(repo); len(apps) > 0 {
		return report.WithHint(fmt.Errorf("repository %q deploys %s", repo, name.Join(apps, ", ")),
			"first push a pushboat.yaml with apps: [] to remove them from the cluster")
	}
	if yes, err := c.flags.GetBool("yes"); err != nil || !yes {
		return report.WithHint(fmt.Errorf("repository %q, its history and its records would be gone for good", repo),
			"if that is meant: repo delete %s --yes", repo)
	}
	if err := c.Repos.Delete(ctx, repo); err != nil {
		return err
	}
	c.Engine.Forget(repo)
	c.Refusals.Forget(repo)
	c.Log.WithField("repository", string(repo)).WithField("operator", c.Caller().Operator).Info("repository deleted")
	fmt.Fprintf(c, "deleted %s\n", repo)
	return nil
}
