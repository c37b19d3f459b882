package web

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/mirror"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/refusal"
)

// Limits of what the page of a repository shows.
const (
	maxBranches   = 200
	maxRepoApps   = 50 // of which deploys are looked for
	perApp        = 20 // deploys
	maxRepoCommit = 50
)

// repositoryPage is the page of a repository.
type repositoryPage struct {
	Name     string
	Apps     []deploy.Status
	Branches []branchRow
	More     int // branches that are not shown
	Commits  []commitRow
	Refused  []refusal.Brief
	Mirror   *mirror.State
	Remotes  []mirror.RemoteState
	Said     []string // instead of all that
}

// branchRow is a branch, and the apps that are deployed from it.
type branchRow struct {
	Name   string
	Commit name.Revision
	Apps   []name.App
}

// commitRow is a commit with its deploys.
type commitRow struct {
	Commit  name.Revision
	Deploys []record.Record // newest first
	Last    time.Time
}

// showRepository shows a repository's branches, and its commits with their deploys.
func showRepository(v *visit) error {
	p := repositoryPage{Name: string(v.repo)}
	var answer struct {
		Apps     []name.App
		Branches map[string]name.Revision
		Mirror   *mirror.State
		Remotes  []mirror.RemoteState
	}
	said, err := v.asks(&answer, []string{"repo", "info"}, p.Name)
	if err != nil {
		return err
	}
	p.Said, p.Mirror, p.Remotes = said, answer.Mirror, answer.Remotes
	var deploys []record.Record
	for i, app := range answer.Apps {
		status, ok := v.door.Apps.Seen(v.caller, app)
		if !ok {
			continue
		}
		p.Apps = append(p.Apps, status)
		if i < maxRepoApps {
			list, err := v.door.Apps.History.List(v.r.Context(), v.repo, app, 0, perApp)
			if err != nil {
				return err
			}
			deploys = append(deploys, list...)
		}
	}
	p.Branches = branchesOf(answer.Branches, p.Apps)
	if p.More = len(p.Branches) - maxBranches; p.More > 0 {
		p.Branches = p.Branches[:maxBranches]
	}
	p.Commits = commitsOf(deploys)
	if p.Refused, err = v.refusalsOf(v.repo); err != nil {
		return err
	}
	return v.show("repository", frame{Title: p.Name, Section: "overview", Body: p})
}

// branchesOf lists branches: first those that deploy.
func branchesOf(heads map[string]name.Revision, apps []deploy.Status) []branchRow {
	var list []branchRow
	for branch, head := range heads {
		row := branchRow{Name: branch, Commit: head}
		for _, s := range apps {
			if string(s.Branch) == branch {
				row.Apps = append(row.Apps, s.App)
			}
		}
		list = append(list, row)
	}
	slices.SortFunc(list, func(a, b branchRow) int {
		return cmp.Or(cmp.Compare(min(len(b.Apps), 1), min(len(a.Apps), 1)), strings.Compare(a.Name, b.Name))
	})
	return list
}

// commitsOf groups deploys by their commits, of which the one that was deployed last is first.
func commitsOf(deploys []record.Record) []commitRow {
	slices.SortFunc(deploys, func(a, b record.Record) int {
		return cmp.Or(b.Started.Compare(a.Started), strings.Compare(string(a.App), string(b.App)), cmp.Compare(b.Number, a.Number))
	})
	var list []commitRow
	for _, r := range deploys {
		at := slices.IndexFunc(list, func(c commitRow) bool { return c.Commit == r.Revision })
		if at < 0 {
			at = len(list)
			list = append(list, commitRow{Commit: r.Revision, Last: r.Started})
		}
		list[at].Deploys = append(list[at].Deploys, r)
	}
	return list[:min(len(list), maxRepoCommit)]
}
