package git_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/git/gittest"
)

// TestConcurrentPushes: two pushes to one branch, from the same commit, pass their
// pre-receive hooks at the same time. Git lets one of them move the ref.
func TestConcurrentPushes(t *testing.T) {
	s := newServer(t, map[string]string{
		"pre-receive": "#!/bin/sh\n[ -e \"$PUSHBOAT_DIR/first\" ] || { touch \"$PUSHBOAT_DIR/first\"; exit 0; }\n" +
			"echo in > \"$PUSHBOAT_DIR/in$GIT_PUSH_OPTION_0\"; read x < \"$PUSHBOAT_DIR/out$GIT_PUSH_OPTION_0\"\n",
	}, git.StoreOptions{})
	work := gittest.WorkTree(t, map[string]string{"a": "1"})
	s.Must(work, "push", s.URL("shop"), "main")
	results := make(chan error, 2)
	var tips []string
	for _, n := range []string{"1", "2"} {
		s.fifo("in" + n)
		s.fifo("out" + n)
		dir := t.TempDir()
		gittest.Must(t, dir, "clone", "--quiet", work, ".")
		tips = append(tips, gittest.Commit(t, dir, "by "+n, map[string]string{"a": "by " + n}))
		go func() {
			_, err := s.Run(dir, "push", "-o", n, s.URL("shop"), "main")
			results <- err
		}()
	}
	receive(t, filepath.Join(s.dir, "in1"))
	receive(t, filepath.Join(s.dir, "in2"))
	send(t, filepath.Join(s.dir, "out2"), "go")
	send(t, filepath.Join(s.dir, "out1"), "go")
	won := 0
	for range 2 {
		if <-results == nil {
			won++
		}
	}
	if won != 1 {
		t.Errorf("%d pushes succeeded, want 1", won)
	}
	if got := s.head("refs/heads/main"); !slices.Contains(tips, string(got)) {
		t.Errorf("main is at %s, want one of %v", got, tips)
	}
	s.noQuarantine()
}
