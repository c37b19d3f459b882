package server

import (
	"context"
	"fmt"
	"strings"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// effects are what rules of admin.git do to the apps that are deployed.
type effects struct {
	engine  *deploy.Engine
	current func() *rules.Rules
	repos   func() ([]name.Repo, error)
	labels  func(next []*rules.Cluster) appfile.Clusters
	log     *logrus.Entry
}

// maxConfined bounds the apps that a plan of rules gives a reason for.
const maxConfined = 8

// Foresee says which apps the grants of rules would hold, and which no longer, and which apps
// come and go with the labels of clusters. What goes has to be confirmed.
func (e effects) Foresee(next *rules.Rules, author access.Caller, confirmed int) (lines []string, leaving []name.App, problems manifest.Problems) {
	lines = e.foreseeGrants(next)
	selected, err := e.engine.Reselect(context.Background(), deploy.Selecting{Clusters: e.labels(next.Clusters()), Grants: next.Grant, By: author, Confirmed: confirmed})
	if err != nil {
		return lines, nil, manifest.Problems{{Message: fmt.Sprintf("find the apps that select clusters: %v", err), Remedy: manifest.Again("")}}
	}
	return append(lines, selected.Lines()...), selected.Going(), selected.Problems
}

func (e effects) foreseeGrants(next *rules.Rules) []string {
	held, freed := e.engine.Regrant(context.Background(), next.Grant)
	var lines []string
	if len(held) > 0 {
		lines = append(lines, fmt.Sprintf("  - %s held, neither deployed nor corrected: %s", are(held), names(held)))
		for _, app := range held[:min(len(held), maxConfined)] {
			lines = append(lines, fmt.Sprintf("      %s: %s", app.App, app.Why))
		}
	}
	if len(freed) > 0 {
		lines = append(lines, fmt.Sprintf("  + %s no longer held: %s", are(freed), names(freed)))
	}
	return append(lines, e.tooMany(next)...)
}

func are(apps []deploy.Confined) string {
	if len(apps) == 1 {
		return "1 app is"
	}
	return fmt.Sprintf("%d apps are", len(apps))
}

func names(apps []deploy.Confined) string {
	var all []string
	for i, app := range apps {
		if i == maxConfined {
			return strings.Join(all, ", ") + fmt.Sprintf(" and %d more", len(apps)-i)
		}
		all = append(all, string(app.App))
	}
	return strings.Join(all, ", ")
}

// tooMany names the repositories that have more objects than their grants would let them.
func (e effects) tooMany(next *rules.Rules) (lines []string) {
	repos, err := e.repos()
	if err != nil {
		return nil // every push says so too
	}
	for _, repo := range repos {
		most := next.Grant(repo).MaxObjects
		if most == 0 || e.current().Grant(repo).MaxObjects == most {
			continue
		}
		if has := e.engine.ObjectsOf(repo); has > most {
			lines = append(lines, fmt.Sprintf("  - repository %s has %d objects: it may have %d, and gets no more", repo, has, most))
		}
	}
	return lines
}

// Taken has the apps judged again whose grants are others, and those come and go that select
// other clusters.
func (e effects) Taken(before *rules.Rules, leaving []name.App) {
	e.engine.Regranted(func(repo name.Repo) *grant.Grant { return before.Grant(repo) })
	if err := e.engine.Reselected(context.Background(), leaving); err != nil {
		e.log.Errorf("cluster: %v; apps that select clusters are found again with the next change of the rules", err)
	}
}
