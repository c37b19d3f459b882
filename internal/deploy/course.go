package deploy

import (
	"math"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// course is how a deploy went on: its stages, and what it waited for in each. Run.mu guards
// it. The zero value is that of a deploy in the queue.
type course struct {
	stages []record.Stage
	within bool // the last of them goes on
	wait   bool // and so does its last wait
}

// Limits of what is kept of a course.
const (
	maxWaits   = 20  // of a stage; the last one goes on for all others
	maxWaitFor = 200 // bytes
	// leastSeconds is how long a stage or a wait has to be, to be worth a line.
	leastSeconds = 0.01
)

// seconds are those of a duration, as far as they are worth keeping.
func seconds(d time.Duration) float64 { return rounded(d.Seconds()) }

func rounded(s float64) float64 { return math.Round(s*1000) / 1000 }

// enter begins a stage, at a time since the deploy began. The first ends the time in the queue.
func (c *course) enter(name stage, at time.Duration) {
	if len(c.stages) == 0 {
		c.stages = append(c.stages, record.Stage{Name: string(stageQueued), Seconds: seconds(at)})
	}
	c.leave(at)
	c.stages, c.within = append(c.stages, record.Stage{Name: string(name), At: seconds(at)}), true
}

// leave ends the stage.
func (c *course) leave(at time.Duration) {
	c.endWait(at)
	if c.within {
		last := &c.stages[len(c.stages)-1]
		last.Seconds, c.within = rounded(at.Seconds()-last.At), false
	}
}

// waitFor begins a wait, and ends the one before, unless that is for the same.
func (c *course) waitFor(what string, at time.Duration) {
	what, _, _ = strings.Cut(what, "\n")
	what, _, _ = strings.Cut(what, ": ")
	if what = manifest.Clean(what); len(what) > maxWaitFor {
		what = strings.ToValidUTF8(what[:maxWaitFor], "")
	}
	if !c.within {
		return
	}
	stage := &c.stages[len(c.stages)-1]
	if last := len(stage.Waits) - 1; c.wait && (stage.Waits[last].For == what || last+1 >= maxWaits) {
		return
	}
	c.endWait(at)
	if what == takesObjects || len(stage.Waits) >= maxWaits {
		return
	}
	stage.Waits, c.wait = append(stage.Waits, record.Wait{For: what, At: seconds(at)}), true
}

// endWait ends the wait. One that was too short is forgotten.
func (c *course) endWait(at time.Duration) {
	if !c.wait {
		return
	}
	c.wait = false
	waits := &c.stages[len(c.stages)-1].Waits
	last := &(*waits)[len(*waits)-1]
	if last.Seconds = rounded(at.Seconds() - last.At); last.Seconds < leastSeconds {
		*waits = (*waits)[:len(*waits)-1]
	}
}

// until is the course up to a time, without what was too short to tell of.
func (c *course) until(at time.Duration) []record.Stage {
	now := course{within: c.within, wait: c.wait}
	for _, s := range c.stages {
		s.Waits = append([]record.Wait(nil), s.Waits...)
		now.stages = append(now.stages, s)
	}
	if len(now.stages) == 0 {
		now.stages = append(now.stages, record.Stage{Name: string(stageQueued), Seconds: seconds(at)})
	}
	now.leave(at)
	var told []record.Stage
	for _, s := range now.stages {
		if s.Seconds >= leastSeconds {
			told = append(told, s)
		}
	}
	return told
}

// Course returns the stages of the deploy so far.
func (r *Run) Course() []record.Stage {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.course.until(time.Since(r.started))
}
