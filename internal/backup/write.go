package backup

import (
	"archive/tar"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/datadir"
	"github.com/pushboat/pushboat/internal/git"
)

// Source is a data directory. A server may use it meanwhile.
type Source struct {
	Data    string       // the directory
	Repos   *git.Store   // its repositories
	Fence   func() error // asked before anything is kept in the directory; nil: always agrees
	Program string       // version of this program
}

// Request is a request for a backup.
type Request struct {
	ID         string     // the backup's name, from NewID; "": a new one
	Since      *Base      // the backup to build on; nil: a full one
	Recipients Recipients // they can decrypt it; none: it is not encrypted
}

// Base is the part of an earlier backup that a later one needs.
type Base struct {
	ID   string
	sums sums
}

// Summary describes a backup.
type Summary struct {
	Header
	Repositories int   // without the server's own
	Files        int   // of the state
	Written      int   // of them in this archive
	Bytes        int64 // of these
	NotKept      error // the reason why no other can build on it by its name; it is complete nevertheless
}

// String is a line for people.
func (s Summary) String() string {
	text := fmt.Sprintf("backup %s: %s, %d of %d files, %s", s.ID, count(s.Repositories, "repository", "repositories"), s.Written, s.Files, SizeText(s.Bytes))
	if s.Since != "" {
		text += ", goes on from " + s.Since
	}
	return text
}

// count writes a number with its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// SizeText writes a number of bytes for people.
func SizeText(n int64) string {
	switch {
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}

// Write writes a backup. It contains every push or deploy that was acknowledged before
// the call, with everything that it leads to. It may contain later ones, each ref
// consistently. It takes memory for all refs. It yields to everything else that the
// program does.
func (s Source) Write(ctx context.Context, w io.Writer, req Request) (Summary, error) {
	var summary Summary
	err := aside(func() (err error) {
		summary, err = s.write(ctx, w, req)
		return err
	})()
	if err != nil {
		return summary, fmt.Errorf("back up: %w", err)
	}
	return summary, nil
}

func (s Source) write(ctx context.Context, w io.Writer, req Request) (Summary, error) {
	version, err := datadir.Read(s.Data)
	if err != nil {
		return Summary{}, err
	}
	made := time.Now().UTC()
	header := Header{Format: format, ID: cmp.Or(req.ID, NewID(made)), Made: made.Truncate(time.Second), Data: version, Program: s.Program}
	if req.Since != nil {
		header.Since = req.Since.ID
	}
	snapshots, err := s.snapshots(ctx)
	if err != nil {
		return Summary{}, err
	}
	output := newBehind(w)
	out, err := encryptTo(output, req.Recipients)
	if err != nil {
		_ = output.close() // nothing is written yet
		return Summary{}, err
	}
	a := newWriter(ctx, out, header, req.Since)
	if err = a.header(); err == nil {
		err = s.files(ctx, a, snapshots)
	}
	if err == nil {
		err = a.finish()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		_ = output.close() // err may be of it
		return a.summary, err
	}
	if err = output.close(); err != nil {
		return a.summary, err
	}
	a.summary.NotKept = s.keep(header.ID, a.list)
	return a.summary, nil
}

// snapshots returns all repositories as of one time, as closely as possible without
// stopping anybody.
func (s Source) snapshots(ctx context.Context) ([]*git.Snapshot, error) {
	names, err := s.Repos.List()
	if err != nil {
		return nil, err
	}
	var snapshots []*git.Snapshot
	for _, name := range names {
		repo, err := s.Repos.Open(name)
		if err == nil {
			var snapshot *git.Snapshot
			if snapshot, err = repo.Snapshot(ctx); err == nil {
				snapshots = append(snapshots, snapshot)
			}
		}
		if err != nil && !errors.Is(err, git.ErrNotExist) {
			return nil, err
		}
	}
	return snapshots, nil
}

// files writes the files of the state. It reads sealed texts after the refs: they may
// be newer than the refs, never older.
func (s Source) files(ctx context.Context, a *writer, snapshots []*git.Snapshot) error {
	if err := s.own(a); err != nil {
		return err
	}
	for _, snapshot := range snapshots {
		prefix := reposDir + "/" + string(snapshot.Name()) + ".git/"
		err := snapshot.Files(ctx, func(file git.CopyFile) error {
			return a.file(prefix+file.Path, file.Size, file.Content, file.Fixed)
		})
		switch {
		case errors.Is(err, git.ErrNotExist):
			a.forget(prefix)
		case err != nil:
			return err
		case snapshot.Name() != access.AdminRepo: // the server's own is not counted
			a.summary.Repositories++
		}
	}
	return nil
}

// writer writes an archive.
type writer struct {
	ctx     context.Context
	tar     *tar.Writer
	base    sums
	sums    sums
	list    []byte // SHA256SUMS, once it is written
	summary Summary
	buffer  []byte
}

// bufferSize is the size of a read, in bytes.
const bufferSize = 256 << 10

func newWriter(ctx context.Context, w io.Writer, header Header, base *Base) *writer {
	a := &writer{ctx: ctx, tar: tar.NewWriter(w), sums: sums{}, summary: Summary{Header: header}, buffer: make([]byte, bufferSize)}
	if base != nil {
		a.base = base.sums
	}
	return a
}

func (a *writer) header() error {
	text, err := json.MarshalIndent(a.summary.Header, "", "  ")
	if err != nil {
		return err
	}
	return a.entry(headerName, append(text, '\n'))
}

// entry writes an entry that is not a file of the state.
func (a *writer) entry(name string, content []byte) error {
	if err := a.tar.WriteHeader(a.entryHeader(name, int64(len(content)))); err != nil {
		return err
	}
	_, err := a.tar.Write(content)
	return err
}

func (a *writer) entryHeader(name string, size int64) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: a.summary.Made}
}

// file writes a file of the state, unless the base has the same content.
func (a *writer) file(path string, size int64, content io.ReadSeeker, fixed bool) error {
	if err := a.ctx.Err(); err != nil {
		return err
	}
	if limit, known := limitOf(path); !known || size > limit {
		return fmt.Errorf("%s of %d bytes could not be restored", quoted(path), size)
	}
	if len(a.sums) >= maxFiles {
		return fmt.Errorf("there are more than %d files", maxFiles)
	}
	unchanged, err := a.unchanged(path, content, fixed)
	if err != nil || unchanged {
		return err
	}
	if err := a.tar.WriteHeader(a.entryHeader(path, size)); err != nil {
		return err
	}
	hash := sha256.New()
	n, err := io.CopyBuffer(io.MultiWriter(hash, a.tar), onlyReader{io.LimitReader(content, size)}, a.buffer)
	if err == nil && n < size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("%s: %w", quoted(path), err)
	}
	a.sums[path] = sum(hash.Sum(nil))
	a.summary.Files++
	a.summary.Written++
	a.summary.Bytes += size
	return nil
}

// unchanged notes a file that the base has, and reports whether it is unchanged. If it
// has to read the content for that, it goes back to its beginning.
func (a *writer) unchanged(path string, content io.ReadSeeker, fixed bool) (bool, error) {
	before, there := a.base[path]
	if !there {
		return false, nil
	}
	if !fixed {
		hash := sha256.New()
		if _, err := io.CopyBuffer(hash, onlyReader{content}, a.buffer); err != nil {
			return false, err
		}
		if sum(hash.Sum(nil)) != before {
			_, err := content.Seek(0, io.SeekStart)
			return false, err
		}
	}
	a.sums[path] = before
	a.summary.Files++
	return true, nil
}

// onlyReader hides that a reader can copy itself, in small pieces.
type onlyReader struct{ io.Reader }

// forget removes the files below a prefix from the state. Those already written will
// not be restored.
func (a *writer) forget(prefix string) {
	for path := range a.sums {
		if len(path) > len(prefix) && path[:len(prefix)] == prefix {
			delete(a.sums, path)
			a.summary.Files--
		}
	}
}

// finish writes the end, without which an archive is incomplete.
func (a *writer) finish() error {
	a.list = a.sums.text()
	if err := a.entry(sumsName, a.list); err != nil {
		return err
	}
	return a.tar.Close()
}
