package web

import (
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/refusal"
	"github.com/pushboat/pushboat/internal/report"
)

// refusedPath is where refused pushes are; what follows is the id of one.
const refusedPath = "/refused/"

// RefusalPage is the address of the page of a refused push; "" if no pages are served.
func (d *Door) RefusalPage(id string) string {
	if d.Closed != nil {
		return ""
	}
	return d.Base + refusedPath + id
}

// AppPage is the address of the page of an app; "" if no page is served.
func (d *Door) AppPage(app name.App) string {
	if d.Closed != nil {
		return ""
	}
	return d.Base + "/apps/" + string(app)
}

// refusedPage is the page of a refused push.
type refusedPage struct {
	refusal.Refusal
	Files []refusedFile
	Typed string // how to see the same in a terminal
}

// refusedFile has the problems of one file; the file is "" for those of none.
type refusedFile struct {
	Name     string
	Problems []refusedProblem
}

// refusedProblem is a problem with its lines.
type refusedProblem struct {
	refusal.Problem
	Lines []refusedLine
}

// refusedLine is a line of an excerpt.
type refusedLine struct {
	Number int
	Text   string
	Marked bool // it is the line of the problem
}

// showRefusal shows a refused push: every problem beside the lines that it is about.
func showRefusal(v *visit) error {
	p := refusedPage{Typed: v.fill("ssh HOST refused " + v.r.PathValue("refusal"))}
	said, err := v.asks(&p.Refusal, []string{"refused"}, v.r.PathValue("refusal"))
	switch {
	case err != nil:
		return err
	case len(said) > 0:
		return errNotFound
	}
	p.Files = filesOf(p.Problems, v.fill)
	for i := range p.Warnings {
		p.Warnings[i].Hint = v.fill(p.Warnings[i].Hint)
	}
	return v.show("refused", frame{Title: "Refused push to " + string(p.Repo), Section: "overview", Body: p})
}

// filesOf puts the problems of each file together, in the order of the first of each.
func filesOf(problems []refusal.Problem, fill func(string) string) []refusedFile {
	var files []refusedFile
	at := map[string]int{}
	for _, p := range problems {
		i, known := at[p.File]
		if !known {
			i = len(files)
			at[p.File] = i
			files = append(files, refusedFile{Name: p.File})
		}
		p.Hint = fill(p.Hint)
		files[i].Problems = append(files[i].Problems, refusedProblem{Problem: p, Lines: linesAround(p)})
	}
	return files
}

func linesAround(p refusal.Problem) []refusedLine {
	if p.Excerpt == nil {
		return nil
	}
	var lines []refusedLine
	for i, text := range p.Excerpt.Lines {
		n := p.Excerpt.First + i
		lines = append(lines, refusedLine{Number: n, Text: text, Marked: n == p.Line})
	}
	return lines
}

// refusalsOf are the newest refused pushes to a repository that the visitor may see.
func (v *visit) refusalsOf(repo name.Repo) ([]refusal.Brief, error) {
	var all, list []refusal.Brief
	if _, err := v.asks(&all, []string{"refused"}); err != nil {
		return nil, err
	}
	for _, b := range all {
		if b.Repo == repo && len(list) < maxRefusals {
			list = append(list, b)
		}
	}
	return list, nil
}

// maxRefusals bounds the refused pushes that the page of a repository lists.
const maxRefusals = 10

// stepTitle is how a step of a plan reads: "change Deployment shop/web".
func stepTitle(s report.OutlinedStep) string { return objectOf(s.Kind, s.Namespace, s.Name) }

func objectOf(kind, namespace, name string) string {
	if namespace != "" {
		name = namespace + "/" + name
	}
	return kind + " " + name
}
