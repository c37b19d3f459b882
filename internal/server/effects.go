package server

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// effects are what rules of admin.git do to the apps that are deployed.
type effects struct {
	engine   deployed
	current  func() *rules.Rules
	repos    func() ([]name.Repo, error)
	labels   func(next []*rules.Cluster) appfile.Clusters
	clusters func() []string // of the configuration
	named    func() named    // of the configuration
	told     func(next *rules.Notifications) manifest.Problems
	fetched  func(next *rules.Rules) manifest.Problems
	log      *logrus.Entry
}

// deployed are the apps that are deployed. *deploy.Engine has them.
type deployed interface {
	Regrant(ctx context.Context, next deploy.Grants) (held, freed []deploy.Confined)
	Regranted(before deploy.Grants)
	Reselect(ctx context.Context, by deploy.Selecting) (deploy.Reselection, error)
	Reselected(ctx context.Context, leaving []name.App) error
	ObjectsOf(repo name.Repo) int
}

// maxConfined bounds the apps that a plan of rules gives a reason for.
const maxConfined = 8

// Foresee says which apps the grants of rules would hold, and which no longer, and which apps
// come and go with the labels of clusters. What goes has to be confirmed. It refuses grants
// and windows that name a cluster which nobody knows, and receivers that could not be told
// anything, and mirrors that could not be fetched.
func (e effects) Foresee(next *rules.Rules, author access.Caller, confirmed int) (lines []string, leaving []name.App, problems manifest.Problems) {
	if problems = slices.Concat(e.unknownClusters(next), e.unknownNames(next), e.told(next.Notifications()), e.fetched(next)); len(problems) > 0 {
		return nil, nil, problems
	}
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
			lines = append(lines, fmt.Sprintf("      %s: %s", app.App, next.Grant(app.Repo).Placed(app.Why, app.Repo)))
		}
	}
	if len(freed) > 0 {
		lines = append(lines, fmt.Sprintf("  + %s no longer held: %s", are(freed), names(freed)))
	}
	return append(lines, e.tooMany(next)...)
}

// unknownClusters refuses the clusters that grants and windows name, and that neither the configuration
// nor clusters/ has. One that the rules in force name as well is no reason: the
// configuration may have lost it, and any other change has to pass.
func (e effects) unknownClusters(next *rules.Rules) (problems manifest.Problems) {
	known := e.clusters()
	for _, cluster := range next.Clusters() {
		known = append(known, cluster.Name)
	}
	before := map[glob.Pattern]bool{}
	for _, naming := range e.current().ClustersNamed() {
		for _, p := range naming.Clusters {
			before[p] = true
		}
	}
	for _, naming := range next.ClustersNamed() {
		for _, p := range naming.Clusters {
			if !p.IsLiteral() || before[p] || slices.Contains(known, string(p)) {
				continue
			}
			hint := "list the clusters: ssh HOST cluster list"
			if near := manifest.Closest(string(p), known); near != "" {
				hint = "did you mean " + near + "? " + hint
			}
			problems = append(problems, manifest.Problem{
				Source: naming.At, Message: fmt.Sprintf("clusters: the server knows no cluster %q", manifest.Clean(string(p))), Hint: hint,
			})
		}
	}
	return problems
}

func are(apps []deploy.Confined) string {
	return manifest.PluralDoes(len(apps), "app", "is", "are")
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
			lines = append(lines, fmt.Sprintf("  - repository %s has %s: it may have %d, and gets no more", repo, manifest.Plural(has, "object"), most))
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
