package deploy

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushboat/pushboat/internal/record"
)

// TestSuspensionTime lets the time of suspensions pass. Some of them were ended or replaced
// before.
func TestSuspensionTime(t *testing.T) {
	until := func(d time.Duration) *record.Suspension {
		return &record.Suspension{Until: time.Now().Add(d)}
	}
	for name, test := range map[string]struct {
		do        func(*suspension)
		over      int  // the number of suspensions that end by time within an hour
		suspended bool // after that hour
	}{
		"never suspended":           {func(*suspension) {}, 0, false},
		"without an end":            {func(s *suspension) { s.set(&record.Suspension{}) }, 0, true},
		"for a minute":              {func(s *suspension) { s.set(until(time.Minute)) }, 1, false},
		"until a time in the past":  {func(s *suspension) { s.set(until(-time.Minute)) }, 1, false},
		"for a day":                 {func(s *suspension) { s.set(until(24 * time.Hour)) }, 0, true},
		"ended before its time":     {func(s *suspension) { s.set(until(time.Minute)); s.end() }, 0, false},
		"taken back":                {func(s *suspension) { s.set(until(time.Minute)); s.set(nil) }, 0, false},
		"replaced by a longer one":  {func(s *suspension) { s.set(until(time.Minute)); s.set(until(24 * time.Hour)) }, 0, true},
		"replaced by a shorter one": {func(s *suspension) { s.set(until(24 * time.Hour)); s.set(until(time.Minute)) }, 1, false},
		"suspended anew":            {func(s *suspension) { s.set(until(time.Minute)); s.end(); s.set(until(time.Minute)) }, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				over := 0
				var s *suspension
				s = newSuspension(new(timers), func(of *record.Suspension) {
					over++
					if s.current() != of || !s.expire(of) {
						t.Error("a suspension that is not in force ended by time")
					}
				})
				test.do(s)
				<-time.After(time.Hour)
				synctest.Wait()
				if over != test.over || (s.current() != nil) != test.suspended {
					t.Errorf("%d ended by time, suspended: %v", over, s.current() != nil)
				}
				s.set(nil)
			})
		})
	}
}

func TestSuspensionEndsOnce(t *testing.T) {
	first, second := &record.Suspension{Reason: "first"}, &record.Suspension{Reason: "second"}
	s := newSuspension(new(timers), nil)
	if s.end() {
		t.Error("a suspension ended that never began")
	}
	s.set(first)
	s.set(second)
	if s.expire(first) || s.current() != second {
		t.Error("the end of one suspension ended the one that had replaced it")
	}
	if !s.end() || s.end() || s.current() != nil {
		t.Error("a suspension does not end exactly once")
	}
	if s.expire(second) {
		t.Error("a suspension expired that an operator had ended")
	}
}
