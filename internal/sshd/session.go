package sshd

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"runtime/debug"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	gossh "golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/audit"
)

// Exit statuses that this package itself returns.
const (
	exitRefused  = 1   // the key is no longer known
	exitUsage    = 2   // the command cannot be read
	exitInternal = 255 // a handler panicked
)

// Limits on a client's requests before its command.
const (
	// maxSetup bounds the requests before the command. An OpenSSH client with SendEnv *
	// sends one for each variable it has.
	maxSetup = 256
	// maxEnvBytes bounds the values of GIT_PROTOCOL and NO_COLOR, the only variables
	// that are read.
	maxEnvBytes = 64
)

// expelTimeout is how long a client may take to read that its session ends: with the time to
// notice that its key ended, the session is over within a second. A client that
// reads needs milliseconds, unless the machine is short of time.
const expelTimeout = 700 * time.Millisecond

// gitProtocol matches the value that Git's clients send. Nothing else of the
// environment reaches programs (CVE-2024-41956). NO_COLOR stays in this one.
var gitProtocol = regexp.MustCompile(`^version=[012]$`)

// Session is one command of one client. Handlers read its input from it and write its
// output to it and to Stderr.
//
// Writing never fails, and never blocks for ever. Once the client is gone, output is
// discarded and counts as written: Git must be drained to its end even when nobody
// listens, or it hangs with the push half done. A handler that would rather stop
// watches Gone. Concurrent writes do not mix.
//
// Reading ends with io.EOF when the client has sent everything, which every Git client
// does early, or is gone.
type Session struct {
	conn    *conn
	server  *Server
	key     gossh.PublicKey
	channel gossh.Channel
	id      string

	stdout, stderr outlet

	caller   access.Caller
	address  Address
	protocol string
	terminal terminal
	keyboard keyboard

	gone     chan struct{}
	goneOnce sync.Once
}

// session serves one session channel until it is closed and its handler has returned.
func (s *Server) session(c *conn, sc *gossh.ServerConn, channel gossh.NewChannel) {
	defer c.contain("session channel")
	if refusal := c.openSession(); refusal != "" {
		channel.Reject(gossh.ResourceShortage, refusal)
		return
	}
	defer c.closeSession()
	key, err := callerKey(sc)
	if err != nil {
		channel.Reject(gossh.Prohibited, err.Error())
		return
	}
	c.keepAlive(sc)
	ch, requests, err := channel.Accept()
	if err != nil {
		return
	}
	session := newSession(s, c, key, ch)
	session.address = c.config.Advertise.or(sc.User(), c.LocalAddr())
	session.serve(requests)
}

func newSession(server *Server, c *conn, key gossh.PublicKey, channel gossh.Channel) *Session {
	s := &Session{conn: c, server: server, key: key, channel: channel, id: newID(), gone: make(chan struct{})}
	s.terminal.resized = make(chan struct{}, 1)
	s.stdout = outlet{session: s, to: channel}
	s.stderr = outlet{session: s, to: channel.Stderr()}
	return s
}

func newID() string {
	var b [5]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// serve answers the requests of the channel. While the channel is open, it never waits
// for the handler, and takes every request at once.
func (s *Session) serve(requests <-chan *gossh.Request) {
	var handler chan struct{} // closed when the handler has returned; nil: not started
	setup := 0
	for request := range requests {
		if handler != nil {
			if request.Type == "window-change" {
				s.terminal.change(request.Payload)
			}
			request.Reply(false, nil) // signals have no effect
			continue
		}
		if setup++; setup > maxSetup {
			s.conn.closeBecause("too many requests before a command")
			continue
		}
		if line, ok := s.answerSetup(request); ok {
			handler = make(chan struct{})
			go s.run(line, handler)
		}
	}
	s.setGone()
	if handler != nil {
		<-handler
	}
}

// answerSetup answers a request before the command; ok says that the request is the
// command.
func (s *Session) answerSetup(request *gossh.Request) (line string, ok bool) {
	switch request.Type {
	case "shell":
		ok = true
	case "exec":
		line, ok = readString(request.Payload)
	case "env":
		request.Reply(s.setEnv(request.Payload), nil)
		return "", false
	case "pty-req":
		// Accept it, although only the line ends differ: after a refusal, plain "ssh
		// HOST" would complain before it shows the greeting.
		s.terminal.open(request.Payload)
		request.Reply(true, nil)
		return "", false
	}
	// Refused among others: subsystem (SFTP), auth-agent-req, x11-req.
	request.Reply(ok, nil)
	return line, ok
}

func (s *Session) setEnv(payload []byte) bool {
	var env struct{ Name, Value string }
	if err := gossh.Unmarshal(payload, &env); err != nil {
		return false
	}
	if s.terminal.setEnv(env.Name, env.Value) {
		return true
	}
	if env.Name != "GIT_PROTOCOL" || len(env.Value) > maxEnvBytes || !gitProtocol.MatchString(env.Value) {
		return false
	}
	s.protocol = env.Value
	return true
}

func readString(payload []byte) (string, bool) {
	var one struct{ Value string }
	err := gossh.Unmarshal(payload, &one)
	return one.Value, err == nil
}

// run runs the command and ends the session.
func (s *Session) run(line string, done chan<- struct{}) {
	defer close(done)
	if !s.conn.startHandler() {
		return // nobody is there to be told
	}
	defer s.conn.endHandler()
	began := time.Now()
	status := s.dispatch(line)
	s.exit(status)
	s.conn.log.WithFields(logrus.Fields{
		"session":  s.id,
		"operator": s.caller.Operator,
		"key":      s.caller.Fingerprint,
		"command":  clip(line),
		"status":   status,
		"took":     time.Since(began).Round(time.Millisecond).String(),
	}).Info("ssh: session ended")
}

// dispatch finds out who is calling and for what, and calls the handler. It recovers
// from a panic there.
func (s *Session) dispatch(line string) (status int) {
	defer s.contain(&status)
	op, err := s.conn.config.Keys.Identify(s.key, s.conn.RemoteAddr())
	if err != nil { // the key was removed since the login
		s.trailKey(audit.Login, access.Caller{}, err)
		s.complain(err.Error(), hintRefused(s.key))
		return exitRefused
	}
	s.caller = op.Caller(s.conn.RemoteAddr())
	defer s.watchKey(op)() // reads the caller
	command, err := ParseCommand(s.forced(op, line))
	if err != nil {
		s.complain(err.Error(), "see the commands with: help")
		return exitUsage
	}
	ctx, cancel := context.WithCancel(s.server.work)
	defer cancel()
	if command.Service == "" {
		return s.command(ctx, command.Args)
	}
	return s.git(ctx, command)
}

// hintOtherRights is for those whose key has lost rights since the session began.
const hintOtherRights = "run it again, with the rights that the key has now"

// watchKey ends the session, as if its client had gone, when its key no longer opens the
// server for the operator with whom it began: it was removed, it has expired, it is for
// other addresses now, or it has lost rights. What was accepted from it goes on. The
// function that it returns ends the watch.
func (s *Session) watchKey(began access.Operator) (end func()) {
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer s.conn.contain("key check")
		ticker := time.NewTicker(s.conn.config.KeyCheck)
		defer ticker.Stop()
		for {
			select {
			case <-over:
				return
			case <-ticker.C:
			}
			now, err := s.conn.config.Keys.Identify(s.key, s.conn.RemoteAddr())
			if err != nil {
				s.expel(err, hintRefused(s.key))
				return
			}
			if err := began.Lost(now); err != nil {
				s.expel(err, hintOtherRights)
				return
			}
		}
	}()
	return func() {
		close(over)
		<-ended
	}
}

// expel ends the session of somebody whose key opens nothing any more, or has lost rights.
// A client that does not read is not waited for.
func (s *Session) expel(err error, hint string) {
	s.trailKey(audit.SessionEnded, s.caller, err)
	s.conn.log.WithFields(logrus.Fields{"session": s.id, "operator": s.caller.Operator, "key": s.caller.Fingerprint}).
		Warnf("ssh: session cut off: %v", err)
	told := make(chan struct{})
	go func() {
		defer close(told)
		s.stdout.shut() // what the handler draws does not cover the reason
		s.complain(err.Error(), hint)
	}()
	select {
	case <-told:
	case <-time.After(expelTimeout):
	}
	s.setGone()
	s.exit(exitRefused)
}

func (s *Session) command(ctx context.Context, args []string) int {
	defer s.conn.config.counts.command.begin()()
	if s.terminal.there {
		s.conn.beside(s.watchKeyboard)
	}
	return s.conn.config.Handlers.Command(ctx, s, args)
}

func (s *Session) git(ctx context.Context, command Command) int {
	if s.terminal.there {
		s.complain("a terminal would spoil what Git sends", "leave out -t")
		return exitUsage
	}
	defer s.conn.config.counts.git.begin()()
	return s.conn.config.Handlers.Git(ctx, s, command.Service, command.Path)
}

func (s *Session) contain(status *int) {
	if cause := recover(); cause != nil {
		s.conn.log.WithFields(logrus.Fields{"session": s.id, "stack": string(debug.Stack())}).
			Errorf("ssh: panic in handler: %v", cause)
		s.stdout.shut()
		s.complain("the server has a fault", "tell its admin the reference "+s.id)
		*status = exitInternal
	}
}

// complain writes an error in the style of Git.
func (s *Session) complain(problem, hint string) {
	fmt.Fprintf(s.Stderr(), "error: %s\nhint: %s\n", problem, hint)
}

// exit always sends the status, and closes the channel. By the status, Git tells a push
// that was cut off from one that succeeded.
func (s *Session) exit(status int) {
	if status < 0 || status > 255 {
		status = exitInternal
	}
	// A client that is gone does not receive it.
	_, _ = s.channel.SendRequest("exit-status", false, gossh.Marshal(struct{ Status uint32 }{uint32(status)}))
	s.channel.Close()
}

// setGone notes that the client is gone.
func (s *Session) setGone() { s.goneOnce.Do(func() { close(s.gone) }) }

func (s *Session) isGone() bool {
	select {
	case <-s.gone:
		return true
	default:
		return false
	}
}

// Gone is closed when the client no longer wants the output: the connection broke or
// did not answer keepalives, a write failed or made no progress for Config.IdleTimeout,
// the channel was closed (all that can be seen when a client behind a ControlMaster is
// killed), or somebody at a terminal pressed Ctrl-C and nothing reads the keys. The end of the input does not
// close it. It does not say whether work should stop: that is the handler's choice.
//
// One case cannot be seen: the client's own reader has had enough, as in "ssh HOST logs
// -f | head -1". OpenSSH reports that (eow@openssh.com) only to servers that call
// themselves OpenSSH.
func (s *Session) Gone() <-chan struct{} { return s.gone }

// Caller returns the owner of the session, by the key that they have signed with.
func (s *Session) Caller() access.Caller { return s.caller }

// Key returns the key, or the certificate, that the owner has signed with.
func (s *Session) Key() gossh.PublicKey { return s.key }

// ID names the session in the log and in messages; 10 hexadecimal digits.
func (s *Session) ID() string { return s.id }

// GitProtocol returns the value of GIT_PROTOCOL that the client asked for, "version=2",
// or "".
func (s *Session) GitProtocol() string { return s.protocol }

// Terminal reports whether the client has a terminal. Write and Stderr then end lines
// in CR LF, and there is no input to read but by Keys.
func (s *Session) Terminal() bool { return s.terminal.there }

// Read reads the input. A session with a terminal has none.
func (s *Session) Read(p []byte) (int, error) {
	if s.terminal.there || s.isGone() {
		return 0, io.EOF
	}
	return s.channel.Read(p)
}

// Write writes to the client's output. It always returns len(p), nil.
func (s *Session) Write(p []byte) (int, error) { return s.stdout.Write(p) }

// Stderr writes to the client's error output, like Write.
func (s *Session) Stderr() io.Writer { return &s.stderr }
