package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

const (
	// saveTries is how often a record is rewritten when its ref has moved in between.
	saveTries = 5
	// batchRecords and batchBytes bound one write.
	batchRecords = 256
	batchBytes   = 32 << 20
	// batchTimeout bounds one write. On a busy disk 256 records took 2 s.
	batchTimeout = time.Minute
	// tidyEvery is the number of records after which packs and refs are tidied, once
	// nothing waits to be written: every reader opens all of them.
	tidyEvery = 16
)

// writer writes the records of one repository. Records that arrive while it works wait,
// and are then written together, with one process and, as far as the disk can, one wait
// for the disk: a push of a thousand apps is a thousand records.
type writer struct {
	mu      sync.Mutex
	waiting []*saving
	busy    bool
	taken   int // records since packs and refs were last tidied
}

// saving is a record that waits to be written.
type saving struct {
	entry record.Entry
	ref   string
	size  int
	done  chan error
}

// shape says how the notes are spread over files in the commit at the head of a ref. If
// the head is another commit, all notes are written.
type shape struct {
	head   git.Hash
	shards int
}

// errClosed is the error for a record after Close.
var errClosed = errors.New("the server has stopped")

// Save appends a record. When it returns without an error, the record is on
// disk.
func (h *History) Save(ctx context.Context, entry record.Entry) error {
	if !h.enter() {
		return fmt.Errorf("store record %s: %w", entry.Record.ID(), errClosed)
	}
	defer h.work.Done()
	s := &saving{entry: entry, ref: refPrefix + string(entry.Record.App), size: len(entry.Log), done: make(chan error, 1)}
	for _, kept := range entry.Kept {
		s.size += len(kept.Manifest)
	}
	w := h.writerOf(entry.Record.Repo)
	w.mu.Lock()
	w.waiting = append(w.waiting, s)
	begin := !w.busy
	w.busy = true
	w.mu.Unlock()
	if begin {
		h.work.Go(func() { h.write(entry.Record.Repo, w) })
	}
	var err error
	select {
	case err = <-s.done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("store record %s: %w", entry.Record.ID(), err)
	}
	return nil
}

// enter adds a save to the work that Close waits for, unless the history is closed.
func (h *History) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.work.Add(1)
	}
	return !h.closed
}

func (h *History) writerOf(repo name.Repo) *writer {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := h.writers[repo]
	if w == nil {
		w = &writer{}
		h.writers[repo] = w
	}
	return w
}

// write writes waiting records until there are none.
func (h *History) write(repo name.Repo, w *writer) {
	for batch := w.take(); len(batch) > 0; batch = w.take() {
		errs := h.writeBatch(repo, batch)
		for i, s := range batch {
			s.done <- errs[i]
		}
	}
	if w.isUntidy() {
		h.work.Go(func() { h.tidy(repo) })
	}
}

// isUntidy reports whether it is time to tidy packs and refs, and resets the count
// then.
func (w *writer) isUntidy() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.taken < tidyEvery {
		return false
	}
	w.taken = 0
	return true
}

// take returns the records to write next: at most one of each app, since the second has
// the first as its parent.
func (w *writer) take() []*saving {
	w.mu.Lock()
	defer w.mu.Unlock()
	var batch, rest []*saving
	refs, size := map[string]bool{}, 0
	for _, s := range w.waiting {
		full := len(batch) == batchRecords || len(batch) > 0 && size+s.size > batchBytes
		if full || refs[s.ref] {
			rest = append(rest, s)
			continue
		}
		batch = append(batch, s)
		refs[s.ref], size = true, size+s.size
	}
	w.waiting, w.busy = rest, len(batch) > 0
	w.taken += len(batch)
	return batch
}

// writeBatch writes records of different apps and returns the error of each.
func (h *History) writeBatch(repo name.Repo, batch []*saving) []error {
	ctx, cancel := context.WithTimeout(context.Background(), batchTimeout)
	defer cancel()
	errs := make([]error, len(batch))
	repository, err := h.open(repo)
	if err != nil {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	left := make([]int, len(batch))
	for i := range batch {
		left[i] = i
	}
	for try := 0; try < saveTries && len(left) > 0; try++ {
		left = h.tryBatch(ctx, repository, batch, left, errs)
	}
	return errs
}

// tryBatch writes the records with these indexes, and returns those whose refs moved in
// between.
func (h *History) tryBatch(ctx context.Context, repository *git.Repository, batch []*saving, indexes []int, errs []error) (moved []int) {
	var (
		list    []git.Appending
		written []int
		spread  []int
	)
	for _, i := range indexes {
		s := batch[i]
		head, err := repository.Head(ctx, s.ref)
		if err != nil && !errors.Is(err, git.ErrNoRef) {
			errs[i] = err
			continue
		}
		commit, shards, err := h.commit(s, head)
		if errs[i] = err; err != nil {
			continue
		}
		list = append(list, git.Appending{Ref: s.ref, Old: head, Commit: commit})
		written, spread = append(written, i), append(spread, shards)
	}
	hashes, appended := repository.AppendAll(ctx, list)
	for n, i := range written {
		errs[i] = appended[n]
		switch {
		case errors.Is(appended[n], git.ErrRefMoved):
			moved = append(moved, i)
		case appended[n] == nil:
			h.setShape(batch[i].entry.Record.Repo, batch[i].ref, shape{head: hashes[n], shards: spread[n]})
		}
	}
	return moved
}

// commit makes the commit of a record on top of the one before.
func (h *History) commit(s *saving, head git.Hash) (commit git.NewCommit, shards int, err error) {
	text, err := json.MarshalIndent(s.entry.Record, "", "  ")
	if err != nil {
		return git.NewCommit{}, 0, fmt.Errorf("encode: %w", err)
	}
	commit = git.NewCommit{
		Message: message(s.entry.Record),
		Files:   map[string][]byte{recordFile: append(text, '\n'), logFile: s.entry.Log},
		When:    time.Now(),
	}
	for _, kept := range s.entry.Kept {
		switch path := manifestPath(kept.ID); {
		case kept.Gone:
			commit.Remove = append(commit.Remove, path)
		case kept.Manifest != nil:
			commit.Files[path] = kept.Manifest
		}
	}
	shards = shardsFor(len(s.entry.Noted))
	addNotes(&commit, s.entry, shards, h.shapeOf(s.entry.Record.Repo, s.ref) != shape{head: head, shards: shards})
	return commit, shards, nil
}

// addNotes adds the files of notes that have changed, or all.
func addNotes(commit *git.NewCommit, entry record.Entry, shards int, all bool) {
	changed := map[int]bool{}
	for _, kept := range entry.Kept {
		changed[shardOf(kept.ID, shards)] = true
	}
	ids := map[int][]manifest.ID{}
	for id := range entry.Noted {
		if shard := shardOf(id, shards); all || changed[shard] {
			ids[shard] = append(ids[shard], id)
		}
	}
	if all {
		commit.Remove = append(commit.Remove, notedDir)
	}
	for shard := range changed {
		if len(ids[shard]) == 0 {
			commit.Remove = append(commit.Remove, shardPath(shard, shards))
		}
	}
	for shard, members := range ids {
		commit.Files[shardPath(shard, shards)] = writeShard(members, entry.Noted)
	}
}

func (h *History) shapeOf(repo name.Repo, ref string) shape {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.shapes[string(repo)+" "+ref]
}

func (h *History) setShape(repo name.Repo, ref string, s shape) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.shapes[string(repo)+" "+ref] = s
}

// tidy rolls up the packs of records, if there are many. The next round retries after
// an error.
func (h *History) tidy(repo name.Repo) {
	ctx, cancel := context.WithTimeout(context.Background(), batchTimeout)
	defer cancel()
	if repository, err := h.open(repo); err == nil {
		_ = repository.Maintain(ctx)
	}
}

// Close waits until all records are written. A Save after it is an error.
func (h *History) Close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.work.Wait()
}
