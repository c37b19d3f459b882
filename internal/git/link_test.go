package git

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

// linkedTree is a revision with links: each a line "PATH -> TARGET"; the file a/f has
// the text "a", and b/f the text "b".
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

func TestLinksLeadToWhatIsInTheTree(t *testing.T) {
	tree := linkedTree(t, "one -> a/f", "two -> one", "dir -> b", "a/up -> ../b/f", "a/across -> ../dir/f", "b/self -> ./f")
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
	if got, want := strings.Join(shown, " "), "a:true b:true dir:true one:false two:false"; got != want {
		t.Errorf("the root shows %s, want %s", got, want)
	}
}

func TestLinksThatLeadNowhere(t *testing.T) {
	long := strings.Repeat("x/", maxTarget)
	tree := linkedTree(t, "abs -> /etc/passwd", "out -> ../f", "a/out -> ../../f", "none -> nothing", "round -> round",
		"ping -> pong", "pong -> ping", "a/up -> ..", "a/here -> .", "through -> a/f/g", "empty -> ", "long -> "+long, "a/down -> ../a/up/b")
	for name, want := range map[string]string{
		"abs": "a path of some machine", "out": "leads out of the repository", "a/out": "leads out of the repository",
		"none": `"nothing" is not there`, "round": "more than 40", "ping": "more than 40", "a/up": "a folder that the link is in",
		"a/here": "a folder that the link is in", "through": "is not there", "empty": "", "long": "a link of",
	} {
		_, err := fs.ReadFile(tree, name)
		var refused *EntryError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}
