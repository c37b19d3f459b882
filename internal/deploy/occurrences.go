package deploy

import (
	"context"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Occurrence is an Event of Kubernetes about an object of an app.
type Occurrence struct {
	Time    time.Time
	Warning bool
	Reason  string // one word
	Note    string // for people, without the values of the app's Secrets
	By      string // who wrote it
	Times   int
}

// Occurrences returns the Events of Kubernetes about an object, newest first, as far as the
// app's account may read them. The object has to be one of the app's tree. missing is the
// reason why there are none to see: what the account lacks, or that the cluster does not
// answer; "" if they are all that there are.
func (e *Engine) Occurrences(ctx context.Context, app name.App, id manifest.ID) (found []Occurrence, missing string) {
	t := e.wantedOf(app)
	if t == nil || e.Clusters.Get(t.Spec.Cluster) == nil {
		return nil, "the app is not on a cluster"
	}
	ctx, cancel := context.WithTimeout(ctx, explainTimeout)
	defer cancel()
	as := e.lookerOf(t)
	events, err := as.api.Occurrences(ctx, id)
	if err != nil {
		return nil, t.Shown(as.refusal(ctx, err))
	}
	hide := t.Heard()
	for _, o := range events {
		found = append(found, Occurrence{
			Time: o.Time, Warning: o.Warning, Reason: o.Reason, Note: t.Shown(hide(o.Note)), By: o.By, Times: o.Times,
		})
	}
	return found, ""
}
