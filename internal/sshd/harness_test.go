package sshd

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"
	gossh "golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
)

// patience bounds the wait for an event that must happen, on a machine however slow.
const patience = 2 * time.Minute

// await waits for an event.
func await(t testing.TB, event <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-event:
	case <-time.After(patience):
		t.Fatalf("waited in vain for: %s", what)
	}
}

// eventually waits until ok returns true, for conditions without an event.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	late := time.After(patience)
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for !ok() {
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

// keyTable is the Keys of a test.
type keyTable struct {
	mu   sync.Mutex
	keys map[string]access.Operator
}

func (k *keyTable) Identify(key gossh.PublicKey, remote net.Addr) (access.Operator, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	op, ok := k.keys[string(key.Marshal())]
	switch {
	case !ok:
		return op, fmt.Errorf("unknown key %s", gossh.FingerprintSHA256(key))
	case !op.From.Contain(remote):
		return op, fmt.Errorf("key %s is not for this address", op.Fingerprint)
	}
	return op, nil
}

func (k *keyTable) add(key gossh.PublicKey, op access.Operator) {
	k.mu.Lock()
	defer k.mu.Unlock()
	op.Fingerprint = gossh.FingerprintSHA256(key)
	k.keys[string(key.Marshal())] = op
}

func (k *keyTable) remove(key gossh.PublicKey) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.keys, string(key.Marshal()))
}

// person is somebody with a key.
type person struct {
	signer gossh.Signer
	file   string // the file of the private key; file.pub has the public key
}

func newPerson(t testing.TB) person {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := gossh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block, err := gossh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	p := person{signer: signer, file: filepath.Join(t.TempDir(), "key")}
	for name, data := range map[string][]byte{
		p.file:          pem.EncodeToMemory(block),
		p.file + ".pub": gossh.MarshalAuthorizedKey(signer.PublicKey()),
	} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// testServer is a server that listens on the loopback interface.
type testServer struct {
	*Server
	t    testing.TB
	addr string
	keys *keyTable
	log  *logtest.Hook
	ana  person // role admin
	ben  person // role read

	served chan struct{} // closed when Serve has returned
}

// start starts a server with testCommands, after tweak has changed its configuration.
func start(t testing.TB, tweak func(*Config)) *testServer {
	t.Helper()
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	ts := &testServer{
		t: t, keys: &keyTable{keys: map[string]access.Operator{}}, log: logtest.NewLocal(logger),
		ana: newPerson(t), ben: newPerson(t), served: make(chan struct{}),
	}
	ts.keys.add(ts.ana.signer.PublicKey(), access.Operator{Name: "ana", Role: access.RoleAdmin})
	ts.keys.add(ts.ben.signer.PublicKey(), access.Operator{Name: "ben", Role: access.RoleRead})
	config := Config{
		HostKeys: []gossh.Signer{newPerson(t).signer},
		Keys:     ts.keys,
		Log:      logrus.NewEntry(logger),
		Handlers: Handlers{Git: testGit, Command: testCommands},
	}
	if tweak != nil {
		tweak(&config)
	}
	ts.serve(config)
	return ts
}

func (ts *testServer) serve(config Config) {
	ts.t.Helper()
	server, err := New(config)
	if err != nil {
		ts.t.Fatal(err)
	}
	ts.Server = server
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		ts.t.Fatal(err)
	}
	ts.addr = l.Addr().String()
	go func() {
		defer close(ts.served)
		if err := server.Serve(l); !errors.Is(err, ErrServerClosed) {
			ts.t.Errorf("Serve: %v", err)
		}
	}()
	ts.t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		server.Shutdown(ctx)
		<-ts.served
	})
}

func testGit(_ context.Context, s *Session, service, path string) int {
	fmt.Fprintf(s, "%s %q %q\n", service, path, s.GitProtocol())
	return 0
}

// flooding and flooded report that the command flood has begun, and that it has ended.
var flooding, flooded atomic.Bool

// testCommands runs the commands of the tests.
func testCommands(_ context.Context, s *Session, args []string) int {
	if len(args) == 0 {
		fmt.Fprintf(s, "hello %s\n", s.Caller().Operator)
		return 0
	}
	switch args[0] {
	case "args":
		fmt.Fprintf(s, "%q\n", args[1:])
	case "whoami":
		c := s.Caller()
		fmt.Fprintln(s, c.Operator, c.Role, c.Fingerprint)
	case "cat":
		io.Copy(s, s)
		fmt.Fprintln(s.Stderr(), "gone:", s.isGone())
	case "exit":
		code, err := strconv.Atoi(args[1])
		if err != nil {
			return 99
		}
		return code
	case "flood": // writes until the client has gone
		flooding.Store(true)
		for !s.isGone() {
			fmt.Fprintln(s, "and on")
		}
		flooded.Store(true)
	case "panic":
		panic("as asked")
	case "screen":
		return testScreen(s)
	}
	return 0
}

// dial connects as p with the Go client.
func (ts *testServer) dial(p person, more ...gossh.AuthMethod) (*gossh.Client, error) {
	return gossh.Dial("tcp", ts.addr, &gossh.ClientConfig{
		User:            "git",
		Auth:            append(more, gossh.PublicKeys(p.signer)),
		HostKeyCallback: gossh.FixedHostKey(ts.config.HostKeys[0].PublicKey()),
		Timeout:         patience,
	})
}

func (ts *testServer) client(p person) *gossh.Client {
	ts.t.Helper()
	client, err := ts.dial(p)
	if err != nil {
		ts.t.Fatal(err)
	}
	ts.t.Cleanup(func() { client.Close() })
	return client
}

func session(t testing.TB, client *gossh.Client) *gossh.Session {
	t.Helper()
	s, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// result is the result of a command: its output and exit status.
type result struct {
	stdout, stderr string
	status         int
}

// run runs a command in a new session of client.
func run(t testing.TB, client *gossh.Client, command string) result {
	t.Helper()
	s := session(t, client)
	defer s.Close()
	var stdout, stderr bytes.Buffer
	s.Stdout, s.Stderr = &stdout, &stderr
	err := s.Run(command)
	var exit *gossh.ExitError
	switch {
	case err == nil:
		return result{stdout.String(), stderr.String(), 0}
	case errors.As(err, &exit):
		return result{stdout.String(), stderr.String(), exit.ExitStatus()}
	}
	t.Fatalf("run %q: %v", command, err)
	return result{}
}

// openSSH returns the command of the real client, run as p, with options before the host
// and words after it.
func (ts *testServer) openSSH(p person, options []string, words ...string) *exec.Cmd {
	host, port, err := net.SplitHostPort(ts.addr)
	if err != nil {
		ts.t.Fatal(err)
	}
	args := []string{
		"-F", "none", "-p", port, "-l", "whoever", "-i", p.file,
		"-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "BatchMode=yes",
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
	}
	args = append(append(append(args, options...), host), words...)
	return exec.Command("ssh", args...)
}

// ssh runs the real client to its end.
func (ts *testServer) ssh(p person, options []string, stdin string, words ...string) result {
	ts.t.Helper()
	cmd := ts.openSSH(p, options, words...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		ts.t.Fatalf("run ssh: %v", err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// logged reports whether a line of the log contains the text.
func (ts *testServer) logged(text string) bool {
	for _, entry := range ts.log.AllEntries() {
		if strings.Contains(entry.Message, text) {
			return true
		}
	}
	return false
}
