package live

import (
	"slices"
	"strings"
	"time"
)

// Down is the reason why the index may be out of date, and the time since when.
type Down struct {
	Err   error
	Since time.Time
	Part  string // the kind that is not seen, while others are; "" if none is seen
}

// Down returns the reason why the index may be out of date: the last request of one of
// its watches failed, the first of them if there are several. Err is nil while all of
// them work.
func (x *Index) Down() Down {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var down Down
	blind, kind := 0, ""
	for gk, f := range x.follows {
		failure := f.down.Load()
		if failure == nil {
			continue
		}
		blind++
		if down.Err == nil || failure.since.Before(down.Since) {
			down, kind = Down{Err: failure.err, Since: failure.since}, gk.String()
		}
	}
	if blind < len(x.follows) {
		down.Part = kind
	}
	return down
}

// Blind returns the reason why the index may be out of date about an ApplySet: the last
// request for one of its kinds failed. It is nil while all of them work.
func (x *Index) Blind(partOf string) error {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, gk := range x.users[partOf] {
		if f, ok := x.follows[gk]; ok {
			if failure := f.down.Load(); failure != nil {
				return failure.err
			}
		}
	}
	return nil
}

// Watch describes the watch of one kind, for operators.
type Watch struct {
	Kind      string    `json:"kind"`    // "Deployment.apps"
	Version   string    `json:"version"` // in which it is watched
	Bodies    bool      `json:"bodies"`  // whole objects; false: metadata alone
	Objects   int       `json:"objects"`
	LastEvent time.Time `json:"lastEvent,omitzero"`
	Restarts  int       `json:"restarts"` // how often it was listed again
	Error     string    `json:"error,omitempty"`
}

// Watches lists the watches, by kind.
func (x *Index) Watches() []Watch {
	x.mu.RLock()
	defer x.mu.RUnlock()
	objects := map[groupKind]int{}
	for id := range x.entries {
		objects[id.GroupKind()]++
	}
	watches := make([]Watch, 0, len(x.follows))
	for gk, f := range x.follows {
		watches = append(watches, f.describe(objects[gk]))
	}
	slices.SortFunc(watches, func(a, b Watch) int { return strings.Compare(a.Kind, b.Kind) })
	return watches
}

func (f *follow) describe(objects int) Watch {
	f.mu.Lock()
	defer f.mu.Unlock()
	gk := f.kind.GVK.GroupKind()
	w := Watch{
		Kind: gk.String(), Version: f.kind.GVK.Version, Bodies: f.index.needsBodyLocked(gk),
		Objects: objects, LastEvent: f.event, Restarts: max(f.restarts-1, 0),
	}
	if failure := f.down.Load(); failure != nil {
		w.Error = failure.err.Error()
	}
	return w
}
