package main

import (
	"context"
	"fmt"
	"net"
	"os"

	"github.com/spf13/pflag"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/client-go/rest"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"
)

// serviceCIDR is the range of Services' addresses; apiServiceIP is its first.
const (
	serviceCIDR  = "10.96.0.0/16"
	apiServiceIP = "10.96.0.1"
)

// auditRules logs each request once, when it is answered, without bodies.
const auditRules = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
`

// runAPIServer serves the API on c.listener until ctx ends.
func (c *cluster) runAPIServer(ctx context.Context) error {
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	opts := options.NewServerRunOptions()
	flags, err := c.apiServerFlags()
	if err != nil {
		return err
	}
	if err := parseFlags(opts.Flags(), flags); err != nil {
		return err
	}
	opts.SecureServing.Listener = c.listener
	opts.SecureServing.ExternalAddress = net.IPv4(127, 0, 0, 1)
	if err := opts.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return fmt.Errorf("set feature gates: %w", err)
	}
	completed, err := opts.Complete(ctx)
	if err != nil {
		return fmt.Errorf("complete options: %w", err)
	}
	if errs := completed.Validate(); len(errs) > 0 {
		return fmt.Errorf("validate options: %w", utilerrors.NewAggregate(errs))
	}
	return app.Run(ctx, completed)
}

func (c *cluster) apiServerFlags() ([]string, error) {
	_, port, err := net.SplitHostPort(c.listener.Addr().String())
	if err != nil {
		return nil, fmt.Errorf("find the port: %w", err)
	}
	pki := func(name string) string { return c.state.path(pkiDir, name) }
	flags := []string{
		"--bind-address=127.0.0.1",
		"--secure-port=" + port,
		"--advertise-address=127.0.0.1",
		"--external-hostname=localhost",
		"--endpoint-reconciler-type=none",
		"--etcd-servers=unix://" + etcdSocket,
		"--etcd-count-metric-poll-period=0",
		"--etcd-db-metric-poll-interval=0",
		"--service-cluster-ip-range=" + serviceCIDR,
		"--client-ca-file=" + pki("ca.crt"),
		"--tls-cert-file=" + pki("apiserver.crt"),
		"--tls-private-key-file=" + pki("apiserver.key"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + pki("sa.pub"),
		"--service-account-signing-key-file=" + pki("sa.key"),
		"--authorization-mode=RBAC",
		// Without the node lifecycle controller, nothing would remove its taint.
		"--disable-admission-plugins=TaintNodesByCondition",
		"--allow-privileged=true",
		"--profiling=false",
	}
	if c.auditLog == "" {
		return flags, nil
	}
	policy := c.state.path(auditPolicy)
	if err := os.WriteFile(policy, []byte(auditRules), 0o600); err != nil {
		return nil, fmt.Errorf("write the audit policy: %w", err)
	}
	// Readers of the log keep their place in it, so it must never be rotated.
	return append(flags, "--audit-policy-file="+policy, "--audit-log-path="+c.auditLog, "--audit-log-maxsize=1000000"), nil
}

// parseFlags sets a component's options as its command line would.
func parseFlags(sets cliflag.NamedFlagSets, args []string) error {
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, set := range sets.FlagSets {
		all.AddFlagSet(set)
	}
	if err := all.Parse(args); err != nil {
		return fmt.Errorf("parse flags: %w", err)
	}
	return nil
}
