package announce

import "time"

// One Event is for one thing: what is said again within seriesFor counts in the Event that
// has said it first.
const (
	seriesFor  = 10 * time.Minute
	mostSeries = 512 // that are remembered
)

// subject is what makes two Events say the same.
type subject struct{ cluster, kind, namespace, name, reason, note string }

// series is an Event, and how often it was said.
type series struct {
	name  string
	times int
	last  time.Time
}

// memory has the Events of the last while. One goroutine uses it.
type memory struct{ by map[subject]*series }

// again counts a further time of an Event; nil if there is none.
func (m *memory) again(of subject, now time.Time) *series {
	s := m.by[of]
	if s == nil || now.Sub(s.last) > seriesFor {
		return nil
	}
	s.times++
	s.last = now
	return s
}

// note remembers an Event.
func (m *memory) note(of subject, name string, now time.Time) {
	if len(m.by) >= mostSeries {
		m.forget(now)
	}
	m.by[of] = &series{name: name, times: 1, last: now}
}

// forget drops the Events that are old; all of them, if none is.
func (m *memory) forget(now time.Time) {
	for of, s := range m.by {
		if now.Sub(s.last) > seriesFor {
			delete(m.by, of)
		}
	}
	if len(m.by) >= mostSeries {
		clear(m.by)
	}
}
