// Package artifact unpacks archives of manifests, as flux push artifact and oras push them to
// registries. It writes nothing to disk, and follows no links.
package artifact

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/render/plain"
)

// Limits on what is in an archive. Those of public fleets have some hundred files and less than a
// megabyte.
const (
	MaxBytes = 32 << 20 // of all files
	MaxFiles = 10_000   // and folders
	maxPath  = 1000     // bytes
	maxDepth = 50       // folders
)

// gzipMagic begins what gzip has compressed (RFC 1952, 2.3.1).
const gzipMagic = "\x1f\x8b"

// sourceIgnore is the file with patterns of what Flux leaves out.
const sourceIgnore = ".sourceignore"

// Tree is the content of an archive. It implements fs.ReadFileFS, fs.ReadDirFS and fs.StatFS.
type Tree struct {
	digest  string // of the archive
	top     string // the folder of a chart out of which its files are taken; "": they are where they were
	files   map[string][]byte
	folders map[string][]fs.DirEntry // sorted by name
}

// Unpack reads an archive, a tar that gzip may have compressed, by its digest. That of a chart of
// Helm's has its files without the folder in which helm package puts them. It leaves out what the
// files .sourceignore in it match, and then ignore, in the syntax of gitignore(5), as Flux does
// when it keeps an artifact (source-controller, OCIRepository). Links and what is no file are left
// out, too.
func Unpack(data []byte, digest, ignore string) (*Tree, error) {
	t := &Tree{digest: digest, files: map[string][]byte{}, folders: map[string][]fs.DirEntry{".": nil}}
	if err := t.read(data); err != nil {
		return nil, err
	}
	t.top = t.wrapping()
	if err := t.leaveOut(ignore); err != nil {
		return nil, err
	}
	t.unwrap()
	if err := t.list(); err != nil {
		return nil, err
	}
	return t, nil
}

// Error is an error of Unpack that its author, or the publisher of the archive, can mend.
type Error struct {
	Text string
	Hint string // how
}

// Error implements error.
func (e *Error) Error() string { return e.Text }

// What is to be done about an archive.
const (
	hintPack     = "push it as flux push artifact does: a tar that gzip has compressed"
	hintFewer    = "push fewer files, as flux push artifact --path=FOLDER does, or other archives for parts of it"
	hintPaths    = "push it again, by the paths from one folder, as flux push artifact does"
	hintPatterns = "see gitignore(5) for the syntax; write fewer patterns, with fewer wildcards"
)

// read takes in the files of an archive. The last of several with one name counts.
func (t *Tree) read(data []byte) error {
	var plain io.Reader = bytes.NewReader(data)
	if bytes.HasPrefix(data, []byte(gzipMagic)) {
		zipped, err := gzip.NewReader(plain)
		if err != nil {
			return &Error{fmt.Sprintf("read the archive: %v", err), hintPack}
		}
		plain = zipped
	}
	limited := &io.LimitedReader{R: plain, N: MaxBytes + MaxFiles*1024} // with a header for each file
	archive := tar.NewReader(limited)
	total, entries := 0, 0
	for {
		header, err := archive.Next()
		switch {
		case limited.N <= 0: // first, for an archive that is cut off may end well
			return &Error{fmt.Sprintf("its files have more than %d bytes", MaxBytes), hintFewer}
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return &Error{fmt.Sprintf("read the archive: %v", err), hintPack}
		}
		if entries++; entries > MaxFiles {
			return &Error{fmt.Sprintf("it has more than %d files", MaxFiles), hintFewer}
		}
		name, err := nameOf(header.Name)
		if err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg || name == "." {
			continue // folders come of their files
		}
		if header.Size > int64(MaxBytes-total) {
			return &Error{fmt.Sprintf("its files have more than %d bytes", MaxBytes), hintFewer}
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			return &Error{fmt.Sprintf("read %.100q in the archive: %v", name, err), hintPack}
		}
		total += len(text)
		t.files[name] = text
	}
}

// nameOf is the clean path of an entry of an archive.
func nameOf(written string) (string, error) {
	name := path.Clean(strings.TrimPrefix(written, "./"))
	switch {
	case !fs.ValidPath(name), strings.Contains(name, `\`):
		return "", &Error{fmt.Sprintf("its archive has an entry whose path leads out of it: %.100q", written), hintPaths}
	case len(name) > maxPath, strings.Count(name, "/") >= maxDepth:
		return "", &Error{fmt.Sprintf("its archive has an entry whose path is longer than %d bytes or %d folders: %.100q", maxPath, maxDepth, written), hintPaths}
	}
	return name, nil
}

// wrapping is the folder in which all files of a chart are: helm package puts them in one that is
// called like the chart. It is "" for an archive of anything else.
func (t *Tree) wrapping() string {
	top := ""
	for name := range t.files {
		folder, _, below := strings.Cut(name, "/")
		if !below || top != "" && folder != top {
			return ""
		}
		top = folder
	}
	if _, chart := t.files[path.Join(top, "Chart.yaml")]; !chart {
		return ""
	}
	return top
}

// Folder is where a folder of the archive is: one of a chart may be named with that in which helm
// package puts it, or without.
func (t *Tree) Folder(name string) (at string, is bool) {
	rest, below := strings.CutPrefix(name+"/", t.top+"/")
	if _, is = t.folders[name]; !is && t.top != "" && below {
		name = path.Clean(rest)
		_, is = t.folders[name]
	}
	return name, is
}

// unwrap takes the files of a chart out of their folder, as Argo CD does.
func (t *Tree) unwrap() {
	if t.top == "" {
		return
	}
	files := make(map[string][]byte, len(t.files))
	for name, text := range t.files {
		files[strings.TrimPrefix(name, t.top+"/")] = text
	}
	t.files = files
}

// leaveOut takes out the files that patterns match.
func (t *Tree) leaveOut(ignore string) error {
	var patterns plain.Ignore
	var files []string
	for name := range t.files {
		if path.Base(name) == sourceIgnore {
			files = append(files, name)
		}
	}
	slices.Sort(files) // those of folders above come first
	for _, name := range files {
		if len(t.files[name]) > plain.MaxIgnoreBytes {
			return &Error{fmt.Sprintf("%s in it has more than %d bytes", name, plain.MaxIgnoreBytes), hintPatterns}
		}
		if err := patterns.Add(path.Dir(name), string(t.files[name])); err != nil {
			return &Error{fmt.Sprintf("%s in it: %v", name, err), hintPatterns}
		}
	}
	if err := patterns.Add(".", ignore); err != nil {
		return &Error{fmt.Sprintf("ignore: %v", err), hintPatterns}
	}
	for name := range t.files {
		if patterns.MatchWithin(name) {
			delete(t.files, name)
		}
		if err := patterns.Err(); err != nil {
			return &Error{err.Error(), hintPatterns}
		}
	}
	return nil
}

// list makes the folders of the files.
func (t *Tree) list() error {
	for name, text := range t.files {
		if _, both := t.folders[name]; both {
			return &Error{fmt.Sprintf("its archive has %.100q as a file and as a folder", name), hintPaths}
		}
		entry := fs.FileInfoToDirEntry(t.info(name, int64(len(text)), 0o444))
		for name != "." {
			folder := path.Dir(name)
			if _, both := t.files[folder]; both {
				return &Error{fmt.Sprintf("its archive has %.100q as a file and as a folder", folder), hintPaths}
			}
			_, known := t.folders[folder]
			t.folders[folder] = append(t.folders[folder], entry)
			if known {
				break
			}
			if len(t.folders) > MaxFiles {
				return &Error{fmt.Sprintf("it has more than %d folders", MaxFiles), hintFewer}
			}
			name, entry = folder, fs.FileInfoToDirEntry(t.info(folder, 0, fs.ModeDir|0o555))
		}
	}
	for _, entries := range t.folders {
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	}
	return nil
}

// Open implements fs.FS.
func (t *Tree) Open(name string) (fs.File, error) {
	info, err := t.Stat(name)
	if err != nil {
		return nil, err
	}
	if entries, is := t.folders[name]; is {
		return &folder{file: file{info: info}, rest: slices.Clone(entries)}, nil
	}
	return &file{info: info, Reader: *bytes.NewReader(t.files[name])}, nil
}

// ReadFile implements fs.ReadFileFS.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	text, ok := t.files[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return bytes.Clone(text), nil
}

// ReadDir implements fs.ReadDirFS.
func (t *Tree) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, ok := t.folders[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return slices.Clone(entries), nil
}

// Stat implements fs.StatFS.
func (t *Tree) Stat(name string) (fs.FileInfo, error) {
	if text, is := t.files[name]; is {
		return t.info(name, int64(len(text)), 0o444), nil
	}
	if _, is := t.folders[name]; is {
		return t.info(name, 0, fs.ModeDir|0o555), nil
	}
	return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
}

func (t *Tree) info(name string, size int64, mode fs.FileMode) info {
	return info{name: name, size: size, mode: mode, digest: t.digest}
}

// info is of a file or folder.
type info struct {
	name   string // its path
	size   int64
	mode   fs.FileMode
	digest string // of the archive
}

func (i info) Name() string       { return path.Base(i.name) }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.mode.IsDir() }

// Sys stands for the content, as the hash in the tree of a revision does: a fmt.Stringer.
func (i info) Sys() any { return hash(i.digest + "/" + i.name) }

// hash is what a file in an archive is known by.
type hash string

// String implements fmt.Stringer.
func (h hash) String() string { return string(h) }

// file is an open file.
type file struct {
	info fs.FileInfo
	bytes.Reader
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }

// folder is an open folder. It implements fs.ReadDirFile.
type folder struct {
	file
	rest []fs.DirEntry // that were not read yet
}

// Read is of files.
func (f *folder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.info.Name(), Err: errors.New("is a folder")}
}

// ReadDir returns the next entries: n at most, if n is more than 0.
func (f *folder) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(f.rest)
	} else if len(f.rest) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(f.rest))
	entries := f.rest[:n]
	f.rest = f.rest[n:]
	return entries, nil
}
