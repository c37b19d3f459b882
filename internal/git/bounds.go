package git

// The share of the machine of a clone, and of a push until its gate, and the ends of
// them. A pack of 3 kB can hold deltas that make gigabytes of work, and whoever
// reads may ask for a history again and again.

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

// Bounds is what Git may take.
type Bounds struct {
	Time   time.Duration // without a byte of the client's, at most; see patience
	CPU    time.Duration // of each process, in whole seconds
	Memory int64         // of each process, in bytes (RLIMIT_DATA); 0: no bound
	File   int64         // the largest file that is written, in bytes; 0: no bound
}

// What Git may take by default. Measured on one core, index-pack takes 11 s for a
// pack of 352 MB (1.9 GB of source in 127,000 objects), and 3.8 s for one of 5.7 MB
// that is nearly all history (800 MB of source, 140 times as much as the pack): its
// processor time grows with what a pack inflates to. A pack of the latter kind, of
// the 512 MiB that may be sent by default, would take 6 min.
const (
	defaultMaxCPU  = 30 * time.Minute
	defaultTimeout = 30 * time.Minute
)

// What a push has of Timeout: so much, and more for each byte of its pack, 5 times
// what index-pack takes for nearly all history. A bomb of a few kB is not worked
// at for half an hour.
const (
	pushTime        = 2 * time.Minute
	pushTimePerByte = 3500 * time.Nanosecond
)

// first is how long patience is at first, before any byte has come.
func (b Bounds) first(service Service) time.Duration {
	if service.Writes() {
		return min(pushTime, b.Time)
	}
	return b.Time
}

const (
	// maxIndexThreads bounds the threads that resolve the deltas of one push. Each
	// has a cache of 96 MiB (core.deltaBaseCacheLimit), and Git would start as many
	// as twenty.
	maxIndexThreads = 4
	// tablesMemory is for those caches, and for a pack's lists of objects.
	tablesMemory = 1 << 30
	// tablesFile is for an index of many small objects.
	tablesFile = 256 << 20
)

// boundsOf returns what Git may take to serve one request. In memory a push has the
// delta, its base and its result, each at most MaxPush (GIT_ALLOC_LIMIT), and as much
// to spare; 2.1 times the object were measured. On disk it has its pack, with the
// bases that a thin pack leaves out and Git adds. What a clone takes of memory depends
// on what was let in, and on pack.windowMemory.
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
	stop     func() // has Git stopped
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

// bytePrice is the time that a byte of the client's buys. A client that is slower
// than 1 kB/s uses up its patience; one that sends a byte now and then, for which
// nobody waits, does not hold Git for ever.
const bytePrice = time.Millisecond

// patience is how long Git may go on without a byte of its client's. It begins with
// the first call of heard. A client may take its time before that: git push is
// silent while it packs, and Git sleeps meanwhile.
type patience struct {
	first, limit time.Duration // at first, and at most

	mu    sync.Mutex
	total int       // bytes heard
	until time.Time // zero: has not begun
	timer *time.Timer
}

func newPatience(first, limit time.Duration) *patience {
	p := &patience{first: first, limit: limit, timer: time.NewTimer(limit)}
	p.timer.Stop()
	return p
}

// heard notes n bytes of the client's.
func (p *patience) heard(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.total += n
	p.until = extend(p.until, now, n, grown(p.first, p.limit, p.total))
	p.timer.Reset(p.until.Sub(now))
}

// grown is the patience with a client that has sent so many bytes.
func grown(first, limit time.Duration, total int) time.Duration {
	if total > int(limit/pushTimePerByte) {
		return limit
	}
	return min(first+time.Duration(total)*pushTimePerByte, limit)
}

// full is how long patience lasts, given the bytes that came.
func (p *patience) full() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return grown(p.first, p.limit, p.total)
}

// over is sent to when patience is at its end.
func (p *patience) over() <-chan time.Time { return p.timer.C }

func (p *patience) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer.Stop()
}

// extend returns until when to wait after n bytes.
func extend(until, now time.Time, n int, limit time.Duration) time.Time {
	latest := now.Add(limit)
	if bought := until.Add(time.Duration(n) * bytePrice); !until.IsZero() && bought.Before(latest) {
		return bought
	}
	return latest
}

// heardReader and heardWriter tell patience of what goes through them.
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

// died is how Git says that the kernel has ended a process that it had started
// (wait_or_whine in run-command.c). The line means nothing to a client.
var died = regexp.MustCompile(`(?m)^error: [^\n]+ died of signal (\d+)\n`)

// deaths passes on what Git says, but for the lines that tell of a bound; these it
// notes.
type deaths struct {
	to io.Writer

	mu    sync.Mutex
	cause Cause // the first one
}

func (d *deaths) Write(p []byte) (int, error) {
	rest := p
	if line := died.FindSubmatchIndex(p); line != nil { // Git writes a line at once
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

// of returns the bound that ended Git itself or a process of its; "" if none did.
func (d *deaths) of(cmd *exec.Cmd) Cause {
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		d.note(causeOf(status.Signal()))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cause
}

// causeOf tells the bounds that the kernel holds from other signals.
func causeOf(signal syscall.Signal) Cause {
	switch signal {
	case syscall.SIGXCPU:
		return OverCPU
	case syscall.SIGXFSZ:
		return OverFile
	}
	return ""
}
