package deploy

import (
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/kube"
)

// seenContainer is a container of an app's pods, as it was last seen.
type seenContainer struct {
	Container
	is kube.Container
}

// streams decides which logs are read while an app's containers come and go, end and are
// started again. The zero value reads none.
type streams struct {
	lasting bool // a log that breaks off is read on

	began bool // containers were seen before: those that are new now have come since
	known map[Container]*stream
}

// stream is the log of one container.
type stream struct {
	of      kube.Container // the run that is read, or was
	open    bool
	skipped bool      // there was no room to read it
	ended   time.Time // when it was last not open any more
	missing time.Time // since when the container is not there; zero: it is
}

// opening is a log to begin to read.
type opening struct {
	Container
	of    kube.Container
	since time.Duration // continue a log that broke off: its lines of this time; 0: not so
	fresh bool          // the container has come since: all of its lines are new
	came  bool          // it was not there before
}

const (
	// reopenAfter is how long a log that broke off stays closed, before it is read on.
	reopenAfter = 2 * time.Second
	// leaveAfter is how long the log of a container that is gone may take to end.
	leaveAfter = 3 * time.Second
)

// next decides what to do about the containers that are there now: which logs to begin to
// read, at most as many as there is room for, which to end, and which containers have left.
// full says that there was no room for some; again is when to decide anew, if nothing
// happens until then; 0: there is no need.
func (s *streams) next(there []seenContainer, room int, now time.Time) (todo changes) {
	if s.known == nil {
		s.known = map[Container]*stream{}
	}
	for _, c := range there {
		v := s.decide(c, now)
		if todo.include(v, room-len(todo.begin)) {
			s.known[c.Container] = &stream{skipped: !v.opening.fresh}
		}
	}
	for _, o := range todo.begin {
		s.known[o.Container] = &stream{of: o.of, open: true}
	}
	present := map[Container]bool{}
	for _, c := range there {
		present[c.Container] = true
	}
	for c, known := range s.known {
		if present[c] {
			known.missing = time.Time{}
		} else {
			s.miss(c, known, now, &todo)
		}
	}
	s.began = true
	todo.sort()
	return todo
}

// changes are the outcome of a decision of streams.
type changes struct {
	begin []opening
	end   []Container
	left  []Container
	waits bool // some containers have not begun yet
	full  bool
	again time.Duration
}

// verdict is the decision about one container.
type verdict struct {
	opening opening
	open    bool
	waits   bool
	again   time.Duration
}

// include adds a verdict, and reports whether there was no room for it.
func (c *changes) include(v verdict, room int) (skipped bool) {
	switch {
	case v.open && room <= 0:
		c.full, skipped = true, true
	case v.open:
		c.begin = append(c.begin, v.opening)
	}
	c.waits = c.waits || v.waits
	c.sooner(v.again)
	return skipped
}

// sooner has the next decision made after d, if d is not 0 and no earlier one is due.
func (c *changes) sooner(d time.Duration) {
	if d > 0 && (c.again == 0 || d < c.again) {
		c.again = d
	}
}

func (c *changes) sort() {
	slices.SortFunc(c.left, compareContainers)
	slices.SortFunc(c.end, compareContainers)
}

func compareContainers(a, b Container) int {
	return strings.Compare(a.Namespace+"/"+a.Pod+"/"+a.Name, b.Namespace+"/"+b.Pod+"/"+b.Name)
}

// decide decides about a container that is there.
func (s *streams) decide(c seenContainer, now time.Time) verdict {
	known := s.known[c.Container]
	open := opening{
		Container: c.Container, of: c.is,
		fresh: s.began && (known == nil || !known.skipped), came: s.began && known == nil,
	}
	switch {
	case known != nil && known.open:
		return verdict{}
	case !c.is.Begun:
		return verdict{waits: true}
	case known == nil || known.of.Pod != c.is.Pod || known.of.Restarts != c.is.Restarts:
		return verdict{opening: open, open: true}
	case c.is.Ended || !s.lasting:
		return verdict{} // all of it was read
	}
	closed := now.Sub(known.ended)
	if closed < reopenAfter {
		return verdict{again: reopenAfter - closed}
	}
	open.since = closed
	return verdict{opening: open, open: true}
}

// miss decides about a container that is not there any more.
func (s *streams) miss(c Container, known *stream, now time.Time, todo *changes) {
	switch {
	case !known.open:
		delete(s.known, c)
		todo.left = append(todo.left, c)
	case known.missing.IsZero():
		known.missing = now
		todo.sooner(leaveAfter)
	case now.Sub(known.missing) >= leaveAfter:
		todo.end = append(todo.end, c)
	default:
		todo.sooner(leaveAfter - now.Sub(known.missing))
	}
}

// ended notes that the log of a container has ended or broken off.
func (s *streams) ended(c Container, now time.Time) {
	if known := s.known[c]; known != nil {
		known.open, known.ended = false, now
	}
}

// open counts the logs that are read.
func (s *streams) open() int {
	n := 0
	for _, known := range s.known {
		if known.open {
			n++
		}
	}
	return n
}
