package main

import (
	"context"
	"fmt"

	"k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/cmd/kube-scheduler/app"
	"k8s.io/kubernetes/cmd/kube-scheduler/app/options"
)

// runScheduler assigns pods to nodes until ctx ends.
func (c *cluster) runScheduler(ctx context.Context) error {
	opts := options.NewOptions()
	flags := []string{
		"--kubeconfig=" + c.state.path(pkiDir, "scheduler.kubeconfig"),
		"--secure-port=0",
		"--leader-elect=false",
		"--kube-api-qps=1000",
		"--kube-api-burst=2000",
		"--profiling=false",
	}
	if err := parseFlags(*opts.Flags, flags); err != nil {
		return err
	}
	name, err := cache.NewInformerName("kube-scheduler")
	if err != nil {
		return fmt.Errorf("name the informers: %w", err)
	}
	opts.InformerName = name
	config, scheduler, err := app.Setup(ctx, opts)
	if err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	return app.Run(ctx, config, scheduler)
}
