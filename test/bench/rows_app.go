package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// objectsOfApp is the size of the app with which the peers were measured.
const objectsOfApp = 200

// app is a deployed app of a working copy, in a namespace of the same name.
type app struct {
	*workingCopy
	files    map[string]string
	schedule string
	changes  int
}

// newApp makes an app of n objects. It pushes nothing.
func (l *lab) newApp(ctx context.Context, name string, n int) (*app, error) {
	a := &app{files: objectFiles("deploy", name, n), schedule: "@every 5m"}
	a.files["pushboat.yaml"] = appFile(name, a.schedule)
	var err error
	a.workingCopy, err = l.workingCopy(ctx, name, a.files)
	return a, err
}

func appFile(name, schedule string) string {
	return fmt.Sprintf(`apps:
  - name: %s
    path: deploy
    namespace: %[1]s
    createNamespace: true
    schedule: %q
`, name, schedule)
}

// folder is the folder of the manifests.
func (a *app) folder() string { return filepath.Join(a.dir, "deploy") }

// change changes one ConfigMap, and commits the change.
func (a *app) change(ctx context.Context) error {
	a.changes++
	path := fmt.Sprintf("deploy/%s-%03d-config.yaml", a.name, a.changes%(objectsOfApp/kindsOfObject))
	text := fmt.Sprintf(configText, fmt.Sprintf("%s-%03d", a.name, a.changes%(objectsOfApp/kindsOfObject)))
	a.files[path] = text + fmt.Sprintf("# changed\nimmutable: false\nbinaryData: {change: %q}\n", base64Of(a.changes))
	if err := a.write(path, a.files[path]); err != nil {
		return err
	}
	return a.commit(ctx, fmt.Sprintf("Change %d", a.changes))
}

// deployedApp returns the app of 200 objects that most rows share.
func (l *lab) deployedApp(ctx context.Context) (*app, error) {
	if l.app != nil {
		return l.app, nil
	}
	a, err := l.newApp(ctx, "shop", objectsOfApp)
	if err != nil {
		return nil, err
	}
	for _, remote := range []string{ours, plain} {
		if _, err := a.push(ctx, remote); err != nil {
			return nil, err
		}
	}
	l.app = a
	return a, nil
}

// oneChange measures the push of a change to one object of 200, against the push of the
// same commit to a branch that deploys nothing.
func oneChange(ctx context.Context, l *lab) (*result, error) {
	a, err := l.deployedApp(ctx)
	if err != nil {
		return nil, err
	}
	mine, bare := &series{of: "git push"}, &series{of: "bare git push " + l.plainWords()}
	most := 0
	for range l.rounds(15) {
		if err := a.change(ctx); err != nil {
			return nil, err
		}
		count, err := l.auditFromNow()
		if err != nil {
			return nil, err
		}
		for _, remote := range inTurn(a.changes) {
			took, err := a.push(ctx, remote)
			if err != nil {
				return nil, err
			}
			map[string]*series{ours: mine, plain: bare}[remote].add(took)
		}
		asked, err := count.requests("pushboat")
		if err != nil {
			return nil, err
		}
		most = max(most, asked.total())
	}
	r := &result{}
	r.ratio(mine, bare, atMost, 1.2)
	r.fact(fact{what: "requests of a push, at most", value: float64(most), goal: atMost, limit: 4})
	return r, nil
}

// inTurn lists the two sides in their order in a round: each side is first in every other
// round.
func inTurn(round int) []string {
	if round%2 == 0 {
		return []string{ours, plain}
	}
	return []string{plain, ours}
}

// oneChangeKubectl measures the same change against applying the folder by hand.
func oneChangeKubectl(ctx context.Context, l *lab) (*result, error) {
	a, err := l.deployedApp(ctx)
	if err != nil {
		return nil, err
	}
	const namespace = "by-hand"
	if err := l.namespace(ctx, namespace); err != nil {
		return nil, err
	}
	h := l.hand()
	if _, err := h.apply(ctx, namespace, a.folder(), manifestsOf(a.files)); err != nil {
		return nil, err
	}
	mine, hands := &series{of: "git push"}, &series{of: h.words("apply --server-side --validate=false")}
	for range l.rounds(5) {
		if err := a.change(ctx); err != nil {
			return nil, err
		}
		took, err := a.push(ctx, ours)
		if err != nil {
			return nil, err
		}
		mine.add(took)
		by, err := h.apply(ctx, namespace, a.folder(), manifestsOf(a.files))
		if err != nil {
			return nil, err
		}
		hands.add(by.wall)
	}
	r := &result{}
	r.ratio(mine, hands, atMost, 1.0/3)
	return r, nil
}

// noOpCheck measures scheduled checks that find nothing, against kubectl diff.
func noOpCheck(ctx context.Context, l *lab) (*result, error) {
	a, err := l.deployedApp(ctx)
	if err != nil {
		return nil, err
	}
	const checks = 10
	h := l.hand()
	mine, hands := &series{of: "server's CPU of a check"}, &series{of: "CPU of " + h.words("diff --server-side")}
	most := 0
	for range l.rounds(3) {
		spent, asked, err := a.checkEverySecond(ctx, checks)
		if err != nil {
			return nil, err
		}
		mine.add(spent / checks)
		most = max(most, (asked.total()+checks-1)/checks)
		by, err := h.diff(ctx, a.name, a.folder(), manifestsOf(a.files))
		if err != nil {
			return nil, err
		}
		hands.add(by.cpu)
	}
	r := &result{}
	r.ratio(mine, hands, atMost, 1.0/50)
	r.fact(fact{what: "requests of a check, for 5 kinds", value: float64(most), goal: atMost, limit: 5})
	return r, nil
}

// checkEverySecond lets the schedule check the app n times, and returns the cost.
func (a *app) checkEverySecond(ctx context.Context, n int) (time.Duration, counted, error) {
	if err := a.reschedule(ctx, "@every 1s"); err != nil {
		return 0, nil, err
	}
	count, err := a.lab.auditFromNow()
	if err != nil {
		return 0, nil, err
	}
	before, err := a.lab.server.cpu()
	if err != nil {
		return 0, nil, err
	}
	if err := a.lab.profileFor(ctx, time.Duration(n)*time.Second, "check.cpu"); err != nil {
		return 0, nil, err
	}
	after, err := a.lab.server.cpu()
	if err != nil {
		return 0, nil, err
	}
	asked, err := count.requests("pushboat")
	if err != nil {
		return 0, nil, err
	}
	return after - before, asked, a.reschedule(ctx, "@every 5m")
}

// reschedule pushes another schedule for the app.
func (a *app) reschedule(ctx context.Context, schedule string) error {
	a.files["pushboat.yaml"] = appFile(a.name, schedule)
	if err := a.write("pushboat.yaml", a.files["pushboat.yaml"]); err != nil {
		return err
	}
	if err := a.commit(ctx, "Check "+schedule); err != nil {
		return err
	}
	_, err := a.push(ctx, ours)
	return err
}
