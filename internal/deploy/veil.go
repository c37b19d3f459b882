package deploy

import (
	"io/fs"
	"strings"
	"sync"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/report"
)

// Veil is what must not be shown of the files of a change.
type Veil struct {
	files  map[string]bool
	redact func(string) string
}

// Veil returns what must not be shown of the files of the change, as far as they could be
// rendered.
func (p *Proposal) Veil() Veil {
	v := Veil{files: map[string]bool{}}
	var values []string
	for _, t := range p.targets {
		values = append(values, t.Hidden...)
		for _, o := range t.SpecialOnes() {
			if o.GetKind() == manifest.SecretKind.Kind || o.Conceals() {
				v.files[o.Source.File] = true
				values = append(values, o.SecretValues()...)
			}
		}
	}
	v.redact = manifest.NewRedacter(withoutPlain(values))
	return v
}

// Excerpts is the revision of the change, for excerpts of its files: without those of other
// repositories, which not everybody may read who may read this one.
func (p *Proposal) Excerpts() fs.FS {
	if j, is := p.Tree.(*joined); is {
		return j.FS
	}
	return p.Tree
}

// withoutPlain leaves out values that say yes or no: they are in every file.
func withoutPlain(values []string) []string {
	var kept []string
	for _, value := range values {
		if value != "true" && value != "false" {
			kept = append(kept, value)
		}
	}
	return kept
}

// Secret reports whether a Secret, or an object with values out of encrypted files, was
// written in a file.
func (v Veil) Secret(file string) bool { return v.files[file] }

// Redact removes values of Secrets, and those out of encrypted files, from a text.
func (v Veil) Redact(text string) string { return v.redact(text) }

// told are the repositories that answers to a caller may name, since they may read them.
type told struct {
	mu    sync.Mutex
	repos map[name.Repo]bool
}

func (t *told) note(repo name.Repo) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.repos == nil {
		t.repos = map[name.Repo]bool{}
	}
	t.repos[repo] = true
}

// names are what would give away the repositories: they, and their apps.
func (t *told) names(appsOf func(name.Repo) []name.App) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []string
	for repo := range t.repos {
		list = append(list, string(repo))
		for _, app := range appsOf(repo) {
			list = append(list, string(app))
		}
	}
	return list
}

// ofAnother stands for a text that names what is not of the repository.
const ofAnother = "this is about another repository; the pusher's terminal says which"

// Kept is Outline for whoever may read the repository, and not only for the caller: it names
// no other repository, and no place in the server's rules, although the caller may know them.
func (p *Proposal) Kept(door report.Door) report.Outline {
	o := p.Outline(door)
	names := p.told.names(p.engine.AppsOf)
	placed, plain := "", ""
	if g := p.engine.grantOf(p.Repo); g != nil {
		placed, plain = g.Naming(p.Repo, true), g.Naming(p.Repo, false)
	}
	keep := func(text string) (string, bool) {
		if placed != "" {
			text = strings.ReplaceAll(text, placed, plain)
		}
		return text, !mentions(text, names)
	}
	for _, list := range [][]report.OutlinedProblem{o.Problems, o.Warnings} {
		for i := range list {
			message, open := keep(list[i].Message)
			hint, openHint := keep(list[i].Hint)
			if list[i].Message, list[i].Hint = message, hint; !open || !openHint {
				list[i].Message, list[i].Hint = ofAnother, ""
			}
		}
	}
	for _, plan := range o.Plans {
		for i, step := range plan.Steps {
			if note, open := keep(step.Note); open {
				plan.Steps[i].Note = note
			} else {
				plan.Steps[i].Note = ofAnother
			}
		}
	}
	return o
}

// mentions reports whether a text has one of some names in it.
func mentions(text string, names []string) bool {
	for _, name := range names {
		if strings.Contains(text, name) {
			return true
		}
	}
	return false
}
