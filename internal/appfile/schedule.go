package appfile

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// MinInterval is the shortest time between two checks of one app: cron has no
// shorter one. A check of an app that is as it should be asks nothing of the
// cluster.
const MinInterval = time.Second

var scheduleParser = cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// ParseSchedule reads a schedule: five cron fields, six with seconds in front, or a
// descriptor such as @hourly or "@every 5m". CRON_TZ=Zone in front sets the time zone.
// "@every 5m" comes at the multiples of five minutes, so that all apps with that
// schedule are due together. A schedule that never comes, or comes more often than
// every MinInterval, is an error.
func ParseSchedule(spec string) (cron.Schedule, error) {
	spec = strings.TrimSpace(spec)
	zone := strings.HasPrefix(spec, "TZ=") || strings.HasPrefix(spec, "CRON_TZ=")
	if zone && !strings.Contains(spec, " ") { // the library slices out of range
		return nil, errors.New("there is a time zone, but no schedule after it")
	}
	schedule, err := scheduleParser.Parse(spec)
	if err != nil {
		return nil, err
	}
	if every, ok := strings.CutPrefix(spec, "@every "); ok {
		d, err := time.ParseDuration(every)
		if err == nil && d < MinInterval {
			return nil, fmt.Errorf("comes every %s; at least %s must lie between two checks", d, MinInterval)
		}
		return multiples{d.Truncate(MinInterval)}, err
	}
	if schedule.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, errors.New("never comes")
	}
	return schedule, nil
}

// multiples is the schedule of "@every D": the times that are whole multiples of
// D since the year 1 in UTC. Those of a minute, of five or of an hour are the
// clock's own.
type multiples struct{ every time.Duration }

// Next returns the first of the times after t.
func (m multiples) Next(t time.Time) time.Time { return t.Truncate(m.every).Add(m.every) }
