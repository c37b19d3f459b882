package deploy

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// Confined is an app that a grant holds, and why.
type Confined struct {
	App  name.App
	Repo name.Repo
	Why  string
}

// regrantTimeout bounds the questions of one Regrant to the clusters. They are about labels
// of namespaces, and kinds that were not looked up yet.
const regrantTimeout = 20 * time.Second

// Regrant says which apps other grants would hold, and which they would hold no longer, by
// name. An app whose cluster does not answer is in neither list.
func (e *Engine) Regrant(ctx context.Context, next Grants) (held, freed []Confined) {
	ctx, cancel := context.WithTimeout(ctx, regrantTimeout)
	defer cancel()
	var (
		mu    sync.Mutex
		group errgroup.Group
	)
	group.SetLimit(parallelApps)
	for _, a := range e.sorted() {
		t := a.wanted()
		if t == nil || t.Gone || sameGrant(e.grantOf(t.Repo), next(t.Repo)) {
			continue
		}
		group.Go(func() error {
			why, judged := e.outsideOf(ctx, t, next(t.Repo))
			was := a.confined.reason()
			mu.Lock()
			defer mu.Unlock()
			switch {
			case !judged:
			case why != "" && was == "":
				held = append(held, Confined{a.name, t.Repo, why})
			case why == "" && was != "":
				freed = append(freed, Confined{a.name, t.Repo, was})
			}
			return nil
		})
	}
	_ = group.Wait() // none returns an error
	for _, list := range [][]Confined{held, freed} {
		slices.SortFunc(list, func(x, y Confined) int { return cmp.Compare(x.App, y.App) })
	}
	return held, freed
}

// sameGrant reports whether two grants give the same.
func sameGrant(a, b *grant.Grant) bool { return a == b || a != nil && b != nil && a.Equal(b) }

// Regranted has every app judged again whose grant was another one before.
func (e *Engine) Regranted(before Grants) {
	for _, a := range e.sorted() {
		if t := a.wanted(); t != nil && !t.Gone && !sameGrant(before(t.Repo), e.grantOf(t.Repo)) {
			e.Check(a.name, record.CauseGrant)
		}
	}
}

// ObjectsOf counts the objects that a repository's apps are to have.
func (e *Engine) ObjectsOf(repo name.Repo) (count int) {
	for _, a := range e.sorted() {
		if t := a.wanted(); t.counts(repo) {
			count += len(t.Objects)
		}
	}
	return count
}
