package record

import (
	"time"
)

// Suspension keeps an app from being deployed and corrected, so that people can
// work on the cluster by hand. It is part of every record while it lasts, and
// so outlives the server.
type Suspension struct {
	By     string    `json:"by"` // operator
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until,omitzero"` // zero: until somebody resumes it
	Reason string    `json:"reason"`
}

// Describe says by whom, since when and how long, and why.
func (s Suspension) Describe() string {
	text := "suspended by " + s.By
	if !s.Until.IsZero() {
		text += " until " + s.Until.UTC().Format("2006-01-02 15:04 UTC")
	}
	if s.Reason != "" {
		text += ": " + s.Reason
	}
	return text
}
