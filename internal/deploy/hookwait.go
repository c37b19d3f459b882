package deploy

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
)

// hooksSeen remembers how the hooks of an app were last, also when they are
// gone: a Job may be deleted by its own time limit a moment after its end.
type hooksSeen struct {
	changed chan struct{} // holds one signal while there is news

	mu   sync.Mutex
	last map[types.UID]seenHook
}

type seenHook struct {
	entry live.Entry
	gone  bool
}

func newHooksSeen() *hooksSeen {
	return &hooksSeen{changed: make(chan struct{}, 1), last: map[types.UID]seenHook{}}
}

// reset forgets what was seen before a deploy.
func (s *hooksSeen) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.last)
}

// see takes up an event of the index.
func (s *hooksSeen) see(event live.Event) {
	s.mu.Lock()
	seen := s.last[event.Entry.UID]
	if !event.Entry.Terminating {
		seen.entry = event.Entry
	}
	seen.gone = event.Deleted
	s.last[event.Entry.UID] = seen
	s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// of returns the newest that is known of a hook, and whether it is gone.
func (s *hooksSeen) of(entry live.Entry) (now live.Entry, gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, ok := s.last[entry.UID]
	if !ok {
		return entry, false
	}
	if seen.entry.UID == "" { // it was only seen going
		return entry, seen.gone
	}
	return seen.entry, seen.gone
}

// hookWait is a wait for hooks: its lines and its causes are those of every
// other wait.
type hookWait struct {
	waiting
	ctx context.Context
}

// newHookWait begins a wait, and returns the function that ends it.
func (w *applying) newHookWait() (*hookWait, func()) {
	ctx, cancel := context.WithCancel(w.wait)
	return &hookWait{ctx: ctx, waiting: waiting{
		app: w.app, target: w.target, cluster: w.cluster, run: w.run,
		lines: map[manifest.ID]*waitLine{}, causes: map[manifest.ID]health.Cause{},
		pods: map[string]*live.Pods{}, nudge: make(chan struct{}, 1),
	}}, cancel
}

// runsPods reports whether objects of the kind own pods.
func runsPods(id manifest.ID) bool {
	u := &unstructured.Unstructured{Object: map[string]any{}}
	u.SetGroupVersionKind(schema.GroupVersionKind{Group: id.Group, Version: "v1", Kind: id.Kind})
	return health.RunsPods(u)
}
