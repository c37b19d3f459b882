package git

// One run of Git for a client, from its start to its verdict.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// outputGraceFactor times KillDelay is the time that a client has to accept the last of
// git's output (at most a pipe of 64 KiB) once git has exited.
const outputGraceFactor = 6

// serving is a run of Git for one request.
type serving struct {
	opts     StoreOptions
	req      ServeRequest
	bounds   Bounds
	cmd      *exec.Cmd
	pipe     io.WriteCloser // to Git
	words    io.Reader      // from the client, for Git
	patience *patience
	deaths   *deaths
}

// prepare makes Git ready to start.
func (r *Repository) prepare(req ServeRequest) (*serving, error) {
	if req.Gate == nil {
		req.Gate = NewGate()
	}
	req = r.opts.counts.counted(req)
	bounds := r.opts.boundsOf(req.Service)
	s := &serving{
		opts: r.opts, req: req, bounds: bounds, patience: newPatience(bounds.first(req.Service), bounds.Time),
		cmd: r.opts.command(r.dir, r.serveEnv(req), r.serveArgs(req)),
	}
	s.cmd.WaitDelay = outputGraceFactor * r.opts.KillDelay
	var err error
	s.pipe, err = s.cmd.StdinPipe()
	s.connect()
	return s, err
}

// connect joins the client's three streams to Git. The patience with a push begins with
// its pack, since only then is Git at work; with a clone it begins at once.
func (s *serving) connect() {
	stderr := s.req.Stderr
	if s.req.Service.Writes() {
		s.cmd.Stdout, stderr = &stickyWriter{to: s.req.Talk.offer(s.req.Stdout)}, &stickyWriter{to: stderr}
		s.words = s.req.Talk.listen(s.req.Stdin, s.patience.heard)
	} else {
		s.cmd.Stdout = heardWriter{s.req.Stdout, s.patience.heard}
		s.words = heardReader{s.req.Stdin, s.patience.heard}
		s.patience.heard(0)
	}
	s.deaths = &deaths{to: stderr}
	s.cmd.Stderr = s.deaths
}

// attend feeds Git and waits for its end, which comes early if the client disconnects
// or a limit is reached before the gate. It returns the error of exec.Cmd.Wait.
func (s *serving) attend(ctx context.Context) error {
	s.limit()
	running, stop := context.WithCancel(ctx)
	defer stop()
	done := s.opts.stopWith(running, s.cmd)
	watcher := &watcher{gate: s.req.Gate, gone: s.req.Gone, patience: s.patience, stop: stop}
	var watching sync.WaitGroup
	watching.Go(func() { watcher.run(running) })
	fed := make(chan struct{})
	go func() { // not waited for: see ServeRequest.Stdin
		defer close(fed)
		feed(s.pipe, s.words)
	}()
	err := s.cmd.Wait()
	s.hearOut(running, fed)
	done()
	stop()
	watching.Wait()
	return err
}

// lastWords is the time that a client which asks for nothing has to end its input.
const lastWords = 5 * time.Second

// hearOut waits for the end of the input of a client that has asked for no ref to be moved. Git has
// ended with the flush after the empty list; the client writes its push options behind that (git,
// send-pack.c), and would die of SIGPIPE if the session were over.
func (s *serving) hearOut(ctx context.Context, fed <-chan struct{}) {
	if talk := s.req.Talk; talk == nil || !talk.Began() || talk.Asks() || !s.cmd.ProcessState.Success() {
		return
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		<-fed
		_, _ = io.Copy(io.Discard, s.words)
	}()
	late := time.NewTimer(lastWords)
	defer late.Stop()
	select {
	case <-ended:
	case <-late.C:
	case <-s.req.Gone:
	case <-ctx.Done():
	}
}

// limit makes the kernel enforce the limits, from before Git gets any input until the
// push is judged.
func (s *serving) limit() {
	pid := s.cmd.Process.Pid
	tell := func(err error) {
		if err != nil { // forbidden by a sandbox, say: the time limit still holds
			s.opts.Log.WithError(err).Warn("git serves without limits of the kernel")
		}
	}
	tell(s.bounds.impose(pid))
	s.req.Gate.bind(func() { tell(lift(pid)) })
}

// killed reports whether Git was ended by a signal.
func (s *serving) killed() bool {
	return s.cmd.ProcessState != nil && s.cmd.ProcessState.ExitCode() < 0
}

// verdict tells Git's verdict from everything else that Wait reports: a client that is
// gone is not our error.
func (s *serving) verdict(ctx context.Context, err error) (int, error) {
	status := s.cmd.ProcessState.ExitCode()
	if status < 0 || errors.Is(err, exec.ErrWaitDelay) {
		signalGroup(s.cmd, syscall.SIGKILL) // children that git did not wait for
	}
	if ctx.Err() != nil {
		return 128, fmt.Errorf("git was stopped: %w", ctx.Err())
	}
	if cause := s.deaths.of(s.cmd); cause != "" {
		s.req.Gate.stop(cause)
		status = -1
	}
	if status >= 0 {
		return status, nil
	}
	if cause := s.req.Gate.Stopped(); cause != "" {
		return 128, &StoppedError{Cause: cause, Bounds: s.bounds, Waited: s.patience.full()}
	}
	return 128, nil // killed by a signal: SIGPIPE when a reader is gone
}

// feed copies the client's bytes to git and then closes the pipe. It ends when git
// does, or at the latest when the caller closes from.
func feed(git io.WriteCloser, from io.Reader) {
	_, _ = io.Copy(git, from) // git judges its input; a broken pipe is its exit
	_ = git.Close()
}

// stickyWriter writes until the first error and discards everything after it, so that
// git's pipe is drained even when the client is gone.
type stickyWriter struct {
	to   io.Writer
	gone atomic.Bool
}

func (w *stickyWriter) Write(p []byte) (int, error) {
	if !w.gone.Load() {
		if _, err := w.to.Write(p); err != nil {
			w.gone.Store(true)
		}
	}
	return len(p), nil
}
