package deploy

import (
	"fmt"
	"time"
)

// Closed tells of windows that keep an app from being deployed now.
type Closed struct {
	Windows []string  `json:"windows"`
	Why     string    `json:"why"`
	Opens   time.Time `json:"opens,omitzero"` // zero: not within about a year
	Waits   bool      `json:"waits"`          // a revision waits for them

	text string
}

// String says it in a line.
func (c Closed) String() string { return c.text }

// shown is what a status tells; nil if the windows are open. waits says that a revision
// waits for them.
func (c closing) shown(waits bool) *Closed {
	if c.verdict.Open() {
		return nil
	}
	opens, _ := c.sets.NextOpen(c.at)
	shown := &Closed{Windows: c.verdict.Windows(), Why: c.verdict.Why(), Opens: opens, Waits: waits}
	shown.text = fmt.Sprintf("closed: %s; it %s", shown.Why, c.sets.Opening(c.at))
	if waits {
		shown.text = c.String()
	}
	return shown
}
