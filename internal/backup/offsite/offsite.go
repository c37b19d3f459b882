// Package offsite keeps backups in a bucket by a schedule: full ones with increments
// between them. It deletes old ones.
//
// What is due, what a backup goes on from and which ones go are functions of what is in the
// bucket (decide.go). The bucket alone knows: a server that is started anew, or restored
// from one of the backups, goes on as the one before it. Each server has a folder of its
// own there, after its id. So one that begins with an empty directory, under the same
// settings, takes nobody's backups for its own and deletes none.
package offsite

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/backup"
	"github.com/pushboat/pushboat/internal/backup/bucket"
)

// Schedule says when a backup is due. Those of robfig/cron do.
type Schedule interface {
	// Next is the first time after t, or zero if there is none.
	Next(t time.Time) time.Time
}

// Config says which backups are kept, and where.
type Config struct {
	To         bucket.Address // of this server alone
	Open       func() (*bucket.Bucket, error)
	Schedule   Schedule
	Recipients backup.Recipients // they can decrypt the backups
	Increments int               // at most, between two full ones
	KeepLast   int               // full ones, with those that go on from them
	KeepFor    time.Duration     // all younger ones are kept as well
}

// Source is the data to back up. backup.Source is one.
type Source interface {
	Write(ctx context.Context, w io.Writer, req backup.Request) (backup.Summary, error)
	Kept(id string) (*backup.Base, error)
	IDs() ([]string, error)
}

// Keeper makes backups when they are due.
type Keeper struct {
	source Source
	fence  func() error // an error once another server has this one's place
	log    *logrus.Entry
	now    func() time.Time

	changed chan struct{}      // has one when the configuration is another
	asked   chan chan<- answer // from Now
	stop    context.CancelFunc
	ended   chan struct{}

	mu     sync.Mutex
	config *Config // nil: no backups
	known  known

	// Of the goroutine that works.
	look map[bucket.Address]time.Time // the first at each bucket
	mine map[string]bool              // the backups that it has made
}

// answer is the result of a backup that was asked for.
type answer struct {
	made Made
	err  error
}

// known is the keeper's knowledge about the bucket.
type known struct {
	looked   bool            // at the bucket, since the configuration is as it is
	running  bool            // a backup is being made
	objects  []bucket.Object // that are there
	others   int             // that are there, and that somebody else has made
	owed     bool            // one that was asked for has failed
	failures int             // in a row
	since    time.Time       // of the first of them
	failed   time.Time       // of the last
	err      error           // of the last
	left     error           // why old backups could not be deleted; nil: they are
}

// New returns a keeper that does nothing before Start, and nothing without a
// configuration. It makes no backup, and deletes none, once fence is an error.
func New(source Source, fence func() error, log *logrus.Entry) *Keeper {
	return &Keeper{
		source: source, fence: fence, log: log, now: time.Now, stop: func() {},
		changed: make(chan struct{}, 1), asked: make(chan chan<- answer), ended: make(chan struct{}),
		look: map[bucket.Address]time.Time{}, mine: map[string]bool{},
	}
}

// Configure gives the keeper its configuration from now on; nil: no work. A backup that
// is under way goes on as it began.
func (k *Keeper) Configure(config *Config) {
	k.mu.Lock()
	k.config = config
	k.known = known{running: k.known.running}
	k.mu.Unlock()
	select {
	case k.changed <- struct{}{}:
	default: // it has yet to see the last change
	}
}

// Start begins.
func (k *Keeper) Start() {
	var ctx context.Context
	ctx, k.stop = context.WithCancel(context.Background())
	go k.run(ctx)
}

// Stop ends the work: a backup that is not in the bucket yet does not get there. It
// returns when nobody reads the data directory any longer.
func (k *Keeper) Stop() {
	k.stop()
	<-k.ended
}

// glance is how often the keeper looks at the clock. It then notices a clock that was
// set, or a machine that slept.
const glance = time.Minute

func (k *Keeper) run(ctx context.Context) {
	defer close(k.ended)
	for {
		timer := time.NewTimer(k.wait())
		select {
		case <-timer.C:
			if k.wait() <= 0 {
				_, _ = k.tend(ctx, false) // which is logged, and in the state
			}
		case reply := <-k.asked:
			made, err := k.tend(ctx, true)
			reply <- answer{made, err}
		case <-k.changed:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// wait is how long there is nothing to do, as far as is known, and at most glance.
func (k *Keeper) wait() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.config == nil {
		return glance
	}
	next, ever := k.known.next(k.config.Schedule, k.now())
	if !ever {
		return glance
	}
	return min(next.Sub(k.now()), glance)
}

// ErrNone is the error of Now where there is no bucket.
var ErrNone = errors.New("no bucket is set for backups")

// errStopping is the error of Now while the server stops.
var errStopping = errors.New("the server stops; ask the one that takes its place")

// Now makes a backup, and returns when it is in the bucket. The backup goes on if ctx
// ends.
func (k *Keeper) Now(ctx context.Context) (Made, error) {
	reply := make(chan answer, 1)
	select {
	case k.asked <- reply:
	case <-k.ended:
		return Made{}, errStopping
	case <-ctx.Done():
		return Made{}, ctx.Err()
	}
	select {
	case got := <-reply:
		return got.made, got.err
	case <-ctx.Done():
		return Made{}, ctx.Err()
	}
}

// tend looks at the bucket, makes a backup if one is due or asked for, and notes the
// result.
func (k *Keeper) tend(ctx context.Context, asked bool) (Made, error) {
	k.mu.Lock()
	config := k.config
	asked = asked || k.known.owed
	k.mu.Unlock()
	if config == nil {
		return Made{}, ErrNone
	}
	if k.look[config.To].IsZero() {
		k.look[config.To] = k.now()
	}
	work := &work{
		Config: *config, source: k.source, fence: k.fence, log: k.log, now: k.now, begun: k.begun,
		look: k.look[config.To], mine: k.mine,
	}
	err := work.do(ctx, asked)
	if ctx.Err() != nil {
		return Made{}, errStopping
	}
	k.note(config, work, asked, err)
	return work.made, err
}

// begun notes that a backup is under way.
func (k *Keeper) begun() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.known.running = true
}

// note notes the result of a look at the bucket.
func (k *Keeper) note(config *Config, w *work, asked bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.known.running = false
	if k.config != config {
		return // the result may be about another bucket
	}
	if err == nil {
		first := !k.known.looked
		if w.others > k.known.others {
			k.log.Warnf("backup: in %s are %d that this server has not made; they count for nothing", config.To, w.others)
		}
		k.known = known{looked: true, objects: w.objects, others: w.others, left: w.left}
		if at, ever := k.known.next(config.Schedule, k.now()); first && ever {
			k.log.Infof("backup: in %s are %d of this server; the next is due at %s", config.To, len(w.objects), at.Format(time.RFC3339))
		}
		return
	}
	now := k.now()
	if k.known.failures == 0 {
		k.known.since = now
	}
	k.known.owed = asked
	k.known.failures++
	k.known.failed, k.known.err = now, err
	k.log.Errorf("backup to %s failed: %v; hint: %s; it is tried again in %s",
		config.To, err, hintOf(err), retryAfter(k.known.failures))
}

// hintOf is the next thing to try.
func hintOf(err error) string {
	if of, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok {
		return of.Hint()
	}
	return "see docs/backup.md"
}
