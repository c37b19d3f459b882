package command

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// page is the destination of text for people, with the width of their terminal, and
// whether it shows colours. Any other writer has neither.
type page struct {
	io.Writer
	width  int // 0: no limit
	colour bool
}

// usualWidth is the width of a terminal that has not reported its own.
const usualWidth = 80

// page returns the caller's page.
func (c *call) page() page {
	p := page{Writer: c, colour: c.colour}
	if c.Terminal() {
		if p.width, _ = c.Size(); p.width == 0 {
			p.width = usualWidth
		}
	}
	return p
}

// whenColour parses the flag --color: whether the caller's text has colours.
func whenColour(when string, terminal bool) (bool, error) {
	switch when {
	case "auto":
		return terminal, nil
	case "always":
		return true, nil
	case "never":
		return false, nil
	}
	return false, usageError{fmt.Sprintf("--color=%s: write auto, always or never", when)}
}

// The colours of a terminal (ECMA-48), by their meaning.
const (
	good  = "\x1b[32m"
	bad   = "\x1b[31m"
	heed  = "\x1b[33m"
	other = "\x1b[36m"
	plain = "\x1b[0m"
)

// meant are the colours of words for a state.
var meant = map[string]string{
	"in sync": good, "healthy": good, "deployed": good, "corrected": good, "succeeded": good, "restarted": good, "ok": good,
	"failed": bad, "failing": bad, "missing": bad, "unhealthy": bad, "error": bad,
	"drifted": heed, "pending": heed, "held": heed, "deploying": heed, "progressing": heed, "terminating": heed,
	"suspended": heed, "unknown": heed, "superseded": heed, "waiting": heed, "fighting": heed, "warning": heed, "hint": heed,
}

// colourOf returns the colour of a word for a state; "" for any other word.
func colourOf(word string) string { return meant[word] }

// painted returns a text in a colour; unchanged without one.
func painted(colour, text string) string {
	if colour == "" || text == "" {
		return text
	}
	return colour + text + plain
}

// The beginnings of lines in plans and deploys.
var (
	planLine  = regexp.MustCompile(`^  [-+~!<>=] [A-Z0-9]`)
	eventLine = regexp.MustCompile(`^  ([a-z]+) {2,}\S`)
	toldLine  = regexp.MustCompile(`^(error|hint|warning): `)
	signMeans = map[byte]string{'+': good, '~': heed, '!': bad, '-': bad, '<': other, '>': other}
)

// paintLine colours the sign, or the first word, of a line in a plan or a deploy.
func paintLine(line string) string {
	if planLine.MatchString(line) {
		return "  " + painted(signMeans[line[2]], line[2:3]) + line[3:]
	}
	if found := eventLine.FindStringSubmatch(line); found != nil {
		return "  " + painted(colourOf(found[1]), found[1]) + line[2+len(found[1]):]
	}
	if found := toldLine.FindStringSubmatch(line); found != nil {
		return painted(colourOf(found[1]), found[1]+":") + line[len(found[1])+1:]
	}
	return line
}

// lines returns the writer for lines of plans and deploys.
func (c *call) lines() *lines { return &lines{to: c, colour: c.colour} }

// lines colours text as it is written, line by line.
type lines struct {
	to     io.Writer
	colour bool
	rest   []byte // of an unfinished line
}

// Write passes on finished lines.
func (l *lines) Write(p []byte) (int, error) {
	if !l.colour {
		return l.to.Write(p)
	}
	l.rest = append(l.rest, p...)
	for {
		line, rest, ended := bytes.Cut(l.rest, []byte("\n"))
		if !ended {
			return len(p), nil
		}
		if _, err := io.WriteString(l.to, paintLine(string(line))+"\n"); err != nil {
			return 0, err
		}
		l.rest = rest
	}
}

// tell writes one line.
func (l *lines) tell(line string) { fmt.Fprintln(l, strings.TrimRight(line, "\n")) }
