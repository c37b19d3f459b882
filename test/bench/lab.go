package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/pushboat/pushboat/test/cluster"
)

// lab has everything that the rows of one group share: a cluster, a server, the
// reference sshd, and the preparations of earlier rows. Below its directory:
//
//	cluster/     devcluster's state
//	audit.log    every request to the API server
//	data/        the server's state
//	plain/       bare repositories behind OpenSSH
//	work/        working copies
type lab struct {
	settings settings
	group    string
	dir      string

	cluster    *cluster.Cluster
	auditLog   string
	config     string // of the server, beside the address of its profiles
	kubeconfig string // of the server; "": the cluster's
	client     *kubernetes.Clientset
	dynamic    *dynamic.DynamicClient
	server     *server
	sshd       *sshd // nil if no sshd can run on this machine; see plainWords
	noSSHD     string
	workers    []int // numbers of workers of the raw apply, the fastest first; nil until they were tried

	app     *app             // an app of 200 objects; nil until it is deployed
	fleet   *fleet           // many apps; nil until they are deployed
	huge    *fresh           // an app of 10,000 objects; nil until it is deployed
	herd    *herd            // 10,000 apps on a simulated cluster; nil until they are deployed
	ends    []func() error   // what close stops beside, the newest last
	other   *cluster.Cluster // a second devcluster; nil until it is needed
	viewers []*viewer        // that have logged in
}

// openLab starts a cluster and a server.
func openLab(ctx context.Context, s settings, dir, group string) (_ *lab, err error) {
	l := &lab{settings: s, group: group, dir: dir, auditLog: filepath.Join(dir, "audit.log")}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	for _, sub := range []string{"work", "plain", "home"} {
		if err := os.MkdirAll(l.path(sub), 0o700); err != nil {
			return nil, err
		}
	}
	l.cluster, err = cluster.StartDevcluster(ctx, l.path("cluster"), cluster.Options{AuditLog: l.auditLog})
	if err != nil {
		return nil, err
	}
	if err := l.connect(); err != nil {
		return nil, fmt.Errorf("make clients for devcluster: %w", err)
	}
	if err := l.makeKeys(ctx); err != nil {
		return nil, err
	}
	if l.sshd, err = startSSHD(ctx, l); err != nil {
		l.noSSHD = err.Error()
	}
	if _, err := l.startServer(ctx); err != nil {
		return nil, err
	}
	return l, l.writeSSHConfig(ctx)
}

func (l *lab) path(elements ...string) string {
	return filepath.Join(append([]string{l.dir}, elements...)...)
}

// close stops everything that was started, the newest first.
func (l *lab) close() {
	var errs []error
	if l.server != nil {
		errs = append(errs, l.server.stop())
	}
	for _, end := range slices.Backward(l.ends) {
		errs = append(errs, end())
	}
	if l.sshd != nil {
		errs = append(errs, l.sshd.stop())
	}
	if l.cluster != nil {
		errs = append(errs, l.cluster.Stop())
	}
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
	}
}
