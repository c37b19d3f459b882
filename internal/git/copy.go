package git

// A copy of a repository in use: the state of its refs at one moment, and files with
// every object that they lead to. Packs never change and no object is ever dropped, so
// later packs always contain those objects. A copy's files lie as in the repository, so
// Git itself can read it.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/name"
)

// ViewStore opens a directory of repositories read-only, even if another process owns
// it: it locks, sweeps and creates nothing.
func ViewStore(dir string) (*Store, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("repositories directory: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open repositories directory: %w", err)
	}
	s := &Store{dir: dir, root: root, opts: StoreOptions{}.withDefaults(), maintenance: make(chan struct{}, 1), looks: make(chan struct{}, lookAtOnce)}
	s.bounded.Store(&s.opts)
	return s, nil
}

// Snapshot is the state of a repository at one moment.
type Snapshot struct {
	repo *Repository
	was  fs.FileInfo // see born
	main name.Branch // that HEAD names
	refs []Ref       // in the order of their names
}

// steadyReads is how often refs are read until two readings agree.
const steadyReads = 10

// Snapshot reads all refs as of one moment: it reads them until two readings agree. If
// pushes never pause for that, each ref is as of some time since the call.
func (r *Repository) Snapshot(ctx context.Context) (*Snapshot, error) {
	info, err := r.born()
	if err != nil {
		return nil, fmt.Errorf("copy repository %q: %w", r.name, err)
	}
	s := &Snapshot{repo: r, was: info}
	for range steadyReads {
		before := s.refs
		if s.refs, err = r.Refs(ctx, "refs/"); err != nil {
			return nil, err
		}
		if before != nil && slices.Equal(before, s.refs) || len(s.refs) == 0 {
			break
		}
	}
	s.main, err = r.MainBranch()
	return s, err
}

// born identifies a repository across a deletion and a later one of the same name: its
// config is written when it is created, and never again.
func (r *Repository) born() (fs.FileInfo, error) {
	info, err := os.Stat(filepath.Join(r.dir, "config"))
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNotExist
	}
	return info, err
}

// Name returns the repository's name.
func (s *Snapshot) Name() name.Repo { return s.repo.name }

// CopyFile is a file of a copy.
type CopyFile struct {
	Path    string // from the repository's directory, with slashes
	Size    int64
	Content io.ReadSeeker // until visit returns
	Fixed   bool          // the content of this path never changes
}

// Files passes the files of the copy to visit, refs first. The error is ErrNotExist if
// the repository was deleted meanwhile; some files may have been visited then.
func (s *Snapshot) Files(ctx context.Context, visit func(CopyFile) error) error {
	err := s.files(ctx, visit)
	now, gone := s.repo.born()
	if errors.Is(gone, ErrNotExist) || gone == nil && (!os.SameFile(s.was, now) || !s.was.ModTime().Equal(now.ModTime())) {
		err = ErrNotExist
	}
	if err != nil {
		return fmt.Errorf("copy repository %q: %w", s.repo.name, err)
	}
	return nil
}

func (s *Snapshot) files(ctx context.Context, visit func(CopyFile) error) error {
	small := func(path string, content []byte) error {
		return visit(CopyFile{Path: path, Size: int64(len(content)), Content: bytes.NewReader(content)})
	}
	if err := small("HEAD", []byte("ref: "+s.main.Ref()+"\n")); err != nil {
		return err
	}
	if err := small(packedRefs, packRefs(s.refs)); err != nil {
		return err
	}
	for _, ref := range s.refs {
		log, err := s.repo.logUpTo(ref)
		if err != nil {
			return err
		}
		if len(log) == 0 {
			continue
		}
		if err := small(path.Join(logsDir, ref.Name), log); err != nil {
			return err
		}
	}
	if err := s.repo.copyAsked(small); err != nil {
		return err
	}
	return s.repo.copyObjects(ctx, visit)
}

// Names in a repository's directory.
const (
	packedRefs = "packed-refs"
	logsDir    = "logs"
	packDir    = "objects/pack"
)

// packRefs writes refs as Git packs them. Git itself finds the objects that tags lead
// to.
func packRefs(refs []Ref) []byte {
	var b bytes.Buffer
	b.WriteString("# pack-refs with: sorted \n")
	for _, ref := range refs {
		fmt.Fprintf(&b, "%s %s\n", ref.Hash, ref.Name)
	}
	return b.Bytes()
}

// maxLog bounds the copied part of a reflog, in bytes: its newest lines.
const maxLog = 32 << 20

// logUpTo returns a ref's log up to the ref's value. Git writes the log first.
func (r *Repository) logUpTo(ref Ref) ([]byte, error) {
	file, err := os.Open(filepath.Join(r.dir, logsDir, filepath.FromSlash(ref.Name)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, err
	}
	start := max(0, info.Size()-maxLog)
	text, err := io.ReadAll(io.NewSectionReader(file, start, info.Size()-start))
	if err != nil {
		return nil, err
	}
	if start > 0 {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	return cutLog(text, ref.Hash), nil
}

// cutLog returns a log up to its last line that leads to a hash; all of it if none
// does.
func cutLog(text []byte, hash Hash) []byte {
	at := bytes.LastIndex(text, []byte(" "+hash+" "))
	if at < 0 {
		return text
	}
	end := bytes.IndexByte(text[at:], '\n')
	if end < 0 {
		return text
	}
	return text[:at+end+1]
}

func (r *Repository) copyAsked(visit func(string, []byte) error) error {
	entries, err := os.ReadDir(filepath.Join(r.dir, askedDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := path.Join(askedDir, entry.Name())
		if !entry.Type().IsRegular() || copyLimit(name) == 0 {
			continue
		}
		text, err := os.ReadFile(filepath.Join(r.dir, name))
		text = text[:min(len(text), maxAsked)] // no more of it is ever read
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = visit(name, text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// maxPasses is how often a repository may be repacked while it is copied.
const maxPasses = 100

// copyObjects visits the files of objects. If packs are rolled up meanwhile, a new pack
// with their objects exists before they go. So it ends when a listing contains
// everything from the one before.
func (r *Repository) copyObjects(ctx context.Context, visit func(CopyFile) error) error {
	seen := map[string]bool{}
	before, err := r.objectFiles()
	if err != nil {
		return err
	}
	for range maxPasses {
		now, err := r.objectFiles()
		if err != nil {
			return err
		}
		whole := true
		for _, name := range now {
			if seen[name] {
				continue
			}
			found, err := r.copyObject(ctx, name, visit)
			if err != nil {
				return err
			}
			seen[name], whole = true, whole && found
		}
		if whole && holdsAll(now, before) {
			return nil
		}
		before = now
	}
	return errors.New("its packs change all the time; try again")
}

// holdsAll reports whether one sorted list contains another.
func holdsAll(list, of []string) bool {
	for _, name := range of {
		if _, found := slices.BinarySearch(list, name); !found {
			return false
		}
	}
	return true
}

// objectFiles lists packs, by their names without extension, and loose objects, sorted.
func (r *Repository) objectFiles() ([]string, error) {
	var found []string
	entries, err := os.ReadDir(filepath.Join(r.dir, packDir))
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if stem, index := strings.CutSuffix(path.Join(packDir, entry.Name()), ".idx"); index && copyLimit(stem+".idx") > 0 {
			found = append(found, stem)
		}
	}
	entries, err = os.ReadDir(filepath.Join(r.dir, "objects"))
	if err != nil {
		return nil, err
	}
	for _, dir := range entries {
		if !isHex(dir.Name(), 2) {
			continue
		}
		loose, err := os.ReadDir(filepath.Join(r.dir, "objects", dir.Name()))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, object := range loose {
			if name := path.Join("objects", dir.Name(), object.Name()); copyLimit(name) > 0 {
				found = append(found, name)
			}
		}
	}
	slices.Sort(found)
	return found, nil
}

// copyObject visits a pack and its index, or a loose object; found is false if it is
// gone. Both files of a pack are opened before the first is read.
func (r *Repository) copyObject(ctx context.Context, name string, visit func(CopyFile) error) (found bool, err error) {
	names := []string{name}
	if path.Dir(name) == packDir {
		names = []string{name + ".pack", name + ".idx"}
	}
	files := make([]CopyFile, len(names))
	for i, name := range names {
		file, err := os.Open(filepath.Join(r.dir, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return false, err
		}
		files[i] = CopyFile{Path: name, Size: info.Size(), Content: file, Fixed: true}
	}
	for _, file := range files {
		if err := errors.Join(ctx.Err(), visit(file)); err != nil {
			return true, err
		}
	}
	return true, nil
}

// Limits of a copy's files, in bytes.
const (
	maxHead   = 4 << 10
	maxRefs   = 1 << 30
	maxPack   = 1 << 40
	maxIndex  = 1 << 36
	maxObject = 1 << 32
)

// copyLimit returns the maximum size of a file of a copy; 0 if no file has that path.
func copyLimit(file string) int64 {
	if ref, log := strings.CutPrefix(file, logsDir+"/"); log {
		if CheckRef(ref) == nil && fs.ValidPath(ref) {
			return maxLog
		}
		return 0
	}
	dir, base := path.Split(file)
	packed, isPack := strings.CutPrefix(base, "pack-")
	stem, extension, _ := strings.Cut(packed, ".")
	isPack = isPack && dir == packDir+"/" && isHex(stem, hashDigits)
	fan, isLoose := strings.CutPrefix(strings.TrimSuffix(dir, "/"), "objects/")
	switch {
	case file == "HEAD":
		return maxHead
	case file == packedRefs:
		return maxRefs
	case dir == askedDir+"/" && isHex(base, 32):
		return maxAsked
	case isPack && extension == "pack":
		return maxPack
	case isPack && extension == "idx":
		return maxIndex
	case isLoose && isHex(fan, 2) && isHex(base, hashDigits-2):
		return maxObject
	}
	return 0
}

// hashDigits is the length of an object's name, in hexadecimal digits.
const hashDigits = 40

// isHex reports whether a text is of so many hexadecimal digits, as Git writes them.
func isHex(text string, digits int) bool {
	return len(text) == digits && strings.Trim(text, "0123456789abcdef") == ""
}

// ParseCopyPath parses the path of a copy's file in a store's directory. It returns the
// repository and the maximum size, and refuses every other path.
func ParseCopyPath(path string) (repo name.Repo, limit int64, ok bool) {
	dir, file, ok := strings.Cut(path, ".git/")
	if repo = name.Repo(dir); !ok || repo.Check() != nil {
		return "", 0, false
	}
	limit = copyLimit(file)
	return repo, limit, limit > 0
}
