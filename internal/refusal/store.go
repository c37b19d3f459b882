package refusal

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/name"
)

// What is kept at most. A repository, and an operator in it, that has many refusals makes
// room for its own newest ones, and pushes out nobody else's.
const (
	Most     = 200
	MostEach = 50                 // of one repository
	For      = 7 * 24 * time.Hour // and no longer
)

// maxStored bounds what is read of a file, in bytes. One that is written has less.
const maxStored = 512 << 10

// Store keeps refusals in a folder, a file each. They outlive a restart, and are part of no
// backup. Nothing waits for the disk: what a crash tears is gone.
type Store struct {
	dir   string
	fence func() error // an error once the folder is another server's
	now   func() time.Time

	mu     sync.Mutex
	loaded bool
	kept   []Brief // oldest first
}

// Open returns the store of a folder, which need not exist. It reads nothing before it is
// asked for something. fence returns an error once the folder is another server's.
func Open(dir string, fence func() error) *Store {
	return &Store{dir: dir, fence: fence, now: time.Now}
}

// Keep keeps a refusal, and returns its id. What is over a limit is left out of it. With an
// error, nothing is kept.
func (s *Store) Keep(r Refusal) (id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.fence(); err != nil {
		return "", err
	}
	r.ID, r.Time = rand.Text(), s.now().UTC().Truncate(time.Millisecond)
	r = r.bounded()
	text, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("keep a refusal: %w", err)
	}
	root, err := s.open()
	if err != nil {
		return "", fmt.Errorf("keep a refusal: %w", err)
	}
	defer root.Close()
	s.load(root)
	if err := root.WriteFile(fileOf(r.ID), text, 0o600); err != nil {
		_ = root.Remove(fileOf(r.ID)) // a part of it may be there
		return "", fmt.Errorf("keep a refusal: %w", err)
	}
	s.kept = append(s.kept, r.Brief)
	s.makeRoom(root)
	return r.ID, nil
}

// Find returns a refusal by its id. It is false if there is none, or none any more.
func (s *Store) Find(id string) (Refusal, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.find(id); !ok {
		return Refusal{}, false
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return Refusal{}, false
	}
	defer root.Close()
	r, err := read(root, fileOf(id))
	return r, err == nil && r.ID == id
}

// Brief is Find without what is wrong with the push.
func (s *Store) Brief(id string) (Brief, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(id)
}

// List lists the refusals, newest first.
func (s *Store) List() []Brief {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.know()
	list := slices.Clone(s.kept)
	list = slices.DeleteFunc(list, s.isOver)
	slices.Reverse(list)
	return list
}

// Forget drops the refusals of a repository, which is deleted.
func (s *Store) Forget(repo name.Repo) {
	s.drop(func(b Brief) bool { return b.Repo == repo })
}

// Tidy drops the refusals that are too old.
func (s *Store) Tidy() { s.drop(s.isOver) }

func (s *Store) drop(which func(Brief) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fence() != nil {
		return
	}
	s.know()
	if !slices.ContainsFunc(s.kept, which) {
		return
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return // with the folder, all are gone
	}
	defer root.Close()
	for _, b := range s.kept {
		if which(b) {
			_ = root.Remove(fileOf(b.ID)) // one that stays is dropped after the next start
		}
	}
	s.kept = slices.DeleteFunc(s.kept, which)
}

func (s *Store) isOver(b Brief) bool { return s.now().Sub(b.Time) > For }

// find looks for an id among those that are kept; nothing else becomes the name of a file.
// s.mu is held, as for the functions below.
func (s *Store) find(id string) (Brief, bool) {
	s.know()
	at := slices.IndexFunc(s.kept, func(b Brief) bool { return b.ID == id })
	if at < 0 || s.isOver(s.kept[at]) {
		return Brief{}, false
	}
	return s.kept[at], true
}

// makeRoom drops what is too old or too much.
func (s *Store) makeRoom(root *os.Root) {
	for _, b := range excess(s.kept, s.isOver) {
		_ = root.Remove(fileOf(b.ID)) // one that stays is dropped after the next start
		s.kept = slices.DeleteFunc(s.kept, func(k Brief) bool { return k.ID == b.ID })
	}
}

// excess returns those that have to go. kept is in the order of time.
func excess(kept []Brief, isOver func(Brief) bool) (gone []Brief) {
	kept = slices.Clone(kept)
	take := func(at int) {
		gone = append(gone, kept[at])
		kept = slices.Delete(kept, at, at+1)
	}
	for at := slices.IndexFunc(kept, isOver); at >= 0; at = slices.IndexFunc(kept, isOver) {
		take(at)
	}
	for len(kept) > 0 {
		repo, n := commonest(kept, func(b Brief) string { return string(b.Repo) })
		if n <= MostEach && len(kept) <= Most {
			return gone
		}
		in := slices.DeleteFunc(slices.Clone(kept), func(b Brief) bool { return string(b.Repo) != repo })
		who, _ := commonest(in, func(b Brief) string { return b.Operator })
		take(slices.IndexFunc(kept, func(b Brief) bool { return string(b.Repo) == repo && b.Operator == who }))
	}
	return gone
}

// commonest returns what most have, and how many those are; of equals, the first.
func commonest(list []Brief, of func(Brief) string) (which string, n int) {
	counts := map[string]int{}
	for _, b := range list {
		counts[of(b)]++
	}
	for _, b := range list {
		if counts[of(b)] > n {
			which, n = of(b), counts[of(b)]
		}
	}
	return which, n
}

// open opens the folder, and makes it first if it is not there.
func (s *Store) open() (*os.Root, error) {
	root, err := os.OpenRoot(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.Mkdir(s.dir, 0o700); err != nil {
			return nil, err
		}
		root, err = os.OpenRoot(s.dir)
	}
	return root, err
}

// know reads the folder, unless that was done.
func (s *Store) know() {
	if s.loaded {
		return
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return // there is nothing, or nothing yet
	}
	defer root.Close()
	s.load(root)
}

var stored = regexp.MustCompile(`^[A-Z2-7]{26}\.json$`)

func fileOf(id string) string { return id + ".json" }

// load reads the folder, unless that was done. What cannot be read, as after a crash, is
// dropped.
func (s *Store) load(root *os.Root) {
	if s.loaded {
		return
	}
	s.loaded = true
	dir, err := root.Open(".")
	if err != nil {
		return
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return
	}
	for _, file := range names {
		if !stored.MatchString(file) {
			continue
		}
		if r, err := read(root, file); err == nil && fileOf(r.ID) == file {
			s.kept = append(s.kept, r.Brief)
		} else if s.fence() == nil {
			_ = root.Remove(file)
		}
	}
	slices.SortFunc(s.kept, func(a, b Brief) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID)) })
	if s.fence() == nil {
		s.makeRoom(root)
	}
}

func read(root *os.Root, name string) (r Refusal, err error) {
	file, err := root.Open(name)
	if err != nil {
		return r, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxStored))
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	return r, err
}
