package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Remark is what a forge shows as a comment on a revision that was fetched from it.
type Remark struct {
	Revision name.Revision
	Branches []name.Branch // that would have moved to it; nil: it is deployed
	// Problems refuse the revision; nil: it is accepted. More are left out.
	Problems []OutlinedProblem
	More     int
	Outcomes []Ending // of the deploys of an accepted one; nil: they are not told
	Same     int      // apps that it did not change
	Page     string   // where the problems are; "": nowhere
}

// Ending is how the deploy of an app has ended.
type Ending struct {
	App     name.App
	Cluster string
	Deploy  string // shop-42
	Good    bool
	Says    string // in one line, in the server's own words
	Why     string // it is not good
	Page    string // of the app; "": there is none
}

// Limits of a remark.
const (
	maxEndings = 50  // apps that it names
	maxWhy     = 300 // bytes of why one of them is not good
)

// WriteMarkdown writes the remark in a size that forges take. Text from a repository stands in code
// blocks alone, as in Outline.WriteMarkdown.
func (r Remark) WriteMarkdown(w io.Writer) {
	var c strings.Builder
	switch {
	case r.Branches != nil:
		r.writeRefused(&c)
	case r.Outcomes == nil:
		fmt.Fprintf(&c, "**Pushboat: `%s` is accepted now**, after it was refused.\n", r.Revision.Short())
	default:
		r.writeEndings(&c)
	}
	_, _ = io.WriteString(w, c.String()) // to a buffer, or like every line to a terminal
}

func (r Remark) writeRefused(c *strings.Builder) {
	branches := make([]string, len(r.Branches))
	for i, branch := range r.Branches {
		branches[i] = strings.Join(tamed(strings.Split(string(branch), "/")), "/")
	}
	count := len(r.Problems) + r.More
	fmt.Fprintf(c, "**Pushboat refused `%s` for %s: %s.** What was deployed before stays deployed.\n\n",
		r.Revision.Short(), cutLine(strings.Join(branches, ", ")), manifest.Plural(count, "problem"))
	var text strings.Builder
	writeSpelled(&text, told(r.Problems))
	fence(c, "text", cutLines(text.String(), maxComment-2*maxLine))
	if r.More > 0 {
		fmt.Fprintf(c, "\nand %s\n", manifest.Plural(r.More, "more problem"))
	}
	if r.Page != "" {
		fmt.Fprintf(c, "\n[All of it, beside the lines](<%s>)\n", r.Page)
	}
}

func tamed(parts []string) []string {
	for i, part := range parts {
		parts[i] = tame(part)
	}
	return parts
}

// writeEndings writes those first that are not good.
func (r Remark) writeEndings(c *strings.Builder) {
	all := slices.Clone(r.Outcomes)
	slices.SortStableFunc(all, func(a, b Ending) int { return rankOf(a) - rankOf(b) })
	failed := 0
	for _, e := range all {
		failed += 1 - rankOf(e)
	}
	if failed == 0 {
		fmt.Fprintf(c, "**Pushboat: `%s` is deployed.**\n\n", r.Revision.Short())
	} else {
		fmt.Fprintf(c, "**Pushboat: of %s of `%s`, %d did not end well.**\n\n", manifest.Plural(len(all), "deploy"), r.Revision.Short(), failed)
	}
	for _, e := range all[:min(len(all), maxEndings)] {
		e.write(c)
	}
	if more := len(all) - maxEndings; more > 0 {
		fmt.Fprintf(c, "- and %s\n", manifest.Plural(more, "more app"))
	}
	if r.Same > 0 {
		fmt.Fprintf(c, "\n%s unchanged\n", manifest.Plural(r.Same, "app"))
	}
}

func rankOf(e Ending) int {
	if e.Good {
		return 1
	}
	return 0
}

func (e Ending) write(c *strings.Builder) {
	deploy := tame(e.Deploy)
	if e.Page != "" {
		deploy = fmt.Sprintf("[%s](<%s>)", deploy, e.Page)
	}
	fmt.Fprintf(c, "- %s on cluster %s: %s (%s)\n", tame(string(e.App)), tame(e.Cluster), e.Says, deploy)
	if e.Why != "" {
		var block strings.Builder
		fence(&block, "text", cutTo(manifest.OneLine(e.Why), maxWhy)+"\n")
		for line := range strings.Lines(block.String()) {
			c.WriteString("  " + line) // it is part of the list's element
		}
	}
}
