package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Container is one container of an app's pods.
type Container struct {
	Namespace, Pod, Name string
}

// Containers lists the containers of an app's pods, or of those of one object: a pod
// by its name, or any object that the tree shows. Init containers are among them only
// if they are asked for by name, with container. The error is fs.ErrNotExist if there
// is no such object, and ErrNaming if the text cannot be the name of one.
func (e *Engine) Containers(ctx context.Context, app name.App, object, container string) ([]Container, error) {
	found, err := e.podsOf(ctx, app, object)
	if err != nil {
		return nil, err
	}
	var list []Container
	as := e.lookerOf(found.target)
	for _, pod := range found.pods {
		seen, err := as.api.Containers(ctx, pod.Namespace, pod.Name, container)
		if err != nil {
			return nil, err
		}
		for _, c := range seen {
			list = append(list, Container{pod.Namespace, pod.Name, c.Name})
		}
		if len(list) > MaxLogs {
			break
		}
	}
	if len(list) == 0 && len(found.partial) > 0 {
		return nil, errors.Join(found.partial...)
	}
	return list, nil
}

// appPods are the pods of an app, or of one of its objects.
type appPods struct {
	target  *target
	pods    []manifest.ID
	made    map[manifest.ID]*unstructured.Unstructured // those of controllers, in full
	watched []string                                   // the namespaces in which there may be more
	partial []error                                    // why some may lack
}

// podsOf lists the pods of an app, or of one object: a pod by its name, or any object that
// the tree shows.
func (e *Engine) podsOf(ctx context.Context, app name.App, object string) (appPods, error) {
	e.known()
	a := e.app(app)
	if a == nil {
		return appPods{}, ErrNoApp
	}
	t := a.wanted()
	if t == nil || e.Clusters.Get(t.Spec.Cluster) == nil {
		return appPods{}, ErrNoApp
	}
	members := a.members()
	owned, partial := a.owned(ctx, members)
	nodes := a.grow(members, owned)
	if object != "" {
		is, err := e.podOrObject(ctx, object, t.Spec.Cluster)
		if err != nil {
			return appPods{}, err
		}
		if nodes = find(nodes, is); len(nodes) == 0 {
			return appPods{}, fs.ErrNotExist
		}
	}
	found := appPods{target: t, made: map[manifest.ID]*unstructured.Unstructured{}, partial: partial}
	for _, list := range listsBelow(members) {
		if list.kind == podKind {
			found.watched = append(found.watched, list.namespace)
		}
	}
	for _, u := range owned {
		if id := manifest.IDOf(u); id.GroupKind() == podKind {
			found.made[id] = u
		}
	}
	for _, pod := range Pods(nodes) {
		found.pods = append(found.pods, pod.ID)
	}
	return found, nil
}

// podOrObject tells the objects that a text names: a pod by its name alone, and any
// object by kind and name.
func (e *Engine) podOrObject(ctx context.Context, text, cluster string) (func(manifest.ID) bool, error) {
	if !strings.Contains(text, "/") {
		return func(id manifest.ID) bool { return id.GroupKind() == podKind && id.Name == text }, nil
	}
	named, err := parseNaming(text, e.kindsNamed(ctx, cluster))
	return named.is, err
}

// MaxLogs bounds the logs that one call reads, and those that the server follows at a
// time for all callers.
const (
	MaxLogs       = 20
	maxOpenedLogs = 200
)

// ErrTooManyLogs says that the server reads as many logs as it may.
var ErrTooManyLogs = fmt.Errorf("the server reads %d logs already, which is the most", maxOpenedLogs)

// ReadLog passes each line of a container's log to tell, cleaned for terminals and without
// the values of the app's Secrets, as far as they stand in a line as they are or as
// base64. It returns at the end of the log, or of ctx.
func (e *Engine) ReadLog(ctx context.Context, app name.App, of Container, request kube.LogRequest, tell func(line string)) error {
	t := e.wantedOf(app)
	if t == nil || e.Clusters.Get(t.Spec.Cluster) == nil {
		return ErrNoApp
	}
	if e.logs.Add(1) > maxOpenedLogs {
		e.logs.Add(-1)
		return ErrTooManyLogs
	}
	defer e.logs.Add(-1)
	request.Namespace, request.Pod, request.Container = of.Namespace, of.Pod, of.Name
	hide := t.Heard()
	return e.lookerOf(t).api.FollowLog(ctx, request, func(line string) { tell(hide(line)) })
}
