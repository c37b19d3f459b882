package git

// Who wrote which line of a file. Git finds that out by comparing one version of the file
// after another, which can take long: of a file that a million commits have changed, or of
// one that somebody has made for that. So it has limits, and few do it at the same time.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Limits of one look at the history of a file. Git takes 0.05 s for a file of 1,000 lines
// that 2,000 commits have changed.
const (
	lookTime   = 15 * time.Second
	lookCPU    = 10 * time.Second
	lookMemory = 1 << 30
	lookAtOnce = 2
)

// ErrTooLong is the error of a look at a history that takes longer than it may.
var ErrTooLong = errors.New("it takes too long to find out")

// Written is a commit that a line comes from. Author and Subject are any bytes.
type Written struct {
	Hash    Hash
	Author  string
	When    time.Time // in UTC
	Subject string
}

// BlameFile returns the lines of a file at a commit, any bytes without their ends, with the
// hash of the commit that each comes from; and these commits. The path has to be that of a
// file, and through no link.
func (r *Repository) BlameFile(ctx context.Context, hash Hash, path string) (lines []string, from []Hash, commits map[Hash]Written, err error) {
	if _, err := ParseHash(string(hash)); err != nil {
		return nil, nil, nil, err
	}
	out, err := r.look(ctx, "blame", "--porcelain", string(hash), "--", path)
	if err == nil {
		lines, from, commits, err = parseBlame(out)
	}
	if err != nil {
		return nil, nil, nil, fmt.Errorf("find who wrote %q: %w", path, err)
	}
	return lines, from, commits, nil
}

// parseBlame reads the output of git blame --porcelain.
func parseBlame(out []byte) (lines []string, from []Hash, commits map[Hash]Written, err error) {
	commits = map[Hash]Written{}
	var at Hash
	for line := range bytes.Lines(out) {
		text := strings.TrimSuffix(string(line), "\n")
		if content, ok := strings.CutPrefix(text, "\t"); ok {
			lines, from = append(lines, strings.TrimSuffix(content, "\r")), append(from, at)
			continue
		}
		key, value, _ := strings.Cut(text, " ")
		if hash, err := ParseHash(key); err == nil && len(key) == 40 {
			at = hash
			continue
		}
		c := commits[at]
		c.Hash = at
		switch key {
		case "author":
			c.Author = value
		case "author-time":
			seconds, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return nil, nil, nil, fmt.Errorf("git blame wrote the time %q", value)
			}
			c.When = time.Unix(seconds, 0).UTC()
		case "summary":
			c.Subject = value
		}
		commits[at] = c
	}
	return lines, from, commits, nil
}

// Parents returns the parents of a commit and of its ancestors, of at most so many commits,
// the newest.
func (r *Repository) Parents(ctx context.Context, hash Hash, most int) (map[Hash][]Hash, error) {
	if _, err := ParseHash(string(hash)); err != nil {
		return nil, err
	}
	out, err := r.look(ctx, "rev-list", "--parents", "--max-count="+strconv.Itoa(most), string(hash), "--")
	if err != nil {
		return nil, fmt.Errorf("list the ancestors of %s: %w", hash.Short(), err)
	}
	parents := map[Hash][]Hash{}
	for line := range bytes.Lines(out) {
		words := strings.Fields(string(line))
		if len(words) == 0 {
			continue
		}
		list := make([]Hash, 0, len(words)-1)
		for _, word := range words[1:] {
			list = append(list, Hash(word))
		}
		parents[Hash(words[0])] = list
	}
	return parents, nil
}

// look runs a git command that reads a history, within the limits.
func (r *Repository) look(ctx context.Context, args ...string) ([]byte, error) {
	within, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	select {
	case r.store.looks <- struct{}{}:
		defer func() { <-r.store.looks }()
	case <-within.Done():
		return nil, tooLong(ctx, within.Err())
	}
	out, err := r.opts.run(within, runRequest{
		args: args, dir: r.dir,
		env:    append(identityEnv("pushboat"), "GIT_DIR="+r.dir, "GIT_LITERAL_PATHSPECS=1"),
		bounds: &Bounds{CPU: lookCPU, Memory: lookMemory},
	})
	return out, tooLong(ctx, err)
}

// tooLong says so of an error that comes of the limits, and not of the caller.
func tooLong(ctx context.Context, err error) error {
	var exit *exitError
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &exit) && exit.status < 0: // ended by a signal
		return ErrTooLong
	}
	return err
}
