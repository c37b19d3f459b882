package view

import "github.com/pushboat/pushboat/internal/deploy"

// Urgency is how soon somebody has to look at an app, the most urgent first.
type Urgency int

// The urgencies.
const (
	Urgent Urgency = iota // something is wrong
	Noted                 // something goes on, or is held on purpose
	Calm
)

// UrgencyOf decides how soon somebody has to look at an app.
func UrgencyOf(s deploy.Status) Urgency {
	switch {
	case s.Health == "failing", s.Sync == deploy.NotSynced, s.Outage != nil, s.Forbidden != "", s.Unrendered != "", len(s.Fights) > 0, s.Trouble != "":
		return Urgent
	case s.Sync == deploy.Drifted && s.Suspension == nil, s.Sync == deploy.Unsure, s.Health == "unknown" && s.Sync != deploy.Pending:
		return Urgent
	case s.Running != "", s.Sync != deploy.InSync, s.Suspension != nil, s.Health == "progressing", len(s.Drift) > 0:
		return Noted
	}
	return Calm
}
