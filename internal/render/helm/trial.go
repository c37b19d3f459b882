package helm

import (
	"reflect"
	"syscall"
	"time"
)

// trialTime is the processor time for finding the source of a chart's chance. A worker
// is ended after ten seconds, and the refusal is worth more than all of its hints.
const trialTime = 4 * time.Second

// trials are the renderings that look for the source of chance.
type trials struct {
	began time.Duration                 // processor time at the first trial; 0: none yet
	made  [2]map[string][]reflect.Value // results of chance, for the first rendering and for the later one
}

// trial returns the chance of a rendering that is only a trial.
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

// spent reports whether trials have used up their time.
func (r *renderer) spent() bool {
	now := processorTime()
	if r.trials.began == 0 {
		r.trials.began = now
	}
	return now-r.trials.began > trialTime
}

// processorTime returns the processor time of the process; 0 if it is not known.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
