package deploy

import (
	"context"
	"errors"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// FollowLogs merges the logs of an app's containers, also of those that come meanwhile, as
// the app's account may read them: of all pods of the app until ctx ends, of one object
// until its containers have ended. Its errors are those of Containers and ReadLog.
func (e *Engine) FollowLogs(ctx context.Context, app name.App, request LogRequest, to LogReader) error {
	pods := podList{engine: e, app: app, request: request, nudge: make(chan struct{}, 1), parts: map[string]func(){}}
	defer pods.part()
	ctx, cancel := context.WithCancel(ctx)
	var passing sync.WaitGroup
	defer passing.Wait()
	defer cancel()
	passing.Go(func() { pods.passMembers(ctx) })
	f := follower{
		list: pods.list, nudge: pods.nudge, request: request.Each, lasting: request.Object == "", to: to,
		read: func(ctx context.Context, of Container, request kube.LogRequest, tell func(line string)) error {
			return e.ReadLog(ctx, app, of, request, tell)
		},
	}
	f.request.Follow = true
	return f.run(ctx)
}

// podList lists the containers of an app's pods time and again. The app's account has to see
// them; a watch of the server's own tells when to look.
type podList struct {
	engine  *Engine
	app     name.App
	request LogRequest
	nudge   chan struct{}
	parts   map[string]func() // from the watches, by namespace
}

// part ends the watches.
func (p *podList) part() {
	for _, part := range p.parts {
		part()
	}
}

// passMembers nudges whenever an object of the app changes, until ctx ends.
func (p *podList) passMembers(ctx context.Context) {
	a := p.engine.app(p.app)
	t := p.engine.wantedOf(p.app)
	if a == nil || t == nil || p.engine.Clusters.Get(t.Spec.Cluster) == nil {
		return
	}
	changed, done := p.engine.Clusters.Get(t.Spec.Cluster).site.Index.Changed(a.set)
	defer done()
	for {
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
		select {
		case p.nudge <- struct{}{}:
		default:
		}
	}
}

// list lists the containers that there are now, and has nudge tell of their changes.
func (p *podList) list(ctx context.Context) ([]seenContainer, error) {
	found, err := p.engine.podsOf(ctx, p.app, p.request.Object)
	if err != nil {
		return nil, err
	}
	site := p.engine.Clusters.Get(found.target.Spec.Cluster).site
	for _, namespace := range found.watched {
		if p.parts[namespace] == nil {
			_, p.parts[namespace] = site.JoinPods(namespace, p.nudge)
		}
	}
	if len(found.pods) == 0 && len(found.partial) > 0 {
		return nil, errors.Join(found.partial...)
	}
	var list []seenContainer
	asked := 0
	for _, pod := range found.pods {
		u := found.made[pod]
		if u == nil { // nobody has made it but the app
			if asked++; asked > MaxFollowed {
				continue
			}
		}
		containers, err := p.containers(ctx, found.target, pod, u)
		if err != nil {
			return nil, err
		}
		for _, c := range containers {
			list = append(list, seenContainer{Container{pod.Namespace, pod.Name, c.Name}, c})
		}
	}
	return list, nil
}

// containers lists the containers of a pod, which is read unless it is given.
func (p *podList) containers(ctx context.Context, t *target, pod manifest.ID, u *unstructured.Unstructured) ([]kube.Container, error) {
	if u != nil {
		return kube.ContainersOf(u, p.request.Container), nil
	}
	containers, err := p.engine.lookerOf(t).api.Containers(ctx, pod.Namespace, pod.Name, p.request.Container)
	if kube.IsNotFound(err) { // it is gone since
		return nil, nil
	}
	return containers, err
}
