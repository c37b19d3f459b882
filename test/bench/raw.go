package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"
)

// resources are the resources of the kinds that the rows deploy, so that the reference
// needs no discovery.
var resources = map[string]schema.GroupVersionResource{
	"Deployment":     {Group: "apps", Version: "v1", Resource: "deployments"},
	"Service":        {Version: "v1", Resource: "services"},
	"ConfigMap":      {Version: "v1", Resource: "configmaps"},
	"ServiceAccount": {Version: "v1", Resource: "serviceaccounts"},
}

// parsed parses manifests. They are parsed once, before the measurement, so that the time
// of the reference is that of its requests.
func parsed(texts []string) ([]*unstructured.Unstructured, error) {
	objects := make([]*unstructured.Unstructured, 0, len(texts))
	for _, text := range texts {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
			return nil, err
		}
		objects = append(objects, u)
	}
	return objects, nil
}

// rawApply applies objects by server-side apply through client-go's dynamic client, without
// a rate limit, as a program would that does nothing else.
func (l *lab) rawApply(ctx context.Context, namespace string, texts []string, workers int) (time.Duration, error) {
	objects, err := parsed(texts)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	if err := l.namespace(ctx, namespace); err != nil {
		return 0, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for _, u := range objects {
		group.Go(func() error { return l.applyOne(ctx, namespace, u, false) })
	}
	err = group.Wait()
	return time.Since(start), err
}

func (l *lab) applyOne(ctx context.Context, namespace string, u *unstructured.Unstructured, dryRun bool) error {
	data, err := u.MarshalJSON()
	if err != nil {
		return err
	}
	force := true
	options := metav1.PatchOptions{FieldManager: rawAgent, Force: &force}
	if dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	_, err = l.dynamic.Resource(resources[u.GetKind()]).Namespace(namespace).
		Patch(ctx, u.GetName(), types.ApplyPatchType, data, options)
	return err
}

// bestTries is how often each number of workers is tried; the median counts.
const bestTries = 3

// fastest returns the numbers of workers at which the raw apply of 200 objects was tried on
// this machine, the fastest first.
func (l *lab) fastest(ctx context.Context) ([]int, error) {
	if l.workers != nil {
		return l.workers, nil
	}
	counts := []int{4, 8, 16, 32}
	tried := map[int]*series{}
	for try := range bestTries {
		for _, workers := range counts {
			if err := l.awaitQuiet(ctx); err != nil {
				return nil, err
			}
			name := fmt.Sprintf("raw-%d-%d", workers, try)
			took, err := l.rawApply(ctx, name, manifestsOf(objectFiles(".", name, objectsOfApp)), workers)
			if err != nil {
				return nil, err
			}
			if tried[workers] == nil {
				tried[workers] = &series{}
			}
			tried[workers].add(took)
		}
	}
	slices.SortFunc(counts, func(a, b int) int { return cmp.Compare(tried[a].median(), tried[b].median()) })
	l.workers = counts
	return counts, nil
}

// contender is a raw apply with a certain number of workers, measured in turn with
// Pushboat.
type contender struct {
	workers int
	took    *series
}

// contenders are the raw applies with the n fastest numbers of workers on this machine. The
// best of them is known after all rounds.
func (l *lab) contenders(ctx context.Context, n int) ([]contender, error) {
	counts, err := l.fastest(ctx)
	if err != nil {
		return nil, err
	}
	var list []contender
	for _, workers := range counts[:n] {
		list = append(list, contender{workers, &series{of: fmt.Sprintf("client-go server-side apply, %d at a time", workers)}})
	}
	return list, nil
}

// best returns the fastest of the contenders.
func best(contenders []contender) *series {
	return slices.MinFunc(contenders, func(a, b contender) int { return cmp.Compare(a.took.median(), b.took.median()) }).took
}
