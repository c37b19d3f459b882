package project

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestLinksLeadSomewhere follows every relative link of every Markdown page, to the page
// and to the heading.
func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	links := 0
	for _, page := range pages(t) {
		for _, match := range link.FindAllStringSubmatch(read(t, page), -1) {
			target := match[1]
			if strings.Contains(target, "://") {
				continue
			}
			links++
			file, anchor, _ := strings.Cut(target, "#")
			if file == "" {
				file = page
			} else {
				file = filepath.Join(filepath.Dir(page), file)
			}
			switch {
			case !exists(file):
				t.Errorf("%s links to %s, which does not exist", page, target)
			case anchor != "" && !strings.Contains(anchors(read(t, file)), " "+anchor+" "):
				t.Errorf("%s links to %s, which has no such heading", page, target)
			}
		}
	}
	if links == 0 {
		t.Error("no links were found: this test compares nothing")
	}
}

// TestMakeTargetsExist checks every `make …` that a page asks readers to run.
func TestMakeTargetsExist(t *testing.T) {
	makefile := read(t, "Makefile")
	command := regexp.MustCompile("(?m)(?:`|^    |^\\$ )make ([a-z-]+)")
	for _, page := range pages(t) {
		for _, match := range command.FindAllStringSubmatch(read(t, page), -1) {
			if !strings.Contains(makefile, "\n"+match[1]+":") {
				t.Errorf("%s says `make %s`, which the Makefile does not have", page, match[1])
			}
		}
	}
}

// anchors are the headings of a page as links name them, with a blank before and after
// each.
func anchors(text string) string {
	var b strings.Builder
	b.WriteByte(' ')
	code := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "```") {
			code = !code
		}
		if code || !strings.HasPrefix(line, "#") {
			continue
		}
		title := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
		title = regexp.MustCompile(`[^\p{L}\p{N}\- ]`).ReplaceAllString(title, "")
		b.WriteString(strings.ReplaceAll(title, " ", "-") + " ")
	}
	return b.String()
}

// pages are the project's Markdown files, except those of the demo.
func pages(t *testing.T) []string {
	t.Helper()
	var pages []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.IsDir() && (name == ".git" || name == "repos" || name == "bin" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) == ".md" {
			pages = append(pages, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}
