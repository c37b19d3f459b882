package git

// Commits that the server itself makes: records and the like. One git
// fast-import writes the objects and moves the ref; nothing else does.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"strings"
	"time"
)

// ErrRefMoved is the error of Append when the ref is not where the caller said.
var ErrRefMoved = errors.New("the ref has moved")

// NewCommit is a commit to make.
type NewCommit struct {
	Message string            // any bytes
	Files   map[string][]byte // the whole tree: path to content, any bytes
	Author  Signature         // default: Pushboat
	When    time.Time         // default: now
}

// Append makes a commit whose parent is old and moves ref to it, provided that
// ref is at old (zero: that it does not exist); otherwise nothing is changed
// and the error is ErrRefMoved. The commit's tree is exactly c.Files. When
// Append returns, objects and ref are on disk.
func (r *Repository) Append(ctx context.Context, ref string, old Hash, c NewCommit) (Hash, error) {
	stream, err := importStream(ref, old, c)
	if err != nil {
		return "", fmt.Errorf("append to %s of %q: %w", quoteShort(ref), r.name, err)
	}
	if err := r.expect(ctx, ref, old); err != nil {
		return "", err
	}
	out, err := r.opts.run(ctx, runRequest{
		args:  []string{"fast-import", "--quiet", "--done", "--date-format=raw"},
		dir:   r.dir,
		env:   append(identityEnv("pushboat"), "GIT_DIR="+r.dir),
		stdin: stream,
	})
	if err != nil {
		// fast-import refuses a ref that moved meanwhile: the commit would
		// not descend from it.
		if moved := r.expect(ctx, ref, old); errors.Is(moved, ErrRefMoved) {
			return "", moved
		}
		return "", fmt.Errorf("append to %q of %q: %w", ref, r.name, err)
	}
	hash, err := ParseHash(strings.TrimSpace(string(out)))
	if err != nil {
		return "", fmt.Errorf("append to %q of %q: git fast-import: %w", ref, r.name, err)
	}
	return hash, nil
}

// expect checks where a ref is. fast-import itself checks only that the new
// commit descends from the ref, which a deleted ref or one set back passes.
func (r *Repository) expect(ctx context.Context, ref string, old Hash) error {
	at, err := r.Head(ctx, ref)
	if err != nil && !errors.Is(err, ErrNoRef) {
		return err
	}
	if at == old || at.IsZero() && old.IsZero() {
		return nil
	}
	return fmt.Errorf("%q of repository %q is at %q and not at %q: %w", ref, r.name, at.Short(), old.Short(), ErrRefMoved)
}

// importStream writes the commit in git fast-import's language.
func importStream(ref string, old Hash, c NewCommit) (*bytes.Buffer, error) {
	if err := CheckRef(ref); err != nil {
		return nil, err
	}
	if !old.IsZero() {
		if _, err := ParseHash(string(old)); err != nil {
			return nil, err
		}
	}
	paths, err := importPaths(c.Files)
	if err != nil {
		return nil, err
	}
	when := c.When
	if when.IsZero() {
		when = time.Now()
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "commit %s\nmark :1\n", ref)
	fmt.Fprintf(&b, "author %s %d %s\n", importSignature(c.Author), when.Unix(), when.Format("-0700"))
	fmt.Fprintf(&b, "committer %s %d %s\n", importSignature(Signature{}), when.Unix(), when.Format("-0700"))
	importData(&b, []byte(c.Message))
	if !old.IsZero() {
		fmt.Fprintf(&b, "from %s\ndeleteall\n", old)
	}
	for _, path := range paths {
		fmt.Fprintf(&b, "M 100644 inline %s\n", importPath(path))
		importData(&b, c.Files[path])
	}
	b.WriteString("\nget-mark :1\ndone\n")
	return &b, nil
}

func importData(b *bytes.Buffer, data []byte) {
	fmt.Fprintf(b, "data %d\n", len(data))
	b.Write(data)
	b.WriteByte('\n')
}

// importPaths returns the paths in order after checking them: fast-import lets
// a later path replace an earlier one that it lies below.
func importPaths(files map[string][]byte) ([]string, error) {
	paths := make([]string, 0, len(files))
	for path := range files {
		if !fs.ValidPath(path) || path == "." || strings.ContainsRune(path, 0) {
			return nil, fmt.Errorf("file %s: want a relative path", quoteShort(path))
		}
		for step := range strings.SplitSeq(path, "/") {
			if strings.EqualFold(step, ".git") {
				return nil, fmt.Errorf("file %s: %q cannot be committed", quoteShort(path), step)
			}
		}
		for at := strings.LastIndexByte(path, '/'); at > 0; at = strings.LastIndexByte(path[:at], '/') {
			if _, ok := files[path[:at]]; ok {
				return nil, fmt.Errorf("file %s lies below the file %s", quoteShort(path), quoteShort(path[:at]))
			}
		}
		paths = append(paths, path)
	}
	sort.Strings(paths)
	return paths, nil
}

// importPath quotes a path as C does, which keeps any byte what it is.
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
