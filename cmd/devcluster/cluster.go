package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

// stopGrace bounds how long each component may take to stop. The rest ends with the
// process; only etcd has something to lose, and it goes last.
const stopGrace = 2 * time.Second

// component is a part of the control plane that runs until its context ends.
type component struct {
	name string
	done chan struct{}
}

// cluster is a control plane being started, running or stopping.
type cluster struct {
	state    *state
	listener net.Listener
	auditLog string
	failed   chan error // the first component that ends by itself
	client   kubernetes.Interface
}

// runCluster runs a control plane until ctx ends, and calls ready once when the
// API answers and a node is ready.
func runCluster(ctx context.Context, opts settings, ready func()) error {
	tuneGC()
	state, err := openState(opts.dir)
	if err != nil {
		return err
	}
	defer state.close()
	listener, err := listen(opts.port, state.lastPort())
	if err != nil {
		return err
	}
	defer listener.Close()
	if err := state.prepare(listener.Addr().String()); err != nil {
		return err
	}
	c := &cluster{state: state, listener: listener, auditLog: opts.auditLog, failed: make(chan error, 8)}
	// Once the cluster should stop, errors do not matter.
	if err := c.run(ctx, ready); err != nil && ctx.Err() == nil {
		return fmt.Errorf("%w; see %s", err, state.path(logFile))
	}
	return nil
}

// run starts the components in order of need and stops them in reverse.
func (c *cluster) run(ctx context.Context, ready func()) error {
	etcd, err := startEtcd(c.state)
	if err != nil {
		return err
	}
	defer stopEtcd(etcd)

	// The API server outlives its clients, so that they can stop in order.
	serverCtx, stopServer := context.WithCancel(context.WithoutCancel(ctx))
	server := c.start(serverCtx, "kube-apiserver", c.runAPIServer)
	defer server.stop(stopServer)

	if c.client, err = c.adminClient(); err != nil {
		return err
	}
	if err := c.unlessFailed(ctx, c.waitForAPI); err != nil {
		return err
	}
	clientsCtx, stopClients := context.WithCancel(ctx)
	defer stopClients()
	for name, run := range map[string]func(context.Context) error{
		"kube-controller-manager": c.runControllerManager,
		"kube-scheduler":          c.runScheduler,
		"kwok":                    c.runKWOK,
	} {
		client := c.start(clientsCtx, name, run)
		defer client.stop(stopClients)
	}
	if err := c.unlessFailed(ctx, c.waitUntilReady); err != nil {
		return err
	}
	klog.Info("devcluster: ready")
	ready()
	debug.FreeOSMemory() // memory that only the start needed
	return c.wait(ctx)
}

// start runs a component in the background; an early end is reported on c.failed.
func (c *cluster) start(ctx context.Context, name string, run func(context.Context) error) *component {
	p := &component{name: name, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		err := run(ctx)
		if err == nil {
			err = errors.New("it gave no reason")
		}
		if ctx.Err() == nil {
			c.failed <- fmt.Errorf("%s stopped: %w", name, err)
		}
	}()
	return p
}

// stop ends a component's context and waits for it, within reason.
func (p *component) stop(cancel context.CancelFunc) {
	cancel()
	select {
	case <-p.done:
		klog.Infof("devcluster: %s stopped", p.name)
	case <-time.After(stopGrace):
		klog.Warningf("devcluster: %s did not stop in %s, leaving it", p.name, stopGrace)
	}
}

// wait blocks until ctx ends or a component does.
func (c *cluster) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-c.failed:
		return err
	}
}

// unlessFailed runs step, which ends early when a component does.
func (c *cluster) unlessFailed(ctx context.Context, step func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- step(ctx) }()
	select {
	case err := <-c.failed:
		return err
	case err := <-result:
		return err
	}
}

func (c *cluster) adminConfig() (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", c.state.path(kubeconfigFile))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", c.state.path(kubeconfigFile), err)
	}
	config.QPS = -1 // one's own server needs no client-side limit
	config.UserAgent = "devcluster"
	return config, nil
}

func (c *cluster) adminClient() (kubernetes.Interface, error) {
	config, err := c.adminConfig()
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}

// tuneGC trades memory for start time, unless GOGC says otherwise: most of the
// start is allocation of schemas that stay.
func tuneGC() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
}
