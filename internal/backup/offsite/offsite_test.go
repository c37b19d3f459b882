package offsite

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/backup"
	"github.com/pushboat/pushboat/internal/backup/bucket"
	"github.com/pushboat/pushboat/internal/backup/bucket/buckettest"
)

// source writes backups that contain their own IDs.
type source struct {
	mu      sync.Mutex
	unknown bool  // earlier backups are unknown to it
	err     error // of the backup that it writes
	ids     []string
	began   func()
}

func (s *source) Write(ctx context.Context, w io.Writer, req backup.Request) (backup.Summary, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.began != nil {
		s.began()
	}
	summary := backup.Summary{Header: backup.Header{ID: req.ID}}
	if req.Since != nil {
		summary.Since = req.Since.ID
	}
	_, err := io.WriteString(w, req.ID)
	s.ids = append(s.ids, req.ID)
	return summary, errors.Join(err, s.err, ctx.Err())
}

func (s *source) IDs() ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unknown {
		return nil, nil
	}
	return slices.Clone(s.ids), nil
}

func (s *source) Kept(id string) (*backup.Base, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unknown {
		return nil, &backup.UnknownError{ID: id}
	}
	return &backup.Base{ID: id}, nil
}

// world is a keeper and its storage.
type world struct {
	*Keeper
	t      *testing.T
	server *buckettest.Server
	source *source
	log    *safe
	config *Config

	mu    sync.Mutex
	stale error
	clock time.Time // zero for the machine's clock
}

// safe is a buffer for several goroutines.
type safe struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *safe) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *safe) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

func newWorld(t *testing.T, spec string) *world {
	t.Helper()
	server, err := buckettest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	w := &world{t: t, server: server, source: &source{}, log: &safe{}}
	logger := logrus.New()
	logger.SetOutput(w.log)
	w.Keeper = New(w.source, w.fence, logrus.NewEntry(logger))
	w.Keeper.now = w.now
	to := bucket.Address{Bucket: buckettest.Bucket, Folder: "pushboat/" + strings.Repeat("ab", 16)}
	w.config = &Config{
		To: to, Schedule: schedule(t, spec), Increments: 1, KeepLast: 1,
		Open: func() (*bucket.Bucket, error) {
			return bucket.Open(bucket.Config{Address: to, Endpoint: server.URL, Keys: bucket.Keys{ID: buckettest.Key, Secret: buckettest.Secret}})
		},
	}
	return w
}

func (w *world) fence() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stale
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.clock.IsZero() {
		return time.Now()
	}
	return w.clock
}

func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// tends makes the keeper look at the bucket once.
func (w *world) tends(asked bool) (Made, error) {
	w.t.Helper()
	return w.tend(w.t.Context(), asked)
}

// kinds lists the backups in the bucket: w for a full one, i for one that builds on
// another.
func (w *world) kinds() string {
	w.t.Helper()
	keys, err := w.server.Objects()
	if err != nil {
		w.t.Fatal(err)
	}
	text := ""
	for _, key := range keys {
		if strings.Contains(key, ".since.") {
			text += "i"
		} else {
			text += "w"
		}
	}
	return text
}

// TestBackupsComeAndGo: each second backup is a full one, and replaces the older ones.
func TestBackupsComeAndGo(t *testing.T) {
	w := newWorld(t, "0 2 * * *")
	w.Configure(w.config)
	for i, want := range []string{"w", "wi", "w", "wi"} {
		w.clock = at(1+i, 2)
		if _, err := w.tends(false); err != nil {
			t.Fatal(err)
		}
		if got := w.kinds(); got != want {
			t.Errorf("day %d: %q, want %q", 1+i, got, want)
		}
		if _, err := w.tends(false); err != nil || w.kinds() != want {
			t.Errorf("day %d: looked again, and there is %q, %v", 1+i, w.kinds(), err)
		}
	}
	state := w.State()
	if state.Backups != 2 || state.Newest == nil || state.Newest.Since == "" || !state.Made.Equal(at(4, 2)) || !state.Next.Equal(at(5, 2)) || state.Failure != nil || state.Bytes != 2*int64(len(id(1))) {
		t.Errorf("%+v", state)
	}
}

// TestBackupNow: an operator's backup is made although none is due.
func TestBackupNow(t *testing.T) {
	w := newWorld(t, "@yearly")
	if _, err := w.tends(true); !errors.Is(err, ErrNone) {
		t.Errorf("without a bucket: %v", err)
	}
	if w.State() != nil {
		t.Errorf("without a bucket: %+v", w.State())
	}
	w.Configure(w.config)
	for _, want := range []string{"w", "wi"} {
		made, err := w.tends(true)
		if err != nil || w.kinds() != want || !strings.HasPrefix(made.At, w.config.To.String()+"/"+made.ID) || made.Size != int64(len(made.ID)) {
			t.Errorf("%+v, %v: %q, want %q", made, err, w.kinds(), want)
		}
	}
}

// TestUnknownBasesMakeWholeOnes: a server that does not know its last backup, as after a
// restore, makes a full one.
func TestUnknownBasesMakeWholeOnes(t *testing.T) {
	w := newWorld(t, "@yearly")
	w.Configure(w.config)
	w.source.unknown = true
	for range 2 {
		if _, err := w.tends(true); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.kinds(); got != "w" || !strings.Contains(w.log.String(), "as after a restore: a full one is made") {
		t.Errorf("%q\n%s", got, w.log)
	}
}

// TestStaleServersWriteNothing: a stale server writes and deletes nothing in the bucket, at
// whatever moment it becomes stale.
func TestStaleServersWriteNothing(t *testing.T) {
	stale := errors.New("another server has this one's place")
	for _, when := range []string{"before", "in between", "before it deletes"} {
		w := newWorld(t, "@yearly")
		w.Configure(w.config)
		w.config.Increments = 0
		if _, err := w.tends(true); err != nil {
			t.Fatal(err)
		}
		before := w.kinds()
		fall := func() { w.set(func() { w.stale = stale }) }
		switch when {
		case "before":
			fall()
		case "in between":
			w.source.began = fall
		case "before it deletes":
			w.server.OnAsked(func() {
				asked := w.server.Asked()
				if strings.HasPrefix(asked[len(asked)-1], "HEAD ") { // the last request of an upload
					fall()
				}
			})
			before += "w"
		}
		if _, err := w.tends(true); !errors.Is(err, stale) && when != "before it deletes" {
			t.Errorf("%s: %v", when, err)
		}
		if got := w.kinds(); got != before {
			t.Errorf("%s: %q, want %q", when, got, before)
		}
	}
}

// TestFailuresAreToldAndTriedAgain: after a failure, the bucket has no unfinished upload,
// and nothing was deleted.
func TestFailuresAreToldAndTriedAgain(t *testing.T) {
	w := newWorld(t, "0 2 * * *")
	w.Configure(w.config)
	w.clock = at(5, 9)
	if _, err := w.tends(true); err != nil {
		t.Fatal(err)
	}
	w.source.err = errors.New("the disk is gone")
	for i := range 2 {
		if _, err := w.tends(true); err == nil {
			t.Fatal("no error")
		}
		state := w.State()
		if state.Failure == nil || state.Failure.Tries != i+1 || state.Failure.Error != "the disk is gone" || !state.Next.Equal(w.clock.Add(retryAfter(i+1))) || state.Newest == nil {
			t.Errorf("%+v, %+v", state, state.Failure)
		}
	}
	if got := w.kinds(); got != "w" || !strings.Contains(w.log.String(), "the disk is gone; hint: see docs/backup.md; it is tried again in 10s") {
		t.Errorf("%q\n%s", got, w.log)
	}
	w.source.err, w.clock = nil, at(5, 10)
	if _, err := w.tends(false); err != nil || w.State().Failure != nil || w.kinds() != "wi" { // the backup that was asked for above
		t.Errorf("%v, %+v, %q", err, w.State(), w.kinds())
	}
}

// TestOldOnesThatStay: an old backup that cannot be deleted does not fail a new one.
func TestOldOnesThatStay(t *testing.T) {
	w := newWorld(t, "@yearly")
	w.config.Increments = 0
	w.Configure(w.config)
	if _, err := w.tends(true); err != nil {
		t.Fatal(err)
	}
	w.server.Refuse(http.MethodDelete, "", 1, http.StatusForbidden, "AccessDenied")
	if _, err := w.tends(true); err != nil || !strings.Contains(w.State().Left, "AccessDenied") || w.kinds() != "ww" {
		t.Errorf("%v, %+v, %q", err, w.State(), w.kinds())
	}
	if _, err := w.tends(true); err != nil || w.State().Left != "" || w.kinds() != "w" {
		t.Errorf("%v, %+v, %q", err, w.State(), w.kinds())
	}
}

// TestOtherServersAreLeftAlone: other servers' backups in the same bucket are ignored.
func TestOtherServersAreLeftAlone(t *testing.T) {
	w := newWorld(t, "@yearly")
	w.config.Increments = 0
	w.Configure(w.config)
	other := "pushboat/" + strings.Repeat("cd", 16) + "/" + id(1) + ".full.backup"
	deeper := w.config.To.Folder + "/old/" + id(1) + ".full.backup"
	for _, key := range []string{other, deeper} {
		if err := w.server.Put(key, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if _, err := w.tends(true); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.kinds(); got != "www" || w.State().Backups != 1 {
		t.Errorf("%q, %+v", got, w.State())
	}
}

// TestKeeperRuns: the keeper follows its schedule and its configuration until it is
// stopped.
func TestKeeperRuns(t *testing.T) {
	w := newWorld(t, "* * * * * *")
	began := make(chan struct{}, 100)
	w.source.began = func() { began <- struct{}{} }
	await := func() {
		t.Helper()
		select {
		case <-began:
		case <-time.After(2 * time.Minute):
			t.Fatalf("no backup\n%s", w.log)
		}
	}
	w.Start()
	if _, err := w.Now(t.Context()); !errors.Is(err, ErrNone) {
		t.Errorf("not configured: %v", err)
	}
	w.Configure(w.config)
	await()
	await()
	yearly := *w.config
	yearly.Schedule = schedule(t, "@yearly")
	w.Configure(&yearly)
	if made, err := w.Now(t.Context()); err != nil || made.ID == "" {
		t.Errorf("%+v, %v", made, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Now(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("the caller does not wait any more: %v", err)
	}
	w.Stop()
	if _, err := w.Now(t.Context()); !errors.Is(err, errStopping) {
		t.Errorf("stopped: %v", err)
	}
}

// TestStopEndsAnUpload: an upload that the stop interrupts does not appear in the bucket.
func TestStopEndsAnUpload(t *testing.T) {
	w := newWorld(t, "@yearly")
	began := make(chan struct{})
	go func() { // stops the keeper while the source writes
		<-began
		w.stop()
		close(began)
	}()
	w.source.began = func() { began <- struct{}{}; <-began }
	w.Configure(w.config)
	w.Start()
	<-w.ended
	if got := w.kinds(); got != "" {
		t.Errorf("%q", got)
	}
	if unfinished, err := dropped(w); err != nil || unfinished != 0 {
		t.Errorf("%d parts are left, %v", unfinished, err)
	}
}

func dropped(w *world) (int, error) {
	b, err := w.config.Open()
	if err != nil {
		return 0, err
	}
	return b.DropUnfinished(context.Background())
}
