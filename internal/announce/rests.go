package announce

import "time"

// place is a namespace of a cluster; without a namespace, the cluster as a whole.
type place struct{ cluster, namespace string }

// Limits of rests.
const (
	restFor   = time.Minute
	mostRests = 1024
)

// rests are the places that are left alone for a while. One goroutine uses it.
type rests struct{ until map[place]time.Time }

// has reports whether a place, or its cluster, is left alone.
func (r *rests) has(at place, now time.Time) bool {
	return now.Before(r.until[at]) || now.Before(r.until[place{cluster: at.cluster}])
}

// begin leaves a place alone from now on.
func (r *rests) begin(at place, now time.Time) {
	if len(r.until) >= mostRests {
		for of, until := range r.until {
			if !now.Before(until) {
				delete(r.until, of)
			}
		}
		if len(r.until) >= mostRests {
			clear(r.until)
		}
	}
	r.until[at] = now.Add(restFor)
}
