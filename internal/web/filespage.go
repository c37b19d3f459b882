package web

import (
	"errors"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// filesPage is the page of a folder or a file of a repository.
type filesPage struct {
	listing
	Above []crumb // the folders above
	Runs  []lineRun
}

// listing is the answer of the verb repo files.
type listing struct {
	Repository, Branch, Revision string
	Path, Kind, To               string
	Entries                      []struct{ Name, Kind, Why string }
	More                         int
	Lines                        []struct{ Text, Commit string }
	Commits                      map[string]lineCommit
	Apps                         []string
	KeysOnly                     bool
	Unshown                      string
}

// lineCommit is a commit that lines come from.
type lineCommit struct {
	Author, Subject string
	When            time.Time
	Deploy          string
	Earlier         bool
}

// crumb is a folder on the way to a page.
type crumb struct{ Name, Path string }

// lineRun is a run of lines that come from one commit.
type lineRun struct {
	lineCommit
	Commit  string
	Numbers string // a line each, as the text
	Text    string
}

// showFiles shows a folder of a repository, or a file and who deployed which line of it.
func showFiles(v *visit) error {
	q := v.r.URL.Query()
	at := q.Get("path")
	if at == "" {
		at = "."
	}
	words := []string{"repo", "files"}
	if branch := q.Get("branch"); branch != "" {
		words = append(words, "--branch="+branch)
	}
	p := filesPage{}
	said, err := v.asks(&p.listing, words, string(v.repo), at)
	switch {
	case errors.Is(err, errLongAnswer):
		p.listing = listing{Repository: string(v.repo), Branch: q.Get("branch"), Path: at, Kind: "file", Unshown: "it is too long for a page"}
	case err != nil:
		return err
	case len(said) > 0:
		return errNotFound
	}
	p.Above, p.Runs = crumbsOf(p.Path), runsOf(p.listing)
	title := p.Repository
	if p.Path != "." {
		title = path.Base(p.Path) + ", " + title
	}
	return v.show("files", frame{Title: title, Section: "overview", Body: p})
}

// crumbsOf are the folders above a path, and it itself, from the top.
func crumbsOf(at string) []crumb {
	var list []crumb
	for ; at != "." && at != "/"; at = path.Dir(at) {
		list = append(list, crumb{path.Base(at), at})
	}
	slices.Reverse(list)
	return list
}

// runsOf puts neighbouring lines of one commit together.
func runsOf(l listing) []lineRun {
	var runs []lineRun
	for first := 0; first < len(l.Lines); {
		run := lineRun{lineCommit: l.Commits[l.Lines[first].Commit], Commit: l.Lines[first].Commit}
		var numbers, text strings.Builder
		end := first
		for ; end < len(l.Lines) && l.Lines[end].Commit == run.Commit; end++ {
			numbers.WriteString(strconv.Itoa(end+1) + "\n")
			text.WriteString(l.Lines[end].Text + "\n")
		}
		run.Numbers, run.Text = numbers.String(), text.String()
		runs, first = append(runs, run), end
	}
	return runs
}

// In is the path of an entry of the folder.
func (l listing) In(name string) string { return path.Join(l.Path, name) }
