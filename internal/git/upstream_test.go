package git

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// upstreamWith makes a repository elsewhere, with a branch of each name at its newest commit.
func upstreamWith(t *testing.T, branches ...string) (dir string, head Hash) {
	t.Helper()
	dir = t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=x", "-c", "user.email=x@example.org"}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("init", "-q", "--initial-branch=first")
	run("commit", "-q", "--allow-empty", "-m", strings.Join(branches, " "))
	for _, branch := range branches {
		run("branch", branch)
	}
	return dir, Hash(run("rev-parse", "HEAD"))
}

// fetchFrom fetches by two pipes to a git-upload-pack.
func fetchFrom(t *testing.T, r *Repository, dir string, refs ...string) (map[string]Hash, error) {
	t.Helper()
	gitIn, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, gitOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	far := exec.Command("git", "upload-pack", dir)
	far.Stdin, far.Stdout = out, in
	if err := far.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = in.Close(), out.Close()
	fetched, err := r.Fetch(t.Context(), Fetching{Far: Far{In: gitIn, Out: gitOut}, Refs: refs})
	_ = far.Wait() // it fails where Git gives up
	return fetched, err
}

func TestFetch(t *testing.T) {
	s := newStore(t, StoreOptions{})
	r, err := s.Create(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	one, head := upstreamWith(t, "a", "main")
	got, err := fetchFrom(t, r, one, "refs/heads/a", "refs/heads/main")
	if err != nil || len(got) != 2 || got["refs/heads/main"] != head {
		t.Fatalf("got %v, %v", got, err)
	}
	if at, err := r.Head(t.Context(), UpstreamRefs+"heads/a"); err != nil || at != head {
		t.Errorf("upstream's a is at %s, %v", at, err)
	}
	if refs, err := r.Refs(t.Context(), "refs/heads/"); err != nil || len(refs) > 0 {
		t.Errorf("branches have moved: %v, %v", refs, err)
	}
	if _, err := r.Tree(head); err != nil {
		t.Errorf("the commit is not there: %v", err)
	}

	// What was a branch may be a folder of branches now.
	two, next := upstreamWith(t, "a/b", "main")
	if got, err := fetchFrom(t, r, two, "refs/heads/a/b"); err != nil || got["refs/heads/a/b"] != next {
		t.Errorf("a/b in place of a: %v, %v", got, err)
	}
	if at, err := r.Head(t.Context(), UpstreamRefs+"heads/main"); err != nil || at != head {
		t.Errorf("what was not fetched is at %s, %v", at, err)
	}
	for _, test := range []struct {
		one, other Hash
		want       bool
	}{{head, head, true}, {head, next, false}} {
		if got, err := r.Related(t.Context(), test.one, test.other); err != nil || got != test.want {
			t.Errorf("%s and %s: %v, %v", test.one.Short(), test.other.Short(), got, err)
		}
	}
	if _, err := fetchFrom(t, r, two, "refs/heads/none"); err == nil {
		t.Error("a branch that is not there is fetched")
	}
	if _, err := r.Fetch(t.Context(), Fetching{Far: Far{URL: "https://127.0.0.1/x"}, Refs: []string{"--upload-pack=x"}}); err == nil {
		t.Error("an option stands for a ref")
	}
	for _, address := range []string{"ext::sh -c touch% x", "file://" + one, one} {
		if _, err := r.Fetch(t.Context(), Fetching{Far: Far{URL: address}, Refs: []string{"refs/heads/main"}}); err == nil {
			t.Errorf("%q is fetched", address)
		}
	}
	if left, err := filepath.Glob(filepath.Join(s.dir, fetchDir, "*")); err != nil || len(left) > 0 {
		t.Errorf("it leaves %q, %v", left, err)
	}
}

func TestEnvironmentOfFetches(t *testing.T) {
	for address, protocol := range map[string]string{"https://example.org/x": "https", "": "fd"} {
		text := strings.Join(Far{URL: address, Settings: map[string]string{"http.extraHeader": "Authorization: x"}}.environment(), "\n") + "\n"
		if strings.Count(text, "=always\n") != 1 || !strings.Contains(text, "=protocol."+protocol+".allow\n") || !strings.Contains(text, "=Authorization: x\n") {
			t.Errorf("%q:\n%s", address, text)
		}
	}
}

func TestStartSweepsFetches(t *testing.T) {
	s := newStore(t, StoreOptions{})
	dir, err := s.workDir(fetchDir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.sweepWork(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("what a fetch left is there: %v", err)
	}
}
