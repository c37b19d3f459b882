// Package refusal keeps pushes that the gate has refused: their problems beside the lines of
// the files that they are in, their warnings, and their plans as far as they were made. Git
// forgets the objects of a refused push at once, so what is to be shown later is cut out of
// them while the push is judged.
//
// A refusal has no secret: it says what the pusher's terminal says, and of files that hold a
// Secret or encrypted values it has the keys alone. Everything in it has a limit, and so has
// the number that is kept.
package refusal

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/report"
)

// Refusal is a push that the gate has refused.
type Refusal struct {
	Brief
	Problems []Problem                `json:"problems"`
	More     int                      `json:"more,omitempty"` // problems that are left out
	Warnings []report.OutlinedProblem `json:"warnings"`
	// Plans are those that were made, for apps that the problems do not concern, or whose
	// guards refuse them. Steps that are left out of a plan are in its counts.
	Plans []report.OutlinedPlan `json:"plans"`
	// LeftOut is the number of plans that are left out.
	LeftOut int `json:"plansLeftOut,omitempty"`
}

// Brief is a refusal in a list.
type Brief struct {
	ID       string    `json:"id"` // 26 characters that nobody can guess
	Repo     name.Repo `json:"repository"`
	Time     time.Time `json:"time"` // in UTC
	Operator string    `json:"operator"`
	Key      string    `json:"key"`  // the fingerprint of the pusher's key
	Push     string    `json:"push"` // its id in the server's log
	Plan     bool      `json:"plan"` // it had the option plan, and would not have been deployed anyway
	Refs     []Ref     `json:"refs"`
	MoreRefs int       `json:"moreRefs,omitempty"`
	Count    int       `json:"problemCount"` // of all problems
}

// Ref is a ref that the push would have moved.
type Ref struct {
	Name    string `json:"name"`             // in full
	Old     string `json:"old,omitempty"`    // the commit before; "": the ref is new
	New     string `json:"new,omitempty"`    // the commit after; "": the ref goes
	Author  string `json:"author,omitempty"` // of the commit after
	Subject string `json:"subject,omitempty"`
}

// Problem is a problem, and the lines around its place.
type Problem struct {
	report.OutlinedProblem
	Excerpt *Excerpt `json:"excerpt,omitempty"` // nil: its lines are not known
}

// Excerpt are a few lines of a file.
type Excerpt struct {
	First int      `json:"first"` // the number of the first line, from 1
	Lines []string `json:"lines"` // clean; long ones are cut
	Keys  bool     `json:"keysOnly,omitempty"`
}

// Branch is the first branch of a refusal, for a list; the first ref where there is none.
func (b Brief) Branch() string {
	for _, ref := range b.Refs {
		if branch, ok := name.BranchOf(ref.Name); ok {
			return string(branch)
		}
	}
	if len(b.Refs) > 0 {
		return b.Refs[0].Name
	}
	return ""
}

// Limits of one refusal. With all of them reached, it has about 128 KiB.
const (
	maxRefs      = 20
	maxProblems  = 100
	maxWarnings  = 20
	maxPlans     = 20
	maxSteps     = 60 // of one plan, as a terminal shows them
	maxFields    = 12 // of one step
	maxName      = 512
	maxText      = 2 << 10
	problemBytes = 80 << 10 // of all problems, as JSON
	planBytes    = 40 << 10 // of all plans
)

// bounded returns the refusal within its limits, with texts that can be shown.
func (r Refusal) bounded() Refusal {
	r.Count = len(r.Problems) + r.More
	r.MoreRefs += max(len(r.Refs)-maxRefs, 0)
	r.Refs = r.Refs[:min(len(r.Refs), maxRefs)]
	refs := make([]Ref, len(r.Refs))
	for i, ref := range r.Refs {
		refs[i] = Ref{Name: cut(ref.Name, maxName), Old: cut(ref.Old, maxName), New: cut(ref.New, maxName), Author: cut(ref.Author, maxName), Subject: cut(ref.Subject, maxName)}
	}
	r.Refs = refs
	var rest int
	r.Problems, rest = within(r.Problems, maxProblems, problemBytes, boundedProblem)
	r.More += rest
	r.Warnings, _ = within(r.Warnings, maxWarnings, problemBytes, boundedText)
	r.Plans, rest = within(r.Plans, maxPlans, planBytes, boundedPlan)
	r.LeftOut += rest
	return r
}

// within returns the first parts, bounded each, as far as there are not too many and they do
// not take too much room, and the number of the others.
func within[T any](parts []T, most, bytes int, bound func(T) T) (kept []T, rest int) {
	kept = []T{}
	for _, part := range parts[:min(len(parts), most)] {
		part = bound(part)
		text, err := json.Marshal(part)
		if bytes -= len(text); err != nil || bytes < 0 {
			break
		}
		kept = append(kept, part)
	}
	return kept, len(parts) - len(kept)
}

func boundedProblem(p Problem) Problem {
	p.OutlinedProblem = boundedText(p.OutlinedProblem)
	return p
}

func boundedText(p report.OutlinedProblem) report.OutlinedProblem {
	p.File, p.Object = cut(p.File, maxName), cut(p.Object, maxName)
	p.Message, p.Hint = cutLines(p.Message), cutLines(p.Hint)
	return p
}

func boundedPlan(p report.OutlinedPlan) report.OutlinedPlan {
	steps := append([]report.OutlinedStep{}, p.Steps[:min(len(p.Steps), maxSteps)]...)
	for i, step := range steps {
		fields := append([]report.OutlinedField{}, step.Fields[:min(len(step.Fields), maxFields)]...)
		for j, field := range fields {
			fields[j] = report.OutlinedField{Path: cut(field.Path, maxName), Before: cut(field.Before, maxName), After: cut(field.After, maxName)}
		}
		steps[i].Fields, steps[i].Note = fields, cut(step.Note, maxName)
	}
	p.Steps = steps
	p.Generated = p.Generated[:min(len(p.Generated), maxSteps)]
	return p
}

// cut is a text on one line, clean, and of at most so many bytes.
func cut(text string, most int) string { return shorten(manifest.Clean(shorten(text, most)), most) }

func cutLines(text string) string {
	return shorten(manifest.CleanLines(shorten(text, maxText)), maxText)
}

// shorten cuts a text to a number of bytes, between two characters.
func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	const dots = "…"
	text = text[:most-len(dots)]
	for len(text) > 0 && !utf8.RuneStart(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	if r, _ := utf8.DecodeLastRuneInString(text); r == utf8.RuneError && len(text) > 0 {
		text = text[:len(text)-1] // the first byte of a character
	}
	return strings.TrimRight(text, " ") + dots
}
