package deploy

import (
	"sync"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
)

// ills are the objects of an app that ceased to be healthy after their deploy. The zero
// value has none. No other lock is taken under its lock.
type ills struct {
	mu   sync.Mutex
	told map[manifest.ID]bool // whether the ill health of an unhealthy object was reported
}

// condition is how an object is, as far as ills care.
type condition int

// The conditions of an object.
const (
	healthy condition = iota // or being deleted, which is reported elsewhere
	ailing                   // not healthy, which may pass
	failed
	deleted
)

func conditionOf(entry live.Entry, isDeleted bool) condition {
	switch {
	case isDeleted:
		return deleted
	case entry.Health.OK(), entry.Terminating:
		return healthy
	case entry.Health.Status == health.Failed:
		return failed
	}
	return ailing
}

// telling is the time at which to report the condition of an object.
type telling int

// The times of telling.
const (
	tellNever telling = iota
	tellNow
	tellLater // if the object is still not healthy after illAfter
)

// see takes in the observed condition of an object, and returns when to report it.
func (s *ills) see(id manifest.ID, c condition) telling {
	s.mu.Lock()
	defer s.mu.Unlock()
	told, known := s.told[id]
	switch c {
	case healthy, deleted:
		delete(s.told, id)
		if told && c == healthy {
			return tellNow
		}
	case failed:
		s.fallIllLocked(id, true)
		if !told {
			return tellNow
		}
	case ailing:
		if !known {
			s.fallIllLocked(id, false)
			return tellLater
		}
	}
	return tellNever
}

// stillIll takes in the condition of an object after illAfter, and reports whether its
// ill health should be reported now.
func (s *ills) stillIll(id manifest.ID, isIll bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	told, known := s.told[id]
	if !known || told {
		return false // it became healthy meanwhile, or failed
	}
	if !isIll {
		delete(s.told, id)
		return false
	}
	s.fallIllLocked(id, true)
	return true
}

func (s *ills) fallIllLocked(id manifest.ID, told bool) {
	if s.told == nil {
		s.told = map[manifest.ID]bool{}
	}
	s.told[id] = told
}
