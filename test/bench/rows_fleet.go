package main

import (
	"context"
	"fmt"
	"time"
)

// fleet is a repository of many apps of four objects each, all deployed.
type fleet struct {
	*workingCopy
	files map[string]string
	push  time.Duration // of the first push
	asked counted
}

// The namespaces of the fleet and of its reference. They exist before the measurement.
const (
	fleetNamespace = "fleet"
	fleetRaw       = "fleet-raw"
)

// deployedFleet returns the fleet. The first call pushes it.
func (l *lab) deployedFleet(ctx context.Context) (*fleet, error) {
	if l.fleet != nil {
		return l.fleet, nil
	}
	if err := l.namespace(ctx, fleetNamespace); err != nil {
		return nil, err
	}
	f := &fleet{files: fleetFiles(l.settings.fleet, fleetNamespace, "f")}
	var err error
	if f.workingCopy, err = l.workingCopy(ctx, "fleet", f.files); err != nil {
		return nil, err
	}
	count, err := l.auditFromNow()
	if err != nil {
		return nil, err
	}
	profiled := make(chan error, 1)
	go func() { profiled <- l.keepProfile(ctx, "profile?seconds=20", "first-push.cpu") }()
	if f.push, err = f.workingCopy.push(ctx, ours); err != nil {
		return nil, err
	}
	if err := <-profiled; err != nil {
		return nil, err
	}
	if f.asked, err = count.requests("pushboat"); err != nil {
		return nil, err
	}
	l.fleet = f
	return f, nil
}

// fleetFirst measures the first push of all apps, against the raw apply of all objects.
func fleetFirst(ctx context.Context, l *lab) (*result, error) {
	raw, err := l.contenders(ctx, 1)
	if err != nil {
		return nil, err
	}
	f, err := l.deployedFleet(ctx)
	if err != nil {
		return nil, err
	}
	mine := &series{of: fmt.Sprintf("git push of %d apps", l.settings.fleet)}
	mine.add(f.push)
	r := &result{}
	if err := l.memory(ctx, r, 256); err != nil {
		return nil, err
	}
	took, err := l.rawApply(ctx, fleetRaw, manifestsOf(f.files), raw[0].workers)
	if err != nil {
		return nil, err
	}
	raw[0].took.add(took)
	r.ratio(mine, raw[0].took, atMost, 1.5)
	r.fact(fact{what: "requests for one object", value: float64(f.asked.total()) / float64(kindsOfObject*l.settings.fleet)})
	return r, nil
}

// fleetOneChange measures the change of one ConfigMap in one of many apps, against the same
// push to a repository with one such app.
func fleetOneChange(ctx context.Context, l *lab) (*result, error) {
	f, err := l.deployedFleet(ctx)
	if err != nil {
		return nil, err
	}
	one, err := l.workingCopy(ctx, "lone", map[string]string{
		"pushboat.yaml":         "apps:\n  - {path: apps/lone, namespace: " + fleetNamespace + "}\n",
		"apps/lone/config.yaml": fmt.Sprintf(configText, "lone"),
	})
	if err != nil {
		return nil, err
	}
	if _, err := one.push(ctx, ours); err != nil {
		return nil, err
	}
	bareMany := &series{of: "bare git push of the same commits of many " + l.plainWords()}
	bareLone := &series{of: "bare git push of the same commits of one"}
	for _, w := range []*workingCopy{f.workingCopy, one} {
		if _, err := w.push(ctx, plain); err != nil {
			return nil, err
		}
	}
	many, lone := &series{of: fmt.Sprintf("git push, one app of %d changed", l.settings.fleet)}, &series{of: "git push, the only app changed"}
	most := 0
	profiled := make(chan error, 1)
	go func() { profiled <- l.keepProfile(ctx, "profile?seconds=5", "one-change.cpu") }()
	for i := range l.rounds(10) {
		name := fmt.Sprintf("f%04d", i%l.settings.fleet)
		count, err := l.auditFromNow()
		if err != nil {
			return nil, err
		}
		took, err := f.changeConfig(ctx, "apps/"+name+"/"+name+"-000-config.yaml", name+"-000", i)
		if err != nil {
			return nil, err
		}
		many.add(took)
		asked, err := count.requests("pushboat")
		if err != nil {
			return nil, err
		}
		most = max(most, asked.total())
		if took, err = f.workingCopy.push(ctx, plain); err != nil {
			return nil, err
		}
		bareMany.add(took)
		if took, err = one.changeConfig(ctx, "apps/lone/config.yaml", "lone", i); err != nil {
			return nil, err
		}
		lone.add(took)
		if took, err = one.push(ctx, plain); err != nil {
			return nil, err
		}
		bareLone.add(took)
	}
	if err := <-profiled; err != nil {
		return nil, err
	}
	r := &result{}
	r.ratio(many, lone, atMost, 1.1)
	r.series = append(r.series, bareMany, bareLone)
	r.fact(fact{what: "requests of a push, at most", value: float64(most), goal: atMost, limit: 4})
	return r, nil
}

// changeConfig changes one ConfigMap, commits and pushes. It returns the time of the push.
func (w *workingCopy) changeConfig(ctx context.Context, path, name string, n int) (time.Duration, error) {
	text := fmt.Sprintf(configText, name) + fmt.Sprintf("binaryData: {change: %q}\n", base64Of(n))
	if err := w.write(path, text); err != nil {
		return 0, err
	}
	if err := w.commit(ctx, "Change "+name); err != nil {
		return 0, err
	}
	return w.push(ctx, ours)
}

// fleetNoOp measures two scheduled checks of every app that find nothing.
func fleetNoOp(ctx context.Context, l *lab) (*result, error) {
	f, err := l.deployedFleet(ctx)
	if err != nil {
		return nil, err
	}
	if err := f.reschedule(ctx, "@every 30s"); err != nil {
		return nil, err
	}
	count, err := l.auditFromNow()
	if err != nil {
		return nil, err
	}
	before, err := l.server.cpu()
	if err != nil {
		return nil, err
	}
	all, err := l.requestTotal(ctx)
	if err != nil {
		return nil, err
	}
	const roundsSeen = 2
	if err := pause(ctx, roundsSeen*30*time.Second); err != nil {
		return nil, err
	}
	after, err := l.server.cpu()
	if err != nil {
		return nil, err
	}
	asked, err := count.requests("pushboat")
	if err != nil {
		return nil, err
	}
	allAfter, err := l.requestTotal(ctx)
	if err != nil {
		return nil, err
	}
	r := &result{}
	r.fact(fact{what: "requests of a round, for 4 kinds", value: float64(asked.total()) / roundsSeen, goal: atMost, limit: 4})
	r.note("apiserver_request_total rose by %.0f a round, the control plane's own requests included", (allAfter-all)/roundsSeen)
	r.fact(fact{what: "server's CPU of a round", value: (after - before).Seconds() / roundsSeen, unit: " s"})
	return r, f.reschedule(ctx, "@every 5m")
}

// reschedule pushes another schedule for every app.
func (f *fleet) reschedule(ctx context.Context, schedule string) error {
	text := f.files["pushboat.yaml"] + fmt.Sprintf("    schedule: %q\n", schedule)
	if err := f.write("pushboat.yaml", text); err != nil {
		return err
	}
	if err := f.commit(ctx, "Check "+schedule); err != nil {
		return err
	}
	_, err := f.workingCopy.push(ctx, ours)
	return err
}

// idleFor is how long the idle server is watched: one period of the schedule, with its
// round of checks.
const idleFor = 5 * time.Minute

// idle measures a server when every app is deployed and nothing happens.
func idle(ctx context.Context, l *lab) (*result, error) {
	if _, err := l.deployedFleet(ctx); err != nil {
		return nil, err
	}
	scraped := l.scraped(ctx)
	if err := pause(ctx, 30*time.Second); err != nil { // the last push has left work
		return nil, err
	}
	before, err := l.server.cpu()
	if err != nil {
		return nil, err
	}
	if err := pause(ctx, idleFor); err != nil {
		return nil, err
	}
	after, err := l.server.cpu()
	if err != nil {
		return nil, err
	}
	now, _, err := l.server.resident()
	if err != nil {
		return nil, err
	}
	file, err := l.server.ofFile()
	if err != nil {
		return nil, err
	}
	heap, err := l.heap(ctx)
	if err != nil {
		return nil, err
	}
	if err := l.keepProfile(ctx, "heap", "idle.heap"); err != nil {
		return nil, err
	}
	times, err := scraped()
	if err != nil {
		return nil, err
	}
	r := &result{}
	r.note("metrics were scraped %d times, one every %s", times, scrapeEach)
	r.fact(fact{what: "share of a core", value: 100 * float64(after-before) / float64(idleFor), unit: " %", goal: atMost, limit: 1})
	r.fact(fact{what: "server's memory (RSS)", value: now, unit: " MiB", goal: atMost, limit: 100})
	r.note("of which %.0f MiB are reachable, and %.0f MiB pages of the program's file", heap, file)
	return r, nil
}
