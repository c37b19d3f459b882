package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
)

const (
	// betweenEdits is the time that the server has to write the record of one correction
	// before the next edit. People do not edit faster.
	betweenEdits = 300 * time.Millisecond
	// correctedWithin is the time after which a correction counts as failed.
	correctedWithin = time.Minute
)

// drift measures corrections. Somebody edits an owned field; the figure is the time from
// the watch event that shows the edit to the event that shows the correction.
func drift(ctx context.Context, l *lab) (*result, error) {
	a, err := l.deployedApp(ctx)
	if err != nil {
		return nil, err
	}
	events, err := l.client.CoreV1().ConfigMaps(a.name).Watch(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	defer events.Stop()
	took := &series{of: "from the watch event of the edit to that of its correction"}
	for i := range l.rounds(100) {
		name := fmt.Sprintf("%s-%03d", a.name, i%(objectsOfApp/kindsOfObject))
		d, err := l.editByHand(ctx, a.name, name, events)
		if err != nil {
			return nil, err
		}
		took.add(d)
		if err := pause(ctx, betweenEdits); err != nil {
			return nil, err
		}
	}
	r := &result{series: []*series{took}}
	r.fact(fact{what: "99 % of corrections", value: took.quantile(0.99) * 1000, unit: " ms", goal: atMost, limit: 250})
	return r, nil
}

// edited is the value that the edit writes.
const edited = "edited by hand"

// editByHand changes a ConfigMap as kubectl edit does, and waits until the ConfigMap has
// its former content.
func (l *lab) editByHand(ctx context.Context, namespace, name string, events watch.Interface) (time.Duration, error) {
	patch, err := json.Marshal(map[string]any{"data": map[string]any{"greeting": edited}})
	if err != nil {
		return 0, err
	}
	_, err = l.client.CoreV1().ConfigMaps(namespace).Patch(ctx, name, types.MergePatchType, patch,
		metav1.PatchOptions{FieldManager: "kubectl-edit"})
	if err != nil {
		return 0, err
	}
	var seen time.Time
	late := time.After(correctedWithin)
	for {
		select {
		case event, open := <-events.ResultChan():
			if !open {
				return 0, errors.New("the watch of the benchmark has ended")
			}
			config, ok := event.Object.(*corev1.ConfigMap)
			if !ok || config.Name != name {
				continue
			}
			if config.Data["greeting"] == edited {
				seen = time.Now()
			} else if !seen.IsZero() {
				return time.Since(seen), nil
			}
		case <-late:
			return 0, fmt.Errorf("ConfigMap %s/%s is not corrected after %s", namespace, name, correctedWithin)
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}
