package main

import (
	"context"
	"fmt"
	"maps"
	"time"
)

// fresh is a repository that was never pushed.
type fresh struct {
	*workingCopy
	files     map[string]string
	namespace string // of all its objects
}

// firsts are the measurements of first deploys, each in turn with the raw apply of
// as many objects.
type firsts struct {
	rounds  int
	live    float64                                                     // the goal: pushes to all live at most so many times the raw apply
	healthy float64                                                     // the goal: to healthy at most so many seconds after the last status; 0: none
	next    func(ctx context.Context, l *lab, round int) (fresh, error) // the repository of a round
}

// measure deploys a repository a round.
func (f firsts) measure(ctx context.Context, l *lab) (*result, error) {
	workers, err := l.bestWorkers(ctx)
	if err != nil {
		return nil, err
	}
	live, healthy := &series{of: "git push, to all live"}, &series{of: "git push, to all healthy, and its end"}
	raw := &series{of: fmt.Sprintf("client-go server-side apply, %d at a time", workers)}
	began, gated := &series{of: "of it before the first dry-run is answered"}, &series{of: "of it in the other dry-runs"}
	after := &series{of: "of it after the last status of a controller"}
	requests := 0
	for i := range f.rounds {
		repository, err := f.next(ctx, l, i)
		if err != nil {
			return nil, err
		}
		for _, side := range inTurn(i) {
			if err := l.awaitQuiet(ctx); err != nil {
				return nil, err
			}
			if side == plain {
				took, err := l.rawApply(ctx, repository.namespace+"-raw", manifestsOf(repository.files), workers)
				if err != nil {
					return nil, err
				}
				raw.add(took)
				continue
			}
			log, err := l.auditFromNow()
			if err != nil {
				return nil, err
			}
			start := time.Now()
			took, err := repository.push(ctx, ours)
			if err != nil {
				return nil, err
			}
			c, err := log.courseOf(repository.namespace, start.Add(took))
			if err != nil {
				return nil, err
			}
			began.add(c.gate.Sub(start))
			gated.add(c.apply.Sub(c.gate))
			live.add(c.live.Sub(start))
			healthy.add(took)
			after.add(start.Add(took).Sub(later(c.status, c.live)))
			asked, err := log.requests("pushboat")
			if err != nil {
				return nil, err
			}
			requests = asked.total()
		}
	}
	r := &result{}
	r.ratio(live, raw, atMost, f.live)
	r.series = append(r.series, healthy, began, gated, after)
	r.fact(fact{what: "ratio, to healthy", value: healthy.median() / raw.median()})
	if f.healthy > 0 {
		r.fact(fact{what: "after the last status", value: after.median(), unit: " s", goal: atMost, limit: f.healthy})
	}
	r.fact(fact{what: "requests", value: float64(requests)})
	return r, l.memory(ctx, r, 0)
}

// firstDeploy: an app of 200 objects that was never deployed.
func firstDeploy(ctx context.Context, l *lab) (*result, error) {
	next := func(ctx context.Context, l *lab, round int) (fresh, error) {
		name := fmt.Sprintf("first-%d", round)
		a, err := l.newApp(ctx, name, objectsOfApp)
		if err != nil {
			return fresh{}, err
		}
		return fresh{a.workingCopy, a.files, name}, nil
	}
	return firsts{rounds: l.rounds(8), live: 1.25, healthy: 0.1, next: next}.measure(ctx, l)
}

// appsOfPush is how many apps a push of firstApps has.
const appsOfPush = 100

// firstApps: a hundred apps of four objects in one push.
func firstApps(ctx context.Context, l *lab) (*result, error) {
	next := func(ctx context.Context, l *lab, round int) (fresh, error) {
		name := fmt.Sprintf("hundred-%d", round)
		if err := l.namespace(ctx, name); err != nil {
			return fresh{}, err
		}
		files := fleetFiles(appsOfPush, name, fmt.Sprintf("h%d-", round))
		w, err := l.workingCopy(ctx, name, files)
		return fresh{w, files, name}, err
	}
	return firsts{rounds: l.rounds(8), live: 1.2, next: next}.measure(ctx, l)
}

// hugeApp is the n-th repository with one app of 10,000 objects.
func (l *lab) hugeApp(ctx context.Context, n int) (fresh, error) {
	name := fmt.Sprintf("huge-%d", n)
	files := map[string]string{"pushboat.yaml": fmt.Sprintf(
		"apps:\n  - {name: %s, path: deploy, namespace: %[1]s, createNamespace: true, timeout: 10m}\n", name)}
	for i := range l.settings.many / objectsOfApp {
		maps.Copy(files, objectFiles("deploy", fmt.Sprintf("%s-%02d", name, i), objectsOfApp))
	}
	w, err := l.workingCopy(ctx, name, files)
	return fresh{w, files, name}, err
}

// scaleFirst: an app of 10,000 objects that was never deployed.
func scaleFirst(ctx context.Context, l *lab) (*result, error) {
	next := func(ctx context.Context, l *lab, round int) (fresh, error) {
		huge, err := l.hugeApp(ctx, round)
		if err == nil {
			l.huge = &huge // for the rows after this one
		}
		return huge, err
	}
	return firsts{rounds: l.rounds(2), live: 1.2, next: next}.measure(ctx, l)
}
