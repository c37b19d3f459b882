package rights

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/test/server"
)

// kubeconfig names a cluster that does not exist. No cell needs one: pushes are stored with
// -o skip, and rights are checked before the cluster is used.
const kubeconfig = `apiVersion: v1
kind: Config
clusters: [{name: away, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: away, user: {token: none}}]
contexts: [{name: away, context: {cluster: away, user: away}}]
current-context: away
`

// world is a server with the callers and the repositories of the matrix.
type world struct {
	t       *testing.T
	home    *server.Home
	callers []caller
	signers map[string]ssh.Signer // by name of the caller
	clients map[string]*ssh.Client
}

func newWorld(t *testing.T) *world {
	dir, err := os.MkdirTemp("", "pb-ri-") //nolint:usetesting // sockets are in it: the path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	w := &world{
		t: t, home: &server.Home{Dir: dir, Programs: server.Build(t)}, callers: allCallers(),
		signers: map[string]ssh.Signer{}, clients: map[string]*ssh.Client{},
	}
	w.must(w.home.WriteClients())
	w.must(os.WriteFile(w.home.Path("kubeconfig"), []byte(kubeconfig), 0o600))
	w.writeKeys()
	w.must(w.home.Start([]string{"--log-level", "warn"}))
	t.Cleanup(func() { w.home.End(t) })
	w.writeRules()
	w.fill(own)
	w.fill(other)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// writeKeys makes the callers' keys, and writes a key file for some of the callers. The
// first caller's key is the server's --admin-key.
func (w *world) writeKeys() {
	var lines strings.Builder
	for _, c := range w.callers {
		_, private, err := ed25519.GenerateKey(nil)
		w.must(err)
		if c.name == "ana" {
			w.signers[c.name] = w.readKey(w.home.Path("ssh", "ana.key"))
			continue
		}
		w.signers[c.name], err = ssh.NewSignerFromKey(private)
		w.must(err)
		if c.file {
			lines.WriteString(c.line(w.publicKey(c.name)))
		}
	}
	w.must(os.WriteFile(w.home.Path("keys"), []byte(lines.String()), 0o600))
}

func (w *world) readKey(file string) ssh.Signer {
	text, err := os.ReadFile(file)
	w.must(err)
	signer, err := ssh.ParsePrivateKey(text)
	w.must(err)
	return signer
}

// publicKey returns a key as "TYPE BASE64".
func (w *world) publicKey(name string) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(w.signers[name].PublicKey())))
}

// git runs git with ana's key.
func (w *world) git(dir string, args ...string) string {
	w.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), append(server.Identity(), "HOME="+w.home.Path("home"), "GIT_SSH_COMMAND=ssh -F "+w.home.Path("ssh", "ana"))...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// writeRules pushes the operators who are in no key file, and their rules.
func (w *world) writeRules() {
	dir := w.home.Path("rules")
	w.git(w.home.Dir, "clone", "-q", "pushboat:"+rules, dir)
	access, err := os.ReadFile(filepath.Join(dir, "access.yaml"))
	w.must(err)
	text := string(access)
	for _, c := range w.callers {
		if c.file {
			continue
		}
		text += c.rule()
		w.must(os.WriteFile(filepath.Join(dir, "operators", c.name+".yaml"), fmt.Appendf(nil, "keys: [%q]\n", w.publicKey(c.name)), 0o600))
	}
	w.must(os.WriteFile(filepath.Join(dir, "access.yaml"), []byte(text), 0o600))
	w.git(dir, "add", "-A")
	w.git(dir, "commit", "-q", "-m", "Write the rules of the matrix")
	w.git(dir, "push", "-q", "origin", "main")
}

// appOf is the name of a repository's app.
func appOf(repo string) string { return repo + "-app" }

// live is a branch of the caller that deploys, and does not exist yet.
func live(c caller) string { return "live/" + c.name }

// fill pushes a repository with an app on main, and one for each caller on a branch that
// does not exist yet. Nothing is deployed.
func (w *world) fill(repo string) {
	dir := w.home.Path(repo)
	w.git(w.home.Dir, "init", "-q", dir)
	w.git(dir, "remote", "add", "origin", "pushboat:"+repo)
	apps := fmt.Sprintf("apps:\n  - {name: %s, path: %s, namespace: %s}\n", appOf(repo), appPath, repo)
	for i, c := range w.callers {
		apps += fmt.Sprintf("  - {name: %s-%d, path: %s, branch: %s, namespace: %s}\n", repo, i, appPath, live(c), repo)
	}
	w.must(os.WriteFile(filepath.Join(dir, "pushboat.yaml"), []byte(apps), 0o600))
	w.must(os.Mkdir(filepath.Join(dir, appPath), 0o700))
	w.must(os.WriteFile(filepath.Join(dir, settingsFile), []byte(settings(0)), 0o600))
	w.git(dir, "add", "-A")
	w.git(dir, "commit", "-q", "-m", "Deploy settings")
	w.git(dir, "push", "-q", "-o", "skip", "origin", "main")
}

const settingsFile = appPath + "/settings.yaml"

// settings is the content of a file of the app.
func settings(n int) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {content: \"%d\"}\n", n)
}

// commits makes a branch of n commits after HEAD, each with another content of a file. It
// returns them, with HEAD first.
func (w *world) commits(dir, branch, file string, n int) []string {
	var stream strings.Builder // see git-fast-import(1)
	from := w.git(dir, "rev-parse", "HEAD")
	all := []string{from}
	for i := range n {
		text := settings(i+1) + "# " + branch + "\n"
		fmt.Fprintf(&stream, "commit refs/heads/%s\nmark :%d\ncommitter Ana <ana@example.org> 1700000000 +0000\ndata %d\n%s\n", branch, i+1, len(branch), branch)
		if i == 0 {
			fmt.Fprintf(&stream, "from %s\n", from)
		}
		fmt.Fprintf(&stream, "M 100644 inline %s\ndata %d\n%s\n", file, len(text), text)
	}
	script := w.home.Path("commits")
	w.must(os.WriteFile(script, []byte(stream.String()), 0o600))
	w.git(dir, "-c", "alias.import=!git fast-import --quiet <"+script, "import")
	return append(all, strings.Fields(w.git(dir, "rev-list", "--reverse", from+".."+branch))...)
}

// client returns the connection of a caller. All sessions of the caller share it.
func (w *world) client(c caller) *ssh.Client {
	if w.clients[c.name] != nil {
		return w.clients[c.name]
	}
	address, err := os.ReadFile(w.home.Path("data", "run", "ssh.addr"))
	w.must(err)
	client, err := ssh.Dial("tcp", strings.TrimSpace(string(address)), &ssh.ClientConfig{
		User: "git", Auth: []ssh.AuthMethod{ssh.PublicKeys(w.signers[c.name])}, Timeout: time.Minute,
		HostKeyCallback: ssh.FixedHostKey(w.readKey(w.home.Path("data", "ssh", "host_ed25519")).PublicKey()),
	})
	if err != nil {
		w.t.Fatalf("%s: log in: %v", c.name, err)
	}
	w.clients[c.name] = client
	return client
}

// hangUp ends the connection of a caller.
func (w *world) hangUp(c caller) {
	if client := w.clients[c.name]; client != nil {
		_ = client.Close()
	}
	delete(w.clients, c.name)
}

// answer is the result of a session.
type answer struct {
	out, err string
	status   int // -1: the session had none
}

// run runs a verb, without input.
func run(client *ssh.Client, words string) (a answer, err error) {
	session, err := client.NewSession()
	if err != nil {
		return a, err
	}
	defer session.Close()
	var out, complaint bytes.Buffer
	session.Stdout, session.Stderr = &out, &complaint
	err = session.Run(words)
	if exit := (*ssh.ExitError)(nil); errors.As(err, &exit) {
		a.status, err = exit.ExitStatus(), nil
	}
	if missing := (*ssh.ExitMissingError)(nil); errors.As(err, &missing) || errors.Is(err, io.EOF) {
		a.status, err = -1, nil
	}
	a.out, a.err = out.String(), complaint.String()
	return a, err
}
