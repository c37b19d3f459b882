package deploy

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// Drift is how an app differs from its revision now.
type Drift struct {
	App        name.App           `json:"app"`
	Repo       name.Repo          `json:"repository"`
	Cluster    string             `json:"cluster"`
	Revision   name.Revision      `json:"revision"`
	Sync       Sync               `json:"sync"`
	Setting    string             `json:"setting"` // the app's drift setting: correct, warn or off
	Suspension *record.Suspension `json:"suspension,omitempty"`
	Deviations []Deviation        `json:"differences"`
	Left       []string           `json:"left,omitempty"` // objects that are left as they are, as their annotations ask
	// Unseen is the reason why fields of a deviation are not known; "" if all are.
	Unseen string `json:"unseen,omitempty"`
}

// Deviation is an object that differs from its revision, field by field.
type Deviation struct {
	Object    string              `json:"object"`
	What      string              `json:"what"` // "was deleted", "changed by kubectl-edit (Update, ...)"
	Culprit   *owner.Culprit      `json:"culprit,omitempty"`
	Fields    []record.Difference `json:"fields,omitempty"`
	Corrected bool                `json:"corrected"` // Pushboat takes it back by itself
	Fate      string              `json:"fate"`      // when it does, or why it does not
}

// Drift returns how an app differs from its revision now; ok is false if there is no such
// app. With closely, it asks the cluster for the fields of differences that were only seen.
func (e *Engine) Drift(ctx context.Context, app name.App, closely bool) (drift Drift, ok bool) {
	e.known()
	a := e.app(app)
	if a == nil {
		return Drift{}, false
	}
	s := a.status()
	drift = Drift{
		App: s.App, Repo: s.Repo, Cluster: s.Cluster, Revision: s.Revision, Sync: s.Sync,
		Suspension: s.Suspension, Left: s.Left, Deviations: []Deviation{},
	}
	t := a.wanted()
	if t == nil {
		return drift, true
	}
	drift.Setting = cmp.Or(t.Spec.Drift, appfile.DriftCorrect)
	steps, unseen := a.stepsOf(ctx, t, s.Found, closely)
	fights := a.fights.all()
	drift.Unseen = unseen
	for _, found := range s.Found {
		fate := fate{found: found, setting: drift.Setting, suspension: s.Suspension, fight: fights[found.id], trouble: s.Trouble}
		drift.Deviations = append(drift.Deviations, deviationOf(fate, steps[found.id]))
	}
	return drift, true
}

// maxCloseLooks bounds the objects of one call that a dry-run is made for.
const maxCloseLooks = 50

// closeLookTimeout bounds the questions of one call to the cluster.
const closeLookTimeout = 15 * time.Second

// stepsOf returns the steps that would take differences back, as far as they are known, and
// the reason why some are not.
func (a *app) stepsOf(ctx context.Context, t *target, found []Difference, closely bool) (steps map[manifest.ID]plan.Step, unseen string) {
	steps = a.drifts.all()
	if steps == nil {
		steps = map[manifest.ID]plan.Step{}
	}
	looks := map[manifest.ID]Fight{}
	for _, f := range found {
		if _, known := steps[f.id]; !known && len(looks) < maxCloseLooks {
			looks[f.id] = Fight{}
		}
	}
	if len(looks) == 0 || !closely {
		return steps, ""
	}
	made, err := a.lookClosely(ctx, t, looks)
	if err != nil {
		unseen = t.Shown(a.engine.callerOf(t).refusal(ctx, err))
	}
	if made != nil {
		for _, step := range made.Changes() {
			steps[step.ID] = step
		}
	}
	return steps, unseen
}

// lookClosely plans the correction of some objects, and makes none.
func (a *app) lookClosely(ctx context.Context, t *target, looks map[manifest.ID]Fight) (*plan.Plan, error) {
	ctx, cancel := context.WithTimeout(ctx, closeLookTimeout)
	defer cancel()
	part := t.only(looks)
	with, objects, problems, err := a.resolveNow(ctx, t, part)
	switch {
	case err != nil:
		return nil, err
	case len(problems) > 0:
		return nil, problems
	}
	objects = among(a.engine.withoutShared(part, objects), looks)
	p := plan.Planner{API: a.engine.callerOf(t).api, With: with, Claims: a.engine.claims, Partial: true}
	made, problems, err := a.engine.planTarget(ctx, part, p, nil, objects)
	if err != nil {
		return nil, err
	}
	return made, problems.Err()
}

// deviationOf describes a difference with the step that would take it back; the zero step
// if none is known.
func deviationOf(f fate, step plan.Step) Deviation {
	d := Deviation{Object: f.found.Object, What: f.found.What, Culprit: f.found.Culprit, Fields: differencesOf(step)}
	if f.found.pending && step.Action == record.Configure { // the difference is only seen; the step knows more
		d.What, d.Culprit = cmp.Or(whatDiffers(step), d.What), culpritOf(step.Culprit)
	}
	d.Corrected, d.Fate = f.decide()
	return d
}

// fate holds the facts that decide what becomes of a difference.
type fate struct {
	found      Difference
	setting    string // the app's drift setting
	suspension *record.Suspension
	fight      Fight  // over the object; zero: there is none
	trouble    string // why the last check could not be done, or not correct everything
}

// decide reports whether Pushboat takes the difference back by itself, and says when, or
// why not.
func (f fate) decide() (corrected bool, words string) {
	corrects := f.suspension == nil && f.setting == appfile.DriftCorrect
	switch {
	case f.found.dying:
		return corrects, "waits for the end of the object's deletion"
	case f.suspension != nil:
		return false, "left alone, " + f.suspension.Describe()
	case !corrects:
		return false, "left alone, by drift: " + f.setting
	case f.fight.Next > 0:
		return true, "is taken back after up to " + f.fight.Next.String() + ", since it is changed again and again" + f.fight.against()
	case f.trouble != "":
		first, _, _ := strings.Cut(f.trouble, "\n")
		return true, "its correction failed, and is tried again: " + manifest.Clean(first)
	}
	return true, "is being taken back"
}

// against names the other side of a fight; "" if it is not known.
func (f Fight) against() string {
	if f.with == "" {
		return ""
	}
	return " by " + f.with
}
