package converge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/pushboat/pushboat/internal/deploy"
	testcluster "github.com/pushboat/pushboat/test/cluster"
	"github.com/pushboat/pushboat/test/server"
)

// world is everything that the test acts on, and what the model knows about it.
type world struct {
	t    *testing.T
	ctx  context.Context
	rand *rand.Rand // the only source of chance
	step int

	home       *server.Home
	line       *server.Line
	cluster    *testcluster.Cluster
	clusterDir string
	audit      string // folder of the API server's audit logs, one file for each of its runs; "" for none
	runs       int    // how often the API server was started
	client     dynamic.Interface
	patience   time.Duration // how long it may take until the cluster matches Git

	branches  []*branch
	running   map[string]*appState // by name, each as it should be on the cluster: as in its branch, unless it is held
	suspended map[string]bool      // names of suspended apps
	next      int                  // for names that were never used
	edits     map[place]int        // number of edits by hand, which is limited so that Pushboat sees no fight
	handed    map[place]handed     // edits by hand that stay
	scaled    map[place]int64      // replicas that were set by hand, and stay
	spent     map[place]bool       // hooks that ran and were deleted
	canaries  map[place]alien      // foreign objects, which nobody may change
	left      map[place]string     // objects that were left by an app that does not prune
	uids      map[place]string     // UIDs of the objects when the cluster last matched Git
	remade    map[place]bool       // objects that may have been deleted and recreated since
}

// handed is an edit of an object by hand.
type handed struct {
	app   string
	gone  bool
	value int
}

// alien is the identity of a foreign object when it was made.
type alien struct{ uid, version string }

// newWorld starts a cluster and a server, and makes everything that the first step needs.
func newWorld(t *testing.T, seed uint64) *world {
	w := newGround(t, seed, "")
	w.must(w.home.Start(nil))
	t.Cleanup(func() { w.home.End(t) })
	w.newBranches()
	return w
}

// newBranches makes the branches with their clones.
func (w *world) newBranches() {
	w.must(w.newBranch("one", "one", "main"))
	w.must(w.newBranch("two", "two", "main"))
	w.must(w.newBranch("side", "one", "side"))
}

// newGround starts a cluster, and makes everything that a server needs. audit is a folder
// for the API server's audit logs; "" means no log.
func newGround(t *testing.T, seed uint64, audit string) *world {
	programs := server.BuildWithRaceDetector(t)
	dir, err := os.MkdirTemp("", "pb-converge-") //nolint:usetesting // sockets are in it: the path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	w := &world{
		t: t, ctx: context.WithoutCancel(t.Context()), rand: rand.New(rand.NewPCG(seed, 0)),
		home: &server.Home{Dir: dir, Programs: programs}, clusterDir: t.TempDir(), audit: audit, patience: quietWithin,
		running: map[string]*appState{}, suspended: map[string]bool{}, edits: map[place]int{},
		handed: map[place]handed{}, scaled: map[place]int64{}, spent: map[place]bool{}, canaries: map[place]alien{},
		left: map[place]string{}, uids: map[place]string{}, remade: map[place]bool{},
	}
	w.must(w.startCluster())
	t.Cleanup(func() { _ = w.cluster.Stop() })
	w.must(w.home.WriteClients())
	config, err := server.ReadKubeconfig(w.cluster.Kubeconfig)
	w.must(err)
	w.line, err = server.OpenLine(config)
	w.must(err)
	t.Cleanup(w.line.Off)
	w.must(clientcmd.WriteToFile(*config, w.home.Path("kubeconfig")))
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("step %d: %v", w.step, err)
	}
}

// startCluster starts the cluster, or starts it again on its data. If its port is in use,
// the cluster has another port.
func (w *world) startCluster() error {
	var options testcluster.Options
	if w.audit != "" {
		w.runs++
		options.AuditLog = filepath.Join(w.audit, fmt.Sprintf("%d.log", w.runs))
	}
	started, err := testcluster.StartDevcluster(w.ctx, w.clusterDir, options)
	if err != nil {
		return err
	}
	w.cluster = started
	if w.line != nil {
		if err := w.line.Lead(w.cluster.Config.Host); err != nil {
			return err
		}
	}
	config := rest.CopyConfig(w.cluster.Config)
	config.WarningHandler = rest.NoWarnings{}
	w.client, err = dynamic.NewForConfig(config)
	return err
}

// environment is the environment of Git and ssh.
func (w *world) environment() []string {
	return append(server.Identity(),
		"HOME="+w.home.Path("home"), "PATH="+os.Getenv("PATH"), "GIT_SSH_COMMAND=ssh -F "+w.home.Path("ssh", "ana"))
}

// commandLimit is how long a program may take on a very busy machine.
const commandLimit = 5 * time.Minute

func (w *world) run(dir, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(w.ctx, commandLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, w.environment()
	var both bytes.Buffer
	cmd.Stdout, cmd.Stderr = &both, &both
	if err := cmd.Run(); err != nil {
		return both.String(), fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, both.String())
	}
	return both.String(), nil
}

func (w *world) git(dir string, args ...string) (string, error) { return w.run(dir, "git", args...) }

func (w *world) ssh(args ...string) (string, error) {
	return w.run(w.home.Dir, "ssh", append([]string{"-F", w.home.Path("ssh", "ana"), "pushboat"}, args...)...)
}

// status asks the server for the status of the apps.
func (w *world) status() ([]deploy.Status, error) {
	out, err := w.ssh("status", "-o", "json")
	if start := strings.IndexByte(out, '['); start >= 0 { // the exit status only tells that an app is not well
		var list []deploy.Status
		if json.NewDecoder(strings.NewReader(out[start:])).Decode(&list) == nil {
			return list, nil
		}
	}
	return nil, errors.Join(errors.New("status: no list"), err)
}

// name makes a name that was never used.
func (w *world) name(prefix string) string {
	w.next++
	return fmt.Sprintf("%s-%d", prefix, w.next)
}

// say logs the step in one line.
func (w *world) say(format string, args ...any) {
	w.t.Helper()
	w.t.Logf("step %d: %s", w.step, fmt.Sprintf(format, args...))
}
