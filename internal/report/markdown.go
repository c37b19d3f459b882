package report

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Limits of a comment, in bytes. GitHub takes 65,536 characters, Gitea and Forgejo keep
// 65,535 bytes in some databases, GitLab takes 1,000,000.
const (
	maxComment = 60_000
	maxTrouble = 30_000 // of them for problems and warnings
	tailRoom   = 400    // of them for what is said about the rest
	maxLine    = 1_000  // of one line
)

// WriteMarkdown writes a heading, the problems, and a block for each app, in a size that
// forges take as a comment: it says how much is left out. Text from a repository stands in
// code blocks alone, where nobody is mentioned and nothing is shown as HTML.
func (o Outline) WriteMarkdown(w io.Writer) {
	var c strings.Builder
	switch {
	case o.Refused:
		fmt.Fprintf(&c, "**Pushboat would refuse this: %s**\n", manifest.Plural(len(o.Problems), "problem"))
	case !o.Changes():
		fmt.Fprint(&c, "**Pushboat: nothing changes**\n")
	default:
		fmt.Fprint(&c, "**Pushboat: what a push would change**\n")
	}
	var text strings.Builder
	writeSpelled(&text, told(o.Problems))
	WriteWarnings(&text, told(o.Warnings))
	if text.Len() > 0 {
		fmt.Fprintln(&c)
		fence(&c, "text", cutLines(text.String(), maxTrouble))
	}
	apps, objects := 0, 0
	for _, plan := range o.Plans {
		if block := plan.markdown(maxComment - tailRoom - c.Len()); block != "" {
			c.WriteString(block)
			continue
		}
		apps, objects = apps+1, objects+len(plan.Steps)
	}
	if apps > 0 {
		fmt.Fprintf(&c, "\n%s with %s left out here; see all of it: `pushboat plan`\n", manifest.Plural(apps, "app"), manifest.Plural(objects, "object"))
	}
	if o.Same > 0 && !o.Refused {
		fmt.Fprintf(&c, "\n%s unchanged\n", manifest.Plural(o.Same, "app"))
	}
	_, _ = io.WriteString(w, c.String()) // like every other line to a terminal
}

// cutLines returns whole lines of a text that fit, and says how many do not.
func cutLines(text string, room int) string {
	var kept strings.Builder
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines {
		line = cutLine(strings.TrimSuffix(line, "\n"))
		if kept.Len()+len(line) > room-maxLine {
			fmt.Fprintf(&kept, "... and %s left out\n", manifest.Plural(len(lines)-i, "line"))
			break
		}
		kept.WriteString(line + "\n")
	}
	return kept.String()
}

// cutLine bounds a line.
func cutLine(line string) string { return cutTo(line, maxLine) }

func cutTo(line string, most int) string {
	if len(line) <= most {
		return line
	}
	return strings.ToValidUTF8(line[:most-3], "") + "…"
}

// markdown writes the plan in a block that fits; "" if not even one object fits.
func (p OutlinedPlan) markdown(room int) string {
	head := fmt.Sprintf("\n<details open><summary>%s on cluster %s: %s</summary>\n\n", tame(string(p.App)), tame(p.Cluster), p.Counts)
	const foot = "\n</details>\n"
	for most := min(len(p.Steps), maxPlanObjects); most > 0 || len(p.Steps) == 0; most /= 2 {
		var text, block strings.Builder
		if p.Means != nil {
			fmt.Fprintln(&text, cutLine(manifest.Clean("# "+p.Means.words())))
		}
		p.writeMost(&text, most)
		block.WriteString(head)
		fence(&block, "diff", text.String())
		block.WriteString(foot)
		if block.Len() <= room {
			return block.String()
		}
		if most == 0 {
			break
		}
	}
	return ""
}

// wild matches what names do not have, and what could mean something in Markdown or HTML.
var wild = regexp.MustCompile(`[^A-Za-z0-9._-]`)

// tame is a name outside of code blocks.
func tame(text string) string { return wild.ReplaceAllString(text, "?") }

// fence writes a code block. Its fence is longer than any in the text, so that
// no text can end the block (CommonMark 0.31, section 4.5).
func fence(w io.Writer, language, text string) {
	marks := "```"
	for strings.Contains(text, marks) {
		marks += "`"
	}
	fmt.Fprintf(w, "%s%s\n%s%s\n", marks, language, text, marks)
}
