package server

import (
	"cmp"
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/appfile"
)

// A check starts late by up to a tenth of its interval, at most maxJitter, so that the
// apps of one schedule do not all run at the same moment. They share their questions to
// the cluster, because each is told the time at which it was due. A full check asks
// about each object, so the full checks of many apps are spread wider.
const (
	jitterShare   = 10
	maxJitter     = 30 * time.Second
	maxFullJitter = time.Hour
)

// timetable starts the check of every app by its schedule, or the fetch of every mirror. It
// runs everything on goroutines of cron, and stop waits for them.
type timetable[K ~string] struct {
	cron   *cron.Cron
	check  func(app K, due time.Time) // called under no lock
	jitter time.Duration              // at most
	log    *logrus.Entry
	open   context.Context // ends when the timetable starts nothing more
	close  context.CancelFunc

	mu    sync.Mutex
	rows  map[string]*row[K] // by schedule
	specs map[K]string       // schedules, by app
}

// row is a schedule and the apps that have it.
type row[K ~string] struct {
	schedule cron.Schedule
	id       cron.EntryID
	apps     map[K]bool
}

func newTimetable[K ~string](check func(app K, due time.Time), jitter time.Duration, log *logrus.Entry) *timetable[K] {
	t := &timetable[K]{cron: cron.New(), check: check, jitter: jitter, log: log, rows: map[string]*row[K]{}, specs: map[K]string{}}
	t.open, t.close = context.WithCancel(context.Background())
	return t
}

// set gives an app a schedule; "" removes the app from the table.
func (t *timetable[K]) set(app K, spec string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.specs[app]
	if old == spec {
		return
	}
	t.remove(app, old)
	if spec == "" {
		return
	}
	r, err := t.row(spec)
	if err != nil {
		t.log.WithField("app", app).Warnf("schedule %q: %v", spec, err)
		return
	}
	r.apps[app], t.specs[app] = true, spec
}

// row returns the row of a schedule, and creates it if there is none. t.mu is held.
func (t *timetable[K]) row(spec string) (*row[K], error) {
	if r, ok := t.rows[spec]; ok {
		return r, nil
	}
	schedule, err := appfile.ParseSchedule(spec)
	if err != nil {
		return nil, err
	}
	r := &row[K]{schedule: schedule, apps: map[K]bool{}}
	r.id = t.cron.Schedule(schedule, cron.FuncJob(func() { t.due(r) }))
	t.rows[spec] = r
	return r, nil
}

// remove takes an app out of the row of its schedule. t.mu is held.
func (t *timetable[K]) remove(app K, spec string) {
	r, ok := t.rows[spec]
	if !ok {
		return
	}
	delete(r.apps, app)
	delete(t.specs, app)
	if len(r.apps) == 0 {
		t.cron.Remove(r.id)
		delete(t.rows, spec)
	}
}

// due starts the checks of a row's apps, each a little late. Checks of one app never
// overlap, since each is a job of the app's worker. Schedules count in seconds, so apps
// that are due in the same second by different schedules are due together.
func (t *timetable[K]) due(r *row[K]) {
	now := time.Now()
	next := r.schedule.Next(now)
	late := min(r.schedule.Next(next).Sub(next)/jitterShare, t.jitter)
	for _, turn := range spread(t.appsOf(r), late) {
		select {
		case <-time.After(time.Until(now.Add(turn.late))):
			t.check(turn.app, now.Truncate(time.Second))
		case <-t.open.Done():
			return
		}
	}
}

// turn is how late an app of a row is checked.
type turn[K ~string] struct {
	app  K
	late time.Duration
}

// spread gives each app a turn of its own within a time, and returns them in their order.
func spread[K ~string](apps []K, within time.Duration) []turn[K] {
	turns := make([]turn[K], len(apps))
	for i, app := range apps {
		turns[i] = turn[K]{app: app}
		if within > 0 {
			turns[i].late = rand.N(within)
		}
	}
	slices.SortFunc(turns, func(x, y turn[K]) int { return cmp.Compare(x.late, y.late) })
	return turns
}

func (t *timetable[K]) appsOf(r *row[K]) []K {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Keys(r.apps))
}

// every runs a chore at an interval, never twice at a time. The chore's context ends with
// the timetable.
func (t *timetable[K]) every(interval time.Duration, chore func(ctx context.Context)) {
	t.cron.Schedule(cron.Every(interval), cron.SkipIfStillRunning(cron.DiscardLogger)(cron.FuncJob(func() { chore(t.open) })))
}

func (t *timetable[K]) start() { t.cron.Start() }

// stop ends the checks and chores that are due. It returns when none goes on any more.
func (t *timetable[K]) stop() {
	t.close()
	<-t.cron.Stop().Done()
}
