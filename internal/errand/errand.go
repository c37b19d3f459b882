// Package errand has the verbs that pages and screens run for somebody: when each fits an
// app, what it will do, in words, and the session that it runs in. The verb itself runs as
// if it had been typed, so rights, guards and the audit trail are those of the verb.
package errand

import (
	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
)

// Errand is a verb about an app that can be asked for without typing it.
type Errand struct {
	Verb  string // one word
	Title string
	Right access.Right // the verb's
	Fits  func(s deploy.Status) bool
	Says  func(s deploy.Status) string // what it will do
}

// All lists the errands, in the order in which they are offered.
func All() []Errand {
	always := func(deploy.Status) bool { return true }
	return []Errand{
		{
			Verb: "sync", Title: "Sync", Right: access.Sync,
			Fits: func(s deploy.Status) bool { return s.Suspension == nil },
			Says: func(s deploy.Status) string {
				return "The newest revision of branch " + string(s.Branch) + " is deployed to cluster " + s.Cluster + ", also if it is deployed already."
			},
		},
		{
			Verb: "check", Title: "Check", Right: access.CheckApps, Fits: always,
			Says: func(s deploy.Status) string {
				return "The app is compared with cluster " + s.Cluster + " now. Differences are corrected, or left, as the app's drift setting says."
			},
		},
		{
			Verb: "rollback", Title: "Roll back", Right: access.Rollback, Fits: func(s deploy.Status) bool { return s.Last != nil },
			Says: func(s deploy.Status) string {
				return "A commit on branch " + string(s.Branch) + " restores the app's folder as it was at an earlier deploy, and is deployed. It goes through the gate like a push."
			},
		},
		{
			Verb: "suspend", Title: "Suspend", Right: access.Suspend,
			Fits: func(s deploy.Status) bool { return s.Suspension == nil },
			Says: func(deploy.Status) string {
				return "The app is left alone until it is resumed: pushes are checked and stored, but not deployed; drift is shown, but not corrected."
			},
		},
		{
			Verb: "resume", Title: "Resume", Right: access.Resume, Fits: func(s deploy.Status) bool { return s.Suspension != nil },
			Says: func(s deploy.Status) string {
				return "The suspension ends, and the newest revision of branch " + string(s.Branch) + " is deployed."
			},
		},
		{
			Verb: "restart", Title: "Restart", Right: access.Restart,
			Fits: func(s deploy.Status) bool { return s.Suspension == nil && s.Objects > 0 },
			Says: func(deploy.Status) string {
				return "The pods of the object are replaced as its rollout strategy says. Git and everything else of it stay as they are."
			},
		},
		{
			Verb: "cancel", Title: "End the wait", Right: access.Cancel, Fits: func(s deploy.Status) bool { return s.Running != "" },
			Says: func(s deploy.Status) string {
				return "Deploy " + s.Running + " stops waiting, and ends. What it has applied stays; later steps are left out until a push or sync."
			},
		},
	}
}

// Of returns the errand of a verb; ok is false if there is none.
func Of(verb string) (e Errand, ok bool) {
	for _, e := range All() {
		if e.Verb == verb {
			return e, true
		}
	}
	return Errand{}, false
}
