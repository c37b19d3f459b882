package git

// Commits by the server itself: records, rollbacks. One git fast-import writes the
// objects of any number of them; refs.go moves the refs.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"
)

// NewCommit is a commit to create. Files that it does not name are as in its parent.
type NewCommit struct {
	Message  string            // any bytes
	Clear    bool              // begin with an empty tree instead of the parent's
	Trees    map[string]Hash   // directories to put in place, "." for the whole tree
	Remove   []string          // files and directories to remove then; a missing one is no error
	Files    map[string][]byte // files to write last: path to content, any bytes
	Programs map[string]bool   // those of Files that are executable
	Author   Signature         // default: Pushboat, who commits all of them
	When     time.Time         // default: now
}

// Appending is a commit to append to a ref.
type Appending struct {
	Ref    string
	Old    Hash // where Ref is; "" or Zero: it does not exist
	Commit NewCommit
}

// Append creates a commit whose parent is old and moves ref to it, provided that ref is
// at old (zero: ref does not exist); otherwise it changes nothing and the error is
// ErrRefMoved. When Append returns, objects and ref are on disk.
func (r *Repository) Append(ctx context.Context, ref string, old Hash, c NewCommit) (Hash, error) {
	hashes, errs := r.AppendAll(ctx, []Appending{{Ref: ref, Old: old, Commit: c}})
	return hashes[0], errs[0]
}

// AppendAll is Append for several different refs, with one process for all: starting
// it, and waiting for the disk, cost the most. An error of one does not affect the
// others.
func (r *Repository) AppendAll(ctx context.Context, list []Appending) ([]Hash, []error) {
	hashes, errs := make([]Hash, len(list)), make([]error, len(list))
	var (
		stream  importStream
		written []int
	)
	for i, each := range list {
		if errs[i] = r.opts.Fence(); errs[i] != nil {
			continue
		}
		if errs[i] = r.expect(ctx, each.Ref, each.Old); errs[i] != nil {
			continue
		}
		if errs[i] = stream.add(each.Old, each.Commit); errs[i] != nil {
			errs[i] = fmt.Errorf("append to %s of %q: %w", quoteShort(each.Ref), r.name, errs[i])
			continue
		}
		written = append(written, i)
	}
	if len(written) == 0 {
		return hashes, errs
	}
	made, err := r.importAll(ctx, &stream)
	if err != nil && len(written) > 1 { // one of them may be to blame
		for _, i := range written {
			hashes[i], errs[i] = r.Append(ctx, list[i].Ref, list[i].Old, list[i].Commit)
		}
		return hashes, errs
	}
	moves := make([]refMove, 0, len(written))
	for n, i := range written {
		if err != nil {
			errs[i] = fmt.Errorf("append to %s of %q: %w", quoteShort(list[i].Ref), r.name, err)
			continue
		}
		hashes[i] = made[n]
		moves = append(moves, refMove{ref: list[i].Ref, old: list[i].Old, new: made[n], err: &errs[i]})
	}
	r.moveRefs(ctx, moves)
	for i := range errs {
		if errs[i] != nil {
			hashes[i] = ""
		}
	}
	return hashes, errs
}

// Import creates a commit and moves no ref: only its hash leads to it.
func (r *Repository) Import(ctx context.Context, parent Hash, c NewCommit) (Hash, error) {
	var stream importStream
	if err := stream.add(parent, c); err != nil {
		return "", fmt.Errorf("commit to %q: %w", r.name, err)
	}
	made, err := r.importAll(ctx, &stream)
	if err != nil {
		return "", fmt.Errorf("commit to %q: %w", r.name, err)
	}
	return made[0], nil
}

// quickMalloc makes the C library keep freed memory. fast-import allocates and frees
// 260 KB for each object that it deflates, and glibc gets and returns blocks of that
// size from the system each time: 10,000 objects take 10 s of CPU without this and 0.5
// s with it (measured, git 2.39, glibc 2.36).
var quickMalloc = []string{
	"MALLOC_MMAP_THRESHOLD_=33554432", "MALLOC_TRIM_THRESHOLD_=134217728", "MALLOC_TOP_PAD_=4194304",
}

// importAll writes the commits of a stream and returns their hashes in order.
func (r *Repository) importAll(ctx context.Context, stream *importStream) ([]Hash, error) {
	out, err := r.opts.run(ctx, runRequest{
		args:  []string{"fast-import", "--quiet", "--done", "--date-format=raw"},
		dir:   r.dir,
		env:   append(append(identityEnv("pushboat"), "GIT_DIR="+r.dir), quickMalloc...),
		stdin: stream.end(),
	})
	if err != nil {
		r.dropCrashReports()
		return nil, err
	}
	lines := strings.Fields(string(out))
	if len(lines) != stream.commits {
		return nil, fmt.Errorf("git fast-import: %d hashes for %d commits", len(lines), stream.commits)
	}
	hashes := make([]Hash, len(lines))
	for i, line := range lines {
		if hashes[i], err = ParseHash(line); err != nil {
			return nil, fmt.Errorf("git fast-import: %w", err)
		}
	}
	return hashes, nil
}

// dropCrashReports removes the files that fast-import writes into the repository when
// it fails: copies of its input's commands, which nobody reads. Its error says why it
// failed.
func (r *Repository) dropCrashReports() {
	reports, _ := filepath.Glob(filepath.Join(r.dir, "fast_import_crash_*")) // the pattern is sound
	for _, report := range reports {
		if err := os.Remove(report); err != nil && !errors.Is(err, fs.ErrNotExist) {
			r.opts.Log.WithField("path", report).Warnf("remove a report of fast-import: %v", err)
		}
	}
}

// importRef is the ref on which every commit is made in fast-import's language. It is
// reset before and after each, and so never exists.
const importRef = "refs/pushboat/import"

// importStream writes commits in git fast-import's language.
type importStream struct {
	bytes.Buffer
	commits int
}

// add writes a commit, or nothing if the commit is invalid.
func (b *importStream) add(parent Hash, c NewCommit) error {
	if !parent.IsZero() {
		if _, err := ParseHash(string(parent)); err != nil {
			return err
		}
	}
	if err := c.check(); err != nil {
		return err
	}
	when := c.When
	if when.IsZero() {
		when = time.Now()
	}
	b.commits++
	fmt.Fprintf(b, "reset %s\n\ncommit %s\nmark :%d\n", importRef, importRef, b.commits)
	fmt.Fprintf(b, "author %s %d %s\n", importSignature(c.Author), when.Unix(), when.Format("-0700"))
	fmt.Fprintf(b, "committer %s %d %s\n", importSignature(Signature{}), when.Unix(), when.Format("-0700"))
	b.data([]byte(c.Message))
	if !parent.IsZero() {
		fmt.Fprintf(b, "from %s\n", parent)
	}
	b.changes(c)
	fmt.Fprintf(b, "\nget-mark :%d\n", b.commits)
	return nil
}

func (b *importStream) changes(c NewCommit) {
	if c.Clear {
		b.WriteString("deleteall\n")
	}
	if whole, ok := c.Trees["."]; ok { // the base for the other trees
		fmt.Fprintf(b, "M 040000 %s \"\"\n", whole)
	}
	for _, path := range sorted(c.Trees) {
		if path != "." {
			fmt.Fprintf(b, "M 040000 %s %s\n", c.Trees[path], importPath(path))
		}
	}
	for _, path := range c.Remove {
		fmt.Fprintf(b, "D %s\n", importPath(path))
	}
	for _, path := range sorted(c.Files) {
		mode := "100644"
		if c.Programs[path] {
			mode = "100755"
		}
		fmt.Fprintf(b, "M %s inline %s\n", mode, importPath(path))
		b.data(c.Files[path])
	}
}

func (b *importStream) end() *bytes.Buffer {
	fmt.Fprintf(b, "reset %s\n\ndone\n", importRef)
	return &b.Buffer
}

func (b *importStream) data(data []byte) {
	fmt.Fprintf(b, "data %d\n", len(data))
	b.Write(data)
	b.WriteByte('\n')
}

func sorted[V any](files map[string]V) []string {
	paths := make([]string, 0, len(files))
	for path := range files {
		paths = append(paths, path)
	}
	sort.Strings(paths)
	return paths
}

// check checks every path: in fast-import, a later path replaces an earlier one that it
// lies below.
func (c NewCommit) check() error {
	for path, tree := range c.Trees {
		if _, err := ParseHash(string(tree)); err != nil {
			return err
		}
		if path != "." {
			if err := checkPath(path); err != nil {
				return err
			}
		}
	}
	for _, path := range c.Remove {
		if err := checkPath(path); err != nil {
			return err
		}
	}
	for path := range c.Files {
		if err := checkPath(path); err != nil {
			return err
		}
		for at := strings.LastIndexByte(path, '/'); at > 0; at = strings.LastIndexByte(path[:at], '/') {
			if _, ok := c.Files[path[:at]]; ok {
				return fmt.Errorf("file %s lies below the file %s", quoteShort(path), quoteShort(path[:at]))
			}
		}
	}
	return nil
}

func checkPath(path string) error {
	if !fs.ValidPath(path) || path == "." || strings.ContainsRune(path, 0) {
		return fmt.Errorf("file %s: want a relative path", quoteShort(path))
	}
	for step := range strings.SplitSeq(path, "/") {
		if strings.EqualFold(step, ".git") {
			return fmt.Errorf("file %s: %q cannot be committed", quoteShort(path), step)
		}
	}
	return nil
}

// importPath quotes a path as C does, which changes no byte of it.
func importPath(path string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(path) {
		if c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			fmt.Fprintf(&b, "\\%03o", c)
		} else {
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// importSignature writes a name and an address without the bytes that end them.
func importSignature(s Signature) string {
	clean := func(text, standIn string) string {
		text = strings.TrimSpace(strings.Map(func(c rune) rune {
			if c < ' ' || c == 0x7f || c == '<' || c == '>' {
				return -1
			}
			return c
		}, text))
		if text == "" {
			return standIn
		}
		return text
	}
	return clean(s.Name, "Pushboat") + " <" + clean(s.Email, serverEmail) + ">"
}
