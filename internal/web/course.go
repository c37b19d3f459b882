package web

import (
	"fmt"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// This file has the picture of a deploy: a bar of its stages, and below it one of what it
// waited for. The table beside it says the same in words.

// courseWidth is the width of the picture, in its own units; the page stretches it.
const courseWidth = 1000

// coursePart is the picture of a deploy's stages, with the table.
type coursePart struct {
	Bars  []courseBar
	Rows  []courseRow
	Says  string // the picture in a sentence
	Whole string // how long it has taken
	Width int
	Live  string // the address by which it is renewed; "": it is over
}

// courseBar is a part of the picture.
type courseBar struct {
	X, Width int
	Tone     string // work, or wait
	Below    bool   // it is a wait within a stage
}

// courseRow is a line of the table.
type courseRow struct {
	Name  string
	Tone  string
	At    string
	Took  string
	Waits []courseWait
}

type courseWait struct{ For, Took string }

// stageWords say what a deploy does in its stages, and whether it waits there.
var stageWords = map[string]struct {
	says string
	wait bool
}{
	"queued":     {"in the queue", true},
	"judging":    {"decides what to do", false},
	"comparing":  {"compares with the cluster", false},
	"depending":  {"waits for apps that it depends on", true},
	"planning":   {"plans", false},
	"applying":   {"applies objects", false},
	"gathering":  {"waits for the other apps of the push", true},
	"pruning":    {"deletes what Git no longer has", false},
	"settling":   {"waits until all is healthy", true},
	"concluding": {"makes the last changes", false},
	"cleaning":   {"cleans up", false},
	"recording":  {"writes the record", false},
}

// courseOf draws the stages of a deploy; nil if there are none to tell of.
func courseOf(stages []record.Stage) *coursePart {
	whole := 0.0
	for _, s := range stages {
		whole = max(whole, s.At+s.Seconds)
	}
	if whole <= 0 {
		return nil
	}
	p := &coursePart{Width: courseWidth, Whole: tookSeconds(whole)}
	var says []string
	for _, s := range stages {
		row := courseRow{Name: s.Name, Tone: "work", At: tookSeconds(s.At), Took: tookSeconds(s.Seconds)}
		if words, known := stageWords[s.Name]; known {
			row.Name = words.says
			if words.wait {
				row.Tone = "wait"
			}
		}
		p.Bars = append(p.Bars, barAt(s.At, s.Seconds, whole, row.Tone))
		for _, w := range s.Waits {
			bar := barAt(w.At, w.Seconds, whole, "wait")
			bar.Below = true
			p.Bars = append(p.Bars, bar)
			row.Waits = append(row.Waits, courseWait{w.For, tookSeconds(w.Seconds)})
		}
		says = append(says, fmt.Sprintf("%s for %s", row.Name, row.Took))
		p.Rows = append(p.Rows, row)
	}
	p.Says = strings.Join(says, ", then ")
	return p
}

// barAt is the place of a bar: something is seen of the shortest.
func barAt(at, seconds, whole float64, tone string) courseBar {
	const least = 3
	x := int(at / whole * courseWidth)
	width := max(int(seconds/whole*courseWidth), least)
	return courseBar{X: min(max(x, 0), courseWidth-least), Width: min(width, courseWidth), Tone: tone}
}

func tookSeconds(s float64) string { return manifest.Took(time.Duration(s * float64(time.Second))) }
