package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	// namespace is where repos/demo deploys to.
	namespace = "shop"

	// awaitWithin is how long a Deployment may take to reach the expected state. A
	// watch sees a change at once, and the schedule of repos/demo comes every minute;
	// the rest is for a busy machine.
	awaitWithin = 90 * time.Second

	// byHand is the image that somebody in a hurry puts in place of web's.
	byHand = "nginxinc/nginx-unprivileged:1.28-hotfix"
)

// cluster is the demo's own client for the API server, independent of the server's.
type cluster struct {
	client *kubernetes.Clientset
}

// kubeconfig names the file by which clients reach the cluster.
func (d *demo) kubeconfig() string { return d.path("cluster", "kubeconfig") }

// startCluster starts devcluster and asks it for its version.
func (d *demo) startCluster(ctx context.Context) error {
	if err := d.start(ctx, "devcluster", "--dir", d.path("cluster"), "--port", "0"); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", d.kubeconfig())
	if err != nil {
		return fmt.Errorf("read devcluster's kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make a client for devcluster: %w", err)
	}
	version, err := client.ServerVersion()
	if err != nil {
		return fmt.Errorf("ask devcluster for its version: %w", err)
	}
	d.cluster = &cluster{client: client}
	d.say("Kubernetes %s answers at\n%s", version.GitVersion, config.Host)
	return nil
}

// seeWhatRuns asks the server for the state of the app, and checks it with the API
// server.
func (d *demo) seeWhatRuns(ctx context.Context) error {
	if _, err := d.ssh(ctx, "status", "shop"); err != nil {
		return err
	}
	d.say("")
	for _, name := range []string{"api", "web"} {
		deployment, err := d.cluster.await(ctx, name, "", available)
		if err != nil {
			return err
		}
		d.say("The API server agrees: Deployment %s/%s, available pods: %d of %d",
			namespace, name, deployment.Status.AvailableReplicas, *deployment.Spec.Replicas)
	}
	return d.cluster.rest(ctx)
}

// editByHand does what `kubectl edit` does, watches the object, and shows the moment
// when it is as in the commit again.
func (d *demo) editByHand(ctx context.Context) error {
	before, err := d.cluster.await(ctx, "web", "", available)
	if err != nil {
		return err
	}
	want := image(before)
	edited, err := d.cluster.setImage(ctx, "web", byHand)
	if err != nil {
		return err
	}
	start := time.Now()
	d.say("Deployment shop/web: image, as manager kubectl-edit\n  %s\n  -> %s\n", want, image(edited))
	_, err = d.cluster.await(ctx, "web", edited.ResourceVersion,
		func(d *appsv1.Deployment) bool { return image(d) == want })
	if err != nil {
		return fmt.Errorf("the change by hand stayed: %w", err)
	}
	d.say("Pushboat put it back after %.1f s:\n  %s", time.Since(start).Seconds(), want)
	return nil
}

// rest checks that the objects without health exist.
func (c *cluster) rest(ctx context.Context) error {
	var errs []error
	missing := func(what string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("read %s: %w", what, err))
		}
	}
	get := metav1.GetOptions{}
	_, err := c.client.CoreV1().Services(namespace).Get(ctx, "web", get)
	missing("Service shop/web", err)
	_, err = c.client.CoreV1().Services(namespace).Get(ctx, "api", get)
	missing("Service shop/api", err)
	_, err = c.client.CoreV1().ConfigMaps(namespace).Get(ctx, "web", get)
	missing("ConfigMap shop/web", err)
	_, err = c.client.NetworkingV1().Ingresses(namespace).Get(ctx, "web", get)
	missing("Ingress shop/web", err)
	_, err = c.client.AutoscalingV2().HorizontalPodAutoscalers(namespace).Get(ctx, "web", get)
	missing("HorizontalPodAutoscaler shop/web", err)
	return errors.Join(errs...)
}

// setImage changes the live web Deployment as a person would: one field, by a patch,
// whatever else changes meanwhile.
func (c *cluster) setImage(ctx context.Context, name, image string) (*appsv1.Deployment, error) {
	patch := fmt.Sprintf(`{"spec":{"template":{"spec":{"containers":[{"name":%q,"image":%q}]}}}}`, name, image)
	d, err := c.client.AppsV1().Deployments(namespace).Patch(ctx, name,
		types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: "kubectl-edit"})
	if err != nil {
		return nil, fmt.Errorf("change Deployment %s/%s by hand: %w", namespace, name, err)
	}
	return d, nil
}

// await watches a Deployment until it is as wanted: starting at version, or at its
// current state if version is empty.
func (c *cluster) await(ctx context.Context, name, version string, wanted func(*appsv1.Deployment) bool) (*appsv1.Deployment, error) {
	ctx, cancel := context.WithTimeout(ctx, awaitWithin)
	defer cancel()
	watch, err := c.client.AppsV1().Deployments(namespace).Watch(ctx, metav1.ListOptions{
		FieldSelector:   "metadata.name=" + name,
		ResourceVersion: version,
	})
	if err != nil {
		return nil, fmt.Errorf("watch Deployment %s/%s: %w", namespace, name, err)
	}
	defer watch.Stop()
	last := "it was never seen"
	for event := range watch.ResultChan() {
		d, ok := event.Object.(*appsv1.Deployment)
		if !ok {
			continue
		}
		if wanted(d) {
			return d, nil
		}
		last = fmt.Sprintf("image %s, %d of %d pods available", image(d), d.Status.AvailableReplicas, *d.Spec.Replicas)
	}
	return nil, fmt.Errorf("waited %s for Deployment %s/%s: %s", awaitWithin, namespace, name, last)
}

// image returns the image of a Deployment's only container.
func image(d *appsv1.Deployment) string { return d.Spec.Template.Spec.Containers[0].Image }

// available reports whether all pods of a Deployment are available and of its newest
// template.
func available(d *appsv1.Deployment) bool {
	s := d.Status
	return s.ObservedGeneration == d.Generation && s.AvailableReplicas > 0 &&
		s.AvailableReplicas == *d.Spec.Replicas && s.UpdatedReplicas == *d.Spec.Replicas
}
