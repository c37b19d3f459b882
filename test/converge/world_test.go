package converge

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/pushboat/pushboat/internal/deploy"
	testcluster "github.com/pushboat/pushboat/test/cluster"
	"github.com/pushboat/pushboat/test/server"
)

// world is all that the test acts on, and what it knows of it.
type world struct {
	t    *testing.T
	ctx  context.Context
	rand *rand.Rand // the only source of chance
	step int

	home       *server.Home
	line       *server.Line
	cluster    *testcluster.Cluster
	clusterDir string
	client     dynamic.Interface

	repos    map[string]*repository
	next     int             // for names that were never there
	edits    map[place]int   // by hand, so that no object is fought over
	canaries map[place]alien // objects that are nobody's to touch
	left     map[place]string
	uids     map[place]string // of what was there when all was as Git says
	remade   map[place]bool   // what may have been deleted and made again since
}

// alien is an object as it was made by hand.
type alien struct{ uid, version string }

// repository is a repository of the server, and a clone of it.
type repository struct {
	name   string
	dir    string
	states map[string]*state // by commit
	wanted string            // the commit that the branch is at, or is to be brought to
}

func (w *world) state(repo string) *state {
	r := w.repos[repo]
	return r.states[r.wanted]
}

// newWorld starts a cluster and a server, and makes what is there before the
// first step.
func newWorld(t *testing.T, seed uint64) *world {
	programs := server.Build(t)
	dir, err := os.MkdirTemp("", "pb-converge-") //nolint:usetesting // sockets are in it: the path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	w := &world{
		t: t, ctx: context.WithoutCancel(t.Context()), rand: rand.New(rand.NewPCG(seed, 0)),
		home: &server.Home{Dir: dir, Programs: programs}, clusterDir: t.TempDir(),
		repos: map[string]*repository{}, edits: map[place]int{}, canaries: map[place]alien{}, left: map[place]string{},
		uids: map[place]string{}, remade: map[place]bool{},
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
	w.must(w.home.Start(nil))
	t.Cleanup(func() { w.home.End(t) })
	for _, name := range []string{"one", "two"} {
		w.must(w.newRepository(name))
	}
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("step %d: %v", w.step, err)
	}
}

// startCluster starts the cluster, or starts it again where it was.
func (w *world) startCluster() (err error) {
	if w.cluster, err = testcluster.StartDevcluster(w.ctx, w.clusterDir, testcluster.Options{}); err != nil {
		return err
	}
	config := rest.CopyConfig(w.cluster.Config)
	config.WarningHandler = rest.NoWarnings{}
	w.client, err = dynamic.NewForConfig(config)
	return err
}

func (w *world) newRepository(name string) error {
	r := &repository{name: name, dir: w.t.TempDir(), states: map[string]*state{}}
	w.repos[name] = r
	for _, args := range [][]string{
		{"init", "-q"},
		{"remote", "add", "origin", "pushboat:" + name},
	} {
		if _, err := w.git(r.dir, args...); err != nil {
			return err
		}
	}
	return nil
}

// environment is what Git and ssh see.
func (w *world) environment() []string {
	return append(server.Identity(),
		"HOME="+w.home.Path("home"), "PATH="+os.Getenv("PATH"), "GIT_SSH_COMMAND=ssh -F "+w.home.Path("ssh", "ana"))
}

// commandLimit is how long a program may take on a machine that is very busy.
const commandLimit = 2 * time.Minute

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

// status asks the server how the apps are.
func (w *world) status() ([]deploy.Status, error) {
	out, err := w.ssh("status", "-o", "json")
	if start := strings.IndexByte(out, '['); start >= 0 { // the exit status only says that all is not well
		var list []deploy.Status
		if json.NewDecoder(strings.NewReader(out[start:])).Decode(&list) == nil {
			return list, nil
		}
	}
	return nil, errors.Join(errors.New("status: no list"), err)
}

// head is the commit of the server's branch.
func (w *world) head(repo string) (string, error) {
	out, err := w.git(w.home.Dir, "--git-dir", w.bare(repo), "rev-parse", "refs/heads/main")
	return strings.TrimSpace(out), err
}

func (w *world) bare(repo string) string { return w.home.Path("data", "repos", repo+".git") }

// commit makes a state the newest commit of the clone, on top of what is wanted.
func (w *world) commit(repo string, s *state) string {
	r := w.repos[repo]
	w.must(s.write(r.dir))
	_, err := w.git(r.dir, "add", "-A")
	w.must(err)
	_, err = w.git(r.dir, "commit", "-q", "--allow-empty", "-m", fmt.Sprintf("Step %d", w.step))
	w.must(err)
	out, err := w.git(r.dir, "rev-parse", "HEAD")
	w.must(err)
	hash := strings.TrimSpace(out)
	r.states[hash] = s
	return hash
}

// confirmation is the hint of a push that deletes much.
var confirmation = regexp.MustCompile(`push with -o (confirm-prune=\d+)`)

// push pushes the clone, and confirms deletions if that is asked for.
func (w *world) push(repo string, options ...string) (string, error) {
	args := []string{"push"}
	for _, o := range options {
		args = append(args, "-o", o)
	}
	out, err := w.git(w.repos[repo].dir, append(args, "origin", "HEAD:refs/heads/main")...)
	if asked := confirmation.FindStringSubmatch(out); err != nil && asked != nil && !strings.Contains(strings.Join(options, " "), "confirm") {
		return w.push(repo, append(options, asked[1])...)
	}
	return out, err
}

// change makes a state wanted by a push that must be accepted.
func (w *world) change(repo string, s *state, options ...string) {
	w.t.Helper()
	hash := w.commit(repo, s)
	w.mustPush(repo, hash, options...)
	w.accept(repo, hash)
}

// mustPush pushes a commit that must be accepted. Whether its deploy then ends
// well the first time depends on what else is going on; that it does in the end,
// converge sees.
func (w *world) mustPush(repo, hash string, options ...string) {
	w.t.Helper()
	out, err := w.push(repo, options...)
	if head, _ := w.head(repo); head != hash {
		w.t.Fatalf("step %d: the push was not accepted: %v", w.step, err)
	}
	if err != nil {
		w.t.Logf("step %d: the first deploy of it did not end well:\n%s", w.step, out)
	}
}

// accept notes that a commit is what Git says now.
func (w *world) accept(repo, hash string) {
	r := w.repos[repo]
	if r.wanted != "" {
		w.noteLeft(r.states[r.wanted], r.states[hash])
	}
	r.wanted = hash
}

// noteLeft notes what stays on the cluster, since its app does not prune.
func (w *world) noteLeft(before, after *state) {
	for _, a := range before.apps {
		for _, o := range a.objects {
			w.left[a.place(o)] = a.name
		}
	}
	for _, a := range after.apps {
		for _, o := range a.objects {
			delete(w.left, a.place(o))
		}
	}
	for p, name := range w.left {
		a := after.app(name)
		if before.app(name) != nil && a == nil && before.app(name).prune || a != nil && a.prune {
			delete(w.left, p)
		}
	}
}

// pushAmid begins to push the clone, and makes something happen at a line that
// the pusher sees, or at the end if there are not as many.
func (w *world) pushAmid(repo string, line int, happens func(pusher *os.Process)) {
	cmd := exec.Command("git", "push", "-o", "confirm-prune=0", "origin", "HEAD:refs/heads/main")
	cmd.Dir, cmd.Env = w.repos[repo].dir, w.environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StderrPipe()
	w.must(err)
	w.must(cmd.Start())
	late := time.AfterFunc(commandLimit, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer late.Stop()
	lines := bufio.NewScanner(out)
	for range line {
		if !lines.Scan() {
			break
		}
	}
	happens(cmd.Process)
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait() // how it ends depends on what has happened
}

// settle pushes a commit until Git has it: a push that was cut short may go on
// for a while after its client is gone.
func (w *world) settle(repo, hash string) {
	w.t.Helper()
	var last string
	late := time.After(quietWithin)
	for again := time.NewTicker(200 * time.Millisecond); ; {
		out, _ := w.push(repo)
		if head, _ := w.head(repo); head == hash {
			again.Stop()
			break
		}
		last = out
		select {
		case <-again.C:
		case <-late:
			w.t.Fatalf("step %d: %s of %s can not be pushed:\n%s", w.step, hash, repo, last)
		}
	}
	w.accept(repo, hash)
}

// name makes a name that was never there.
func (w *world) name(prefix string) string {
	w.next++
	return fmt.Sprintf("%s-%d", prefix, w.next)
}

// say logs the step in one line.
func (w *world) say(format string, args ...any) {
	w.t.Helper()
	w.t.Logf("step %d: %s", w.step, fmt.Sprintf(format, args...))
}

// leftovers are files in a repository of something that was not brought to its end.
func (w *world) leftovers(repo string) []string {
	var found []string
	for _, pattern := range []string{"*.lock", "refs/*/*.lock", "refs/pushboat/*/*.lock", "objects/tmp_objdir-*", "objects/*/tmp_obj_*"} {
		paths, _ := filepath.Glob(filepath.Join(w.bare(repo), pattern))
		found = append(found, paths...)
	}
	return found
}
