package upgrade

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/pushboat/pushboat/test/cluster"
	"github.com/pushboat/pushboat/test/server"
)

// leaseNamespace is the namespace of the servers' lease.
const leaseNamespace = "pushboat-lease"

// world is a cluster, two servers with one data directory, and the Service in front of
// them.
type world struct {
	t       *testing.T
	ctx     context.Context
	home    *server.Home
	client  kubernetes.Interface
	service *server.Service
	servers [2]*member // the one that leads is first
}

// member is one of the servers.
type member struct {
	*server.Process
	ssh, http string // addresses
}

func newWorld(t *testing.T) *world {
	dir, err := os.MkdirTemp("", "pb-up-") //nolint:usetesting // sockets are in it: the path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	w := &world{t: t, ctx: context.WithoutCancel(t.Context()), home: &server.Home{Dir: dir, Programs: server.Build(t)}}
	w.startCluster()
	w.must(w.home.WriteClients())
	w.service, err = server.OpenService()
	w.must(err)
	t.Cleanup(w.service.Close)
	for i := range w.servers {
		w.servers[i] = w.start()
		if i == 0 {
			w.must(w.servers[0].Serves(3 * time.Minute))
			host, port, err := net.SplitHostPort(w.service.Address())
			w.must(err)
			w.must(w.home.Point(host, port))
		}
	}
	t.Cleanup(w.end)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) startCluster() {
	started, err := cluster.StartDevcluster(w.ctx, w.t.TempDir(), cluster.Options{})
	w.must(err)
	w.t.Cleanup(func() { _ = started.Stop() })
	w.client, err = kubernetes.NewForConfig(started.Config)
	w.must(err)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: leaseNamespace}}
	_, err = w.client.CoreV1().Namespaces().Create(w.ctx, namespace, metav1.CreateOptions{})
	w.must(err)
	kubeconfig, err := os.ReadFile(started.Kubeconfig)
	w.must(err)
	w.must(os.WriteFile(w.home.Path("kubeconfig"), kubeconfig, 0o600))
}

// standingBy matches the line in which a server that stands by logs its addresses.
var standingBy = regexp.MustCompile(`standing by: .*, ssh (\S+), http ([0-9.:]+)`)

// start starts a server, and adds it to the Service when it is ready.
func (w *world) start() *member {
	w.t.Helper()
	// Here all pushers have the same address, and they all connect at once when a server
	// takes another's place.
	srv, err := w.home.Spawn([]string{
		"--lease", leaseNamespace + "/pushboat", "--ssh-relay", "127.0.0.1:0", "--ssh-max-startups-per-address", "64",
	})
	w.must(err)
	w.must(srv.Log().Await(standingBy))
	found := standingBy.FindStringSubmatch(srv.Log().Text())
	m := &member{Process: srv, ssh: found[1], http: found[2]}
	w.awaitReady(m)
	w.service.Add(m.ssh)
	return m
}

// awaitReady asks the server as the kubelet does until it is ready.
func (w *world) awaitReady(m *member) {
	w.t.Helper()
	late := time.After(3 * time.Minute)
	for {
		answer, err := http.Get("http://" + m.http + "/readyz?standbyok")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-late:
			w.t.Fatalf("the server does not become ready: %v, %v", answer, err)
		}
	}
}

// lag is how long new connections still reach a server that was asked to stop: kube-proxy
// and load balancers may need that time to know.
const lag = time.Second

// upgrade stops a server as Kubernetes does, and starts another one in its place, which
// stands by. It returns the time from the signal until the other server led.
func (w *world) upgrade(i int) (handOver time.Duration) {
	w.t.Helper()
	old, other := w.servers[i], w.servers[1-i]
	began := time.Now()
	led := w.leads(old)
	w.must(old.Ask())
	removed := time.AfterFunc(lag, func() { w.service.Remove(old.ssh) })
	defer removed.Stop()
	if led {
		w.must(other.Serves(3 * time.Minute))
		handOver = time.Since(began)
	}
	if err := old.Stop(0); err != nil {
		w.t.Fatalf("the server that was stopped: %v\n%s", err, old.Log().Text())
	}
	w.servers[i] = w.start()
	return handOver
}

// leads asks a server whether it leads.
func (w *world) leads(m *member) bool {
	w.t.Helper()
	answer, err := http.Get("http://" + m.http + "/readyz")
	w.must(err)
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

func (w *world) end() {
	for _, m := range w.servers {
		if m != nil && m.Running() {
			if err := m.Stop(syscall.SIGTERM); err != nil {
				w.t.Errorf("stop a server after the test: %v", err)
			}
		}
		if m != nil && w.t.Failed() {
			w.t.Logf("the log of the server at %s:\n%s", m.ssh, m.Log().Text())
		}
	}
}

// commandLimit is how long a program may take on a very busy machine.
const commandLimit = 5 * time.Minute

func (w *world) run(dir, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(w.ctx, commandLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(server.Identity(),
		"HOME="+w.home.Path("home"), "PATH="+os.Getenv("PATH"), "GIT_SSH_COMMAND=ssh -F "+w.home.Path("ssh", "ana"))
	var both bytes.Buffer
	cmd.Stdout, cmd.Stderr = &both, &both
	if err := cmd.Run(); err != nil {
		return both.String(), fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, both.String())
	}
	return both.String(), nil
}
