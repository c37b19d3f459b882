package deploy

import (
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/event"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

// illAfter is how long an object must be unhealthy before that is reported, unless it
// has failed: pods are replaced and autoscalers scale all the time.
const illAfter = 10 * time.Second

// noticeHealth tells of objects that cease to be healthy after their deploy, and
// of those that are healthy again. While an app is deployed, its deploy tells.
func (e *Engine) noticeHealth(a *app, entry live.Entry, deleted bool) {
	switch a.ills.see(entry.ID, conditionOf(entry, deleted)) {
	case tellNow:
		e.tellHealth(a, entry)
	case tellLater:
		e.timers.after(illAfter, func() { e.tellIfStillIll(a, entry.ID) })
	case tellNever:
	}
}

// tellIfStillIll tells of an object that has not become healthy within illAfter.
func (e *Engine) tellIfStillIll(a *app, id manifest.ID) {
	t := a.wanted()
	if e.ctx.Err() != nil || t == nil || e.Clusters.Get(t.Spec.Cluster) == nil {
		return
	}
	entry, there := e.Clusters.Get(t.Spec.Cluster).Index.Get(id)
	entry = e.Clusters.Get(t.Spec.Cluster).site.Settled(&t.Target, entry)
	if a.ills.stillIll(id, there && !entry.Health.OK() && !a.queue.isDeploying()) {
		e.tellHealth(a, entry)
	}
}

// tellHealth publishes how an object is.
func (e *Engine) tellHealth(a *app, entry live.Entry) {
	entry = apply.Shown(a.wanted().planned(), entry)
	text := entry.ID.String() + ": " + apply.State(entry.Health)
	if entry.Health.OK() {
		text = entry.ID.String() + " is healthy again"
	}
	text = manifest.Clean(text)
	log := e.Log.WithField("app", a.name).WithField("object", entry.ID.String())
	if entry.Health.OK() {
		log.Info("health: " + text)
	} else {
		log.Warn("health: " + text)
	}
	e.publish(a, event.Event{Kind: event.Health, Object: entry.ID.String(), Good: entry.Health.OK(), Text: text, Keys: []string{entry.ID.Key()}})
}

// publish fills in the common fields of an app's event.
func (e *Engine) publish(a *app, happened event.Event) {
	happened.App, happened.Repo = a.name, a.repository()
	if t := a.wanted(); t != nil {
		happened.Cluster = t.Spec.Cluster
	}
	e.Events.Publish(happened)
}

// publishRecord tells of the end of a deploy.
func (a *app) publishRecord(r record.Record) {
	kind := event.Deploy
	switch r.Result {
	case record.Corrected, record.DriftFound:
		kind = event.Drift
	case record.Suspended, record.Resumed, record.Waiting:
		kind = event.Suspend
	}
	first, _, _ := strings.Cut(report.Outcome(r), "\n")
	if len(r.Warnings) > 0 {
		first += ", " + manifest.Plural(len(r.Warnings), "warning")
	}
	good := r.Result.OK() || r.Standing != "" && r.Result != record.DriftFound
	a.engine.publish(a, event.Event{Kind: kind, Good: good, Text: manifest.Clean(strings.TrimPrefix(first, string(a.name)+": ")), Keys: keysOfRecord(r)})
}
