// Package history keeps the records of deploys in Git itself: one commit a deploy on
// refs/pushboat/deploys/APP, never rewritten. git log can read the message, which ends
// in trailers. The tree holds the record, the lines that were shown, and a file for
// each object as applied, with secret values masked. So git diff between two deploys is
// the exact change, and git fetch backs it up. layout.go describes the tree.
package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// refPrefix is the prefix of the records' refs. git refuses pushes to them
// (receive.hideRefs); callers who may read deploys can fetch them.
const refPrefix = git.RecordRefs + "deploys/"

// History reads and writes records. Use New.
type History struct {
	repos *git.Store
	page  int // number of commits that a search reads at a time

	mu      sync.Mutex
	writers map[name.Repo]*writer // by repository
	shapes  map[string]shape      // by repository and ref
	closed  bool
	work    sync.WaitGroup // saves, and the work that they start; grows from zero only while not closed
}

// New makes a History over the repositories of a store, one of which writes.
func New(repos *git.Store) *History {
	return &History{repos: repos, page: pageSize, writers: map[name.Repo]*writer{}, shapes: map[string]shape{}}
}

// Newest returns the newest record of every app of a repository that has records. A
// damaged record hides no other, and its app is not forgotten: it gets an older record,
// or only its name.
func (h *History) Newest(ctx context.Context, repo name.Repo) (map[name.App]record.Saved, error) {
	repository, err := h.open(repo)
	if err != nil {
		return nil, err
	}
	refs, err := repository.Refs(ctx, refPrefix)
	if err != nil {
		return nil, fmt.Errorf("list records of %s: %w", repo, err)
	}
	reader, err := repository.Reader()
	if err != nil {
		return nil, err
	}
	newest := make(map[name.App]record.Saved, len(refs))
	for _, ref := range refs {
		app, err := name.ParseApp(strings.TrimPrefix(ref.Name, refPrefix))
		if err != nil {
			continue // no app has that name
		}
		saved, shards, err := readSaved(reader, ref.Hash)
		if err != nil {
			saved = olderThan(ctx, reader, ref.Hash)
			saved.Damaged = fmt.Errorf("the newest record of app %s is damaged: %w", app, err)
			saved.Record.App, saved.Record.Repo = app, repo
		}
		h.setShape(repo, ref.Name, shape{head: ref.Hash, shards: shards})
		newest[app] = saved
	}
	return newest, nil
}

// maxDamaged is the number of older records that are tried in place of a damaged one.
const maxDamaged = 20

// olderThan reads the newest sound record before a damaged one; zero if there is none.
// It drops the record's notes, since objects may have changed since.
func olderThan(ctx context.Context, reader *git.Reader, damaged git.Hash) record.Saved {
	commits, err := reader.LogFrom(ctx, damaged, maxDamaged)
	if err != nil {
		return record.Saved{}
	}
	for _, commit := range commits[min(1, len(commits)):] {
		if saved, _, err := readSaved(reader, commit.Hash); err == nil {
			if saved.Record.Result == record.Removed {
				saved.Record.Result = record.Failed // it may have come back since
			}
			for id := range saved.Noted {
				saved.Noted[id] = record.Noted{}
			}
			return saved
		}
	}
	return record.Saved{}
}

// Manifests returns the objects of an app from its newest record.
func (h *History) Manifests(ctx context.Context, repo name.Repo, app name.App) ([][]byte, error) {
	repository, err := h.open(repo)
	if err != nil {
		return nil, err
	}
	head, err := repository.Head(ctx, refPrefix+string(app))
	if errors.Is(err, git.ErrNoRef) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	tree, err := repository.Tree(head)
	if err != nil {
		return nil, err
	}
	var manifests [][]byte
	err = fs.WalkDir(tree, manifestsDir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == manifestsDir {
			return nil // the app has no objects
		}
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(tree, path)
		manifests = append(manifests, text)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the objects of app %s: %w", app, err)
	}
	return manifests, nil
}

func readSaved(reader *git.Reader, hash git.Hash) (saved record.Saved, shards int, err error) {
	tree, err := reader.Tree(hash)
	if err != nil {
		return record.Saved{}, 0, err
	}
	if saved.Record, err = readRecord(tree, hash); err != nil {
		return record.Saved{}, 0, err
	}
	if saved.Noted, shards, err = readNoted(tree); err != nil {
		return record.Saved{}, 0, fmt.Errorf("read record %s: %w", saved.Record.ID(), err)
	}
	return saved, shards, nil
}

// pageSize is the number of commits that a search reads at a time.
const pageSize = 200

// List returns up to max records of an app, newest first, starting before the deploy
// with the number before; 0 starts at the newest. It returns none if the app was never
// deployed.
func (h *History) List(ctx context.Context, repo name.Repo, app name.App, before, max int) ([]record.Record, error) {
	repository, err := h.open(repo)
	if err != nil {
		return nil, err
	}
	var hashes []git.Hash
	err = h.walk(ctx, repository, app, func(commit git.Commit, number int) bool {
		if before == 0 || number < before {
			hashes = append(hashes, commit.Hash)
		}
		return len(hashes) < max
	})
	if err != nil {
		return nil, fmt.Errorf("list records of app %s: %w", app, err)
	}
	texts, err := repository.ReadFiles(ctx, hashes, recordFile)
	if err != nil {
		return nil, fmt.Errorf("read records of app %s: %w", app, err)
	}
	records := make([]record.Record, len(texts))
	for i, text := range texts {
		if records[i], err = decodeRecord(text, hashes[i]); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// walk calls visit with the commits of an app's records, newest first, each with the
// number of its deploy, until visit returns false. It reads commits only.
func (h *History) walk(ctx context.Context, repository *git.Repository, app name.App, visit func(git.Commit, int) bool) error {
	next, err := repository.Head(ctx, refPrefix+string(app))
	if errors.Is(err, git.ErrNoRef) {
		return nil
	}
	if err != nil {
		return err
	}
	reader, err := repository.Reader()
	for page := min(h.page, firstPage); err == nil && !next.IsZero(); page = h.page {
		var commits []git.Commit
		if commits, err = reader.LogFrom(ctx, next, page); err != nil {
			break
		}
		next = ""
		for _, commit := range commits {
			if !visit(commit, numberOf(commit.Message, app)) {
				return nil
			}
		}
		if last := commits[len(commits)-1]; len(last.Parents) > 0 {
			next = last.Parents[0]
		}
	}
	return err
}

// firstPage is the number of commits that a walk reads first: most searches want the
// newest.
const firstPage = 20

// Find returns the record of one deploy, with its log; ok is false if there is
// no such deploy.
func (h *History) Find(ctx context.Context, repo name.Repo, app name.App, number int) (entry record.Entry, ok bool, err error) {
	repository, err := h.open(repo)
	if err != nil {
		return record.Entry{}, false, err
	}
	hash, err := h.find(ctx, repository, app, number)
	if err != nil || hash.IsZero() {
		return record.Entry{}, false, err
	}
	tree, err := repository.Tree(hash)
	if err != nil {
		return record.Entry{}, false, err
	}
	if entry.Record, err = readRecord(tree, hash); err != nil {
		return record.Entry{}, false, err
	}
	if entry.Log, err = fs.ReadFile(tree, logFile); err != nil {
		return record.Entry{}, false, fmt.Errorf("read log of %s: %w", entry.Record.ID(), err)
	}
	return entry, true, nil
}

// find returns the commit of a deploy's record; "" if there is none. It looks through
// the newest ones, and asks Git for all others.
func (h *History) find(ctx context.Context, repository *git.Repository, app name.App, number int) (found git.Hash, err error) {
	seen := 0
	err = h.walk(ctx, repository, app, func(commit git.Commit, n int) bool {
		if n == number {
			found = commit.Hash
		}
		seen++
		return found == "" && seen < firstPage
	})
	if err != nil || found != "" || seen < firstPage {
		return found, err
	}
	return repository.FindLine(ctx, refPrefix+string(app), deployLine(app, number))
}

func (h *History) open(repo name.Repo) (*git.Repository, error) {
	return h.repos.Open(repo)
}

func readRecord(tree fs.FS, hash git.Hash) (record.Record, error) {
	text, err := fs.ReadFile(tree, recordFile)
	if err != nil {
		return record.Record{}, fmt.Errorf("read record at %s: %w", hash.Short(), err)
	}
	return decodeRecord(text, hash)
}

func decodeRecord(text []byte, hash git.Hash) (rec record.Record, err error) {
	if err := json.Unmarshal(text, &rec); err != nil {
		return record.Record{}, fmt.Errorf("decode record at %s: %w", hash.Short(), err)
	}
	if err := checkNames(rec); err != nil {
		return record.Record{}, fmt.Errorf("decode record at %s: %w", hash.Short(), err)
	}
	return rec, nil
}

// checkNames checks the names in a record against their grammars. Each may be missing.
func checkNames(rec record.Record) error {
	for _, app := range append([]name.App{rec.App, rec.Renamed}, rec.Formerly...) {
		if _, err := name.ParseApp(string(app)); err != nil && app != "" {
			return fmt.Errorf("app name %q %w", app, err)
		}
	}
	if err := rec.Repo.Check(); err != nil && rec.Repo != "" {
		return fmt.Errorf("repository name %q: %w", rec.Repo, err)
	}
	for _, revision := range []name.Revision{rec.Revision, rec.Had, rec.Skipped, rec.Held} {
		if _, err := name.ParseRevision(string(revision)); err != nil && revision != "" {
			return err
		}
	}
	return nil
}
