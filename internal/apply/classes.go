package apply

import (
	"context"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/plan"
)

// Settled judges an entry of the index with further knowledge: a claim whose class
// binds for its first consumer counts as healthy without being bound, since no wait
// gets it bound.
func (c *Cluster) Settled(t *plan.Target, entry live.Entry) live.Entry {
	if entry.UnusedClass == "" || entry.Health.OK() || entry.Terminating {
		return entry
	}
	if t.BindsLate(entry.UnusedClass) || c.classes.bindsLate(entry.UnusedClass) {
		entry.Health = health.Health{Status: health.Healthy, Message: "waits for its first consumer"}
	}
	return entry
}

// classes remembers which StorageClasses of a cluster bind for the first consumer. The
// mode of a class cannot change, but the class can be deleted and recreated.
type classes struct {
	cluster API // that is asked

	mu    sync.Mutex
	known map[string]knownClass
}

type knownClass struct {
	late  bool
	until time.Time
}

// An existing class is read again after classFor, and one that is missing, or could not
// be read, after missingFor. A request takes classTimeout at most, because status and
// every wait make it.
const (
	classFor     = time.Minute
	missingFor   = 2 * time.Second
	classTimeout = 2 * time.Second
)

// bindsLate reports whether a class of the cluster binds for the first consumer.
func (s *classes) bindsLate(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if class, ok := s.known[name]; ok && time.Now().Before(class.until) {
		return class.late
	}
	if s.known == nil {
		s.known = map[string]knownClass{}
	}
	mode, there := askMode(s.cluster, name)
	class := knownClass{late: mode == plan.FirstConsumer, until: time.Now().Add(missingFor)}
	if there {
		class.until = time.Now().Add(classFor)
	}
	s.known[name] = class
	return class.late
}

// askMode reads the binding mode of a class; there is false if it could not be read.
func askMode(cluster API, name string) (mode string, there bool) {
	ctx, cancel := context.WithTimeout(context.Background(), classTimeout)
	defer cancel()
	kind, err := cluster.KindOf(ctx, plan.StorageClass)
	if err != nil {
		return "", false
	}
	class, err := cluster.Get(ctx, kind, "", name)
	if err != nil {
		return "", false
	}
	return plan.BindingMode(class), true
}
