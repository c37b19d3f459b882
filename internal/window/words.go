package window

import (
	"fmt"
	"strings"
	"time"
)

// Why says in one line why deploys are closed, and names the windows.
func (v Verdict) Why() string {
	lines := make([]string, 0, len(v.bars))
	for _, b := range v.bars {
		lines = append(lines, b.why())
	}
	return strings.Join(lines, "; ")
}

func (b bar) why() string {
	if b[0].Kind == Deny {
		return "window " + b[0].text() + " denies deploys"
	}
	names := make([]string, 0, len(b))
	for _, w := range b {
		names = append(names, w.text())
	}
	if len(names) == 1 {
		return "window " + names[0] + ", which allows deploys, is not open"
	}
	return "no window that allows deploys is open: " + strings.Join(names, ", ")
}

func (w Window) text() string {
	if w.Reason == "" {
		return w.Name
	}
	return fmt.Sprintf("%s (%s)", w.Name, w.Reason)
}

// Location is the time zone in which words about the verdict tell times.
func (v Verdict) Location() *time.Location {
	if v.Open() {
		return time.UTC
	}
	return v.bars[0][0].Times.Location()
}

// Names are the names of the windows that close deploys, with commas.
func (v Verdict) Names() string { return strings.Join(v.Windows(), ", ") }

// Windows are the names of the windows that close deploys.
func (v Verdict) Windows() []string {
	var names []string
	for _, b := range v.bars {
		for _, w := range b {
			names = append(names, w.Name)
		}
	}
	return names
}

// Names are the names of the windows, with commas.
func (s Set) Names() string {
	names := make([]string, len(s))
	for i, w := range s {
		names[i] = w.Name
	}
	return strings.Join(names, ", ")
}

// Moment tells a time in a zone, and in UTC if that is another one.
func Moment(t time.Time, zone *time.Location) string {
	local := t.In(zone)
	text := local.Format("Mon 2006-01-02 15:04 MST")
	if _, offset := local.Zone(); offset == 0 {
		return text
	}
	layout := "15:04 UTC"
	if local.Day() != t.UTC().Day() {
		layout = "Mon 15:04 UTC"
	}
	return text + " (" + t.UTC().Format(layout) + ")"
}

// HowLong tells a duration in its two largest units: 3d 4h, 2h 5m, 40s.
func HowLong(d time.Duration) string {
	d = max(d, time.Second).Round(time.Second)
	for _, unit := range []struct {
		size, part   time.Duration
		sign, partly string
	}{{24 * time.Hour, time.Hour, "d", "h"}, {time.Hour, time.Minute, "h", "m"}, {time.Minute, time.Second, "m", "s"}} {
		if d >= unit.size {
			text := fmt.Sprintf("%d%s", d/unit.size, unit.sign)
			if rest := d % unit.size / unit.part; rest > 0 {
				text += fmt.Sprintf(" %d%s", rest, unit.partly)
			}
			return text
		}
	}
	return fmt.Sprintf("%ds", d/time.Second)
}

// Text says a window in words: when it allows or denies deploys.
func (w Window) Text() string {
	verb := "allows"
	if w.Kind == Deny {
		verb = "denies"
	}
	return verb + " deploys " + w.Times.Text()
}

// Text says the times in words.
func (w Times) Text() string {
	if w.Schedule != "" {
		return fmt.Sprintf("at %q for %s, %s", w.Schedule, HowLong(w.Duration), w.Zone)
	}
	return "from " + Moment(w.From, w.Location()) + " to " + Moment(w.To, w.Location())
}

// NoOpening says that windows are not open within about a year.
const NoOpening = "does not open within a year"

// Opening says when deploys are open that the verdict of now closes; at is zero if they are
// not. It reads on from a word for the windows.
func (v Verdict) Opening(at, now time.Time) string {
	if at.IsZero() {
		return NoOpening
	}
	return fmt.Sprintf("opens at %s, in %s", Moment(at, v.Location()), HowLong(at.Sub(now)))
}
