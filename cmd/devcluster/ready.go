package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	"k8s.io/klog/v2"
)

// nodeCount is enough to see a DaemonSet roll out and replicas spread.
const nodeCount = 3

// waitForAPI waits until the API server answers. There is no event for that, even in
// the same process, so it polls.
func (c *cluster) waitForAPI(ctx context.Context) error {
	return wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		_, err := c.client.CoreV1().Namespaces().Get(ctx, metav1.NamespaceDefault, metav1.GetOptions{})
		return err == nil || apierrors.IsNotFound(err), ctx.Err()
	})
}

// waitUntilReady creates the nodes and the storage class, and waits until a node is
// ready, the default namespace admits pods, and the API server calls itself ready.
func (c *cluster) waitUntilReady(ctx context.Context) error {
	klog.Info("devcluster: the API server answers")
	for i := range nodeCount {
		if err := c.createNode(ctx, fmt.Sprintf("node-%d", i+1)); err != nil {
			return err
		}
	}
	if err := c.createStorageClass(ctx); err != nil {
		return err
	}
	if err := c.waitForNode(ctx, "node-1"); err != nil {
		return fmt.Errorf("wait for a node: %w", err)
	}
	klog.Info("devcluster: a node is ready")
	if err := c.waitForServiceAccount(ctx); err != nil {
		return fmt.Errorf("wait for the default service account: %w", err)
	}
	klog.Info("devcluster: the default service account is there")
	return c.waitForReadyz(ctx)
}

// waitForReadyz waits until the API server has created the objects of a new cluster.
func (c *cluster) waitForReadyz(ctx context.Context) error {
	return wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		err := c.client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
		return err == nil, ctx.Err()
	})
}

func (c *cluster) createNode(ctx context.Context, name string) error {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name: name,
		Labels: map[string]string{
			corev1.LabelArchStable: "amd64",
			corev1.LabelOSStable:   "linux",
			corev1.LabelHostname:   name,
		},
	}}
	_, err := c.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("make node %s: %w", name, err)
	}
	return nil
}

// createStorageClass creates the default class, whose claims stages/pvc-bind.yaml
// serves.
func (c *cluster) createStorageClass(ctx context.Context) error {
	class := &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{
			Name:        "standard",
			Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"},
		},
		Provisioner: "devcluster.pushboat.io/volume",
	}
	_, err := c.client.StorageV1().StorageClasses().Create(ctx, class, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("make storage class %s: %w", class.Name, err)
	}
	return nil
}

func (c *cluster) waitForNode(ctx context.Context, name string) error {
	list := cache.NewListWatchFromClient(c.client.CoreV1().RESTClient(), "nodes", "",
		fields.OneTermEqualSelector("metadata.name", name))
	return until(ctx, list, &corev1.Node{}, func(object runtime.Object) bool {
		node, _ := object.(*corev1.Node)
		for _, condition := range node.Status.Conditions {
			if condition.Type == corev1.NodeReady {
				return condition.Status == corev1.ConditionTrue
			}
		}
		return false
	})
}

func (c *cluster) waitForServiceAccount(ctx context.Context) error {
	list := cache.NewListWatchFromClient(c.client.CoreV1().RESTClient(), "serviceaccounts",
		metav1.NamespaceDefault, fields.OneTermEqualSelector("metadata.name", "default"))
	return until(ctx, list, &corev1.ServiceAccount{}, func(runtime.Object) bool { return true })
}

// until watches list until an object of it satisfies done.
func until(ctx context.Context, list cache.ListerWatcher, kind runtime.Object, done func(runtime.Object) bool) error {
	_, err := watchtools.UntilWithSync(ctx, list, kind, nil, func(event watch.Event) (bool, error) {
		return event.Type != watch.Deleted && done(event.Object), nil
	})
	return err
}
