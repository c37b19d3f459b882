package browser

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/pushboat/pushboat/test/cluster"
	"github.com/pushboat/pushboat/test/server"
)

// world is a server with its cluster, a repository, and a browser.
type world struct {
	root    *testing.T // of the whole test
	t       *testing.T // of the step
	ctx     context.Context
	home    *server.Home
	config  *rest.Config
	client  kubernetes.Interface
	browser context.Context
	base    string // of the pages: http://127.0.0.1:1234
	repo    string // the folder of the repository

	refused string // the path of the page of a refused push

	found map[string]string // by axe-core, and where

	mu         sync.Mutex
	complaints []string // of browsers
}

func newWorld(t *testing.T) *world {
	program := findChromium(t)
	dir, err := os.MkdirTemp("", "pb-br-") //nolint:usetesting // sockets are in it: the path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	w := &world{
		root: t, t: t, ctx: context.WithoutCancel(t.Context()), home: &server.Home{Dir: dir, Programs: server.Build(t)},
		repo: filepath.Join(dir, "shop"), found: map[string]string{},
	}
	w.startCluster()
	w.must(w.home.WriteClients())
	w.must(w.home.Start([]string{"--log-level", "warn"}))
	t.Cleanup(func() { w.home.End(t) })
	address, err := os.ReadFile(w.home.Path("data", "run", "http.addr"))
	w.must(err)
	w.base = "http://" + strings.TrimSpace(string(address))
	w.browser = startChromium(t, program)
	return w
}

func (w *world) startCluster() {
	started, err := cluster.StartDevcluster(w.ctx, w.t.TempDir(), cluster.Options{})
	w.must(err)
	w.root.Cleanup(func() { _ = started.Stop() })
	w.config = started.Config
	w.client, err = kubernetes.NewForConfig(w.config)
	w.must(err)
	kubeconfig, err := os.ReadFile(started.Kubeconfig)
	w.must(err)
	w.must(os.WriteFile(w.home.Path("kubeconfig"), kubeconfig, 0o600))
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// step is a part of the test, which needs those before it.
func (w *world) step(name string, do func()) {
	ok := w.root.Run(name, func(t *testing.T) {
		w.t = t
		do()
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, complaint := range w.complaints {
			t.Error(complaint)
		}
		w.complaints = nil
	})
	if w.t = w.root; !ok {
		w.root.FailNow()
	}
}

// complain notes what a browser says of a page.
func (w *world) complain(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.complaints = append(w.complaints, text)
}

// command is a program that an operator runs in the folder of the repository.
func (w *world) command(ctx context.Context, who, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	if cmd.Dir = w.repo; !isFolder(w.repo) {
		cmd.Dir = w.home.Dir
	}
	cmd.Env = append(server.Identity(),
		"HOME="+w.home.Path("home"), "PATH="+os.Getenv("PATH"), "GIT_SSH_COMMAND=ssh -F "+w.home.Path("ssh", who))
	return cmd
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// run runs a program to its end, and returns what it said.
func (w *world) run(who, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(w.ctx, 2*within)
	defer cancel()
	cmd := w.command(ctx, who, name, args...)
	var both bytes.Buffer
	cmd.Stdout, cmd.Stderr = &both, &both
	if err := cmd.Run(); err != nil {
		return both.String(), fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, both.String())
	}
	return both.String(), nil
}

// ssh runs a verb.
func (w *world) ssh(who string, words ...string) string {
	w.t.Helper()
	said, err := w.run(who, "ssh", append([]string{"-F", w.home.Path("ssh", who), "pushboat"}, words...)...)
	w.must(err)
	return said
}

var linkText = regexp.MustCompile(`http://\S+/login/\S+`)

// link asks for a link to the pages.
func (w *world) link(who string) string {
	w.t.Helper()
	said := w.ssh(who, "web")
	link := linkText.FindString(said)
	if link == "" {
		w.t.Fatalf("the verb web said %q", said)
	}
	return link
}

// git runs git as ana.
func (w *world) git(args ...string) {
	w.t.Helper()
	_, err := w.run("ana", "git", args...)
	w.must(err)
}

// push commits what there is and pushes it, without waiting for the end, which said returns
// when it has come.
func (w *world) push(message string) (said func() (string, error)) {
	w.t.Helper()
	w.git("add", "-A")
	w.git("commit", "-q", "-m", message)
	type result struct {
		said string
		err  error
	}
	ended := make(chan result, 1)
	go func() {
		said, err := w.run("ana", "git", "push", "origin", "main")
		ended <- result{said, err}
	}()
	return func() (string, error) {
		r := <-ended
		return r.said, r.err
	}
}

// write writes files into the repository.
func (w *world) write(files map[string]string) {
	w.t.Helper()
	for name, text := range files {
		path := filepath.Join(w.repo, name)
		w.must(os.MkdirAll(filepath.Dir(path), 0o777))
		w.must(os.WriteFile(path, []byte(text), 0o666))
	}
}
