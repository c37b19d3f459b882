package git

// Limits on the resources of a clone, and of a push until its gate. A pack of 3 kB can
// hold deltas that cause gigabytes of work, and a reader may ask for a history again
// and again.

import (
	"bytes"
	"context"
	"io"
	"os/exec"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Bounds are the limits for Git.
type Bounds struct {
	Time   time.Duration // without a byte from the client, at most; see patience
	CPU    time.Duration // of each process, in whole seconds
	Memory int64         // of each process, in bytes (RLIMIT_DATA); 0: no bound
	File   int64         // the largest file that is written, in bytes; 0: no bound
}

// The default limits. Measured on one core, index-pack takes 11 s for a pack of 352 MB
// (1.9 GB of source in 127,000 objects), and 3.8 s for one of 5.7 MB that is nearly all
// history (800 MB of source, 140 times the size of the pack): its processor time grows
// with the inflated size. A pack of the latter kind, of the 512 MiB that may be sent by
// default, would take 6 min.
const (
	defaultMaxCPU  = 30 * time.Minute
	defaultTimeout = 30 * time.Minute
)

// The part of Timeout for a push: a fixed time, and more for each byte of its pack, 5
// times the time that index-pack takes for nearly all history. So a bomb of a few kB
// does not get half an hour.
const (
	pushTime        = 2 * time.Minute
	pushTimePerByte = 3500 * time.Nanosecond
)

// first returns the initial patience, before any byte has come.
func (b Bounds) first(service Service) time.Duration {
	if service.Writes() {
		return min(pushTime, b.Time)
	}
	return b.Time
}

const (
	// maxIndexThreads bounds the threads that resolve the deltas of one push. Each has
	// a cache of 96 MiB (core.deltaBaseCacheLimit), and Git would start as many as
	// twenty.
	maxIndexThreads = 4
	// tablesMemory is for those caches, and for a pack's lists of objects.
	tablesMemory = 1 << 30
	// tablesFile is for an index of many small objects.
	tablesFile = 256 << 20
)

// boundsOf returns the limits for one request. In memory, a push has the delta, its
// base and its result, each at most MaxPush (GIT_ALLOC_LIMIT), and as much to spare;
// 2.1 times the object were measured. On disk it has its pack, with the bases that a
// thin pack leaves out and Git adds. The memory of a clone depends on the accepted
// content, and on pack.windowMemory.
func (o StoreOptions) boundsOf(service Service) Bounds {
	b := Bounds{Time: o.Timeout, CPU: o.MaxCPU}
	if service.Writes() {
		b.Memory = tablesMemory + 4*o.MaxPush
		b.File = tablesFile + 4*o.MaxPush
	}
	return b
}

// watcher ends Git for one of the causes.
type watcher struct {
	gate     *Gate
	gone     <-chan struct{}
	patience *patience
	stop     func() // stops Git
}

// run watches until Git has ended (ctx), the push is judged or Git is stopped.
func (w *watcher) run(ctx context.Context) {
	defer w.patience.end()
	var cause Cause
	select {
	case <-ctx.Done():
		return
	case <-w.gate.begun:
		return
	case <-w.gone:
		cause = ClientGone
	case <-w.patience.over():
		cause = OverTime
	}
	if w.gate.stop(cause) {
		w.stop()
	}
}

// bytePrice is the time that a byte from the client adds. A client that is slower than
// 1 kB/s uses up its patience, and one that sends a byte now and then cannot hold Git
// for ever.
const bytePrice = time.Millisecond

// patience is the time that Git may go on without a byte from its client. It begins
// with the first call of heard. Before that a client may take any time: git push is
// silent while it packs, and Git sleeps meanwhile.
type patience struct {
	first, limit time.Duration // initial, and maximum

	mu    sync.Mutex
	total int       // bytes heard
	until time.Time // zero: not begun
	timer *time.Timer
}

func newPatience(first, limit time.Duration) *patience {
	p := &patience{first: first, limit: limit, timer: time.NewTimer(limit)}
	p.timer.Stop()
	return p
}

// heard notes n bytes from the client.
func (p *patience) heard(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.total += n
	p.until = extend(p.until, now, n, grown(p.first, p.limit, p.total))
	p.timer.Reset(p.until.Sub(now))
}

// grown returns the patience with a client that has sent so many bytes.
func grown(first, limit time.Duration, total int) time.Duration {
	if total > int(limit/pushTimePerByte) {
		return limit
	}
	return min(first+time.Duration(total)*pushTimePerByte, limit)
}

// full returns the length of the patience, given the bytes that came.
func (p *patience) full() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return grown(p.first, p.limit, p.total)
}

// over receives when the patience ends.
func (p *patience) over() <-chan time.Time { return p.timer.C }

func (p *patience) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer.Stop()
}

// extend returns the time until which to wait after n bytes.
func extend(until, now time.Time, n int, limit time.Duration) time.Time {
	latest := now.Add(limit)
	if bought := until.Add(time.Duration(n) * bytePrice); !until.IsZero() && bought.Before(latest) {
		return bought
	}
	return latest
}

// heardReader and heardWriter report the bytes that pass through them to patience.
type heardReader struct {
	io.Reader
	heard func(n int)
}

func (r heardReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.heard(n)
	return n, err
}

type heardWriter struct {
	io.Writer
	heard func(n int)
}

func (w heardWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.heard(n)
	return n, err
}

// died matches Git's message that the kernel has ended a process that it had started
// (wait_or_whine in run-command.c). The line means nothing to a client.
var died = regexp.MustCompile(`(?m)^error: [^\n]+ died of signal (\d+)\n`)

// deaths passes Git's messages on, except lines about a limit, which it notes.
type deaths struct {
	to io.Writer

	mu    sync.Mutex
	cause Cause // the first one
}

func (d *deaths) Write(p []byte) (int, error) {
	rest := p
	if line := died.FindSubmatchIndex(p); line != nil { // Git writes a line in one call
		number, _ := strconv.Atoi(string(p[line[2]:line[3]]))
		if cause := causeOf(syscall.Signal(number)); cause != "" {
			d.note(cause)
			rest = bytes.Join([][]byte{p[:line[0]], p[line[1]:]}, nil)
		}
	}
	if len(rest) > 0 {
		if _, err := d.to.Write(rest); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func (d *deaths) note(cause Cause) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cause == "" {
		d.cause = cause
	}
}

// of returns the limit that ended Git itself or one of its processes; "" if none did.
func (d *deaths) of(cmd *exec.Cmd) Cause {
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		d.note(causeOf(status.Signal()))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cause
}

// causeOf tells the kernel's limits from other signals.
func causeOf(signal syscall.Signal) Cause {
	switch signal {
	case syscall.SIGXCPU:
		return OverCPU
	case syscall.SIGXFSZ:
		return OverFile
	}
	return ""
}
