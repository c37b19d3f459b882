package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/datadir"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
)

// Restore holds the parameters of a restore.
type Restore struct {
	Archives []Archive // a full backup, and those that build on it, in order
	Keys     Keys      // that decrypt them
	Data     string    // the directory to create; it must be empty or missing
	Repo     name.Repo // the only repository to restore; "": all
	At       time.Time // as of which branches are restored; zero: as backed up
}

// Archive is a backup to read.
type Archive struct {
	Name string // for people
	ID   string // that its header must have; "": any
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// Files are archives in files.
func Files(paths ...string) []Archive {
	archives := make([]Archive, len(paths))
	for i, path := range paths {
		archives[i] = Archive{Name: path, Open: func(context.Context) (io.ReadCloser, error) { return os.Open(path) }}
	}
	return archives
}

// Result describes a restore.
type Result struct {
	Header           // of the last archive
	Repositories int // without the server's own
	Files        int
	Bytes        int64
	Rewound      map[string][]string // branches that differ from the backup, by repository
}

// String is a line for people.
func (r Result) String() string {
	return fmt.Sprintf("backup %s of %s: %s, %s, %s", r.ID, r.Made.Format(time.RFC3339),
		count(r.Repositories, "repository", "repositories"), count(r.Files, "file", "files"), SizeText(r.Bytes))
}

// Run restores. The directory holds nothing but a folder datadir.Unfinished until
// everything was read and found complete; after that, its content is on disk.
func (r Restore) Run(ctx context.Context) (Result, error) {
	place, err := openPlace(r.Data)
	if err != nil {
		return Result{}, err
	}
	defer place.close()
	result, err := r.into(ctx, place.stage)
	if err != nil {
		return Result{}, errors.Join(err, place.clear())
	}
	return result, place.moveIn()
}

// Verify restores archives into a temporary folder: archives that can be restored are
// complete.
func Verify(ctx context.Context, archives []Archive, keys Keys) (result Result, err error) {
	dir, err := os.MkdirTemp("", "pushboat-verify-")
	if err != nil {
		return Result{}, fmt.Errorf("verify: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return Restore{Archives: archives, Keys: keys}.into(ctx, dir)
}

// into restores into an empty folder.
func (r Restore) into(ctx context.Context, dir string) (Result, error) {
	stage, err := newStage(dir, r.Repo)
	if err != nil {
		return Result{}, err
	}
	defer stage.close()
	for i, archive := range r.Archives {
		if err := r.unpack(ctx, stage, i); err != nil {
			return Result{}, fmt.Errorf("%q: %w", archive.Name, err)
		}
	}
	if err := stage.settle(); err != nil {
		return Result{}, fmt.Errorf("%q: %w", r.Archives[len(r.Archives)-1].Name, err)
	}
	if err := r.check(stage); err != nil {
		return Result{}, err
	}
	result := Result{Header: stage.header, Files: len(stage.have), Bytes: stage.bytes, Rewound: map[string][]string{}}
	err = r.finish(ctx, filepath.Join(dir, reposDir), &result)
	return result, err
}

// unpack unpacks the i-th archive over those before it.
func (r Restore) unpack(ctx context.Context, stage *stage, i int) error {
	content, err := r.Archives[i].Open(ctx)
	if err != nil {
		return err
	}
	defer content.Close()
	archive, err := newReader(content, r.Keys)
	if err != nil {
		return err
	}
	if want := r.Archives[i].ID; want != "" && want != archive.header.ID {
		return fmt.Errorf("it is backup %s under another one's name", archive.header.ID)
	}
	if err := follows(stage.header, archive.header); err != nil {
		return err
	}
	for {
		path, err := archive.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = ctx.Err()
		}
		if err == nil && stage.wants(path) {
			err = stage.put(path, archive)
		}
		if err != nil {
			return err
		}
	}
	stage.take(archive)
	return nil
}

// follows returns an error if an archive cannot come after another, or first.
func follows(before, next Header) error {
	switch {
	case next.Data > datadir.Current():
		return fmt.Errorf("it is of a data directory of version %d, and this program knows versions up to %d: restore it with the Pushboat that made it, or a newer one",
			next.Data, datadir.Current())
	case next.Since == before.ID:
		return nil
	case before.ID == "":
		return fmt.Errorf("it goes on from backup %s: give the archive of that before it", next.Since)
	case next.Since == "":
		return errors.New("it is a whole backup: give it first, or alone")
	}
	return fmt.Errorf("it goes on from backup %s, and the archive before it is %s", next.Since, before.ID)
}

// check checks that the restored content answers the request.
func (r Restore) check(stage *stage) error {
	if !r.At.IsZero() && r.At.After(stage.header.Made) {
		return fmt.Errorf("the backup is of %s: the state at %s is in a later one", stage.header.Made.Format(time.RFC3339), r.At.UTC().Format(time.RFC3339))
	}
	if _, there := stage.have[reposDir+"/"+string(r.Repo)+".git/HEAD"]; r.Repo != "" && !there {
		return fmt.Errorf("repository %q is not in the backup, which has %s", r.Repo, strings.Join(stage.repositories(), ", "))
	}
	return nil
}

// finish makes repositories from the files, makes Git check them, and takes them back
// to a time if requested.
func (r Restore) finish(ctx context.Context, dir string, result *Result) error {
	store, err := git.OpenStore(dir, git.StoreOptions{})
	if err != nil {
		return err
	}
	repos, err := store.List()
	if err != nil {
		return errors.Join(err, store.Close())
	}
	result.Repositories = len(repos)
	if r.Repo == "" && slices.Contains(repos, access.AdminRepo) {
		result.Repositories-- // the server's own is not counted
	}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.NumCPU())
	for _, repo := range repos {
		group.Go(func() error {
			moved, err := r.finishOne(ctx, store, repo)
			if len(moved) > 0 {
				mu.Lock()
				defer mu.Unlock()
				result.Rewound[string(repo)] = moved
			}
			return err
		})
	}
	return errors.Join(group.Wait(), store.Close())
}

func (r Restore) finishOne(ctx context.Context, store *git.Store, repo name.Repo) (moved []string, err error) {
	repository, err := store.Open(repo)
	if err == nil {
		err = repository.Finish(ctx)
	}
	if err == nil && !r.At.IsZero() {
		moved, err = repository.Rewind(ctx, r.At)
	}
	slices.Sort(moved)
	return moved, err
}
