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
	told map[manifest.ID]bool // whether it was told that the object, which is not healthy, is not
}

// condition is how an object is, as far as ills care.
type condition int

// The conditions of an object.
const (
	healthy condition = iota // or on its way out: its deletion is told of elsewhere
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

// telling is when the condition of an object is to be told.
type telling int

// The times of telling.
const (
	tellNever telling = iota
	tellNow
	tellLater // if the object is still not healthy after illAfter
)

// see takes up the condition in which an object is seen, and says when that is to be told.
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

// stillIll takes up the condition of an object after illAfter, and reports whether it is
// to be told now that the object is not healthy.
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
