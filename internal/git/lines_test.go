package git

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestBlameFile: each line has the commit that it comes from, whatever the file is called.
func TestBlameFile(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	const main = "refs/heads/main"
	put := func(old Hash, message string, files map[string][]byte) Hash {
		t.Helper()
		hash, err := r.Append(t.Context(), main, old, NewCommit{Message: message, Files: files})
		if err != nil {
			t.Fatal(err)
		}
		return hash
	}
	odd := []string{"web.yaml", "-x", "--help", ":(glob)*", "a b/$(id)", "ü"}
	files := func(text string) map[string][]byte {
		all := map[string][]byte{}
		for _, path := range odd {
			all[path] = []byte(text)
		}
		return all
	}
	first := put("", "Begin\n\nmore", files("a\nb\n\n"))
	second := put(first, "Go on", files("a\nc\n\n\tauthor x\nlast"))
	for _, path := range odd {
		lines, from, commits, err := r.BlameFile(t.Context(), second, path)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(lines, []string{"a", "c", "", "\tauthor x", "last"}) || !slices.Equal(from, []Hash{first, second, first, second, second}) {
			t.Errorf("%s: %q from %v", path, lines, from)
		}
		if c := commits[first]; len(commits) != 2 || c.Hash != first || c.Subject != "Begin" || c.Author == "" || c.When.IsZero() {
			t.Errorf("%s: commits %+v", path, commits)
		}
	}
	for _, path := range []string{"nowhere", "../x", "", "."} {
		if _, _, _, err := r.BlameFile(t.Context(), second, path); err == nil {
			t.Errorf("%q has lines", path)
		}
	}
	if _, _, _, err := r.BlameFile(t.Context(), "--help", "web.yaml"); err == nil {
		t.Error("an option is a commit")
	}
	parents, err := r.Parents(t.Context(), second, 10)
	if err != nil || len(parents) != 2 || !slices.Equal(parents[second], []Hash{first}) || len(parents[first]) != 0 {
		t.Errorf("the parents are %v: %v", parents, err)
	}
	if parents, err = r.Parents(t.Context(), second, 1); err != nil || len(parents) != 1 {
		t.Errorf("of one commit: %v: %v", parents, err)
	}
	if _, err := r.Parents(t.Context(), "--all", 1); err == nil {
		t.Error("an option is a commit")
	}
}

// TestFewLookAtATime: whoever cannot have their turn hears so, and a caller who goes away
// waits for nothing.
func TestFewLookAtATime(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	hash, err := r.Append(t.Context(), "refs/heads/main", "", NewCommit{Message: "x", Files: map[string][]byte{"a": []byte("b\n")}})
	if err != nil {
		t.Fatal(err)
	}
	for range lookAtOnce {
		r.store.looks <- struct{}{}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, _, err := r.BlameFile(gone, hash, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who went away hears %v", err)
	}
	<-r.store.looks
	if _, _, _, err := r.BlameFile(t.Context(), hash, "a"); err != nil {
		t.Error(err)
	}
}

func TestTooLong(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	late, end := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer end()
	for name, test := range map[string]struct {
		ctx context.Context
		err error
		is  error
	}{
		"nothing":           {t.Context(), nil, nil},
		"the time is over":  {t.Context(), context.DeadlineExceeded, ErrTooLong},
		"the kernel":        {t.Context(), &exitError{verb: "blame", status: -1}, ErrTooLong},
		"the caller left":   {gone, context.Canceled, context.Canceled},
		"the caller's time": {late, context.DeadlineExceeded, context.DeadlineExceeded},
		"an error":          {t.Context(), ErrNoRef, ErrNoRef},
	} {
		if err := tooLong(test.ctx, test.err); !errors.Is(err, test.is) {
			t.Errorf("%s: %v", name, err)
		}
	}
	failed := &exitError{verb: "blame", status: 128}
	if err := tooLong(t.Context(), failed); errors.Is(err, ErrTooLong) {
		t.Error("a failure takes too long")
	}
}

func TestParseBlame(t *testing.T) {
	a, b := strings.Repeat("a", 40), strings.Repeat("b", 40)
	out := a + " 1 1 1\nauthor Ana\nauthor-time 1700000000\nsummary Begin\nfilename x\n\tone\r\n" +
		b + " 1 2 1\nauthor \xff\nauthor-time 1700000001\nsummary\nboundary\nfilename x\n\t\n" + a + " 3 3\n\t\ttwo\n"
	lines, from, commits, err := parseBlame([]byte(out))
	if err != nil || !slices.Equal(lines, []string{"one", "", "\ttwo"}) || !slices.Equal(from, []Hash{Hash(a), Hash(b), Hash(a)}) {
		t.Errorf("%q from %v: %v", lines, from, err)
	}
	if c := commits[Hash(b)]; c.Author != "\xff" || c.Subject != "" || commits[Hash(a)].When.Unix() != 1700000000 {
		t.Errorf("the commits are %+v", commits)
	}
	if _, _, _, err := parseBlame([]byte(a + " 1 1\nauthor-time soon\n\tx\n")); err == nil {
		t.Error("any word is a time")
	}
}
