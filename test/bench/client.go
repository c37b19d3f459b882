package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/pushboat/pushboat/test/client"
)

// The names of the two servers in ssh_config, and of the remotes in git.
const (
	ours  = "pushboat"
	plain = "plain"
)

// makeKeys makes the operator's key, and the host key of the reference sshd.
func (l *lab) makeKeys(ctx context.Context) error {
	for _, name := range []string{"key", "plain_host_key"} {
		if _, err := l.run(ctx, l.dir, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f", l.path(name)); err != nil {
			return err
		}
	}
	return nil
}

// writeSSHConfig writes the configuration with which ssh reaches both servers in the same
// way.
func (l *lab) writeSSHConfig(ctx context.Context) error {
	addr, err := os.ReadFile(l.path("data", "run", "ssh.addr"))
	if err != nil {
		return fmt.Errorf("read where the server listens: %w", err)
	}
	hostKey, err := l.run(ctx, l.dir, "ssh-keygen", "-y", "-f", l.path("data", "ssh", "host_ed25519"))
	if err != nil {
		return err
	}
	known := ours + " " + hostKey
	_, port, _ := strings.Cut(strings.TrimSpace(string(addr)), ":")
	config := l.host(ours, port, "git").Config()
	if l.sshd != nil {
		key, err := os.ReadFile(l.path("plain_host_key.pub"))
		if err != nil {
			return err
		}
		known += plain + " " + string(key)
		config += l.host(plain, l.sshd.port, l.sshd.user).Config()
	}
	return errors.Join(
		os.WriteFile(l.path("known_hosts"), []byte(known), 0o600),
		os.WriteFile(l.path("ssh_config"), []byte(config), 0o600))
}

func (l *lab) host(name, port, user string) client.Host {
	return client.Host{Name: name, Address: "127.0.0.1", Port: port, User: user, Key: l.path("key"), KnownHosts: l.path("known_hosts")}
}

// env is the environment of every client program: it uses the configuration of the
// benchmark, and no other.
func (l *lab) env() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + l.path("home"), "LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_SSH_COMMAND=ssh -F " + l.path("ssh_config"),
		"GIT_AUTHOR_NAME=Bench", "GIT_AUTHOR_EMAIL=bench@example.org",
		"GIT_COMMITTER_NAME=Bench", "GIT_COMMITTER_EMAIL=bench@example.org",
		"KUBECONFIG=" + l.cluster.Kubeconfig,
	}
}

// run runs a client program to its end. The program's output is part of the error.
func (l *lab) run(ctx context.Context, dir, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = dir, l.env()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// verb runs one of the server's verbs.
func (l *lab) verb(ctx context.Context, words ...string) (string, error) {
	return l.run(ctx, l.dir, "ssh", append([]string{"-F", l.path("ssh_config"), ours}, words...)...)
}

// workingCopy is a working copy with two remotes: repositories of the same name on both
// servers.
type workingCopy struct {
	lab  *lab
	name string
	dir  string
}

// workingCopy makes a working copy that has the files as its first commit.
func (l *lab) workingCopy(ctx context.Context, name string, files map[string]string) (*workingCopy, error) {
	w := &workingCopy{lab: l, name: name, dir: l.path("work", name)}
	bare := l.path("plain", name+".git")
	if _, err := l.run(ctx, l.dir, "git", "init", "-q", "--bare", bare); err != nil {
		return nil, err
	}
	if _, err := l.run(ctx, l.dir, "git", "init", "-q", "-b", "main", w.dir); err != nil {
		return nil, err
	}
	url := bare // without an sshd, git's local transport takes its place
	if l.sshd != nil {
		url = plain + ":" + bare
	}
	for remote, url := range map[string]string{ours: ours + ":" + name, plain: url} {
		if _, err := w.git(ctx, "remote", "add", remote, url); err != nil {
			return nil, err
		}
	}
	for path, text := range files {
		if err := w.write(path, text); err != nil {
			return nil, err
		}
	}
	return w, w.commit(ctx, "Begin")
}

func (w *workingCopy) git(ctx context.Context, args ...string) (string, error) {
	return w.lab.run(ctx, w.dir, "git", args...)
}

func (w *workingCopy) write(path, text string) error {
	path = filepath.Join(w.dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o600)
}

func (w *workingCopy) commit(ctx context.Context, message string) error {
	if _, err := w.git(ctx, "add", "-A"); err != nil {
		return err
	}
	_, err := w.git(ctx, "-c", "gc.auto=0", "commit", "-q", "-m", message)
	return err
}

// push pushes main, and returns the time from the start to the end of the git process.
func (w *workingCopy) push(ctx context.Context, remote string) (time.Duration, error) {
	start := time.Now()
	_, err := w.git(ctx, "push", remote, "main")
	return time.Since(start), err
}

// plainWords describes the plain remote.
func (l *lab) plainWords() string {
	if l.sshd != nil {
		return "through OpenSSH's sshd and git-shell"
	}
	return "to a local directory, WITHOUT ssh (" + l.noSSHD + ")"
}
