package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pushboat/pushboat/internal/name"
	"github.com/sirupsen/logrus"
)

// Errors of the store and its repositories, to be tested with errors.Is.
var (
	ErrNotExist = errors.New("repository does not exist")
	ErrExist    = errors.New("repository exists already")
	ErrInUse    = errors.New("another server uses this directory")
)

// Names inside the store's directory that are no repositories. They start with
// a dot, which no name can.
const (
	lockFile = ".lock"
	newDir   = ".new"   // repositories being created
	trashDir = ".trash" // repositories being deleted
)

// StoreOptions configure a store and its git. The zero value of each field has the
// stated default.
type StoreOptions struct {
	// Git is the git program; default: "git", looked up in PATH.
	Git string
	// Path is the PATH that git and its hooks get; default:
	// /usr/local/bin:/usr/bin:/bin.
	Path string
	// HooksDir is the absolute directory that core.hooksPath names for every
	// repository. Without one, or without its pre-receive, every push is refused,
	// because git would accept a push without its gate.
	HooksDir string
	// MaxPush is the largest pack that a push may send, and the largest single object
	// that git may unpack in memory while it receives, in bytes; default 512 MiB. (The
	// size of a pack does not bound its inflated size: CVE-2026-34165.)
	MaxPush int64
	// MaxCPU is the processor time for each of Git's processes in a clone, or in a push
	// before its gate; default 30 min.
	MaxCPU time.Duration
	// Timeout is the time that Git may go on without a byte from the client: during a
	// clone, and from the arrival of a push's pack until its gate, where a small pack
	// has less (see Bounds); default 30 min.
	Timeout time.Duration
	// Limits apply to a revision that is read as an fs.FS; zero fields have the
	// defaults of TreeLimits.
	Limits TreeLimits
	// KillDelay is the time between SIGTERM and SIGKILL when the server itself
	// is forced to stop; default 10 s.
	KillDelay time.Duration
	// Seize makes the store take the directory even if another process has its lock:
	// for a process that is frozen, or on a machine that is lost. The caller has
	// replaced it, and its Fence keeps it from changing anything.
	Seize bool
	// Owned is called once no other process has the directory, before anything in it
	// changes; its error ends OpenStore. Default: nothing.
	Owned func() error
	// Fence is called before anything in the directory changes, and its error prevents
	// the change: another process may own the directory by then. Default: nothing. (For
	// Git's own changes in a push, the push's hooks call it.)
	Fence func() error
	// Log receives swept files and other oddities; default: silence.
	Log *logrus.Entry

	counts *counts // of the store; nil: nothing is counted
}

func (o StoreOptions) withDefaults() StoreOptions {
	if o.Git == "" {
		o.Git = "git"
	}
	if o.Path == "" {
		o.Path = "/usr/local/bin:/usr/bin:/bin"
	}
	if o.MaxPush <= 0 {
		o.MaxPush = 512 << 20
	}
	if o.MaxCPU <= 0 {
		o.MaxCPU = defaultMaxCPU
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.KillDelay <= 0 {
		o.KillDelay = 10 * time.Second
	}
	if o.Fence == nil {
		o.Fence = func() error { return nil }
	}
	if o.Log == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		o.Log = logrus.NewEntry(silent)
	}
	o.Limits = o.Limits.withDefaults()
	return o
}

// Store is a directory of bare repositories, DIR/NAME.git. It is safe for
// concurrent use, and one process at a time owns it.
type Store struct {
	dir  string // absolute, without symlinks
	root *os.Root
	lock *os.File
	opts StoreOptions // at the start
	// bounded has MaxPush, MaxCPU and Timeout for newly opened repositories, see Bound.
	bounded atomic.Pointer[StoreOptions]

	mu          sync.Mutex    // held while repositories appear and disappear
	maintenance chan struct{} // holds one while a repository is repacked
	looks       chan struct{} // holds one for each look at the history of a file
	underway    underway
	kept        blobs
}

// Bound sets the size limit for pushes, and the limits on Git, for repositories that
// are opened from now on; see StoreOptions.
func (s *Store) Bound(maxPush int64, maxCPU, timeout time.Duration) {
	opts := s.opts
	opts.MaxPush, opts.MaxCPU, opts.Timeout = maxPush, maxCPU, timeout
	opts = opts.withDefaults()
	s.bounded.Store(&opts)
}

// OpenStore opens the directory of repositories and creates it if need be. It checks
// the installed git, takes the directory's lock (ErrInUse when another process has it),
// and sweeps the remains of an earlier process: quarantine directories, lock files,
// half-created and half-deleted repositories.
func OpenStore(dir string, opts StoreOptions) (*Store, error) {
	opts = opts.withDefaults()
	program, err := findGit(opts.Git)
	if err != nil {
		return nil, err
	}
	opts.Git, opts.counts = program, newCounts()
	dir, err = makeStoreDir(dir)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open repositories directory: %w", err)
	}
	s := &Store{dir: dir, root: root, opts: opts, maintenance: make(chan struct{}, 1), looks: make(chan struct{}, lookAtOnce)}
	s.bounded.Store(&opts)
	if err := s.takeOver(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// makeStoreDir creates dir and returns it absolute and without symlinks, as git names
// it to the hooks.
func makeStoreDir(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make repositories directory: %w", err)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("repositories directory: %w", err)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", fmt.Errorf("repositories directory: %w", err)
	}
	return dir, nil
}

func (s *Store) takeOver() error {
	err := s.takeLock()
	if errors.Is(err, ErrInUse) && s.opts.Seize {
		err = s.seizeLock()
	}
	if err != nil {
		return err
	}
	if s.opts.Owned != nil {
		if err := s.opts.Owned(); err != nil {
			return err
		}
	}
	err = errors.Join(s.sweepWork(), s.sweep())
	if Full(err) { // some file systems need space to delete: the rest goes at the next start
		s.opts.Log.Warn(err)
		return nil
	}
	return err
}

// Close releases the directory. Repositories and running pushes stay usable: it is for
// the end of the process.
func (s *Store) Close() error {
	var errs []error
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(append(errs, s.root.Close())...)
}

// List returns the names of all repositories in order.
func (s *Store) List() ([]name.Repo, error) {
	names, err := s.list(".", 1)
	if err != nil {
		return nil, fmt.Errorf("list repositories: %w", err)
	}
	slices.Sort(names)
	return names, nil
}

func (s *Store) list(dir string, depth int) ([]name.Repo, error) {
	entries, err := fs.ReadDir(s.root.FS(), dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // deleted meanwhile
	}
	if err != nil {
		return nil, err
	}
	var names []name.Repo
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if !entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		if stem, ok := strings.CutSuffix(path, ".git"); ok {
			if repo := name.Repo(stem); repo.Check() == nil {
				names = append(names, repo)
			}
		} else if depth < name.MaxRepoParts {
			below, err := s.list(path, depth+1)
			if err != nil {
				return nil, err
			}
			names = append(names, below...)
		}
	}
	return names, nil
}

// Open returns an existing repository; the error is ErrNotExist when there is
// none of that name.
func (s *Store) Open(repo name.Repo) (*Repository, error) {
	if err := repo.Check(); err != nil {
		return nil, fmt.Errorf("repository %q: %w", repo, err)
	}
	// Through the root: a symlink that leads out of the directory is an error.
	info, err := s.root.Stat(filepath.Join(dirOf(repo), "HEAD"))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, fmt.Errorf("repository %q: %w", repo, ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("open repository %q: %w", repo, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("open repository %q: its HEAD is no file", repo)
	}
	return s.repository(repo), nil
}

func (s *Store) repository(repo name.Repo) *Repository {
	return &Repository{name: repo, dir: filepath.Join(s.dir, dirOf(repo)), opts: *s.bounded.Load(), store: s}
}

// Create creates an empty repository whose first branch is main. It appears whole or
// not at all; the error is ErrExist when the name is taken, even if somebody else takes
// it at the same time.
func (s *Store) Create(ctx context.Context, repo name.Repo) (*Repository, error) {
	if err := repo.Check(); err != nil {
		return nil, fmt.Errorf("create repository %q: %w", repo, err)
	}
	if _, err := s.Open(repo); err == nil {
		return nil, fmt.Errorf("create repository %q: %w", repo, ErrExist)
	}
	fresh, err := s.workDir(newDir)
	if err != nil {
		return nil, fmt.Errorf("create repository %q: %w", repo, err)
	}
	defer os.RemoveAll(fresh)
	made := filepath.Join(fresh, "repo")
	args := []string{"init", "--quiet", "--bare", "--template=", "--initial-branch=main", "--object-format=sha1", "--", made}
	if _, err := s.opts.run(ctx, runRequest{args: args, dir: fresh}); err != nil {
		return nil, fmt.Errorf("create repository %q: %w", repo, err)
	}
	if err := shut(made); err != nil {
		return nil, fmt.Errorf("create repository %q: %w", repo, err)
	}
	if err := s.moveIn(made, repo); err != nil {
		return nil, fmt.Errorf("create repository %q: %w", repo, err)
	}
	return s.repository(repo), nil
}

// shut makes a repository refuse every push that does not come through Serve, which
// opens it again: a push into the directory itself would run no gate. (A hooks path in
// the config would do the same, but only until the data is moved.)
func shut(made string) (err error) {
	config, err := os.OpenFile(filepath.Join(made, "config"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = config.WriteString(shutConfig)
	return errors.Join(err, config.Sync(), config.Close())
}

// shutConfig is what shuts a repository, as a part of its config.
const shutConfig = "[receive]\n\t# pushes come through Pushboat's SSH server only\n\thideRefs = refs\n"

// moveIn gives a finished repository its name.
func (s *Store) moveIn(made string, repo name.Repo) error {
	made, err := filepath.Rel(s.dir, made)
	if err != nil {
		return err
	}
	if err := s.opts.Fence(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.root.Lstat(dirOf(repo)); err == nil {
		return ErrExist
	}
	parent := filepath.Dir(dirOf(repo))
	if err := s.root.MkdirAll(parent, 0o700); err != nil {
		return err
	}
	if err := s.root.Rename(made, dirOf(repo)); err != nil {
		return err
	}
	return s.syncDir(parent)
}

// Delete removes a repository for good. Its name is free at once; a running push or
// clone then fails. The error is ErrNotExist when there is no such repository.
func (s *Store) Delete(ctx context.Context, repo name.Repo) error {
	if _, err := s.Open(repo); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("delete repository %q: %w", repo, err)
	}
	trash, err := s.workDir(trashDir)
	if err != nil {
		return fmt.Errorf("delete repository %q: %w", repo, err)
	}
	if err := s.moveOut(repo, trash); err != nil {
		return fmt.Errorf("delete repository %q: %w", repo, err)
	}
	if err := os.RemoveAll(trash); err != nil {
		// The name is free; the remains go at the next start.
		s.opts.Log.WithError(err).WithField("repository", repo).Warn("deleted repository left files behind")
	}
	return nil
}

// moveOut frees a repository's name, and removes parents that are empty then.
func (s *Store) moveOut(repo name.Repo, trash string) error {
	trash, err := filepath.Rel(s.dir, trash)
	if err != nil {
		return err
	}
	if err := s.opts.Fence(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.root.Rename(dirOf(repo), filepath.Join(trash, "repo"))
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNotExist
	}
	if err != nil {
		return err
	}
	parent := filepath.Dir(dirOf(repo))
	for ; parent != "."; parent = filepath.Dir(parent) {
		if s.root.Remove(parent) != nil {
			break // not empty: another repository lives there
		}
	}
	return s.syncDir(parent)
}

// syncDir makes renames in a directory durable.
func (s *Store) syncDir(dir string) error {
	d, err := s.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// findGit returns the absolute path of the git program after checking that it
// runs and is new enough.
func findGit(program string) (string, error) {
	const hint = "install git 2.39 or newer (Debian: apt-get install git)"
	path, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("look for git: %w; %s", err, hint)
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", fmt.Errorf("look for git: %w", err)
	}
	if _, err := versionOf(context.Background(), path); err != nil {
		return "", fmt.Errorf("%w; %s", err, hint)
	}
	return path, nil
}

// versionOf returns the version of a git that is new enough: 2.47.1.
func versionOf(ctx context.Context, path string) (string, error) {
	cmd := exec.CommandContext(ctx, path, "--version")
	cmd.Env = baseEnv("/usr/bin:/bin")
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("run %q --version: %w", path, err)
	}
	if err := checkVersion(string(out)); err != nil {
		return "", fmt.Errorf("%q: %w", path, err)
	}
	return strings.TrimPrefix(strings.TrimSpace(string(out)), "git version "), nil
}

// GitVersion returns the version of the store's git, as it is now.
func (s *Store) GitVersion(ctx context.Context) (string, error) { return versionOf(ctx, s.opts.Git) }

// checkVersion requires git 2.39: the version that was measured, and the first safe
// from CVE-2022-41903 (2.39.1; distributions patched 2.39.0).
func checkVersion(output string) error {
	var major, minor int
	if _, err := fmt.Sscanf(output, "git version %d.%d", &major, &minor); err != nil {
		return fmt.Errorf("version %s: want \"git version X.Y\"", quoteShort(strings.TrimSpace(output)))
	}
	if major < 2 || major == 2 && minor < 39 {
		return fmt.Errorf("git %d.%d is too old", major, minor)
	}
	return nil
}
