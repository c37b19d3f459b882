package offsite

import (
	"time"

	"github.com/pushboat/pushboat/internal/backup/bucket"
)

// State is how backups to the bucket stand.
type State struct {
	To      string         `json:"to"`
	Backups int            `json:"backups"` // that are there, as far as is known
	Bytes   int64          `json:"bytes"`   // of them together
	Newest  *bucket.Object `json:"newest,omitempty"`
	Made    time.Time      `json:"made,omitzero"` // the newest
	Running bool           `json:"running"`       // a backup is under way
	Next    time.Time      `json:"next,omitzero"` // is due, or tried again; zero: never
	Failure *Failure       `json:"failure,omitempty"`
	Left    string         `json:"left,omitempty"` // why old ones were not deleted; "": they were
}

// Failure is why there is no newer backup.
type Failure struct {
	Since time.Time `json:"since"`
	Tries int       `json:"tries"`
	Error string    `json:"error"` // of the last
	Hint  string    `json:"hint"`
}

// State tells how backups stand; nil if no bucket is set.
func (k *Keeper) State() *State {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.config == nil {
		return nil
	}
	now := k.now()
	s := &State{To: k.config.To.String(), Backups: len(k.known.objects), Running: k.known.running}
	for _, o := range k.known.objects {
		s.Bytes += o.Size
	}
	if last, ok := newest(k.known.objects, now); ok {
		s.Newest, s.Made = &last, last.Made()
	}
	s.Next, _ = k.known.next(k.config.Schedule, now)
	if k.known.failures > 0 {
		s.Failure = &Failure{Since: k.known.since.UTC(), Tries: k.known.failures, Error: k.known.err.Error(), Hint: hintOf(k.known.err)}
	}
	if k.known.left != nil {
		s.Left = k.known.left.Error()
	}
	return s
}
