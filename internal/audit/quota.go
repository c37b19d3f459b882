package audit

import "time"

// quota bounds the lines of a kind that others can cause any number of times: those of
// one source, and of all, in a while.
type quota struct{ perSource, total int }

// quotaFor is the while for which a quota is.
const quotaFor = 10 * time.Minute

// quotaOf returns the quota of an event. With all of them used up, a day has about 100 MB
// of lines.
func quotaOf(e Event) quota {
	switch {
	case e.Kind == Login && e.Decision == Allowed:
		return quota{1, 500}
	case e.Kind == Login:
		return quota{5, 200}
	case e.Kind == Correction:
		return quota{2, 500}
	}
	return quota{30, 300}
}

// class is the kind of events that share a total.
type class struct {
	kind     Kind
	decision Decision
}

// origin is a source of a class; the source "" is all of them together.
type origin struct {
	class
	source string
}

// count is the use of a quota since a time.
type count struct {
	since   time.Time
	written int
	left    int   // how many were left out
	last    Event // of them
}

// quotas counts the events of each source. It remembers no more sources than the totals
// allow.
type quotas struct{ counts map[origin]*count }

func newQuotas() *quotas { return &quotas{map[origin]*count{}} }

// take reports whether an event is to be written, and counts it.
func (q *quotas) take(source string, e Event, now time.Time) bool {
	of, bounds := class{e.Kind, e.Decision}, quotaOf(e)
	all := q.of(origin{of, ""}, now)
	if all.written >= bounds.total {
		all.leave(e)
		return false
	}
	one := q.of(origin{of, "of " + source}, now)
	if one.written >= bounds.perSource {
		one.leave(e)
		return false
	}
	one.written++
	all.written++
	return true
}

func (q *quotas) of(o origin, now time.Time) *count {
	if q.counts[o] == nil {
		q.counts[o] = &count{since: now}
	}
	return q.counts[o]
}

func (c *count) leave(e Event) {
	c.left++
	c.last = e
}

// ended forgets the counts whose time is over, and returns the last event that each has
// left out, with their number. At the zero time, all are over.
func (q *quotas) ended(now time.Time) []Event {
	var left []Event
	for o, c := range q.counts {
		if !now.IsZero() && now.Sub(c.since) < quotaFor {
			continue
		}
		delete(q.counts, o)
		if c.left > 0 {
			c.last.Count = c.left
			left = append(left, c.last)
		}
	}
	return left
}
