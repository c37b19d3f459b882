package server

import (
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/test/client"
)

// operators are the people in the tests, with the roles of their keys. The server does not
// know eve's key.
var operators = []struct{ name, role string }{
	{"ana", "admin"}, {"dora", "deploy"}, {"pit", "push"}, {"rea", "read"}, {"eve", ""},
}

// Identity is an environment in which Git works the same for everybody: it uses no other
// configuration.
func Identity() []string {
	return []string{
		"LC_ALL=C", "TZ=UTC", "GIT_TERMINAL_PROMPT=0",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_COUNT=1",
		"GIT_CONFIG_KEY_0=init.defaultBranch", "GIT_CONFIG_VALUE_0=main",
		"GIT_AUTHOR_NAME=Ana", "GIT_AUTHOR_EMAIL=ana@example.org",
		"GIT_COMMITTER_NAME=Ana", "GIT_COMMITTER_EMAIL=ana@example.org",
	}
}

// asProgram runs git or ssh with an operator's key. It is a program so that exec can run
// it, also in the background.
const asProgram = `#!/bin/sh
# as OPERATOR COMMAND [ARGUMENTS]: ssh goes to the server, git by that ssh.
operator=$1 program=$2
shift 2
export GIT_SSH_COMMAND="ssh -F $PB/ssh/$operator"
case $program in
ssh) exec ssh -F "$PB/ssh/$operator" pushboat "$@" ;;
*) exec "$program" "$@" ;;
esac
`

// WriteClients writes each operator's key, the server's key file, and the program as.
func (h *Home) WriteClients() error {
	for _, dir := range []string{"bin", "home", "ssh"} {
		if err := os.Mkdir(h.Path(dir), 0o700); err != nil {
			return err
		}
	}
	var known strings.Builder
	for _, o := range operators {
		line, err := h.writeKey(o.name)
		if err != nil {
			return fmt.Errorf("make the key of %s: %w", o.name, err)
		}
		if o.role != "" && o.role != "admin" {
			fmt.Fprintf(&known, "role=%q %s\n", o.role, line)
		}
	}
	return errors.Join(
		os.WriteFile(h.Path("keys"), []byte(known.String()), 0o600),
		os.WriteFile(h.Path("bin", "as"), []byte(asProgram), 0o700))
}

// writeKey writes a key pair to PB/ssh/NAME.key and NAME.key.pub, and returns the line of
// the public key.
func (h *Home) writeKey(name string) (string, error) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return "", err
	}
	block, err := ssh.MarshalPrivateKey(private, name)
	if err != nil {
		return "", err
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return "", err
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) + " " + name
	return line, errors.Join(
		os.WriteFile(h.Path("ssh", name+".key"), pem.EncodeToMemory(block), 0o600),
		os.WriteFile(h.Path("ssh", name+".key.pub"), []byte(line+"\n"), 0o600))
}

// Point makes every operator's ssh connect to a server of this folder at the given address.
// A server must have started before, because it makes the host key.
func (h *Home) Point(host, port string) error {
	data, err := os.ReadFile(h.Path("data", "ssh", "host_ed25519"))
	if err != nil {
		return fmt.Errorf("read the server's host key: %w", err)
	}
	hostKey, err := ssh.ParsePrivateKey(data)
	if err != nil {
		return fmt.Errorf("parse the server's host key: %w", err)
	}
	known := append([]byte("pushboat "), ssh.MarshalAuthorizedKey(hostKey.PublicKey())...)
	errs := []error{os.WriteFile(h.Path("ssh", "known_hosts"), known, 0o600)}
	for _, o := range operators {
		pushboat := client.Host{
			Name: "pushboat", Address: host, Port: port, User: "git", Key: h.Path("ssh", o.name+".key"), KnownHosts: h.Path("ssh", "known_hosts"),
		}
		errs = append(errs, os.WriteFile(h.Path("ssh", o.name), []byte(pushboat.Config()), 0o600))
	}
	return errors.Join(errs...)
}
