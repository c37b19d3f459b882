package deploy

import "time"

// Closed tells of windows that keep an app from being deployed now.
type Closed struct {
	Windows []string  `json:"windows"`
	Why     string    `json:"why"`
	Opens   time.Time `json:"opens,omitzero"` // zero: not within about a year
	Waits   bool      `json:"waits"`          // a revision waits for them

	text string
}

// String says it in two lines.
func (c Closed) String() string { return c.text }

// shown is what a status tells; nil if the windows are open. waits says that a revision
// waits for them.
func (c closing) shown(waits bool) *Closed {
	if c.verdict.Open() {
		return nil
	}
	shown := &Closed{Windows: c.verdict.Windows(), Why: c.verdict.Why(), Opens: c.opening, Waits: waits}
	shown.text = "closed: " + c.why()
	if waits {
		shown.text = c.String()
	}
	return shown
}
