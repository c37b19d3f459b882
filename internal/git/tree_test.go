package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// gitIn runs git in a repository, as its owner might by hand.
func gitIn(t *testing.T, r *Repository, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.Dir()
	cmd.Env = append(baseEnv(os.Getenv("PATH")), identityEnv("Ana")...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSuffix(string(out), "\n")
}

// commitOf makes a commit whose tree has the entries, which are passed to `git mktree -z`.
func commitOf(t *testing.T, r *Repository, entries ...string) Hash {
	t.Helper()
	return Hash(gitIn(t, r, "", "commit-tree", "-m", "test", treeOf(t, r, entries...)))
}

func treeOf(t *testing.T, r *Repository, entries ...string) string {
	t.Helper()
	return gitIn(t, r, strings.Join(entries, "\x00")+"\x00", "mktree", "-z", "--missing")
}

func blobOf(t *testing.T, r *Repository, content string) string {
	t.Helper()
	return gitIn(t, r, content, "hash-object", "-w", "--stdin")
}

func TestTree(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	files := map[string][]byte{
		"pushboat.yaml":         []byte("apps: []\n"),
		"deploy/shop/web.yaml":  []byte("kind: Deployment\n"),
		"deploy/shop/db.yaml":   []byte("kind: StatefulSet\n"),
		"deploy/blog/all.yml":   nil,
		"deploy.txt":            []byte("sorts between deploy and deploy/"),
		"with space/ünïcode 日本": []byte("x"),
	}
	hash := mustAppend(t, r, "", NewCommit{Files: files})
	tree, err := r.Tree(hash)
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(tree, "pushboat.yaml", "deploy/shop/web.yaml", "with space/ünïcode 日本"); err != nil {
		t.Error(err)
	}
	found, err := fs.Glob(tree, "deploy/*/*.yaml")
	if want := []string{"deploy/shop/db.yaml", "deploy/shop/web.yaml"}; err != nil || !slices.Equal(found, want) {
		t.Errorf("glob = %q, %v; want %q", found, err, want)
	}
	sub, err := fs.Sub(tree, "deploy/shop")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := fs.ReadFile(sub, "web.yaml"); err != nil || string(got) != "kind: Deployment\n" {
		t.Errorf("web.yaml = %q, %v", got, err)
	}
	for _, name := range []string{"deploy/shop/none.yaml", "pushboat.yaml/x", "none/none"} {
		if _, err := fs.ReadFile(tree, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want ErrNotExist", name, err)
		}
	}
	for _, name := range []string{"../x", "/etc/passwd", "deploy/../pushboat.yaml", "", "./deploy"} {
		if _, err := fs.ReadFile(tree, name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q: %v, want ErrInvalid", name, err)
		}
	}
	if _, err := fs.ReadFile(tree, "deploy"); err == nil {
		t.Error("a directory was read as a file")
	}
}

func TestTreeOfAnEmptyCommit(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	tree, err := r.Tree(mustAppend(t, r, "", NewCommit{Message: "empty"}))
	if err != nil {
		t.Fatal(err)
	}
	if entries, err := fs.ReadDir(tree, "."); err != nil || len(entries) != 0 {
		t.Errorf("entries = %v, %v", entries, err)
	}
}

func TestTreeWantsACommit(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	hash := mustAppend(t, r, "", NewCommit{Message: "m", Files: map[string][]byte{"a": []byte("a")}})
	gitIn(t, r, "", "tag", "-a", "-m", "t", "v1", string(hash))
	tag, err := r.Head(t.Context(), "refs/tags/v1")
	if err != nil || tag == hash {
		t.Fatalf("tag = %s, %v", tag, err)
	}
	if data, err := r.readFile(tag, "a"); err != nil || string(data) != "a" {
		t.Errorf("through a tag: %q, %v", data, err)
	}
	if _, err := r.Tree(Hash(blobOf(t, r, "blob"))); !errors.Is(err, ErrNotCommit) {
		t.Errorf("tree of a blob: %v, want ErrNotCommit", err)
	}
	for _, hash := range []Hash{"", "HEAD", "--all", Hash(strings.Repeat("a", 40)), Hash(strings.Repeat("a", 64))} {
		if _, err := r.Tree(hash); err == nil {
			t.Errorf("tree of %q was found", hash)
		}
	}
}

// TestTreeRefusals: entries that are not plain files appear in listings, and cannot be
// opened.
func TestTreeRefusals(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	blob := blobOf(t, r, "../../etc/passwd")
	inner := gitIn(t, r, "100644 blob "+blob+"\tweb.yaml\n", "mktree")
	const commit = "1234567890123456789012345678901234567890"
	tests := []struct {
		entry, name string
		mode        fs.FileMode
		err         error
	}{
		{"120000 blob " + blob, "link.yaml", fs.ModeSymlink, ErrSymlink},
		{"160000 commit " + commit, "submodule", fs.ModeIrregular, ErrSubmodule},
		{"100644 blob " + blob, "esc\x1b[2J.yaml", fs.ModeIrregular, ErrUnsafeName},
		{"100644 blob " + blob, "new\nline.yaml", fs.ModeIrregular, ErrUnsafeName},
		{"100644 blob " + blob, "tab\t.yaml", fs.ModeIrregular, ErrUnsafeName},
		{"100644 blob " + blob, "c1\u0085.yaml", fs.ModeIrregular, ErrUnsafeName},
		{"100644 blob " + blob, "bidi\u202egpj.yaml", fs.ModeIrregular, ErrUnsafeName},
		{"040000 tree " + inner, "dir\r", fs.ModeIrregular, ErrUnsafeName},
	}
	entries := []string{"100644 blob " + blob + "\tplain.yaml", "100755 blob " + blob + "\trun", "100644 blob " + blob + "\tlatin\xe9.yaml"}
	for _, test := range tests {
		entries = append(entries, test.entry+"\t"+test.name)
	}
	tree, err := r.Tree(commitOf(t, r, entries...))
	if err != nil {
		t.Fatal(err)
	}
	listed, err := fs.ReadDir(tree, ".")
	if err != nil {
		t.Fatal(err)
	}
	modes := map[string]fs.FileMode{}
	for _, e := range listed {
		modes[e.Name()] = e.Type()
	}
	if len(modes) != len(entries) || modes["plain.yaml"] != 0 || modes["latin\xe9.yaml"] != fs.ModeIrregular {
		t.Errorf("listing = %v", modes)
	}
	for _, test := range tests {
		if modes[test.name] != test.mode {
			t.Errorf("%q has mode %v, want %v", test.name, modes[test.name], test.mode)
		}
		for _, name := range []string{test.name, test.name + "/web.yaml"} {
			_, err := fs.ReadFile(tree, name)
			var refused *EntryError
			if !errors.Is(err, test.err) || !errors.As(err, &refused) || refused.Path != test.name {
				t.Errorf("read %q: %v, want %v", name, err, test.err)
			}
			if err != nil && !safeName(err.Error()) {
				t.Errorf("the error for %q is unsafe to show: %q", name, err)
			}
		}
		if _, err := tree.Open(test.name); !errors.Is(err, test.err) {
			t.Errorf("open %q: %v, want %v", test.name, err, test.err)
		}
		info, err := fs.Stat(tree, test.name)
		if test.mode == fs.ModeSymlink {
			if !errors.Is(err, ErrSymlink) {
				t.Errorf("stat %q = %v, %v", test.name, info, err)
			}
			continue
		}
		if err != nil || info.Mode().Type() != test.mode {
			t.Errorf("stat %q = %v, %v", test.name, info, err)
		}
	}
	if data, err := fs.ReadFile(tree, "plain.yaml"); err != nil || string(data) != "../../etc/passwd" {
		t.Errorf("plain.yaml = %q, %v", data, err)
	}
}

// TestTreeMalformed reads trees that fsck would not accept, in case one exists anyway.
func TestTreeMalformed(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	for name, content := range map[string]string{
		"parent":    "40000 ..\x00" + strings.Repeat("a", 20),
		"dot":       "40000 .\x00" + strings.Repeat("a", 20),
		"slash":     "100644 a/b\x00" + strings.Repeat("a", 20),
		"twice":     strings.Repeat("100644 a\x00"+strings.Repeat("a", 20), 2),
		"truncated": "100644 a\x00aaaa",
		"mode":      "99999 a\x00" + strings.Repeat("a", 20),
	} {
		tree := gitIn(t, r, content, "hash-object", "-t", "tree", "-w", "--stdin", "--literally")
		commit := gitIn(t, r, "", "commit-tree", "-m", "x", tree)
		if _, err := r.Tree(Hash(commit)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestTreeLimits(t *testing.T) {
	limits := TreeLimits{Entries: 10, FileBytes: 100, TotalBytes: 250, Depth: 3, NameBytes: 20}
	for name, test := range map[string]struct {
		files map[string][]byte
		want  string
	}{
		"file":    {map[string][]byte{"big.yaml": make([]byte, 101)}, "big.yaml: over the limit: 101 bytes, and 100 are the most for one file"},
		"total":   {map[string][]byte{"a": make([]byte, 100), "b": make([]byte, 100), "c": make([]byte, 51)}, "c: over the limit: with it more than 250 bytes"},
		"depth":   {map[string][]byte{"1/2/3/4/f": nil}, "1/2/3/4: over the limit: more than 3 directories"},
		"name":    {map[string][]byte{strings.Repeat("n", 21): nil}, strings.Repeat("n", 21) + ": over the limit: a name of 21 bytes"},
		"entries": {manyFiles(11), ".: over the limit: more than 10 files"},
	} {
		r := newRepository(t, StoreOptions{Limits: limits})
		tree, err := r.Tree(mustAppend(t, r, "", NewCommit{Files: test.files}))
		if err == nil {
			err = readAll(tree)
		}
		if !errors.Is(err, ErrLimit) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want ... %s", name, err, test.want)
		}
	}
	r := newRepository(t, StoreOptions{Limits: limits})
	within := map[string][]byte{"1/2/3/f": make([]byte, 100), "g": make([]byte, 100), "h": make([]byte, 50)}
	tree, err := r.Tree(mustAppend(t, r, "", NewCommit{Files: within}))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // a file that is read twice counts once
		if err := readAll(tree); err != nil {
			t.Error(err)
		}
	}
}

// TestTreeBomb reads a tree of a few objects that unfolds to 10^10 files.
func TestTreeBomb(t *testing.T) {
	r := newRepository(t, StoreOptions{Limits: TreeLimits{Entries: 1000}})
	entry := "100644 blob " + blobOf(t, r, "x")
	for range 10 {
		var lines []string
		for i := range 10 {
			lines = append(lines, fmt.Sprintf("%s\t%d", entry, i))
		}
		entry = "040000 tree " + gitIn(t, r, strings.Join(lines, "\n")+"\n", "mktree")
	}
	tree, err := r.Tree(commitOf(t, r, entry+"\tbomb"))
	if err == nil {
		err = readAll(tree)
	}
	if !errors.Is(err, ErrLimit) {
		t.Errorf("read all of it: %v, want ErrLimit", err)
	}
}

func manyFiles(n int) map[string][]byte {
	files := map[string][]byte{}
	for i := range n {
		files[fmt.Sprintf("file-%04d", i)] = fmt.Appendf(nil, "content %d\n", i)
	}
	return files
}

func readAll(tree fs.FS) error {
	return fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		_, err = fs.ReadFile(tree, path)
		return err
	})
}

// TestTreeSurvivesARepack: a reader that opened the repository before a repack can still
// read.
func TestTreeSurvivesARepack(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	tree, err := r.Tree(mustAppend(t, r, "", NewCommit{Files: manyFiles(300)}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fs.ReadFile(tree, "file-0001"); err != nil {
		t.Fatal(err)
	}
	gitIn(t, r, "", "commit-graph", "write") // some change to objects/
	gitIn(t, r, "", "repack", "-adqf", "--depth=1")
	if err := readAll(tree); err != nil {
		t.Error(err)
	}
}

// TestTreeOfBrokenObjects: objects that do not match their names cause errors, never a
// panic.
func TestTreeOfBrokenObjects(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	hash := mustAppend(t, r, "", NewCommit{Files: manyFiles(300)})
	gitIn(t, r, "", "repack", "-adq")
	packs, err := filepath.Glob(filepath.Join(r.Dir(), "objects/pack/*.[pi][ad][cx]*"))
	if err != nil || len(packs) < 2 {
		t.Fatal(packs, err)
	}
	for _, path := range packs {
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
		for name, broken := range map[string][]byte{
			"empty": {}, "half": whole[:len(whole)/2], "zeros": make([]byte, len(whole)),
			"flipped": append(append([]byte(nil), whole[:40]...), invert(whole[40:])...),
		} {
			if err := os.WriteFile(path, broken, 0o600); err != nil {
				t.Fatal(err)
			}
			tree, err := r.Tree(hash)
			if err == nil {
				err = readAll(tree)
			}
			if err == nil {
				t.Errorf("%s of %s was read without an error", filepath.Ext(path), name)
			}
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func invert(p []byte) []byte {
	q := make([]byte, len(p))
	for i := range p {
		q[i] = ^p[i]
	}
	return q
}
