package kube

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// About is the data about a cluster that charts may ask for.
type About struct {
	Version string   // as v1.37.2
	APIs    []string // group/version, and group/version/Kind; sorted
	Whole   bool     // every API has answered; otherwise the kinds of some are missing in APIs
}

// about remembers the answer for a while: apps that are checked in the same second
// share it.
type about struct {
	mu    sync.Mutex // held during the requests, so that concurrent callers ask once
	known About
	at    time.Time
}

func (a *about) forget() {
	a.mu.Lock()
	a.at = time.Time{}
	a.mu.Unlock()
}

// About asks the cluster for its version and its APIs; the answer may be a few seconds
// old.
func (c *Cluster) About(ctx context.Context) (About, error) {
	c.about.mu.Lock()
	defer c.about.mu.Unlock()
	if time.Since(c.about.at) < rediscoverAfter {
		return c.about.known, nil
	}
	version, err := c.Check(ctx)
	if err != nil {
		return About{}, err
	}
	known, err := c.kinds.recent(ctx)
	if err != nil {
		return About{}, c.wrap("ask what it serves", err)
	}
	c.about.known = About{Version: version, APIs: known.apis(), Whole: len(known.broken) == 0}
	c.about.at = time.Now()
	return c.about.known, nil
}

// recent returns the result of discovery, at most rediscoverAfter old.
func (k *kinds) recent(ctx context.Context) (*catalogue, error) {
	k.mu.Lock()
	stale := k.known
	k.mu.Unlock()
	known, _, err := k.current(ctx, stale, rediscoverAfter)
	return known, err
}

// apis lists groups and versions, and the kinds of each.
func (c *catalogue) apis() []string {
	served := map[string]bool{}
	for gvk := range c.kinds {
		version := gvk.GroupVersion().String()
		served[version], served[version+"/"+gvk.Kind] = true, true
	}
	return slices.Sorted(maps.Keys(served))
}
