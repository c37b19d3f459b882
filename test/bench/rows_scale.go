package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The sizes in the names of the scale rows.
const (
	manyResources = 5_000
	manyRepos     = 100
)

// scaleBeside pushes an app of 10,000 objects and, at the same time, changes of a small app
// in another repository. The figure is how much longer the small pushes take than before.
func scaleBeside(ctx context.Context, l *lab) (*result, error) {
	huge, err := l.hugeApp(ctx, besideApp)
	if err != nil {
		return nil, err
	}
	small, err := l.newApp(ctx, "small", kindsOfObject)
	if err != nil {
		return nil, err
	}
	if _, err := small.push(ctx, ours); err != nil {
		return nil, err
	}
	alone, beside := &series{of: "git push of a change to a small app, alone"}, &series{of: "the same while 10,000 objects of another are deployed"}
	for range l.rounds(5) {
		if err := small.changeAndPush(ctx, alone); err != nil {
			return nil, err
		}
	}
	done := make(chan error, 1)
	go func() {
		_, err := huge.push(ctx, ours)
		done <- err
	}()
	for {
		select {
		case err := <-done:
			r := &result{series: []*series{alone, beside}}
			r.fact(fact{what: "a small app's push beside it, ratio", value: beside.median() / alone.median()})
			return r, err
		default:
		}
		if err := small.changeAndPush(ctx, beside); err != nil {
			return nil, errors.Join(err, <-done)
		}
		if err := pause(ctx, betweenPushes); err != nil {
			return nil, errors.Join(err, <-done)
		}
	}
}

// besideApp is the number of scaleBeside's huge app, which no other row uses.
const besideApp = 90

// betweenPushes is a pause that keeps the small app from taking more than its share of the
// machine.
const betweenPushes = 5 * time.Second

// changeAndPush changes the app's only ConfigMap, and measures the push.
func (a *app) changeAndPush(ctx context.Context, into *series) error {
	a.changes++
	object := a.name + "-000"
	took, err := a.changeConfig(ctx, "deploy/"+object+"-config.yaml", object, a.changes)
	if err == nil {
		into.add(took)
	}
	return err
}

// deployedHuge returns an app of 10,000 objects.
func (l *lab) deployedHuge(ctx context.Context) (fresh, error) {
	if l.huge != nil {
		return *l.huge, nil
	}
	huge, err := l.hugeApp(ctx, changedApp)
	if err == nil {
		_, err = huge.push(ctx, ours)
	}
	if err != nil {
		return fresh{}, err
	}
	l.huge = &huge
	return huge, l.awaitQuiet(ctx)
}

// changedApp is the number of scaleOneChange's app.
const changedApp = 91

// scaleOneChange measures a change of one object of 10,000 against one of 200, and the
// correction of one object.
func scaleOneChange(ctx context.Context, l *lab) (*result, error) {
	huge, err := l.deployedHuge(ctx)
	if err != nil {
		return nil, err
	}
	few, err := l.deployedApp(ctx)
	if err != nil {
		return nil, err
	}
	profiled := make(chan error, 1)
	go func() { profiled <- l.keepProfile(ctx, "profile?seconds=5", "scale-one-change.cpu") }()
	many, reference := &series{of: "git push, one object of 10,000 changed"}, &series{of: "git push, one object of 200 changed"}
	bareMany := &series{of: "bare git push of the same commits of 10,000 files " + l.plainWords()}
	bareFew := &series{of: "bare git push of the same commits of 200 files"}
	if _, err := huge.push(ctx, plain); err != nil {
		return nil, err
	}
	object := huge.name + "-00-000"
	for i := range l.rounds(8) {
		for _, side := range inTurn(i) {
			if side == ours {
				took, err := huge.changeConfig(ctx, "deploy/"+object+"-config.yaml", object, i)
				if err != nil {
					return nil, err
				}
				many.add(took)
				if took, err = huge.push(ctx, plain); err != nil {
					return nil, err
				}
				bareMany.add(took)
				continue
			}
			if err := few.change(ctx); err != nil {
				return nil, err
			}
			took, err := few.push(ctx, ours)
			if err != nil {
				return nil, err
			}
			reference.add(took)
			if took, err = few.push(ctx, plain); err != nil {
				return nil, err
			}
			bareFew.add(took)
		}
	}
	if err := <-profiled; err != nil {
		return nil, err
	}
	r := &result{}
	r.ratio(many, reference, atMost, 1.5)
	r.series = append(r.series, bareMany, bareFew)
	return r, l.hugeDrift(ctx, r, huge)
}

// hugeDrift measures the correction of one object of the huge app.
func (l *lab) hugeDrift(ctx context.Context, r *result, huge fresh) error {
	events, err := l.client.CoreV1().ConfigMaps(huge.namespace).Watch(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	defer events.Stop()
	corrected := &series{of: "from the watch event of a hand edit to that of its correction"}
	for i := range 5 {
		took, err := l.editByHand(ctx, huge.namespace, fmt.Sprintf("%s-01-%03d", huge.name, i), events)
		if err != nil {
			return err
		}
		corrected.add(took)
		if err := pause(ctx, 10*betweenEdits); err != nil {
			return err
		}
	}
	r.series = append(r.series, corrected)
	return l.memory(ctx, r, 0)
}

const definitionText = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.bench.example.org}
spec:
  group: bench.example.org
  names: {kind: Widget, plural: widgets}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties: {spec: {type: object, properties: {size: {type: integer}}}}
`

// scaleCRD measures a push of a definition and 5,000 of its objects.
func scaleCRD(ctx context.Context, l *lab) (*result, error) {
	var all strings.Builder
	for i := range manyResources {
		fmt.Fprintf(&all, "---\napiVersion: bench.example.org/v1\nkind: Widget\nmetadata: {name: w%04d}\nspec: {size: %d}\n", i, i)
	}
	w, err := l.workingCopy(ctx, "widgets", map[string]string{
		"pushboat.yaml":          "apps:\n  - {name: widgets, path: deploy, namespace: widgets, createNamespace: true, timeout: 10m}\n",
		"deploy/definition.yaml": definitionText,
		"deploy/widgets.yaml":    all.String(),
	})
	if err != nil {
		return nil, err
	}
	first := &series{of: "git push of the definition and 5,000 objects"}
	took, err := w.push(ctx, ours)
	if err != nil {
		return nil, err
	}
	first.add(took)
	one := &series{of: "git push, one of them changed"}
	for i := range l.rounds(5) {
		text := strings.Replace(all.String(), "spec: {size: 7}", fmt.Sprintf("spec: {size: %d}", manyResources+i), 1)
		if err := w.write("deploy/widgets.yaml", text); err != nil {
			return nil, err
		}
		if err := w.commit(ctx, "Change one"); err != nil {
			return nil, err
		}
		if took, err = w.push(ctx, ours); err != nil {
			return nil, err
		}
		one.add(took)
	}
	r := &result{series: []*series{first, one}}
	return r, l.memory(ctx, r, 0)
}

// scaleRepos measures first pushes to a hundred repositories, which make them.
func scaleRepos(ctx context.Context, l *lab) (*result, error) {
	pushes := &series{of: "first git push of a repository with an app of 4 objects"}
	for i := range manyRepos {
		name := fmt.Sprintf("shelf-%03d", i)
		files := objectFiles("deploy", name, kindsOfObject)
		files["pushboat.yaml"] = appFile(name, "@every 5m")
		w, err := l.workingCopy(ctx, name, files)
		if err != nil {
			return nil, err
		}
		took, err := w.push(ctx, ours)
		if err != nil {
			return nil, err
		}
		pushes.add(took)
	}
	r := &result{series: []*series{pushes}}
	r.note("the last push took %.2f s, the first %.2f s", pushes.values[len(pushes.values)-1], pushes.values[0])
	return r, l.memory(ctx, r, 0)
}
