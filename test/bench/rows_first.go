package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"
)

// fresh is a repository that has not been pushed yet.
type fresh struct {
	*workingCopy
	files     map[string]string
	namespace string // of all its objects
}

// firsts are the measurements of first deploys, in turn with raw applies of the same number
// of objects.
type firsts struct {
	rounds  int
	raw     int                                                         // how many numbers of workers of the raw apply are measured
	live    float64                                                     // the goal for pushes until all objects are live: at most this many times the raw apply
	healthy float64                                                     // the goal for pushes until all are healthy: at most this many seconds after the last status; 0: no goal
	next    func(ctx context.Context, l *lab, round int) (fresh, error) // the repository of a round
}

// measure deploys one repository in each round.
func (f firsts) measure(ctx context.Context, l *lab) (*result, error) {
	raw, err := l.contenders(ctx, f.raw)
	if err != nil {
		return nil, err
	}
	courses := newCourses()
	for i := range f.rounds {
		repository, err := f.next(ctx, l, i)
		if err != nil {
			return nil, err
		}
		for turn := range len(raw) + 1 {
			if err := l.awaitQuiet(ctx); err != nil {
				return nil, err
			}
			side := (i + turn) % (len(raw) + 1)
			if side == len(raw) {
				if err := courses.push(ctx, l, repository); err != nil {
					return nil, err
				}
				continue
			}
			namespace := fmt.Sprintf("%s-raw-%d", repository.namespace, raw[side].workers)
			took, err := l.rawApply(ctx, namespace, manifestsOf(repository.files), raw[side].workers)
			if err != nil {
				return nil, err
			}
			raw[side].took.add(took)
		}
	}
	r := courses.result(f, raw)
	return r, l.memory(ctx, r, 0)
}

// courses are the measurements of first deploys by pushes.
type courses struct {
	live, healthy, began, gated, after, busy *series
	requests                                 int // of the last push
}

func newCourses() *courses {
	return &courses{
		live: &series{of: "git push, to all live"}, healthy: &series{of: "git push, to all healthy, and its end"},
		began: &series{of: "of it before the first dry-run is answered"}, gated: &series{of: "of it in the other dry-runs"},
		after: &series{of: "of it after the last status of a controller"}, busy: &series{of: "processor time of the server"},
	}
}

// push deploys a repository that has not been pushed yet.
func (c *courses) push(ctx context.Context, l *lab, repository fresh) error {
	log, err := l.auditFromNow()
	if err != nil {
		return err
	}
	idle, err := l.server.cpu()
	if err != nil {
		return err
	}
	profiled := make(chan error, 1)
	go func() { profiled <- l.keepProfile(ctx, "profile?seconds=10", repository.namespace+".cpu") }()
	start := time.Now()
	took, err := repository.push(ctx, ours)
	if err = errors.Join(err, <-profiled); err != nil {
		return err
	}
	busy, err := l.server.cpu()
	if err != nil {
		return err
	}
	at, err := log.courseOf(repository.namespace, start.Add(took))
	if err != nil {
		return err
	}
	c.began.add(at.gate.Sub(start))
	c.gated.add(at.apply.Sub(at.gate))
	c.live.add(at.live.Sub(start))
	c.healthy.add(took)
	c.after.add(start.Add(took).Sub(later(at.status, at.live)))
	c.busy.add(busy - idle)
	asked, err := log.requests("pushboat")
	c.requests = asked.total()
	return err
}

// result compares the measurement with the best of the raw applies.
func (c *courses) result(f firsts, raw []contender) *result {
	r := &result{}
	fastest := best(raw)
	r.ratio(c.live, fastest, atMost, f.live)
	for _, other := range raw {
		if other.took != fastest {
			r.series = append(r.series, other.took)
		}
	}
	r.series = append(r.series, c.healthy, c.began, c.gated, c.after, c.busy)
	r.fact(fact{what: "ratio, to healthy", value: c.healthy.median() / fastest.median()})
	if f.healthy > 0 {
		r.fact(fact{what: "after the last status", value: c.after.median(), unit: " s", goal: atMost, limit: f.healthy})
	}
	r.fact(fact{what: "requests", value: float64(c.requests)})
	return r
}

// firstDeploy measures the first deploy of an app of 200 objects.
func firstDeploy(ctx context.Context, l *lab) (*result, error) {
	next := func(ctx context.Context, l *lab, round int) (fresh, error) {
		name := fmt.Sprintf("first-%d", round)
		a, err := l.newApp(ctx, name, objectsOfApp)
		if err != nil {
			return fresh{}, err
		}
		return fresh{a.workingCopy, a.files, name}, nil
	}
	return firsts{rounds: l.rounds(8), raw: 2, live: 1.25, healthy: 0.1, next: next}.measure(ctx, l)
}

// appsOfPush is the number of apps in a push of firstApps.
const appsOfPush = 100

// firstApps measures a push of a hundred new apps of four objects each.
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
	return firsts{rounds: l.rounds(8), raw: 2, live: 1.2, next: next}.measure(ctx, l)
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

// scaleFirst measures the first deploy of an app of 10,000 objects.
func scaleFirst(ctx context.Context, l *lab) (*result, error) {
	next := func(ctx context.Context, l *lab, round int) (fresh, error) {
		huge, err := l.hugeApp(ctx, round)
		if err == nil {
			l.huge = &huge // for the rows after this one
		}
		return huge, err
	}
	return firsts{rounds: l.rounds(2), raw: 1, live: 1.2, next: next}.measure(ctx, l)
}
