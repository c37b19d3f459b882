package main

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

// The rows of sizing, for the table in docs/operations.md: the resources that an idle
// server uses. Each row has a cluster of its own, since a server watches the objects of
// every ApplySet in the cluster.

// sizeNamespace is the namespace of their objects.
const sizeNamespace = "size"

const (
	// settleFor is how long a server is left alone before the measurement: once a minute, a
	// server returns memory that it does not need.
	settleFor = 130 * time.Second
	// watchFor is how long the processor time is measured.
	watchFor = time.Minute
)

// sizes measures a server with some apps of the given number of objects each. limit is the
// most resident memory, in MiB; 0 is no goal.
func sizes(apps, objects int, limit float64) func(context.Context, *lab) (*result, error) {
	return func(ctx context.Context, l *lab) (*result, error) {
		if err := l.namespace(ctx, sizeNamespace); err != nil {
			return nil, err
		}
		files := fleetFiles(apps, sizeNamespace, "s")
		if objects != kindsOfObject {
			files = objectFiles("apps/large", "large", objects)
			files["pushboat.yaml"] = "apps:\n  - {path: apps/large, namespace: " + sizeNamespace + "}\n"
		}
		w, err := l.workingCopy(ctx, "size", files)
		if err != nil {
			return nil, err
		}
		if _, err := w.push(ctx, ours); err != nil {
			return nil, err
		}
		r := &result{}
		if err := l.memory(ctx, r, 0); err != nil {
			return nil, err
		}
		scraped := l.scraped(ctx)
		if err := pause(ctx, settleFor); err != nil {
			return nil, err
		}
		if err := l.atRest(ctx, r, limit); err != nil {
			return nil, err
		}
		times, err := scraped()
		if err != nil {
			return nil, err
		}
		r.note("metrics were scraped %d times, one every %s, until the start", times, scrapeEach)
		return r, l.restarts(ctx, r, apps)
	}
}

// atRest measures an idle server.
func (l *lab) atRest(ctx context.Context, r *result, limit float64) error {
	before, err := l.server.cpu()
	if err != nil {
		return err
	}
	if err := pause(ctx, watchFor); err != nil {
		return err
	}
	after, err := l.server.cpu()
	if err != nil {
		return err
	}
	now, _, err := l.server.resident()
	if err != nil {
		return err
	}
	file, err := l.server.ofFile()
	if err != nil {
		return err
	}
	used, err := diskUse(l.path("data"))
	if err != nil {
		return err
	}
	g := noGoal
	if limit > 0 {
		g = atMost
	}
	r.fact(fact{what: "server's memory (RSS)", value: now, unit: " MiB", goal: g, limit: limit})
	r.fact(fact{what: "of it, pages of the program's file", value: file, unit: " MiB"})
	r.fact(fact{what: "share of a core", value: 100 * float64(after-before) / float64(watchFor), unit: " %"})
	r.fact(fact{what: "disk", value: used, unit: " MiB"})
	return l.keepProfile(ctx, "heap", l.group+".heap")
}

// restarts measures a start of the server on the present data, as it usually starts.
func (l *lab) restarts(ctx context.Context, r *result, apps int) error {
	if err := l.server.stop(); err != nil {
		return err
	}
	ready, err := l.startServer(ctx)
	if err != nil {
		return err
	}
	known, err := l.awaitApps(ctx, apps)
	if err != nil {
		return err
	}
	r.fact(fact{what: "start to ready", value: ready.Seconds(), unit: " s"})
	r.fact(fact{what: "start to the status of every app", value: (ready + known).Seconds(), unit: " s"})
	if err := pause(ctx, settleFor); err != nil {
		return err
	}
	now, _, err := l.server.resident()
	if err != nil {
		return err
	}
	r.fact(fact{what: "server's memory (RSS) after a start", value: now, unit: " MiB"})
	return nil
}

// diskUse sums the sizes of the files below a directory up, in MiB.
func diskUse(dir string) (float64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("sum up %s: %w", dir, err)
	}
	return float64(sum) / (1 << 20), nil
}
