// Package drift decides when an app that may have drifted is looked at. The
// looking and the correcting are package deploy's; here is only patience: an
// object that is changed again and again is corrected ever more slowly, so
// that two controllers with different opinions do not wear out the cluster.
package drift

import (
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// An object that drifts is looked at without delay, patience times. If it keeps
// drifting, each look waits: 2 s, then three times longer each time, at most 5 min (as
// in Argo CD's self-heal), until it was calm for a while.
const (
	patience   = 3
	firstDelay = 2 * time.Second
	growth     = 3
	mostDelay  = 5 * time.Minute
	calm       = time.Minute
)

// Engine is the part of deploy.Engine that a Keeper needs.
type Engine interface {
	// OnSuspect sets the function that hears of every object that has changed since it
	// was applied.
	OnSuspect(f func(app name.App, id manifest.ID))
	// Look has an object compared with its revision, and corrected.
	Look(app name.App, id manifest.ID, fight deploy.Fight)
	// Postpone says that an object is not looked at before a while.
	Postpone(app name.App, id manifest.ID, fight deploy.Fight)
}

// Keeper has drifted objects looked at. Use New. It calls the engine under no lock of
// its own.
type Keeper struct {
	engine Engine
	log    *logrus.Entry
	due    sync.WaitGroup // looks that are running, or whose timers are

	mu      sync.Mutex
	fights  map[key]*fight
	stopped bool
}

type key struct {
	app name.App
	id  manifest.ID
}

// fight is the recent past of one object.
type fight struct {
	looks int
	last  time.Time
	delay time.Duration // before the next look
	timer *time.Timer   // runs while a look is due
}

// New makes a Keeper and has the engine tell it of every object that is not
// as it was left.
func New(engine Engine, log *logrus.Entry) *Keeper {
	k := &Keeper{engine: engine, log: log, fights: map[key]*fight{}}
	engine.OnSuspect(k.suspect)
	return k
}

// turn says when an object that has drifted is looked at.
type turn int

// The turns.
const (
	none  turn = iota // a look is due already, or the server stops
	now               // at once
	later             // after the fight's delay
)

// suspect has an object looked at, now or after its delay.
func (k *Keeper) suspect(app name.App, id manifest.ID) {
	turn, known := k.enter(key{app, id})
	switch turn {
	case now:
		k.engine.Look(app, id, known)
	case later:
		k.log.WithField("app", app).WithField("object", id.String()).
			Infof("drifted again; looking at it in %s", known.Next)
		k.engine.Postpone(app, id, known)
	case none:
	}
}

// enter counts one more drift of an object, and sets the timer of a look that has to
// wait.
func (k *Keeper) enter(of key) (turn, deploy.Fight) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forgetCalm()
	f, fighting := k.fights[of]
	if !fighting {
		f = &fight{delay: firstDelay}
		k.fights[of] = f
	}
	if f.timer != nil || k.stopped {
		return none, deploy.Fight{}
	}
	if f.looks++; f.looks <= patience {
		f.last = time.Now()
		return now, deploy.Fight{Times: f.looks}
	}
	k.due.Add(1)
	f.timer = time.AfterFunc(f.delay, func() {
		defer k.due.Done()
		k.look(of, f)
	})
	return later, f.known(time.Now())
}

// look is a delayed look at an object.
func (k *Keeper) look(of key, f *fight) {
	k.engine.Look(of.app, of.id, k.waited(f))
}

// waited moves a fight on to its next delay.
func (k *Keeper) waited(f *fight) deploy.Fight {
	k.mu.Lock()
	defer k.mu.Unlock()
	f.timer, f.last = nil, time.Now()
	f.delay = min(f.delay*growth, mostDelay)
	return f.known(f.last)
}

// known returns the engine's view of a fight in which the object drifted at a time.
func (f *fight) known(at time.Time) deploy.Fight {
	return deploy.Fight{Times: f.looks, Next: f.delay, Calm: at.Add(f.calm())}
}

// calm is how long nothing has to happen for the fight to be over.
func (f *fight) calm() time.Duration { return max(calm, 2*f.delay) }

// forgetCalm drops the objects that have not drifted for a while.
func (k *Keeper) forgetCalm() {
	for key, f := range k.fights {
		if f.timer == nil && time.Since(f.last) > f.calm() {
			delete(k.fights, key)
		}
	}
}

// Stop ends every pending look, and returns when none is running. No object is looked
// at any more.
func (k *Keeper) Stop() {
	k.cancelDue()
	k.due.Wait()
}

func (k *Keeper) cancelDue() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stopped = true
	for _, f := range k.fights {
		if f.timer != nil && f.timer.Stop() {
			k.due.Done()
		}
	}
}
