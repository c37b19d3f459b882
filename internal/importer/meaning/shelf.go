package meaning

import (
	"sync"

	"github.com/pushboat/pushboat/internal/name"
)

// Bounds of a Shelf, in bytes as Weight estimates them.
const (
	maxShelf    = 64 << 20
	maxShelfOne = 32 << 20 // of one repository, so that it leaves room for others
)

// Shelf remembers what the files of repositories had: of each, those of the revision that was
// looked through last, as far as there is room. What one repository has is never taken for what
// another has, though their hashes be the same. The zero Shelf is empty; nil remembers nothing.
type Shelf struct {
	mu     sync.Mutex
	last   map[name.Repo]*shelved
	weight int64
	clock  int64
}

// shelved is a revision, and when it was asked for.
type shelved struct {
	root *folder
	at   int64
}

// get returns the root of the last revision; nil if it is not known.
func (s *Shelf) get(repo name.Repo) *folder {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.last[repo]
	if found == nil {
		return nil
	}
	s.clock++
	found.at = s.clock
	return found.root
}

// put remembers a revision in place of the one before, and forgets those that were not asked for
// the longest where there is no room.
func (s *Shelf) put(repo name.Repo, root *folder) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(repo)
	if root.weight > maxShelfOne {
		return
	}
	if s.last == nil {
		s.last = map[name.Repo]*shelved{}
	}
	s.clock++
	s.last[repo] = &shelved{root, s.clock}
	for s.weight += root.weight; s.weight > maxShelf; {
		s.drop(s.oldest())
	}
}

// drop forgets a repository. s.mu is held.
func (s *Shelf) drop(repo name.Repo) {
	if found := s.last[repo]; found != nil {
		s.weight -= found.root.weight
		delete(s.last, repo)
	}
}

// oldest is the repository that was not asked for the longest. s.mu is held.
func (s *Shelf) oldest() (oldest name.Repo) {
	at := s.clock + 1
	for repo, found := range s.last {
		if found.at < at {
			oldest, at = repo, found.at
		}
	}
	return oldest
}
