package unions

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	testcluster "github.com/pushboat/pushboat/test/cluster"
	"github.com/pushboat/pushboat/test/server"
)

// app is the name of the app, and also of its repository and its namespace.
const app = "unions"

// pushLimit is how long a push or a verb may take on a very busy machine.
const pushLimit = 6 * time.Minute

// world is a server, its cluster, and a clone of the repository.
type world struct {
	t       *testing.T
	home    *server.Home
	cluster *testcluster.Cluster
	clone   string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "pb-unions-") //nolint:usetesting // sockets are in it: the path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	w := &world{t: t, home: &server.Home{Dir: dir, Programs: server.Build(t)}, clone: filepath.Join(dir, "clone")}
	w.cluster, err = testcluster.StartDevcluster(context.WithoutCancel(t.Context()), t.TempDir(), testcluster.Options{})
	w.must(err)
	t.Cleanup(func() { _ = w.cluster.Stop() })
	w.must(w.home.WriteClients())
	config, err := server.ReadKubeconfig(w.cluster.Kubeconfig)
	w.must(err)
	w.must(clientcmd.WriteToFile(*config, w.home.Path("kubeconfig")))
	w.must(w.home.Start(nil))
	t.Cleanup(func() { w.home.End(t) })
	w.must(os.MkdirAll(filepath.Join(w.clone, "k8s"), 0o750))
	w.write("pushboat.yaml", []byte("apps: [{name: unions, path: k8s, namespace: unions, createNamespace: true, plainSecrets: allow, timeout: 1s, onFailure: keep}]\n"))
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"remote", "add", "origin", "pushboat:" + app}} {
		_, err := w.run("git", args...)
		w.must(err)
	}
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// write writes a file of the clone.
func (w *world) write(name string, data []byte) {
	w.t.Helper()
	w.must(os.WriteFile(filepath.Join(w.clone, name), data, 0o600))
}

func (w *world) run(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), pushLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = w.clone
	cmd.Env = append(server.Identity(), "HOME="+w.home.Path("home"), "PATH="+os.Getenv("PATH"), "GIT_SSH_COMMAND=ssh -F "+w.home.Path("ssh", "ana"))
	var both bytes.Buffer
	cmd.Stdout, cmd.Stderr = &both, &both
	err := cmd.Run()
	return both.String(), errors.Join(err, ctx.Err())
}

// push commits all changes, and pushes them. Objects that do not become healthy in time
// have been applied all the same, so that only the output tells whether the push was
// refused.
func (w *world) push() string {
	w.t.Helper()
	for _, args := range [][]string{{"add", "-A"}, {"commit", "-q", "--allow-empty", "-m", "Change"}} {
		out, err := w.run("git", args...)
		w.must(wrap(out, err))
	}
	out, _ := w.run("git", "push", "origin", "HEAD:main")
	return out
}

// ssh calls a verb of the server.
func (w *world) ssh(args ...string) (string, error) {
	return w.run("ssh", append([]string{"-F", w.home.Path("ssh", "ana"), "pushboat"}, args...)...)
}

// wrap adds a program's output to its error.
func wrap(out string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w\n%s", err, out)
}
