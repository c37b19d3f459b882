package git_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/git/gittest"
)

// meetInQuarantine pushes, and calls use while pre-receive waits.
func (s *server) meetInQuarantine(work string, use func(git.Quarantine), push ...string) {
	s.t.Helper()
	result := make(chan string, 1)
	go func() {
		out, err := s.Run(work, append([]string{"push", s.URL("shop")}, push...)...)
		result <- fmt.Sprint(err, "\n", out)
	}()
	path := receive(s.t, filepath.Join(s.dir, "quarantine"))
	use(git.Quarantine{ObjectDir: path})
	send(s.t, filepath.Join(s.dir, "go"), "go")
	if out := <-result; !strings.HasPrefix(out, "<nil>") {
		s.t.Errorf("push: %s", out)
	}
}

func newQuarantineServer(t *testing.T) *server {
	s := newServer(t, map[string]string{
		"pre-receive": "#!/bin/sh\necho \"$GIT_QUARANTINE_PATH\" > \"$PUSHBOAT_DIR/quarantine\"; read x < \"$PUSHBOAT_DIR/go\"\n",
	}, git.StoreOptions{})
	s.fifo("quarantine")
	s.fifo("go")
	return s
}

func manyFiles(n int, suffix string) map[string]string {
	files := map[string]string{}
	for i := range n {
		files[fmt.Sprintf("deploy/%03d/app.yaml", i)] = fmt.Sprintf("name: app-%d\n%s%s", i, strings.Repeat("# padding that deltas well\n", 20), suffix)
	}
	return files
}

func wantFiles(t *testing.T, tree fs.FS, files map[string]string) {
	t.Helper()
	found := 0
	err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		found++
		data, err := fs.ReadFile(tree, path)
		if string(data) != files[path] {
			t.Errorf("%s = %q, want %q", path, data, files[path])
		}
		return err
	})
	if err != nil || found != len(files) {
		t.Errorf("read %d files, %v; want %d", found, err, len(files))
	}
}

// TestReadFromQuarantine: the pushed revision is read before the push is accepted. The
// pushes are a large first one, an empty change, and a thin pack whose deltas build on
// existing objects. Meanwhile, directories of other pushes, stale or in use, lie beside the
// quarantine.
func TestReadFromQuarantine(t *testing.T) {
	s := newQuarantineServer(t)
	for _, stale := range []string{"tmp_objdir-incoming-000000", "tmp_objdir-incoming-zzzzzz"} {
		if err := os.MkdirAll(filepath.Join(s.repo.Dir(), "objects", stale, "pack"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	files := manyFiles(400, "")
	files["large.yaml"] = strings.Repeat("padding that go-git does not keep in memory\n", 1000)
	work := gittest.WorkTree(t, files)
	first := git.Hash(gittest.Must(t, work, "rev-parse", "HEAD"))
	read := func(hash git.Hash, old git.Hash) func(git.Quarantine) {
		return func(q git.Quarantine) {
			if _, err := s.repo.Tree(hash); err == nil {
				t.Error("the commit is visible outside quarantine")
			}
			commit, err := s.repo.QuarantinedCommit(hash, q)
			if err != nil || commit.Hash != hash || commit.Author.Name != "Ana" {
				t.Errorf("commit = %+v, %v", commit, err)
			}
			tree, err := s.repo.QuarantinedTree(hash, q)
			if err != nil {
				t.Error(err)
				return
			}
			wantFiles(t, tree, files)
			if old.IsZero() {
				return
			}
			if ok, err := s.repo.IsAncestor(t.Context(), old, hash, q); err != nil || !ok {
				t.Errorf("fast-forward = %v, %v", ok, err)
			}
			if ok, err := s.repo.IsAncestor(t.Context(), hash, old, q); err != nil || ok {
				t.Errorf("the other way = %v, %v", ok, err)
			}
		}
	}
	s.meetInQuarantine(work, read(first, ""), "main")

	files["deploy/007/app.yaml"] += "changed: true\n"
	delete(files, "deploy/008/app.yaml")
	gittest.Must(t, work, "rm", "--quiet", "deploy/008/app.yaml")
	second := git.Hash(gittest.Commit(t, work, "second", map[string]string{"deploy/007/app.yaml": files["deploy/007/app.yaml"]}))
	s.meetInQuarantine(work, read(second, first), "--thin", "main")

	for name := range files {
		files[name] += "all: changed\n"
	}
	third := git.Hash(gittest.Commit(t, work, "third", files))
	s.meetInQuarantine(work, read(third, second), "--thin", "main")
	if tree, err := s.repo.Tree(third); err != nil {
		t.Error(err)
	} else {
		wantFiles(t, tree, files)
	}
}

// TestQuarantineIsChecked: any process may name a quarantine, so only one inside this
// repository is read.
func TestQuarantineIsChecked(t *testing.T) {
	s := newQuarantineServer(t)
	other, err := s.store.Create(t.Context(), "other")
	if err != nil {
		t.Fatal(err)
	}
	objects := filepath.Join(other.Dir(), "objects")
	link := filepath.Join(objects, "tmp_objdir-incoming-linked")
	if err := os.Symlink("/tmp", link); err != nil {
		t.Fatal(err)
	}
	work := gittest.WorkTree(t, map[string]string{"a": "1"})
	hash := git.Hash(gittest.Must(t, work, "rev-parse", "HEAD"))
	s.meetInQuarantine(work, func(q git.Quarantine) {
		for name, dir := range map[string]string{
			"another repository's": q.ObjectDir, "root": "/", "relative": "objects/tmp_objdir-incoming-abcdef",
			"not there": filepath.Join(objects, "tmp_objdir-incoming-abcdef"), "a symlink": link,
			"the objects": objects, "traversal": filepath.Join(objects, "tmp_objdir-incoming-abcdef") + "/../../../shop.git/objects/" + filepath.Base(q.ObjectDir),
		} {
			bad := git.Quarantine{ObjectDir: dir}
			if _, err := other.QuarantinedTree(hash, bad); err == nil || errors.Is(err, git.ErrNotCommit) || strings.Contains(err.Error(), "object not found") {
				t.Errorf("%s: tree: %v", name, err)
			}
			if _, err := other.IsAncestor(t.Context(), hash, hash, bad); err == nil {
				t.Errorf("%s: was used", name)
			}
		}
	}, "main")
}
