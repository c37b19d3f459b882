package deploy

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// The server serves before it has read its repositories: reading a thousand of them
// takes seconds, and clones, logins and probes do not need it. Operations that must
// know all apps (which names are taken, which app wants an object, what to delete) wait
// for the reading, see known.

// readers is how many repositories are read at a time at the start. Reading is
// half waiting for files, half parsing.
const readers = 4

// Start begins to read the wanted and the last deployed state of every repository, and
// to close the difference as soon as each cluster answers. It returns at once. failed
// is called, once, if a repository cannot be read: then nothing is deployed, since that
// repository may want objects that another one would delete.
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
		close(e.loaded)
		for _, cluster := range e.Clusters.All() {
			e.begin(cluster)
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

// readAll reads every repository: the records of all, and then their branches. A
// branch that was moved past the server cannot name an app that is another's by its
// record.
func (e *Engine) readAll() error {
	repos, err := e.Source.Repositories()
	if err != nil {
		return fmt.Errorf("list repositories: %w", err)
	}
	records := make([]map[name.App]record.Saved, len(repos))
	err = e.eachRepository(repos, func(ctx context.Context, i int) (err error) {
		records[i], err = e.Recorder.Newest(ctx, repos[i])
		return err
	})
	if err != nil {
		return err
	}
	owners := ownersBy(repos, records)
	return e.eachRepository(repos, func(ctx context.Context, i int) error {
		return e.loadWith(ctx, repos[i], records[i], func(app name.App) name.Repo { return owners[app] })
	})
}

// eachRepository calls f for the index of each repository, several at a time.
func (e *Engine) eachRepository(repos []name.Repo, f func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(e.ctx)
	group.SetLimit(readers)
	for i, repo := range repos {
		group.Go(func() error {
			if err := f(ctx, i); err != nil && !e.deleted(repo) {
				return fmt.Errorf("load the apps of repository %s: %w", repo, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// ownersBy returns the owners of the apps by their records: the repository in which an
// app was not removed.
func ownersBy(repos []name.Repo, records []map[name.App]record.Saved) map[name.App]name.Repo {
	owners := map[name.App]name.Repo{}
	for i, repo := range repos {
		for app, saved := range records[i] {
			if saved.Record.Result != record.Removed {
				owners[app] = repo
			}
		}
	}
	return owners
}

// deleted reports whether a repository no longer exists: an empty one that a push has
// created goes with the push.
func (e *Engine) deleted(repo name.Repo) bool {
	repos, err := e.Source.Repositories()
	return err == nil && !slices.Contains(repos, repo)
}
