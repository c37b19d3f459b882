// Package history keeps the records of deploys, in Git itself: one commit a
// deploy on refs/pushboat/deploys/APP, never rewritten. The message can be read
// with git log and ends in trailers; the tree holds the record, the lines that
// were shown, and the objects as applied with their secret values masked. So
// git diff between two deploys is the exact change, and git fetch backs it up.
package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
)

// refPrefix is where the records are. Pushes to it are refused by git
// (receive.hideRefs), fetches are not.
const refPrefix = "refs/pushboat/deploys/"

// The files of a record's commit.
const (
	recordFile    = "record.json"
	logFile       = "log.txt"
	manifestsFile = "manifests.yaml"
)

// saveTries is how often Save begins anew when another record of the same app
// came between.
const saveTries = 5

// History reads and writes records. Use New.
type History struct {
	repos *git.Store
	page  int        // how many commits Find reads at a time
	mu    sync.Mutex // one writer: two records of an app never race
}

// New makes a History over the repositories of a store.
func New(repos *git.Store) *History { return &History{repos: repos, page: pageSize} }

// Entry is a record as it is stored.
type Entry struct {
	Record    deploy.Record
	Log       []byte // the lines that were shown
	Manifests []byte // the objects as applied, secrets masked; empty if nothing was
}

// Last returns an app's newest record; ok is false if there is none.
func (h *History) Last(ctx context.Context, repo, app string) (record deploy.Record, ok bool, err error) {
	records, err := h.List(ctx, repo, app, 1)
	if err != nil || len(records) == 0 {
		return deploy.Record{}, false, err
	}
	return records[0], true, nil
}

// Apps lists the apps of a repository that have records.
func (h *History) Apps(ctx context.Context, repo string) ([]string, error) {
	repository, err := h.open(repo)
	if err != nil {
		return nil, err
	}
	refs, err := repository.Refs(ctx, refPrefix)
	if err != nil {
		return nil, fmt.Errorf("list records of %s: %w", repo, err)
	}
	apps := make([]string, 0, len(refs))
	for _, ref := range refs {
		apps = append(apps, strings.TrimPrefix(ref.Name, refPrefix))
	}
	return apps, nil
}

// List returns up to max records of an app, newest first; none if the app was
// never deployed.
func (h *History) List(ctx context.Context, repo, app string, max int) ([]deploy.Record, error) {
	repository, err := h.open(repo)
	if err != nil {
		return nil, err
	}
	commits, err := repository.Log(ctx, refPrefix+app, max)
	if errors.Is(err, git.ErrNoRef) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list records of app %s: %w", app, err)
	}
	records := make([]deploy.Record, 0, len(commits))
	for _, commit := range commits {
		record, err := readRecord(repository, commit.Hash)
		if err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	return records, nil
}

// pageSize is how many commits Find reads at a time.
const pageSize = 200

// Find returns the record of one deploy in full; ok is false if there is no
// such deploy.
func (h *History) Find(ctx context.Context, repo, app string, number int) (entry Entry, ok bool, err error) {
	repository, err := h.open(repo)
	if err != nil {
		return Entry{}, false, err
	}
	next, err := repository.Head(ctx, refPrefix+app)
	if errors.Is(err, git.ErrNoRef) {
		return Entry{}, false, nil
	}
	trailer := "\nDeploy: " + deploy.DeployID(app, number) + "\n"
	for err == nil && !next.IsZero() {
		var commits []git.Commit
		if commits, err = repository.LogFrom(ctx, next, h.page); err != nil {
			break
		}
		next = ""
		for _, commit := range commits {
			if strings.Contains(commit.Message+"\n", trailer) {
				entry, err = readEntry(repository, commit.Hash)
				return entry, err == nil, err
			}
		}
		if last := commits[len(commits)-1]; len(last.Parents) > 0 {
			next = last.Parents[0]
		}
	}
	return Entry{}, false, err
}

// Save appends a record.
func (h *History) Save(ctx context.Context, record deploy.Record, log, manifests []byte) error {
	repository, err := h.open(record.Repo)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		return fmt.Errorf("encode record %s: %w", record.ID(), err)
	}
	commit := git.NewCommit{
		Message: message(record),
		Files:   map[string][]byte{recordFile: append(text, '\n'), logFile: log},
		When:    time.Now(),
	}
	if len(manifests) > 0 {
		commit.Files[manifestsFile] = manifests
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for range saveTries {
		if err = appendTo(ctx, repository, refPrefix+record.App, commit); !errors.Is(err, git.ErrRefMoved) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("store record %s: %w", record.ID(), err)
	}
	return nil
}

func appendTo(ctx context.Context, repository *git.Repository, ref string, commit git.NewCommit) error {
	old, err := repository.Head(ctx, ref)
	if err != nil && !errors.Is(err, git.ErrNoRef) {
		return err
	}
	_, err = repository.Append(ctx, ref, old, commit)
	return err
}

func (h *History) open(repo string) (*git.Repository, error) {
	name, err := git.ParseName(repo)
	if err != nil {
		return nil, err
	}
	return h.repos.Open(name)
}

func readRecord(repository *git.Repository, hash git.Hash) (deploy.Record, error) {
	text, err := repository.ReadFile(hash, recordFile)
	if err != nil {
		return deploy.Record{}, fmt.Errorf("read record at %s: %w", hash.Short(), err)
	}
	var record deploy.Record
	if err := json.Unmarshal(text, &record); err != nil {
		return deploy.Record{}, fmt.Errorf("decode record at %s: %w", hash.Short(), err)
	}
	return record, nil
}

func readEntry(repository *git.Repository, hash git.Hash) (Entry, error) {
	record, err := readRecord(repository, hash)
	if err != nil {
		return Entry{}, err
	}
	entry := Entry{Record: record}
	if entry.Log, err = repository.ReadFile(hash, logFile); err != nil {
		return Entry{}, fmt.Errorf("read log of %s: %w", record.ID(), err)
	}
	// A deploy that applied nothing has no manifests.
	entry.Manifests, _ = repository.ReadFile(hash, manifestsFile)
	return entry, nil
}

// message writes a record for git log: a subject that says it all, and
// trailers for programs.
func message(r deploy.Record) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s %s\n\n", r.App, r.Result, r.Revision[:min(7, len(r.Revision))])
	if r.Message != "" {
		// Indented, so that no line of it can pass for a trailer.
		fmt.Fprintf(&b, "  %s\n\n", strings.ReplaceAll(strings.TrimSpace(r.Message), "\n", "\n  "))
	}
	for _, trailer := range [][2]string{
		{"Deploy", r.ID()},
		{"Operator", r.Operator},
		{"Key", r.Key},
		{"Revision", r.Revision},
		{"Cluster", r.Cluster},
		{"Cause", string(r.Cause)},
		{"Result", string(r.Result)},
		{"Duration", fmt.Sprintf("%.1fs", r.Seconds)},
	} {
		if trailer[1] != "" {
			fmt.Fprintf(&b, "%s: %s\n", trailer[0], trailer[1])
		}
	}
	return b.String()
}
