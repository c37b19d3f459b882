// Package cluster finds or starts the Kubernetes API server that tests, the
// benchmarks and the demo run against: the one that PUSHBOAT_TEST_KUBECONFIG names, otherwise
// a devcluster of their own (see docs/devcluster.md).
//
// The binaries that KUBEBUILDER_ASSETS names are not used: etcd and an API server
// without controllers and nodes never finish a rollout, so that nothing which
// depends on health could be tested.
package cluster

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Variables of the environment that choose the cluster or the binary. KUBECONFIG is not one
// of them: it often names a cluster that tests must not touch.
const (
	KubeconfigEnv = "PUSHBOAT_TEST_KUBECONFIG"
	BinaryEnv     = "PUSHBOAT_DEVCLUSTER"
)

// stopWithin bounds an orderly stop, which takes about one second. Then the process is
// killed, which does not lose data either.
const stopWithin = time.Minute

// errorLimit is how many bytes of devcluster's standard error are kept.
const errorLimit = 8 << 10

// Options change how a devcluster is started. They have no effect on a cluster that
// KubeconfigEnv names.
type Options struct {
	Port     int    // API server's port on 127.0.0.1; 0 takes the directory's last port, or any
	AuditLog string // file for the audit log at level Metadata; "" for no log
}

// Cluster is a Kubernetes cluster to test against.
type Cluster struct {
	Kubeconfig string       // path of a kubeconfig with cluster-admin rights
	Config     *rest.Config // the same cluster for client-go, without a client-side rate limit
	External   bool         // named by KubeconfigEnv: its pods are real, and cannot be made to fail

	process *process // nil when External
}

// Start returns the cluster that KubeconfigEnv names. If it names none, Start starts a
// devcluster whose state is in dir, and waits until it is ready. The devcluster runs until
// Stop, the end of ctx, or the end of this process, whichever comes first.
func Start(ctx context.Context, dir string, opts Options) (*Cluster, error) {
	if path := os.Getenv(KubeconfigEnv); path != "" {
		c := &Cluster{Kubeconfig: path, External: true}
		return c, c.configure()
	}
	return StartDevcluster(ctx, dir, opts)
}

// StartDevcluster is like Start, for tests that need a devcluster whatever KubeconfigEnv
// says: to make pods fail, to count requests, or to stop the cluster.
func StartDevcluster(ctx context.Context, dir string, opts Options) (*Cluster, error) {
	binary, err := findBinary()
	if err != nil {
		return nil, err
	}
	args := []string{
		"--dir", dir,
		"--port", strconv.Itoa(opts.Port),
		"--parent-pid", strconv.Itoa(os.Getpid()),
	}
	if opts.AuditLog != "" {
		args = append(args, "--audit-log", opts.AuditLog)
	}
	p, err := startProcess(ctx, binary, args)
	if err != nil {
		return nil, fmt.Errorf("start devcluster: %w", err)
	}
	c := &Cluster{Kubeconfig: filepath.Join(dir, "kubeconfig"), process: p}
	if err := c.configure(); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// configure reads the kubeconfig.
func (c *Cluster) configure() (err error) {
	if c.Config, err = clientcmd.BuildConfigFromFlags("", c.Kubeconfig); err != nil {
		return fmt.Errorf("read kubeconfig %q: %w", c.Kubeconfig, err)
	}
	c.Config.QPS = -1
	return nil
}

// Stop ends a devcluster in good order, and waits for its end. It may be called more than
// once. An external cluster is left alone.
func (c *Cluster) Stop() error {
	if c.process == nil {
		return nil
	}
	return c.process.stop()
}

// Kill ends a devcluster at once, as a crash does, and waits for its end. The stored data
// stays: Start on the same directory continues with it.
func (c *Cluster) Kill() {
	if c.process == nil {
		return
	}
	_ = c.process.cmd.Process.Kill() // an error means that the process has ended
	<-c.process.done
}

// process is a running devcluster.
type process struct {
	cmd    *exec.Cmd
	stderr *tail
	done   chan struct{} // closed when the process has ended
	err    error         // how the process ended; set when done is closed
	once   sync.Once
}

// startProcess runs devcluster, and returns when it has reported that it is ready.
func startProcess(ctx context.Context, binary string, args []string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, binary, args...), stderr: &tail{}, done: make(chan struct{})}
	p.cmd.Stderr = p.stderr
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = stopWithin
	// devcluster has its own process group: Ctrl-C goes to the program that uses the
	// cluster, which stops devcluster when it is no longer needed.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan struct{})
	go p.watch(stdout, ready)
	select {
	case <-ready:
		return p, nil
	case <-p.done:
		return nil, errors.Join(ctx.Err(), p.failure())
	}
}

// watch closes ready when devcluster prints the line "ready", and done when the process has
// ended.
func (p *process) watch(stdout io.Reader, ready chan<- struct{}) {
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if lines.Text() == "ready" {
			close(ready)
			break
		}
	}
	_, _ = io.Copy(io.Discard, stdout)
	p.err = p.cmd.Wait()
	if p.cmd.ProcessState.Success() {
		p.err = nil // Wait also returns an error at the end of ctx
	}
	close(p.done)
}

// failure is devcluster's last output or, without output, its exit status.
func (p *process) failure() error {
	if text := strings.TrimSpace(p.stderr.String()); text != "" {
		return errors.New(strings.TrimPrefix(text, "devcluster: "))
	}
	if p.err != nil {
		return p.err
	}
	return errors.New("it ended before it was ready")
}

func (p *process) stop() error {
	p.once.Do(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // an error means that the process has ended
		timer := time.AfterFunc(stopWithin, func() { _ = p.cmd.Process.Kill() })
		defer timer.Stop()
		<-p.done
	})
	<-p.done
	if p.err != nil {
		return fmt.Errorf("stop devcluster: %w: %s", p.err, p.stderr)
	}
	return nil
}

// findBinary finds devcluster where the environment says, or in the project's bin folder.
func findBinary() (string, error) {
	if path := os.Getenv(BinaryEnv); path != "" {
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("%s: %w; unset it to use bin/devcluster", BinaryEnv, err)
		}
		return filepath.Abs(path)
	}
	root, err := projectRoot()
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, "bin", "devcluster")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("find devcluster: %w; run make devcluster, or set %s or %s", err, BinaryEnv, KubeconfigEnv)
	}
	return path, nil
}

// projectRoot is the nearest folder with a go.mod, from the current folder upwards.
func projectRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the project: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("find the project: no go.mod in this folder or above; run from the project, or set %s", BinaryEnv)
		}
		dir = parent
	}
}

// tail keeps the end of its input.
type tail struct {
	mutex sync.Mutex
	data  []byte
}

func (t *tail) Write(data []byte) (int, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.data = append(t.data, data...)
	if over := len(t.data) - errorLimit; over > 0 {
		t.data = bytes.Clone(t.data[over:])
	}
	return len(data), nil
}

func (t *tail) String() string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return string(t.data)
}
