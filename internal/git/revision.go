package git

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/pushboat/pushboat/internal/name"
)

// Limits on a revision that a user writes. A walk of maxAncestors reads as many
// commits, which takes about a second.
const (
	maxRevisionBytes = 1024
	maxAncestors     = 10_000
	// shortestHash is the least number of digits of an abbreviated hash, as in Git.
	shortestHash = 4
)

// NoRevisionError says that a revision names no commit.
type NoRevisionError struct {
	Text string // as the user wrote it
	Why  string // "" if there simply is no such branch, tag or commit
}

// Error names the revision, and the reason if there is one.
func (e *NoRevisionError) Error() string {
	text := "revision " + quoteShort(e.Text) + " not found"
	if e.Why != "" {
		text += ": " + e.Why
	}
	return text
}

// Revision finds the commit that a revision names, in the notation of Git
// (gitrevisions(7)): a branch, a tag, HEAD or @, a hash or its beginning, followed by
// any number of ^, ^N, ~, ~N, ^{} and ^{commit}. An abbreviated hash counts only if a
// branch or a tag leads to its commit. Forms that need a reflog, a work tree or a
// search are refused, as are the server's own refs. The error is a *NoRevisionError if
// there is no such commit. The text is never part of a command line.
func (r *Repository) Revision(ctx context.Context, text string) (Hash, error) {
	commit, err := r.revision(ctx, text)
	if missing := (*NoRevisionError)(nil); errors.As(err, &missing) {
		missing.Text = text
	}
	return commit.Hash, err
}

func (r *Repository) revision(ctx context.Context, text string) (Commit, error) {
	base, rest := cutRevision(text)
	if base == "" || len(text) > maxRevisionBytes {
		return Commit{}, &NoRevisionError{}
	}
	steps, err := parseSteps(rest)
	if err != nil {
		return Commit{}, err
	}
	hash, err := r.base(ctx, base)
	if err != nil {
		return Commit{}, err
	}
	commit, err := r.Commit(hash) // through a tag
	if err != nil {
		return Commit{}, &NoRevisionError{Why: base + " names no commit"}
	}
	for _, step := range steps {
		if commit, err = r.step(ctx, commit, step); err != nil {
			return Commit{}, err
		}
	}
	return commit, nil
}

func noRevision(format string, args ...any) error {
	return &NoRevisionError{Why: fmt.Sprintf(format, args...)}
}

// cutRevision separates the base of a revision from the steps that follow.
func cutRevision(text string) (base, steps string) {
	if at := strings.IndexAny(text, "^~"); at >= 0 {
		return text[:at], text[at:]
	}
	return text, ""
}

// revisionStep leads from a commit to one of its parents by number, or some first
// parents back.
type revisionStep struct {
	parent int // from 1; 0 for the commit itself
	back   int
}

// parseSteps reads ^, ^N, ~, ~N, ^{} and ^{commit}.
func parseSteps(text string) ([]revisionStep, error) {
	var steps []revisionStep
	total := 0
	for text != "" {
		sign := text[0]
		text = text[1:]
		if rest, ok := cutPeel(sign, text); ok {
			text = rest
			continue
		}
		digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
		number := 1
		if digits > 0 {
			n, err := strconv.Atoi(text[:digits])
			if err != nil || n > maxAncestors {
				return nil, noRevision("it goes back by more than %d commits", maxAncestors)
			}
			number = n
		}
		step := revisionStep{parent: number}
		if sign == '~' {
			step = revisionStep{back: number}
		}
		if total += step.back + 1; total > maxAncestors+1 {
			return nil, noRevision("it goes back by more than %d commits", maxAncestors)
		}
		if text = text[digits:]; text != "" && text[0] != '^' && text[0] != '~' {
			return nil, noRevision("%s is no step to an ancestor; write ^, ^2 or ~3", quoteShort(text))
		}
		steps = append(steps, step)
	}
	return steps, nil
}

// cutPeel removes ^{} or ^{commit} from a text; every revision ends in a commit anyway.
func cutPeel(sign byte, text string) (rest string, ok bool) {
	if sign != '^' {
		return "", false
	}
	for _, peel := range []string{"{commit}", "{}"} {
		if rest, ok = strings.CutPrefix(text, peel); ok {
			return rest, true
		}
	}
	return "", false
}

func (r *Repository) step(ctx context.Context, from Commit, step revisionStep) (Commit, error) {
	if step.back > 0 {
		commits, err := r.LogFrom(ctx, from.Hash, step.back+1)
		if err != nil {
			return Commit{}, err
		}
		if len(commits) <= step.back {
			return Commit{}, noRevision("only %s before %s", map[bool]string{true: "1 commit comes", false: fmt.Sprint(len(commits)-1) + " commits come"}[len(commits) == 2], from.Hash.Short())
		}
		return commits[step.back], nil
	}
	if step.parent == 0 {
		return from, nil
	}
	if step.parent > len(from.Parents) {
		return Commit{}, noRevision("%s has no parent %d", from.Hash.Short(), step.parent)
	}
	return r.Commit(from.Parents[step.parent-1])
}

// base finds the object that the base of a revision names, in Git's order.
func (r *Repository) base(ctx context.Context, text string) (Hash, error) {
	if hash, err := ParseHash(strings.ToLower(text)); err == nil {
		if _, err := r.Commit(hash); err == nil {
			return hash, nil
		}
	}
	if text == "@" || text == "HEAD" {
		if hash, err := r.Head(ctx, "HEAD"); err == nil {
			return hash, nil
		}
		return "", noRevision("HEAD leads to a branch that does not exist yet")
	}
	for _, prefix := range []string{"", "refs/", "refs/tags/", name.BranchPrefix} {
		full := prefix + text
		if CheckRef(full) != nil || !strings.HasPrefix(full, "refs/tags/") && !strings.HasPrefix(full, name.BranchPrefix) {
			continue
		}
		if hash, err := r.Head(ctx, full); err == nil {
			return hash, nil
		}
	}
	return r.abbreviated(ctx, strings.ToLower(text))
}

// abbreviated finds the one commit whose hash begins with some digits, and to which a
// branch or a tag leads.
func (r *Repository) abbreviated(ctx context.Context, digits string) (Hash, error) {
	missing := &NoRevisionError{}
	if len(digits) < shortestHash || len(digits) > 40 || strings.Trim(digits, "0123456789abcdef") != "" {
		return "", missing
	}
	out, err := r.run(ctx, Quarantine{}, "rev-parse", "--disambiguate="+digits)
	if err != nil {
		return "", missing
	}
	var found []Hash
	for word := range strings.FieldsSeq(string(out)) {
		hash, err := ParseHash(word)
		if err != nil {
			continue
		}
		commit, err := r.Commit(hash)
		if err == nil && commit.Hash == hash && r.IsReachable(ctx, hash) {
			found = append(found, hash)
		}
	}
	switch len(found) {
	case 0:
		return "", missing
	case 1:
		return found[0], nil
	}
	return "", noRevision("%d commits begin with these digits; write more of them", len(found))
}

// IsReachable reports whether a branch or a tag leads to a commit. The repository has others as
// well: records, and what was pushed over.
func (r *Repository) IsReachable(ctx context.Context, hash Hash) bool {
	out, err := r.run(ctx, Quarantine{}, "for-each-ref", "--count=1", "--contains="+string(hash), "--format=%(refname)", "refs/heads", "refs/tags")
	return err == nil && len(out) > 0
}
