package cluster

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestRestartKeepsData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := start(t, dir, Options{})
	before := kubeconfig(t, first)
	s := &space{client: clientOf(t, first), name: "default"}
	s.deploy(t, "web", nil)
	s.awaitAvailable(t, "web")
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	awaitUnlocked(t, dir)

	second := start(t, dir, Options{})
	if kubeconfig(t, second) != before {
		t.Error("the kubeconfigs of the first and the second run differ")
	}
	s.client = clientOf(t, first) // the credentials of the first run still work
	s.awaitAvailable(t, "web")
	_, err := s.client.AppsV1().Deployments(s.name).Patch(t.Context(), "web", "application/merge-patch+json",
		[]byte(`{"spec": {"replicas": 3}}`), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	await(t, s.list(s.client.AppsV1().RESTClient(), "deployments", "web"), &appsv1.Deployment{},
		func(d *appsv1.Deployment) bool { return d.Status.AvailableReplicas == 3 })
}

// kubeconfig returns the content of the cluster's kubeconfig, in short, and checks its
// mode.
func kubeconfig(t *testing.T, c *Cluster) string {
	t.Helper()
	info, err := os.Stat(c.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the kubeconfig has mode %s, want 0600", info.Mode())
	}
	data, err := os.ReadFile(c.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(data))
}

func TestTwoSideBySide(t *testing.T) {
	t.Parallel()
	one := client(t)
	log := filepath.Join(t.TempDir(), "audit.log")
	other := start(t, t.TempDir(), Options{AuditLog: log})
	other.Config.UserAgent = "side-by-side"
	two := clientOf(t, other)
	name := newSpace(t).name
	_, err := two.CoreV1().Namespaces().Get(t.Context(), name, metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("the second cluster's answer about a namespace of the first is %v, want not found", err)
	}
	if _, err := one.CoreV1().Namespaces().Get(t.Context(), name, metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
	// The audit log is written before a request is answered.
	entry := `"requestURI":"/api/v1/namespaces/` + name + `","verb":"get"`
	if lines := linesWith(t, log, entry, `"userAgent":"side-by-side"`, `"level":"Metadata"`); lines != 1 {
		t.Errorf("the audit log has %d lines for one request, want 1", lines)
	}
}

// linesWith counts the lines of a file that contain all of texts.
func linesWith(t *testing.T, path string, texts ...string) int {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
lines:
	for line := range strings.Lines(string(data)) {
		for _, text := range texts {
			if !strings.Contains(line, text) {
				continue lines
			}
		}
		count++
	}
	return count
}

func TestDirectoryInUse(t *testing.T) {
	t.Parallel()
	client(t)
	_, err := StartDevcluster(t.Context(), shared.dir, Options{})
	want := fmt.Sprintf("in use by another devcluster (process %d)", shared.cluster.process.cmd.Process.Pid)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Start gives error %v, want %q", err, want)
	}
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	client(t)
	_, err := StartDevcluster(t.Context(), t.TempDir(), Options{Port: port(t, shared.cluster)})
	if err == nil || !strings.Contains(err.Error(), "is in use: pick another --port") {
		t.Errorf("error %v, want one that says that the port is in use", err)
	}
}

func port(t *testing.T, c *Cluster) int {
	t.Helper()
	host, err := url.Parse(c.Config.Host)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(host.Port())
	if err != nil {
		t.Fatal(err)
	}
	return number
}

func TestStopsWhenAskedWhileItStarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		awaitFile(ctx, filepath.Join(dir, "kubeconfig")) // devcluster writes the kubeconfig before it starts etcd
		cancel()
	}()
	if _, err := StartDevcluster(ctx, dir, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Start gives error %v, want that it was cancelled", err)
	}
	awaitUnlocked(t, dir)
}

// awaitFile waits until a file exists, or ctx ends.
func awaitFile(ctx context.Context, path string) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(path); err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func TestStops(t *testing.T) {
	t.Parallel()
	signal := func(s os.Signal) func(*Cluster, func()) error {
		return func(c *Cluster, _ func()) error { return c.process.cmd.Process.Signal(s) }
	}
	for name, stop := range map[string]func(*Cluster, func()) error{
		"on SIGTERM":              signal(syscall.SIGTERM),
		"on SIGINT":               signal(os.Interrupt),
		"at the end of a context": func(_ *Cluster, cancel func()) error { cancel(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c, err := StartDevcluster(ctx, t.TempDir(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			// A watch is open, as a client in use always has one.
			open, err := clientOf(t, c).CoreV1().Pods("").Watch(context.WithoutCancel(ctx), metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer open.Stop()
			if err := stop(c, cancel); err != nil {
				t.Fatal(err)
			}
			checkStopped(t, c)
		})
	}
}

// checkStopped waits for the end of a devcluster that was asked to stop.
func checkStopped(t *testing.T, c *Cluster) {
	t.Helper()
	select {
	case <-c.process.done:
	case <-time.After(stopWithin):
		t.Fatalf("devcluster still runs after %s", stopWithin)
	}
	if err := c.Stop(); err != nil {
		t.Errorf("devcluster ended with %v, want no error", err)
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port(t, c)))
	if connection, err := net.Dial("tcp", address); err == nil {
		connection.Close()
		t.Error("a process still listens on the port")
	}
	if text := c.process.stderr.String(); text != "" {
		t.Errorf("devcluster wrote %q to standard error, want nothing", text)
	}
}

func TestEndsWithItsParent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentEnv+"="+dir)
	parent.Stderr = os.Stderr
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || line != "started\n" {
		t.Fatalf("the parent printed %q, with error %v", line, err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// The parent's exit status is not collected yet: the parent is dead although the system
	// still lists it.
	awaitUnlocked(t, dir)
	_ = parent.Wait()
}

// beParent starts a devcluster and waits until it is killed.
func beParent(dir string) {
	if _, err := StartDevcluster(context.Background(), dir, Options{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("started")
	select {}
}

// awaitUnlocked waits until no devcluster runs on dir: each holds a lock there while it
// runs.
func awaitUnlocked(t *testing.T, dir string) {
	t.Helper()
	lock, err := os.Open(filepath.Join(dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	free := make(chan error, 1)
	go func() { free <- syscall.Flock(int(lock.Fd()), syscall.LOCK_EX) }()
	select {
	case err := <-free:
		lock.Close()
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(patience):
		t.Fatalf("a devcluster still runs on %s", dir)
	}
}

func TestFindBinary(t *testing.T) {
	t.Setenv(BinaryEnv, filepath.Join(t.TempDir(), "missing"))
	if _, err := findBinary(); err == nil || !strings.Contains(err.Error(), "unset it to use bin/devcluster") {
		t.Errorf("error %v, want one that says what to do", err)
	}
	t.Setenv(BinaryEnv, "")
	root := t.TempDir()
	t.Chdir(root)
	if _, err := findBinary(); err == nil || !strings.Contains(err.Error(), "no go.mod") {
		t.Errorf("outside of the project, the error is %v", err)
	}
	if err := os.WriteFile("go.mod", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := findBinary(); err == nil || !strings.Contains(err.Error(), "run make devcluster") {
		t.Errorf("before devcluster is built, the error is %v, want one that says how to build it", err)
	}
}

func TestExternalCluster(t *testing.T) {
	client(t)
	t.Setenv(KubeconfigEnv, shared.cluster.Kubeconfig)
	c, err := Start(t.Context(), filepath.Join(t.TempDir(), "unused"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !c.External {
		t.Error("a cluster named by KubeconfigEnv is not external")
	}
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
	namespaces := clientOf(t, c).CoreV1().Namespaces()
	if _, err := namespaces.Get(t.Context(), corev1.NamespaceDefault, metav1.GetOptions{}); err != nil {
		t.Errorf("the external cluster does not answer after Stop: %v", err)
	}
	t.Setenv(KubeconfigEnv, filepath.Join(t.TempDir(), "missing"))
	if _, err := Start(t.Context(), t.TempDir(), Options{}); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("for a missing kubeconfig, the error is %v", err)
	}
}
