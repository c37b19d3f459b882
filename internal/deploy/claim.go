package deploy

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
)

var StorageClass = schema.GroupKind{Group: "storage.k8s.io", Kind: "StorageClass"}

// firstConsumer is the volumeBindingMode of a class whose claims are bound when the
// first pod that uses them is scheduled.
const FirstConsumer = "WaitForFirstConsumer"

// settled judges an entry of the index with what else is known: a claim whose class
// binds for its first consumer is well without being bound, for no wait gets it there.
func (c *Cluster) settled(t *target, entry live.Entry) live.Entry {
	if entry.UnusedClass == "" || entry.Health.OK() || entry.Terminating {
		return entry
	}
	if t.BindsLate(entry.UnusedClass) || c.classes.bindsLate(c.Kube, entry.UnusedClass) {
		entry.Health = health.Health{Status: health.Healthy, Message: "waits for its first consumer"}
	}
	return entry
}

// bindsLate reports whether the target has a class that binds for the first consumer:
// it may come in a later wave than its claims.
func (t *Target) BindsLate(class string) bool {
	o := t.Object(manifest.ID{Group: StorageClass.Group, Kind: StorageClass.Kind, Name: class})
	return o != nil && BindingMode(o.Unstructured) == FirstConsumer
}

func BindingMode(class *unstructured.Unstructured) string {
	mode, _, _ := unstructured.NestedString(class.Object, "volumeBindingMode")
	return mode
}

// classes remembers which StorageClasses of a cluster bind for the first consumer. The
// mode of a class cannot be changed, but the class can be deleted and made anew.
type classes struct {
	mu    sync.Mutex
	known map[string]knownClass
}

type knownClass struct {
	late  bool
	until time.Time
}

// A class that is there is looked at again after classFor, and one that is not, or that
// could not be asked for, after missingFor. A question takes classTimeout at most, for
// status and every wait ask it.
const (
	classFor     = time.Minute
	missingFor   = 2 * time.Second
	classTimeout = 2 * time.Second
)

// bindsLate reports whether a class of the cluster binds for the first consumer.
func (s *classes) bindsLate(cluster *kube.Cluster, name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if class, ok := s.known[name]; ok && time.Now().Before(class.until) {
		return class.late
	}
	if s.known == nil {
		s.known = map[string]knownClass{}
	}
	mode, there := askMode(cluster, name)
	class := knownClass{late: mode == FirstConsumer, until: time.Now().Add(missingFor)}
	if there {
		class.until = time.Now().Add(classFor)
	}
	s.known[name] = class
	return class.late
}

// askMode reads the binding mode of a class; there is false if it could not be read.
func askMode(cluster *kube.Cluster, name string) (mode string, there bool) {
	ctx, cancel := context.WithTimeout(context.Background(), classTimeout)
	defer cancel()
	kind, err := cluster.KindOf(ctx, StorageClass)
	if err != nil {
		return "", false
	}
	class, err := cluster.Get(ctx, kind, "", name)
	if err != nil {
		return "", false
	}
	return BindingMode(class), true
}
