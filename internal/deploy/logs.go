package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

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
	tree, ok := e.Tree(ctx, app)
	t := e.wantedOf(app)
	if !ok || t == nil || e.Clusters[t.Spec.Cluster] == nil {
		return nil, ErrNoApp
	}
	nodes := tree.Objects
	if object != "" {
		is, err := e.podOrObject(ctx, object, t.Spec.Cluster)
		if err != nil {
			return nil, err
		}
		if nodes = find(nodes, is); len(nodes) == 0 {
			return nil, fs.ErrNotExist
		}
	}
	var list []Container
	as := e.callerOf(t)
	for _, pod := range Pods(nodes) {
		names, err := as.api.Containers(ctx, pod.ID.Namespace, pod.ID.Name, container)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			list = append(list, Container{pod.ID.Namespace, pod.ID.Name, name})
		}
		if len(list) > MaxLogs {
			break
		}
	}
	if len(list) == 0 && len(tree.Partial) > 0 {
		return nil, errors.New(tree.Partial[0])
	}
	return list, nil
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
	if t == nil || e.Clusters[t.Spec.Cluster] == nil {
		return ErrNoApp
	}
	if e.logs.Add(1) > maxOpenedLogs {
		e.logs.Add(-1)
		return ErrTooManyLogs
	}
	defer e.logs.Add(-1)
	request.Namespace, request.Pod, request.Container = of.Namespace, of.Pod, of.Name
	hide := t.redacter()
	return e.callerOf(t).api.FollowLog(ctx, request, func(line string) { tell(hide(line)) })
}

// redacter removes the values of the target's Secrets from a text.
func (t *target) redacter() func(string) string {
	var values []string
	for _, o := range t.Objects {
		values = append(values, o.SecretValues()...)
	}
	return manifest.NewRedacter(values)
}
