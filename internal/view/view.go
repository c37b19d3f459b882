// Package view is what a caller may see of apps, as data. Verbs write it as text and JSON,
// and pages as HTML; neither finds anything of its own. It writes no words, and no line of
// the audit trail.
package view

import (
	"cmp"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/history"
	"github.com/pushboat/pushboat/internal/name"
)

// Apps are the apps of a server, as callers see them. Every field is required.
type Apps struct {
	Engine  *deploy.Engine
	History *history.History
	Policy  *access.Policy
}

// Seen returns an app's status; ok is false if there is no such app, or the caller may not
// see it. No answer depends on which of the two it is.
func (a Apps) Seen(caller access.Caller, app name.App) (status deploy.Status, ok bool) {
	repo, known := a.Engine.Home(app)
	if allowed := a.Policy.Allows(caller, access.ReadRepo, access.Subject{Repo: repo}); !allowed || !known {
		return deploy.Status{}, false // and its status is not even looked at, which would take time
	}
	return a.Engine.Status(app)
}

// Visible lists the status of every app that the caller may see and that has not been
// removed, by name.
func (a Apps) Visible(caller access.Caller) []deploy.Status {
	list := []deploy.Status{}
	for _, app := range a.Engine.Apps() {
		status, ok := a.Engine.Status(app)
		if ok && status.Sync != deploy.Gone && a.Policy.Allows(caller, access.ReadDeploys, access.Subject{Repo: status.Repo}) {
			list = append(list, status)
		}
	}
	return list
}

// SubjectOf is what a right on an app is about: its folder on its branch. Of an app whose
// folder is not known it is the whole repository.
func SubjectOf(status deploy.Status) access.Subject {
	return access.Subject{Repo: status.Repo, Ref: status.Branch.Ref(), Paths: []string{cmp.Or(status.Path, ".")}}
}
