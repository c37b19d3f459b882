package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// linkedTree is a revision with links, each given as "PATH -> TARGET". The file a/f has the
// text "a", and b/f has the text "b".
func linkedTree(t *testing.T, links ...string) *tree {
	t.Helper()
	r := newRepository(t, StoreOptions{})
	folder := func(text string, more ...string) string {
		return treeOf(t, r, append([]string{"100644 blob " + blobOf(t, r, text) + "\tf"}, more...)...)
	}
	inFolder := map[string][]string{}
	var top []string
	for _, link := range links {
		name, target, _ := strings.Cut(link, " -> ")
		entry := "120000 blob " + blobOf(t, r, target) + "\t"
		if dir, base, ok := strings.Cut(name, "/"); ok {
			inFolder[dir] = append(inFolder[dir], entry+base)
		} else {
			top = append(top, entry+name)
		}
	}
	top = append(top, "040000 tree "+folder("a", inFolder["a"]...)+"\ta", "040000 tree "+folder("b", inFolder["b"]...)+"\tb")
	found, err := r.Tree(commitOf(t, r, top...))
	if err != nil {
		t.Fatal(err)
	}
	return found.(*tree)
}

// linkedFolder is the same tree as a work tree, without links that no disk can have.
func linkedFolder(t *testing.T, links ...string) *tree {
	t.Helper()
	dir := t.TempDir()
	for _, folder := range []string{"a", "b", ".git", "empty/below", "sub/.git"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(dir, text, "f"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, link := range links {
		name, target, _ := strings.Cut(link, " -> ")
		if target == "" || len(target) >= maxTarget {
			continue
		}
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return WorkTree(root).(*tree)
}

// each runs a test of links on a revision and on a work tree.
func each(t *testing.T, links []string, test func(*testing.T, *tree)) {
	t.Run("revision", func(t *testing.T) { test(t, linkedTree(t, links...)) })
	t.Run("work tree", func(t *testing.T) { test(t, linkedFolder(t, links...)) })
}

func TestLinksLeadToWhatIsInTheTree(t *testing.T) {
	each(t, []string{"one -> a/f", "two -> one", "dir -> b", "a/up -> ../b/f", "a/across -> ../dir/f", "b/self -> ./f"}, testLinks)
}

func testLinks(t *testing.T, tree *tree) {
	for name, want := range map[string]string{
		"one": "a", "two": "a", "dir/f": "b", "a/up": "b", "a/across": "b", "dir/self": "b", "b/self": "b",
	} {
		data, err := fs.ReadFile(tree, name)
		if err != nil || string(data) != want {
			t.Errorf("%s: %q, %v; want %q", name, data, err, want)
		}
		info, err := fs.Stat(tree, name)
		if err != nil || !info.Mode().IsRegular() || !strings.HasSuffix("/"+name, "/"+info.Name()) {
			t.Errorf("%s is %v, %v", name, info, err)
		}
	}
	for name, want := range map[string]string{"a/across": "a/across dir b/f", "two": "two one a/f", "a/f": "", "none": ""} {
		if got := strings.Join(tree.Through(name), " "); got != want {
			t.Errorf("%s leads through %q, want %q", name, got, want)
		}
	}
	entries, err := fs.ReadDir(tree, ".")
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, entry := range entries {
		shown = append(shown, fmt.Sprintf("%s:%v", entry.Name(), entry.IsDir()))
	}
	if got, want := strings.Join(shown, " "), "a:true b:true dir:true one:false two:false"; strings.Replace(got, " sub:false", "", 1) != want {
		t.Errorf("the root has %s, want %s", got, want)
	}
}

func TestLinksThatLeadNowhere(t *testing.T) {
	long := strings.Repeat("x/", maxTarget)
	each(t, []string{
		"abs -> /etc/passwd", "out -> ../f", "a/out -> ../../f", "none -> nothing", "round -> round",
		"ping -> pong", "pong -> ping", "a/up -> ..", "a/here -> .", "through -> a/f/g", "empty -> ", "long -> " + long, "a/down -> ../a/up/b",
	}, testRefusals)
}

func testRefusals(t *testing.T, tree *tree) {
	for name, want := range map[string]string{
		"abs": "a path of some machine", "out": "leads out of the repository", "a/out": "leads out of the repository",
		"none": `"nothing" is not there`, "round": "more than 40", "ping": "more than 40", "a/up": "a folder that the link is in",
		"a/here": "a folder that the link is in", "through": "is not there", "empty": "", "long": "a link of",
	} {
		_, err := fs.ReadFile(tree, name)
		if errors.Is(err, fs.ErrNotExist) && (name == "empty" || name == "long") {
			continue // a disk cannot have this link
		}
		var refused *EntryError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// TestLinksThatGoRound: folders link to each other. A walk ends where a link leads back, in
// a revision and in a work tree.
func TestLinksThatGoRound(t *testing.T) {
	each(t, []string{"a/to-b -> ../b", "b/to-a -> ../a", "b/file -> ../a/f"}, func(t *testing.T, tree *tree) {
		var walked []string
		err := fs.WalkDir(tree, "a", func(name string, d fs.DirEntry, err error) error {
			walked = append(walked, fmt.Sprintf("%s:%v", name, d.Type()))
			return err
		})
		want := "a:d--------- a/f:---------- a/to-b:d--------- a/to-b/f:---------- a/to-b/file:---------- a/to-b/to-a:L---------"
		if got := strings.Join(walked, " "); err != nil || got != want {
			t.Errorf("walked %s, %v; want %s", got, err, want)
		}
		if _, err := fs.ReadDir(tree, "a/to-b/to-a"); !errors.Is(err, ErrSymlink) || !strings.Contains(err.Error(), `"../a" is a folder that the way to it has come through`) {
			t.Errorf("error %v", err)
		}
	})
}

// TestLinksThatMultiply: folders that each have two links to the next one make a large tree
// from a small one. A limit stops the walk early.
func TestLinksThatMultiply(t *testing.T) {
	dir := t.TempDir()
	for i := range 30 {
		folder := filepath.Join(dir, fmt.Sprintf("d%02d", i))
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"l", "r"} {
			if err := os.Symlink(fmt.Sprintf("../d%02d", i+1), filepath.Join(folder, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	last := filepath.Join(dir, "d30")
	if err := os.Mkdir(last, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(last, "f"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	limits := TreeLimits{Entries: 2000 * linkedShare}.withDefaults()
	seen := 0
	err = fs.WalkDir(newTree(onDisk{root}, limits), "d00", func(_ string, _ fs.DirEntry, err error) error {
		seen++
		return err
	})
	if !errors.Is(err, ErrLimit) || !strings.Contains(err.Error(), "more than 2000 files are reached through symbolic links") || seen > 2*limits.Entries {
		t.Errorf("%d entries were seen, %v", seen, err)
	}
}

// TestWorkTreeIsWhatGitStores: entries that a commit would not have are missing.
func TestWorkTreeIsWhatGitStores(t *testing.T) {
	tree := linkedFolder(t)
	entries, err := fs.ReadDir(tree, ".")
	if err != nil || len(entries) != 3 || entries[2].Name() != "sub" || entries[2].Type() != fs.ModeIrregular {
		t.Errorf("there are %v, %v; want a, b and a submodule", entries, err)
	}
	for _, name := range []string{".git", "empty", ".git/config"} {
		if _, err := fs.Stat(tree, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := fs.ReadFile(tree, "sub"); !errors.Is(err, ErrSubmodule) {
		t.Errorf("the content of a submodule: %v, want ErrSubmodule", err)
	}
	info, err := fs.Stat(tree, "a/f")
	if err != nil || info.Size() != 1 || fmt.Sprint(info.Sys()) != "" {
		t.Errorf("a/f is %v of %d bytes, hash %q, %v", info, info.Size(), info.Sys(), err)
	}
}
