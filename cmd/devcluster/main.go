// Command devcluster runs a real Kubernetes control plane in one process: etcd,
// kube-apiserver, kube-controller-manager, kube-scheduler, and KWOK, which simulates
// the nodes. Nothing runs in the pods, but everything that a client can ask the API
// server behaves as on a large cluster: Deployments roll out, Jobs complete, namespaces
// terminate, and pods fail on request (see stages/).
//
// It is for the demo and the tests, and prefers a quick start to durability: etcd does
// not fsync, so a power cut may lose data. A stop, a crash or a kill of the process
// does not.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

const usage = `usage: devcluster --dir DIR [--port N] [--audit-log FILE] [--parent-pid PID]

Runs a Kubernetes control plane on 127.0.0.1 until it gets SIGTERM or SIGINT, or
until the process that started it ends. Prints the line "ready" when the API
answers and a node is ready; DIR/kubeconfig is then the way in.

`

// settings are the command line.
type settings struct {
	dir      string
	port     int    // 0: the last one if it is free, else any
	auditLog string // "": none
	parent   int    // the process to end with; 0: none
}

func main() {
	stderr, err := keepStderr()
	if err == nil {
		err = run(os.Args[1:], os.Stdout, stderr)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(stderr, "devcluster:", err)
		os.Exit(1)
	}
}

// run starts a cluster as args say and blocks until it has stopped.
func run(args []string, stdout, stderr io.Writer) error {
	opts, err := parse(args, stderr)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := endWithParent(ctx, opts.parent, cancel); err != nil {
		return err
	}
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)

	// Keys and the unauthenticated etcd socket are for this user alone.
	syscall.Umask(0o077)
	return runCluster(ctx, opts, func() { fmt.Fprintln(stdout, "ready") })
}

func parse(args []string, stderr io.Writer) (settings, error) {
	opts := settings{parent: os.Getppid()}
	flags := flag.NewFlagSet("devcluster", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&opts.dir, "dir", "", "`DIR` for all state; made if missing, continued if it has data")
	flags.IntVar(&opts.port, "port", 0, "API server's port `N`; 0 takes the one used last time, or any free one")
	flags.StringVar(&opts.auditLog, "audit-log", "", "write the API server's audit log (Metadata level) to `FILE`")
	flags.IntVar(&opts.parent, "parent-pid", opts.parent, "stop when process `PID` ends; 0 runs on alone")
	if err := flags.Parse(args); err != nil {
		return settings{}, err
	}
	switch {
	case flags.NArg() > 0:
		return settings{}, fmt.Errorf("unexpected argument %q: run devcluster --help", flags.Arg(0))
	case opts.dir == "":
		return settings{}, errors.New("--dir is missing: name a directory for the cluster's state, for example --dir /tmp/devcluster")
	case opts.port < 0 || opts.port > 65535:
		return settings{}, fmt.Errorf("--port %d is not a port: use 1 to 65535, or 0 for any", opts.port)
	}
	return opts, opts.makeAbsolute()
}

// makeAbsolute pins the paths, because the process changes its directory (see etcd.go).
func (s *settings) makeAbsolute() (err error) {
	if s.dir, err = filepath.Abs(s.dir); err != nil {
		return fmt.Errorf("resolve --dir: %w", err)
	}
	if s.auditLog == "" || s.auditLog == "-" {
		return nil
	}
	if s.auditLog, err = filepath.Abs(s.auditLog); err != nil {
		return fmt.Errorf("resolve --audit-log: %w", err)
	}
	return nil
}
