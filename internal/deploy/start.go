package deploy

import (
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
)

// The server serves before it has read its repositories: a thousand
// of them take seconds, and clones, logins and probes need none of that. Whatever
// needs to know all apps (which names are taken, which app wants an object, what is to
// be deleted) waits for the reading, see known.

// readers is how many repositories are read at a time at the start. Reading is
// half waiting for files, half parsing.
const readers = 4

// Start begins to read what every repository wants deployed and what was
// deployed last, and to close the difference as soon as each cluster answers. It
// returns at once. failed is called, once, if a repository can not be read: then
// nothing is deployed, since it may want what another one would delete.
func (e *Engine) Start(failed func(error)) {
	e.workers.Go(func() {
		err := e.readAll()
		if e.ctx.Err() != nil {
			return
		}
		if err != nil {
			failed(err)
			return
		}
		for name, cluster := range e.Clusters {
			cluster.Index.OnReturn(func() {
				e.tellOutage(cluster)
				e.retryOn(name)
			})
			cluster.Index.OnLoss(func() { e.tellOutage(cluster) })
		}
		close(e.loaded)
		for name, cluster := range e.Clusters {
			e.workers.Go(func() { e.open(name, cluster) })
		}
		e.workers.Go(e.retryUnread)
	})
}

// known returns once the apps of every repository are known, or the engine
// stops.
func (e *Engine) known() {
	select {
	case <-e.loaded:
	case <-e.ctx.Done():
	}
}

// readAll reads every repository.
func (e *Engine) readAll() error {
	repos, err := e.Source.Repositories()
	if err != nil {
		return fmt.Errorf("list repositories: %w", err)
	}
	group, ctx := errgroup.WithContext(e.ctx)
	group.SetLimit(readers)
	for _, repo := range repos {
		group.Go(func() error {
			if err := e.load(ctx, repo); err != nil && !e.deleted(repo) {
				return fmt.Errorf("load the apps of repository %s: %w", repo, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// deleted reports whether a repository is there no longer: an empty one that a
// push has made goes with the push.
func (e *Engine) deleted(repo string) bool {
	repos, err := e.Source.Repositories()
	return err == nil && !slices.Contains(repos, repo)
}
