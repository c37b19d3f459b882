package deploy

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/event"
	"github.com/pushboat/pushboat/internal/kube"
)

// Outage is why and since when a cluster is not seen, or not all of it.
type Outage struct {
	Cluster     string    `json:"cluster"`
	Unreachable bool      `json:"unreachable"`    // false: it answers, but not about every kind
	Held        bool      `json:"held,omitempty"` // by the server, which asks nothing of it
	Since       time.Time `json:"since"`
	Error       string    `json:"error"`
	Hint        string    `json:"hint,omitempty"` // how it ends, if not by itself
}

// newOutage describes an error of a cluster.
func newOutage(cluster string, err error, since time.Time) *Outage {
	o := &Outage{Cluster: cluster, Since: since, Error: err.Error()}
	if unreachable, ok := errors.AsType[*kube.UnreachableError](err); ok {
		o.Unreachable, o.Error = true, unreachable.Cause()
	}
	if held, ok := errors.AsType[*kube.HeldError](err); ok {
		o.Unreachable, o.Held, o.Error, o.Hint = true, true, held.Why, held.Hint
	}
	return o
}

// outage returns the reason why the cluster cannot be seen; nil if it can.
func (c *Cluster) outage() *Outage {
	if held := c.Kube.Held(); held != nil {
		return newOutage(c.api.Name(), held, held.Since)
	}
	if opening := c.opening.Load(); opening != nil {
		return opening
	}
	down := c.Index.Down()
	if down.Err == nil {
		return nil
	}
	o := newOutage(c.api.Name(), down.Err, down.Since)
	if down.Part != "" { // an extension API that is away answers like a cluster that is
		o.Unreachable, o.Error = false, down.Part+": "+o.Error
	}
	return o
}

// fails notes that the cluster could not be opened; nil: it has been.
func (c *Cluster) fails(err error) {
	if err == nil {
		c.opening.Store(nil)
		return
	}
	since := time.Now()
	if former := c.opening.Load(); former != nil {
		since = former.Since
	}
	c.opening.Store(newOutage(c.api.Name(), err, since))
}

// awayAfter is how long a cluster must be away before that is reported: an API server
// that restarts, or a proxy that cuts watches, is back sooner.
const awayAfter = time.Second

// sightings remembers the reports of a cluster's outage, so that an outage is one event
// and one line in the log, and its end another, however many kinds are watched and apps
// deployed there.
type sightings struct {
	mu      sync.Mutex
	told    *Outage // reported and not ended; nil if there is none
	waiting bool    // for awayAfter to pass
}

// notice decides what to report when the outage is as given, nil for none: its begin,
// its end, or neither. later asks for another call after awayAfter.
func (s *sightings) notice(now *Outage, at time.Time) (begun, ended *Outage, later bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	away := now != nil && now.Unreachable
	switch {
	case away && s.told != nil && now.Held != s.told.Held:
		s.told = now // for another reason than before
		return now, nil, false
	case away && s.told == nil && at.Sub(now.Since) >= awayAfter:
		s.told = now
		return now, nil, false
	case away && s.told == nil && !s.waiting:
		s.waiting = true
		return nil, nil, true
	case !away && s.told != nil:
		ended, s.told = s.told, nil
		return nil, ended, false
	}
	return nil, nil, false
}

// waited ends the wait that notice has asked for.
func (s *sightings) waited() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = false
}

// tellOutage publishes the begin and the end of a cluster's outage, each once.
func (e *Engine) tellOutage(c *Cluster) {
	if e.ctx.Err() != nil {
		return
	}
	defer e.bell.ringForAll()
	begun, ended, later := c.sightings.notice(c.outage(), time.Now())
	name := c.api.Name()
	log := e.Log.WithField("cluster", name)
	switch {
	case begun != nil && begun.Held:
		log.Errorf("cluster: is held: %s", begun.Error)
		e.Events.Publish(event.Event{Kind: event.Cluster, Cluster: name, Text: "is held: " + begun.Error})
	case begun != nil:
		log.Warnf("cluster: does not answer: %s; it is tried again until it does", begun.Error)
		e.Events.Publish(event.Event{Kind: event.Cluster, Cluster: name, Text: "does not answer: " + begun.Error})
	case ended != nil:
		away := time.Since(ended.Since).Round(time.Second)
		log.Infof("cluster: answers again, after %s", away)
		e.Events.Publish(event.Event{Kind: event.Cluster, Cluster: name, Good: true, Text: fmt.Sprintf("answers again, after %s", away)})
	case later:
		e.timers.after(awayAfter, func() {
			c.sightings.waited()
			e.tellOutage(c)
		})
	}
}

// AllAway returns why no push that deploys can be accepted: every cluster is away.
// It is nil while one of them answers.
func (e *Engine) AllAway() error {
	var reasons []error
	for _, cluster := range e.Clusters.All() {
		if cluster.removed.Load() {
			continue
		}
		outage := cluster.outage()
		if outage == nil || !outage.Unreachable {
			return nil
		}
		reasons = append(reasons, fmt.Errorf("cluster %s does not answer: %s", cluster.api.Name(), outage.Error))
	}
	return errors.Join(reasons...)
}

// logTrouble logs that work on the app failed. While its cluster is away that is no
// news: tellOutage has reported it for all apps.
func (a *app) logTrouble(doing string, err error) {
	log := a.engine.Log.WithField("app", a.name)
	if kube.IsUnreachable(err) {
		log.Debugf("%s: %v", doing, err)
		return
	}
	log.Warnf("%s: %v", doing, err)
}
