package server

import (
	"context"
	"fmt"
	"strings"

	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// effects are what rules of admin.git do to the apps that are deployed.
type effects struct {
	engine  *deploy.Engine
	current func() *rules.Rules
	repos   func() ([]name.Repo, error)
}

// maxConfined bounds the apps that a plan of rules gives a reason for.
const maxConfined = 8

// Foresee says which apps the grants of rules would hold, and which no longer.
func (e effects) Foresee(next *rules.Rules) ([]string, manifest.Problems) {
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
	return append(lines, e.tooMany(next)...), nil
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

// Taken has the apps judged again whose grants are others.
func (e effects) Taken(before *rules.Rules) {
	e.engine.Regranted(func(repo name.Repo) *grant.Grant { return before.Grant(repo) })
}
