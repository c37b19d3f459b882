package app

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/appfile"
)

// A check comes up to a tenth of its interval late, at most maxJitter, so that
// the apps of one schedule do not all ask at the same moment.
const (
	jitterShare = 10
	maxJitter   = 30 * time.Second
)

// timetable has every app checked by its schedule.
type timetable struct {
	cron  *cron.Cron
	check func(app string)
	log   *logrus.Entry

	mu      sync.Mutex
	entries map[string]entry
}

type entry struct {
	id   cron.EntryID
	spec string
}

func newTimetable(check func(app string), log *logrus.Entry) *timetable {
	return &timetable{cron: cron.New(), check: check, log: log, entries: map[string]entry{}}
}

// set gives an app a schedule; "" takes it off the table. An app that keeps
// its schedule keeps its next time.
func (t *timetable) set(app, spec string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old, known := t.entries[app]
	if known && old.spec == spec {
		return
	}
	if known {
		t.cron.Remove(old.id)
		delete(t.entries, app)
	}
	if spec == "" {
		return
	}
	schedule, err := appfile.ParseSchedule(spec)
	if err != nil {
		t.log.WithField("app", app).Warnf("schedule %q: %v", spec, err)
		return
	}
	id := t.cron.Schedule(schedule, cron.FuncJob(func() { t.due(app, schedule) }))
	t.entries[app] = entry{id, spec}
}

// due has an app checked, a little late. Checks of one app never overlap:
// each is a job of the app's worker.
func (t *timetable) due(app string, schedule cron.Schedule) {
	next := schedule.Next(time.Now())
	late := min(time.Until(schedule.Next(next))/jitterShare, maxJitter)
	if late <= 0 {
		t.check(app)
		return
	}
	time.AfterFunc(rand.N(late), func() { t.check(app) })
}

// every has a chore done at an interval, never twice at a time.
func (t *timetable) every(interval time.Duration, chore func()) {
	t.cron.Schedule(cron.Every(interval), cron.SkipIfStillRunning(cron.DiscardLogger)(cron.FuncJob(chore)))
}

func (t *timetable) start() { t.cron.Start() }
func (t *timetable) stop()  { t.cron.Stop() }
