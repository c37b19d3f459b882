package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"strings"
	"syscall"
	"time"
)

// sshd is OpenSSH's server, run as an ordinary process of this user on 127.0.0.1. Its one
// key may run git-shell. It is the reference of the Git rows.
type sshd struct {
	cmd  *exec.Cmd
	port string
	user string
}

// startSSHD starts an sshd. Its error says why none can run on this machine. (As root, sshd
// also needs the user sshd and the directory /run/sshd.)
func startSSHD(ctx context.Context, l *lab) (*sshd, error) {
	program, err := findProgram("sshd")
	if err != nil {
		return nil, err
	}
	shell, err := findProgram("git-shell")
	if err != nil {
		return nil, err
	}
	me, err := user.Current()
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(l.path("key.pub"))
	if err != nil {
		return nil, err
	}
	// A start file of the user's shell would add to the time of the reference: bash runs
	// one when sshd starts it as a first shell.
	config := fmt.Sprintf(`ListenAddress 127.0.0.1
Port %s
HostKey %s
AuthorizedKeysFile %s
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AcceptEnv GIT_PROTOCOL
PrintMotd no
UseDNS no
SetEnv HOME=%s SHLVL=2
`, port, l.path("plain_host_key"), l.path("plain_keys"), l.path("home"))
	grant := fmt.Sprintf("restrict,command=\"exec %s -c \\\"$SSH_ORIGINAL_COMMAND\\\"\" %s", shell, key)
	if err := errors.Join(
		os.WriteFile(l.path("sshd_config"), []byte(config), 0o600),
		os.WriteFile(l.path("plain_keys"), []byte(grant), 0o600)); err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, program, "-t", "-f", l.path("sshd_config")).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("sshd cannot run: %s", strings.TrimSpace(string(out)))
	}
	cmd := exec.Command(program, "-D", "-f", l.path("sshd_config"), "-E", l.path("sshd.log"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &sshd{cmd: cmd, port: port, user: me.Username}
	return s, s.await(ctx)
}

// findProgram looks for a program in PATH, and in the folders where distributions install
// servers.
func findProgram(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin/", "/usr/local/sbin/", "/usr/lib/git-core/"} {
		if _, err := os.Stat(dir + name); err == nil {
			return dir + name, nil
		}
	}
	return "", fmt.Errorf("no %s on this machine", name)
}

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, errors.Join(err, listener.Close())
}

// await returns when the sshd accepts connections.
func (s *sshd) await(ctx context.Context) error {
	for range 100 {
		conn, err := net.Dial("tcp", "127.0.0.1:"+s.port)
		if err == nil {
			return conn.Close()
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.Join(errors.New("sshd does not listen"), s.stop())
}

func (s *sshd) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop sshd: %w", err)
	}
	_ = s.cmd.Wait() // the signal ends it, and the error says so
	return nil
}
