package window

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"time"
	_ "time/tzdata" // a server's image may have no files of time zones

	"github.com/robfig/cron/v3"
)

// Limits of times.
const (
	MinDuration = time.Minute
	MaxDuration = 31 * 24 * time.Hour
	MaxMinutes  = 4                    // of an hour at which a window may begin
	maxDates    = 366 * 24 * time.Hour // from the beginning to the end
	maxSchedule = 200                  // bytes
)

// Times are the times at which a window is active: whenever its schedule comes, for its
// duration, or once.
type Times struct {
	Schedule string        // five cron fields; "" for once
	Duration time.Duration // time that passes, whatever the clocks do
	From, To time.Time     // of once: active from From, and no longer at To
	Zone     string        // of the schedule, and of words about the times

	cron *cron.SpecSchedule
	zone *time.Location
}

// Location is the time zone of the times.
func (w Times) Location() *time.Location {
	if w.zone == nil {
		return time.UTC
	}
	return w.zone
}

// Active reports whether a window with the times is active.
func (w Times) Active(t time.Time) bool {
	active, _ := w.state(t)
	return active
}

// Over returns when a window with the times that is active at t ends; zero if it is not active.
func (w Times) Over(t time.Time) time.Time {
	if active, until := w.state(t); active {
		return until
	}
	return time.Time{}
}

// state reports whether a window with the times is active, and the first time after t at
// which it may end if it is, or else begins; zero if there is none.
func (w Times) state(t time.Time) (active bool, until time.Time) {
	switch {
	case w.cron != nil:
		began := w.begins(t.Add(-w.Duration))
		if active = !began.IsZero() && !began.After(t); active {
			return true, began.Add(w.Duration)
		}
		return false, began
	case t.Before(w.From):
		return false, w.From
	case t.Before(w.To):
		return true, w.To
	}
	return false, time.Time{}
}

// begins is the first time after t at which the schedule comes; zero if there is none within
// five years.
//
// A schedule names times on the wall. One that is left out when clocks go forward comes when
// they do; one that is there twice when clocks go back comes the first time. A schedule of
// every hour comes with every hour that passes.
func (w Times) begins(t time.Time) time.Time {
	if everyHour(w.cron) {
		return w.cron.Next(t.In(w.zone))
	}
	wall := onWall(t.In(w.zone))
	for range 2 * MaxMinutes * 24 { // of a day that is there twice, at the most
		wall = w.cron.Next(wall)
		if wall.IsZero() {
			break
		}
		if at := instant(wall, w.zone); at.After(t) {
			return at
		}
	}
	return time.Time{}
}

// allHours are the hours of a schedule that comes every hour.
const allHours = 1<<24 - 1

func everyHour(schedule *cron.SpecSchedule) bool { return schedule.Hour&allHours == allHours }

// onWall is a time of a clock without a zone, written as a time in UTC.
func onWall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// instant is when the clocks of a zone show a time: the first of two, and the moment at which
// they skip it if they do.
func instant(wall time.Time, zone *time.Location) time.Time {
	_, before := wall.Add(-26 * time.Hour).In(zone).Zone() // seconds east of UTC; zones reach 14 hours
	_, after := wall.Add(26 * time.Hour).In(zone).Zone()
	early, late := wall.Add(-seconds(max(before, after))), wall.Add(-seconds(min(before, after)))
	for _, at := range []time.Time{early, late} {
		if onWall(at.In(zone)).Equal(wall) {
			return at
		}
	}
	// They go from before to after between the two. Read with the offset of before, it is later
	// than that.
	skipped, _ := late.In(zone).ZoneBounds()
	return skipped
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// fields reads five cron fields, without a time zone and without words for whole schedules.
var fields = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// parseSchedule compiles a schedule. Of one that comes every hour the clocks are those of the
// zone; any other reads the wall.
func parseSchedule(text string, zone *time.Location) (*cron.SpecSchedule, error) {
	if len(text) > maxSchedule {
		return nil, fmt.Errorf("is longer than %d bytes", maxSchedule)
	}
	parsed, err := parseFields(text)
	if err != nil {
		return nil, err
	}
	parsed.Location = time.UTC
	if everyHour(parsed) {
		parsed.Location = zone
	}
	if bits.OnesCount64(parsed.Minute&(1<<60-1)) > MaxMinutes {
		return nil, fmt.Errorf("begins more often than %d times an hour", MaxMinutes)
	}
	if parsed.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, errors.New("never comes")
	}
	return parsed, nil
}

func parseFields(text string) (*cron.SpecSchedule, error) {
	if len(text) > 2 && (text[:2] == "TZ" || text[:2] == "CR") { // the library reads a zone there
		return nil, errors.New("has a time zone in front, which is set by timeZone")
	}
	schedule, err := fields.Parse(text)
	if err != nil {
		return nil, err
	}
	parsed, ok := schedule.(*cron.SpecSchedule)
	if !ok {
		return nil, errors.New("is not five fields")
	}
	return parsed, nil
}

// UnmarshalJSON reads times that were written by encoding/json.
func (w *Times) UnmarshalJSON(text []byte) error {
	type plain Times // without methods
	if err := json.Unmarshal(text, (*plain)(w)); err != nil {
		return err
	}
	zone, err := time.LoadLocation(w.Zone)
	if err != nil {
		return err
	}
	w.zone = zone
	if w.Schedule == "" {
		return nil
	}
	w.cron, err = parseSchedule(w.Schedule, zone)
	return err
}
