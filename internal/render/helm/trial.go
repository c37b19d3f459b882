package helm

import (
	"reflect"
	"syscall"
	"time"
)

// trialTime is how much processor time is spent on finding out where a chart's chance
// comes from. A worker is ended after ten seconds, and the refusal is worth more than
// all of its hints.
const trialTime = 4 * time.Second

// trials are renderings that are made to learn where chance comes from.
type trials struct {
	began time.Duration                 // of the process's time; 0: none was made yet
	made  [2]map[string][]reflect.Value // what chance has made, for the first rendering and for the later one
}

// trial is the chance of a rendering that is only a trial.
func (r *renderer) trial(later bool) *chance {
	kept := &r.trials.made[0]
	if later {
		kept = &r.trials.made[1]
	}
	if *kept == nil {
		*kept = map[string][]reflect.Value{}
	}
	return &chance{later: later, made: *kept}
}

// spent reports whether trials have had their time.
func (r *renderer) spent() bool {
	now := processorTime()
	if r.trials.began == 0 {
		r.trials.began = now
	}
	return now-r.trials.began > trialTime
}

// processorTime is what the process has used; 0 where that is not known.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
