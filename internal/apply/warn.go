package apply

import (
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// maxRecorded is how many warnings a record has.
const maxRecorded = 100

// warned are the warnings of a deploy.
type warned struct {
	shown manifest.Problems // the pusher has seen them in the plan, or in the deploy's lines
	all   manifest.Problems // of everything applied
	keys  []string          // of the objects of all, manifest.ID
}

// hear takes in the API server's warnings: those in a step's plan, and those of its
// apply. A correction restores an object that was warned about when it was deployed.
func (w *Work) hear(step plan.Step, heard manifest.Problems) {
	if w.Corrects {
		return
	}
	told := slices.Clone(step.Warned)
	for _, problem := range w.Target.Warned(step.ID, heard) {
		if !slices.Contains(told, problem) {
			told = append(told, problem)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, problem := range told {
		w.warned.all, w.warned.keys = append(w.warned.all, problem), append(w.warned.keys, step.ID.Key())
	}
}

// TellWarnings tells of the warnings that nobody has seen yet.
func (w *Work) TellWarnings() {
	if news := w.unseenWarnings(); len(news) > 0 {
		w.Log.Warn(news)
	}
}

// unseenWarnings takes the warnings that nobody has seen yet, sorted.
func (w *Work) unseenWarnings() manifest.Problems {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := map[manifest.Problem]bool{}
	for _, problem := range w.warned.shown {
		seen[problem] = true
	}
	var news manifest.Problems
	for _, problem := range w.warned.all {
		if !seen[problem] {
			news = append(news, problem)
		}
	}
	news.Sort()
	w.warned.shown = append(w.warned.shown, news...)
	return news
}

// Warnings are the warnings as a record has them, by object.
func (w *Work) Warnings() []record.Warning {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []record.Warning
	for i, problem := range w.warned.all {
		list = append(list, record.Warning{
			Key: w.warned.keys[i], File: problem.Source.File, Line: problem.Source.Line, Text: problem.Message,
		})
	}
	slices.SortFunc(list, func(a, b record.Warning) int { return strings.Compare(a.Key+"\x00"+a.Text, b.Key+"\x00"+b.Text) })
	return list[:min(len(list), maxRecorded)]
}
