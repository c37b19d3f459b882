package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// Format is how a prepared change is written.
type Format string

// The formats.
const (
	Text     Format = "text"     // as a pusher sees it
	JSON     Format = "json"     // an Outline
	Markdown Format = "markdown" // for a comment on a merge request
)

// Formats lists the formats, for flags and their errors.
var Formats = []Format{Text, JSON, Markdown}

// Outline is a prepared change as data. Secret values are masked, as in every
// other form of it.
type Outline struct {
	Refused  bool              `json:"refused"` // a push would be
	Problems []OutlinedProblem `json:"problems"`
	Warnings []OutlinedProblem `json:"warnings"` // of the API server; they refuse nothing
	Added    []name.App        `json:"appsAdded"`
	Removed  []name.App        `json:"appsRemoved"`
	Same     int               `json:"appsUnchanged"`
	Plans    []OutlinedPlan    `json:"plans"`
}

// OutlinedProblem is a problem as data. Line is 0 where only the file is known.
type OutlinedProblem struct {
	File    string   `json:"file,omitempty"`
	Line    int      `json:"line,omitempty"`
	App     name.App `json:"app,omitempty"`
	Object  string   `json:"object,omitempty"`
	Message string   `json:"message"`
	Hint    string   `json:"hint,omitempty"`
}

// OutlinedPlan is the plan of one app. Steps leaves out unchanged objects.
type OutlinedPlan struct {
	App     name.App `json:"app"`
	Cluster string   `json:"cluster"`
	Gone    bool     `json:"gone"` // the app leaves with the change
	// Means is the object of another tool that means the app.
	Means  *OutlinedLineage `json:"means,omitempty"`
	Counts OutlinedCounts   `json:"counts"`
	Steps  []OutlinedStep   `json:"steps"`
	// Kept is how many objects stay on the cluster when the app goes, and KeptFor why.
	Kept    int    `json:"kept,omitempty"`
	KeptFor string `json:"keptFor,omitempty"`
	// Generated has the fate of each value that is generated once.
	Generated []OutlinedValue `json:"generated,omitempty"`
	// Took says which version was taken for each range of versions.
	Took []string `json:"took,omitempty"`
}

// OutlinedValue is the fate of a generated value: kept, new, rotated, set, or kept as
// somewhere.
type OutlinedValue struct {
	Path string `json:"path"`
	Is   string `json:"is"`
}

// OutlinedCounts counts the objects of a plan by action.
type OutlinedCounts struct {
	Create    int `json:"create"`
	Change    int `json:"change"`
	Delete    int `json:"delete"`
	Release   int `json:"release"`
	Move      int `json:"move"`
	Unchanged int `json:"unchanged"`
	Hooks     int `json:"hooks"`
}

// OutlinedStep is the action on one object or hook.
type OutlinedStep struct {
	Action    string          `json:"action"` // create, change, recreate, delete, release, move, leave or hook
	Group     string          `json:"group"`
	Kind      string          `json:"kind"`
	Namespace string          `json:"namespace,omitempty"`
	Name      string          `json:"name"`
	Note      string          `json:"note,omitempty"`
	Fields    []OutlinedField `json:"fields,omitempty"`
}

// OutlinedField is one field that changes. Before and After are shortened for
// reading, and "" where there is no value.
type OutlinedField struct {
	Path   string `json:"path"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// outlinedActions are the words of an Outline, which is about the future; an Action is
// about the past.
var outlinedActions = map[record.Action]string{
	record.Create: "create", record.Configure: "change", record.Recreate: "recreate", record.Delete: "delete",
	record.Release: "release", record.Unchanged: "leave", record.Hook: "hook", record.Hand: "move",
}

// OutlineProblems returns problems as data, with hints as the door spells them.
func OutlineProblems(problems manifest.Problems, door Door) []OutlinedProblem {
	list := make([]OutlinedProblem, 0, len(problems))
	for _, p := range problems {
		list = append(list, OutlinedProblem{
			File: p.Source.File, Line: p.Source.Line, App: p.App, Object: p.Object, Message: p.Message, Hint: door.hint(p),
		})
	}
	return list
}

// OutlinePlan returns a plan as data.
func OutlinePlan(p *plan.Plan) OutlinedPlan {
	counts, hooks := p.Counts(), p.ShownHooks()
	outlined := OutlinedPlan{
		App: p.App, Cluster: p.Cluster, Gone: p.Gone, Steps: []OutlinedStep{}, Took: p.Took(),
		Counts: OutlinedCounts{
			Create: counts.Create, Change: counts.Change, Delete: counts.Delete, Release: counts.Release,
			Move: counts.Move, Unchanged: counts.Unchanged, Hooks: len(hooks),
		},
	}
	if p.Kept > 0 && p.Target != nil && p.Target.GivenTo == "" {
		outlined.Kept, outlined.KeptFor = p.Kept, whyKept(p)
	}
	for _, f := range p.Generated {
		outlined.Generated = append(outlined.Generated, OutlinedValue{f.Path, f.Is})
	}
	for _, step := range append(append(p.Changes(), p.Moved...), p.LeftAlone()...) {
		outlined.Steps = append(outlined.Steps, outlineStep(step))
	}
	for _, hook := range hooks {
		step := outlineStep(hook)
		step.Action, step.Note, step.Fields = outlinedActions[record.Hook], hook.Policy.Phase.String(), nil
		outlined.Steps = append(outlined.Steps, step)
	}
	return outlined
}

func outlineStep(s plan.Step) OutlinedStep {
	step := OutlinedStep{
		Action: outlinedActions[s.Action], Note: s.Note,
		Group: s.ID.Group, Kind: s.ID.Kind, Namespace: s.ID.Namespace, Name: s.ID.Name,
	}
	for _, change := range s.Changes {
		step.Fields = append(step.Fields, OutlinedField{Path: change.Path, Before: change.Before, After: change.After})
	}
	return step
}

// Changes reports whether a push of the change would touch any object.
func (o Outline) Changes() bool {
	for _, plan := range o.Plans {
		for _, step := range plan.Steps {
			if step.Action != outlinedActions[record.Unchanged] {
				return true
			}
		}
	}
	return false
}

// told turns outlined problems into the form that people read.
func told(list []OutlinedProblem) manifest.Problems {
	problems := make(manifest.Problems, 0, len(list))
	for _, p := range list {
		problems = append(problems, manifest.Problem{
			Source: manifest.Source{File: p.File, Line: p.Line}, App: p.App, Object: p.Object, Message: p.Message, Hint: p.Hint,
		})
	}
	return problems
}

func (p OutlinedPlan) writeSteps(w io.Writer) { p.writeMost(w, maxPlanObjects) }

// writeMost writes at most so many steps, and how many more there are.
func (p OutlinedPlan) writeMost(w io.Writer, most int) {
	for _, text := range p.Took {
		fmt.Fprintln(w, cutLine("# "+manifest.Clean(text)))
	}
	if p.Kept > 0 {
		fmt.Fprintln(w, cutLine(manifest.Clean(fmt.Sprintf("# %s on the cluster (%s)", manifest.PluralDoes(p.Kept, "object", "stays", "stay"), p.KeptFor))))
	}
	for i, step := range p.Steps {
		if i == most {
			fmt.Fprintf(w, "... and %d more\n", len(p.Steps)-i)
			return
		}
		step.markdown(w)
	}
}

// WriteText writes the plan for people: a line an object, the fields that change, and the
// counts.
func (p OutlinedPlan) WriteText(w io.Writer) {
	fmt.Fprintf(w, "%s: plan for cluster %s\n", p.App, manifest.Clean(p.Cluster))
	if p.Means != nil {
		fmt.Fprintln(w, manifest.Clean("  "+p.Means.words()))
	}
	p.writeSteps(w)
	fmt.Fprintln(w, p.Counts)
}

// WriteOutlined writes a problem below a word, such as error.
func WriteOutlined(w io.Writer, word string, p OutlinedProblem) {
	alike{Problem: told([]OutlinedProblem{p})[0]}.print(w, word)
}

// diffSigns begin a line of a diff block, which colours by them.
var diffSigns = map[string]string{"create": "+", "change": "!", "recreate": "!", "delete": "-"}

func (s OutlinedStep) markdown(w io.Writer) {
	sign := diffSigns[s.Action]
	if sign == "" {
		sign = "#"
	}
	id := manifest.ID{Group: s.Group, Kind: s.Kind, Namespace: s.Namespace, Name: s.Name}
	line := fmt.Sprintf("%s %s %s", sign, s.Action, id)
	if s.Note != "" {
		line += "  (" + s.Note + ")"
	}
	fmt.Fprintln(w, cutLine(manifest.Clean(line)))
	for i, field := range s.Fields {
		if i == maxPlanFields {
			fmt.Fprintf(w, "    ... and %d more fields\n", len(s.Fields)-i)
			return
		}
		fmt.Fprintln(w, cutLine(fmt.Sprintf("    %s: %s", manifest.Clean(field.Path), manifest.Clean(field.words()))))
	}
}

func (f OutlinedField) words() string {
	switch {
	case f.Before == "":
		return f.After
	case f.After == "":
		return f.Before + " removed"
	}
	return f.Before + " -> " + f.After
}

// String writes the counts as a plan's last line does.
func (c OutlinedCounts) String() string {
	counts := plan.Counts{Create: c.Create, Change: c.Change, Delete: c.Delete, Release: c.Release, Move: c.Move, Unchanged: c.Unchanged}
	if c.Hooks == 0 {
		return countsText(counts)
	}
	return strings.TrimPrefix(countsText(counts)+", ", "nothing to do, ") + manifest.Plural(c.Hooks, "hook")
}
