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
)

// An object that drifts is looked at without delay, patience times. If it goes
// on to drift, each look waits: 2 s, then three times longer each time, at most
// 5 min (the shape that Argo CD's self-heal has), until it was calm for a while.
const (
	patience   = 3
	firstDelay = 2 * time.Second
	growth     = 3
	mostDelay  = 5 * time.Minute
	calm       = time.Minute
)

// Keeper has drifted objects looked at. Use New.
type Keeper struct {
	engine *deploy.Engine
	log    *logrus.Entry

	mu     sync.Mutex
	fights map[key]*fight
}

type key struct {
	app string
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
func New(engine *deploy.Engine, log *logrus.Entry) *Keeper {
	k := &Keeper{engine: engine, log: log, fights: map[key]*fight{}}
	engine.OnSuspect(k.suspect)
	return k
}

// suspect has an object looked at, now or after its delay.
func (k *Keeper) suspect(app string, id manifest.ID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forgetCalm()
	f, fighting := k.fights[key{app, id}]
	if !fighting {
		f = &fight{delay: firstDelay}
		k.fights[key{app, id}] = f
	}
	if f.timer != nil {
		return
	}
	if f.looks++; f.looks <= patience {
		f.last = time.Now()
		k.engine.Look(app, id, deploy.Fight{Times: f.looks})
		return
	}
	k.log.WithField("app", app).WithField("object", id.String()).
		Infof("drifted again; looking at it in %s", f.delay)
	f.timer = time.AfterFunc(f.delay, func() { k.look(app, id, f) })
	k.engine.Postpone(app, id, deploy.Fight{Times: f.looks, Next: f.delay, Calm: time.Now().Add(f.calm())})
}

// look is a delayed look at an object.
func (k *Keeper) look(app string, id manifest.ID, f *fight) {
	k.mu.Lock()
	f.timer, f.last = nil, time.Now()
	f.delay = min(f.delay*growth, mostDelay)
	known := deploy.Fight{Times: f.looks, Next: f.delay, Calm: f.last.Add(f.calm())}
	k.mu.Unlock()
	k.engine.Look(app, id, known)
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

// Stop ends every look that is due.
func (k *Keeper) Stop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, f := range k.fights {
		if f.timer != nil {
			f.timer.Stop()
		}
	}
}
