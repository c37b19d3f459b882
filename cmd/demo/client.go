package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/pushboat/pushboat/repos"
	"github.com/pushboat/pushboat/test/client"
)

// operator is the pusher's name. The server names an operator by the comment of the key
// that it was started with.
const operator = "ana"

// makeKey makes the operator's key with the user's own ssh-keygen.
func (d *demo) makeKey(ctx context.Context) error {
	_, err := d.output(ctx, d.dir, "ssh-keygen",
		"-q", "-t", "ed25519", "-N", "", "-C", operator, "-f", d.path("key"))
	return err
}

// writeSSHConfig lets `ssh -F ssh_config pushboat` reach this server, and only this
// one: its host key comes from its own directory, not from the network, and the user's
// agent and configuration are not used.
func (d *demo) writeSSHConfig(ctx context.Context) error {
	addr, err := os.ReadFile(d.path("data", "run", "ssh.addr"))
	if err != nil {
		return fmt.Errorf("read where the server listens: %w", err)
	}
	host, port, ok := strings.Cut(strings.TrimSpace(string(addr)), ":")
	if !ok {
		return fmt.Errorf("the server listens at %q, which is no host:port", addr)
	}
	hostKey, err := d.output(ctx, d.dir, "ssh-keygen", "-y", "-f", d.path("data", "ssh", "host_ed25519"))
	if err != nil {
		return fmt.Errorf("read the server's host key: %w", err)
	}
	pushboat := client.Host{
		Name: "pushboat", Address: host, Port: port, User: "git", Key: d.path("key"), KnownHosts: d.path("known_hosts"),
	}
	return errors.Join(
		os.WriteFile(d.path("known_hosts"), []byte("pushboat "+hostKey+"\n"), 0o600),
		os.WriteFile(d.path("ssh_config"), []byte(pushboat.Config()), 0o600))
}

// makeRepository writes repos/demo into a new working copy and commits it. The user's
// own Git configuration stays in force, except for settings that would make a commit
// prompt.
func (d *demo) makeRepository(ctx context.Context) error {
	demo, err := repos.Demo()
	if err != nil {
		return fmt.Errorf("read repos/demo: %w", err)
	}
	if err := os.CopyFS(d.path("shop"), demo); err != nil {
		return fmt.Errorf("write the working copy: %w", err)
	}
	for _, args := range [][]string{
		{"init", "-q", "-b", "main"},
		{"config", "user.name", "Ana"},
		{"config", "user.email", "ana@example.org"},
		{"config", "commit.gpgSign", "false"},
		{"config", "core.hooksPath", ".git/hooks"},
		{"config", "core.sshCommand", "ssh -F " + quote(d.path("ssh_config"))},
		{"remote", "add", "origin", "pushboat:shop.git"},
		{"config", "branch.main.remote", "origin"},
		{"config", "branch.main.merge", "refs/heads/main"},
		{"add", "."},
		{"commit", "-q", "-m", "Open the shop"},
	} {
		if _, err := d.git(ctx, args...); err != nil {
			return err
		}
	}
	d.say("$ git ls-files")
	files, err := d.git(ctx, "ls-files")
	d.say("%s", files)
	return err
}

// push pushes main, and remembers the commit as accepted.
func (d *demo) push(ctx context.Context) error {
	if _, err := d.show(ctx, d.path("shop"), "git", "push", "origin", "main"); err != nil {
		return fmt.Errorf("the push was not accepted and deployed: %w", err)
	}
	commit, err := d.git(ctx, "rev-parse", "HEAD")
	if err != nil {
		return err
	}
	d.commit = commit
	return d.checkMain(ctx)
}

// pushMistakes pushes a misspelt field and an impossible port. The push must fail, name
// both, and leave the server's main where it was.
func (d *demo) pushMistakes(ctx context.Context) error {
	err := errors.Join(
		d.replace("deploy/web.yaml", "imagePullPolicy:", "imagePulPolicy:"),
		d.replace("deploy/api.yaml", "port: 8080\n      targetPort", "port: 70000\n      targetPort"))
	if err != nil {
		return err
	}
	if _, err := d.git(ctx, "commit", "-q", "-a", "-m", "Make two mistakes"); err != nil {
		return err
	}
	if err := d.showGit(ctx, "diff", "--unified=0", "--no-color", "HEAD~1"); err != nil {
		return err
	}
	said, err := d.show(ctx, d.path("shop"), "git", "push", "origin", "main")
	var exit *exec.ExitError
	switch {
	case err == nil:
		return errors.New("the push was accepted, mistakes and all")
	case !errors.As(err, &exit):
		return err
	}
	for _, mistake := range []string{"imagePulPolicy", "70000"} {
		if !strings.Contains(said, mistake) {
			return fmt.Errorf("the refusal does not name %s", mistake)
		}
	}
	if err := d.checkMain(ctx); err != nil {
		return err
	}
	d.say("\nThe server's main is still %.7s. Take the mistakes back:\n", d.commit)
	return d.showGit(ctx, "reset", "--hard", "HEAD~1")
}

// checkMain checks that the server's main is the accepted commit.
func (d *demo) checkMain(ctx context.Context) error {
	refs, err := d.git(ctx, "ls-remote", "origin", "refs/heads/main")
	if err != nil {
		return err
	}
	if !strings.HasPrefix(refs, d.commit) {
		return fmt.Errorf("the server's main is %q, not %s", refs, d.commit)
	}
	return nil
}

// replace replaces the single occurrence of old in a file of the working copy.
func (d *demo) replace(name, old, with string) error {
	root, err := os.OpenRoot(d.path("shop"))
	if err != nil {
		return err
	}
	data, err := fs.ReadFile(root.FS(), name)
	if err != nil {
		return errors.Join(err, root.Close())
	}
	if n := strings.Count(string(data), old); n != 1 {
		return fmt.Errorf("%s holds %q %d times, not once", name, old, n)
	}
	err = root.WriteFile(name, []byte(strings.Replace(string(data), old, with, 1)), 0o644)
	return errors.Join(err, root.Close())
}

// ssh runs a verb of the server and shows it.
func (d *demo) ssh(ctx context.Context, verb ...string) (string, error) {
	d.say("$ ssh pushboat %s", strings.Join(verb, " "))
	return d.stream(ctx, d.dir, "ssh", append([]string{"-F", d.path("ssh_config"), "pushboat"}, verb...)...)
}

// git runs git in the working copy and returns its output.
func (d *demo) git(ctx context.Context, args ...string) (string, error) {
	return d.output(ctx, d.path("shop"), "git", args...)
}

// showGit runs git in the working copy and shows it.
func (d *demo) showGit(ctx context.Context, args ...string) error {
	_, err := d.show(ctx, d.path("shop"), "git", args...)
	return err
}

// show prints a command as the user would type it, and runs it with its output
// on the terminal as it comes.
func (d *demo) show(ctx context.Context, dir, name string, args ...string) (string, error) {
	d.say("$ %s %s", name, strings.Join(args, " "))
	return d.stream(ctx, dir, name, args...)
}

// stream runs a command with its output on the terminal, and also returns the output.
func (d *demo) stream(ctx context.Context, dir, name string, args ...string) (string, error) {
	var said bytes.Buffer
	cmd := command(ctx, dir, name, args...)
	both := io.MultiWriter(d.out, &said)
	cmd.Stdout, cmd.Stderr = both, both // one writer: exec keeps the order
	if err := cmd.Run(); err != nil {
		return said.String(), fmt.Errorf("run %s %s: %w", name, strings.Join(args, " "), err)
	}
	return said.String(), nil
}

// output runs a command without showing it and returns its trimmed output; its errors
// are part of the error.
func (d *demo) output(ctx context.Context, dir, name string, args ...string) (string, error) {
	var stderr strings.Builder
	cmd := command(ctx, dir, name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("run %s %s: %w\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out)), nil
}

// command is one of the user's own programs, in the user's environment without the
// variables that would lead git to another repository. It ends with ctx.
func command(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GIT_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "LC_ALL=C", "GIT_TERMINAL_PROMPT=0")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopWithin
	return cmd
}

// quote quotes a path as one word for a shell.
func quote(path string) string {
	if filepath.Clean(path) == path && !strings.ContainsFunc(path, special) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// special reports whether r may have a special meaning to a shell.
func special(r rune) bool {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-"
	return !strings.ContainsRune(plain, r)
}
