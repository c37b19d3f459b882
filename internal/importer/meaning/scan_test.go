package meaning

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// hashedFS is a revision whose files and folders have hashes, as those of Git do. It notes what is
// read. Files in links lead to others: they have none.
type hashedFS struct {
	fstest.MapFS
	links map[string]bool
	read  []string
}

type text string

func (t text) String() string { return string(t) }

// hash is that of a file, or of all in a folder.
func (h *hashedFS) hash(name string) string {
	sum := sha256.New()
	for _, file := range slices.Sorted(func(yield func(string) bool) {
		for file := range h.MapFS {
			if !yield(file) {
				return
			}
		}
	}) {
		if name == "." || file == name || strings.HasPrefix(file, name+"/") {
			content := h.MapFS[file].Data
			if h.links[file] {
				content = []byte("link")
			}
			fmt.Fprintf(sum, "%s %q\n", strings.TrimPrefix(file, name), content)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

type hashedInfo struct {
	fs.FileInfo
	hash string
}

func (i hashedInfo) Sys() any { return text(i.hash) }

func (h *hashedFS) Stat(name string) (fs.FileInfo, error) {
	info, err := fs.Stat(h.MapFS, name)
	return hashedInfo{info, h.hash(name)}, err
}

func (h *hashedFS) ReadFile(name string) ([]byte, error) {
	h.read = append(h.read, name)
	return fs.ReadFile(h.MapFS, name)
}

type hashedEntry struct {
	fs.DirEntry
	hash string
}

func (e hashedEntry) ContentHash() string { return e.hash }

func (h *hashedFS) ReadDir(name string) ([]fs.DirEntry, error) {
	h.read = append(h.read, name+"/")
	entries, err := fs.ReadDir(h.MapFS, name)
	for i, entry := range entries {
		if at := path.Join(name, entry.Name()); !h.links[at] {
			entries[i] = hashedEntry{entry, h.hash(at)}
		}
	}
	return entries, err
}

// finds looks for objects of a group.
var finds = Scanner{
	Marks: [][]byte{[]byte("example.org/")}, Keeps: func(o *manifest.Object) bool { return o.GetKind() == "App" },
	Tells: func(text []byte) bool { return !bytes.Contains(text, []byte("quiet")) }, Template: func(text []byte) bool { return bytes.Contains(text, []byte("{{")) },
}

const app = "apiVersion: example.org/v1\nkind: App\nmetadata: {name: %s}\n"

// found are the names of the objects of a scan, and what else it has.
func found(s *Scan) string {
	var all []string
	s.Visit(func(d Dir) bool {
		if d.OfChart && d.Templates() {
			all = append(all, "templates "+d.Path)
		}
		return !d.OfChart
	}, func(p *Page) {
		for _, o := range p.Objects {
			all = append(all, o.GetName())
		}
		if p.builds != nil {
			all = append(all, "kustomization "+p.File)
		}
		if len(p.Wrong) > 0 {
			all = append(all, "wrong "+p.File)
		}
	})
	if s.Err != nil {
		all = append(all, s.Err.Error())
	}
	return strings.Join(all, ", ")
}

// TestScan: what changed since the last revision is read again, and nothing else.
func TestScan(t *testing.T) {
	files := func(changes ...string) *hashedFS {
		h := &hashedFS{MapFS: fstest.MapFS{}, links: map[string]bool{"link/a.yaml": true}}
		for _, pair := range [][2]string{
			{"a/x.yaml", fmt.Sprintf(app, "x")},
			{"a/other.yaml", "kind: Other\n"},
			{"a/deep/y.yml", fmt.Sprintf(app, "yy")},
			{"a/deep/kustomization.yaml", "resources: [y.yml]\n"},
			{"b/z.json", `{"apiVersion": "example.org/v1", "kind": "App", "metadata": {"name": "z"}}`},
			{"b/broken.yaml", "example.org/: ["},
			{"b/quiet.yaml", "quiet example.org/: ["},
			{"c/Chart.yaml", ""},
			{"c/templates/t.yaml", "{{ example.org/ }}"},
			{".hidden/a.yaml", fmt.Sprintf(app, "hidden")},
			{"pictures/a.png", "example.org/"},
			{"link/a.yaml", fmt.Sprintf(app, "linked")},
		} {
			h.MapFS[pair[0]] = &fstest.MapFile{Data: []byte(pair[1])}
		}
		for i := 0; i < len(changes); i += 2 {
			h.MapFS[changes[i]] = &fstest.MapFile{Data: []byte(changes[i+1])}
		}
		return h
	}
	shelf := &Shelf{}
	const all = "kustomization a/deep/kustomization.yaml, yy, x, wrong b/broken.yaml, z, templates c/templates, linked"
	for _, test := range []struct {
		name    string
		repo    name.Repo
		changes []string
		want    string
		read    string // "": everything
	}{
		{"at first", "shop", nil, all, ""},
		{"again", "shop", nil, all, "./ link/ link/a.yaml"},
		{"a file that has another object", "shop", []string{"a/x.yaml", fmt.Sprintf(app, "xx")}, strings.Replace(all, " x,", " xx,", 1), "./ a/ a/x.yaml link/ link/a.yaml"},
		{"what a link leads to", "shop", []string{"a/x.yaml", fmt.Sprintf(app, "xx"), "link/a.yaml", fmt.Sprintf(app, "moved")}, strings.NewReplacer(" x,", " xx,", "linked", "moved").Replace(all), "./ link/ link/a.yaml"},
		{"back", "shop", nil, all, "./ a/ a/x.yaml link/ link/a.yaml"},
		{"a file that is new", "shop", []string{"pictures/b.yaml", fmt.Sprintf(app, "new")}, all + ", new", "./ link/ link/a.yaml pictures/ pictures/b.yaml"},
		{"another repository", "other", nil, all, ""},
	} {
		tree := files(test.changes...)
		got := found(finds.Scan(World{Repo: test.repo, Tree: tree, Shelf: shelf}))
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
		if read := strings.Join(tree.read, " "); test.read != "" && read != test.read || test.read == "" && len(tree.read) < 15 {
			t.Errorf("%s: it reads %s, want %s", test.name, read, test.read)
		}
	}
	scan := finds.Scan(World{Repo: "shop", Tree: files(), Shelf: shelf})
	for file, there := range map[string]bool{"a/deep/y.yml": true, "a/x.yaml": true, "a/other.yaml": false, "a/deep": false, "none/a.yaml": false, "a/x.yaml/b": false} {
		if got := scan.Page(file) != nil; got != there {
			t.Errorf("a page of %s: %t", file, got)
		}
	}
}

// failing is a revision of which a file cannot be read.
type failing struct{ *hashedFS }

func (f failing) ReadFile(name string) ([]byte, error) {
	if name == "a/x.yaml" {
		return nil, fs.ErrPermission
	}
	return f.hashedFS.ReadFile(name)
}

// TestScanEnds: too much is an error, and so is what cannot be read. Neither is remembered.
func TestScanEnds(t *testing.T) {
	one := func() *hashedFS {
		return &hashedFS{MapFS: fstest.MapFS{"a/x.yaml": {Data: fmt.Appendf(nil, app, "x")}}}
	}
	deep := &hashedFS{MapFS: fstest.MapFS{strings.Repeat("a/", maxDepth+2) + "x.yaml": {}}}
	large := fstest.MapFS{}
	for i := range 30 {
		large[fmt.Sprintf("%d.yaml", i)] = &fstest.MapFile{Data: fmt.Appendf(nil, app+"spec: %s\n", fmt.Sprint("a", i), strings.Repeat("x", 5_000))}
	}
	for _, test := range []struct {
		name string
		tree fs.FS
		want string
		over bool
	}{
		{"sound", one(), "", false},
		{"unreadable", failing{one()}, "permission denied", false},
		{"deep", deep, "there are more than 40 folders in each other", true},
		{"large", large, "the objects in files take more than 64 MiB of memory", true},
	} {
		shelf, finds := &Shelf{}, finds
		finds.most = 100_000
		scan := finds.Scan(World{Repo: "shop", Tree: test.tree, Shelf: shelf})
		if got := fmt.Sprint(scan.Err); test.want == "" && scan.Err != nil || !strings.Contains(got, test.want) || scan.Over != test.over {
			t.Errorf("%s: %s (over %t), want %s", test.name, got, scan.Over, test.want)
		}
		if remembered := shelf.get("shop") != nil; remembered != (test.want == "") {
			t.Errorf("%s: it is remembered: %t", test.name, remembered)
		}
	}
}

// TestShelf: there is room for some repositories. Those that nobody asked for the longest leave.
func TestShelf(t *testing.T) {
	shelf := &Shelf{}
	of := func(weight int64) *folder { return &folder{weight: weight} }
	shelf.put("huge", of(maxShelfOne+1))
	shelf.put("a", of(maxShelfOne))
	shelf.put("b", of(maxShelfOne-10))
	if shelf.get("huge") != nil || shelf.get("a") == nil || shelf.get("b") == nil {
		t.Error("there is no room, or too much")
	}
	shelf.get("a")
	shelf.put("c", of(20))
	if shelf.get("a") == nil || shelf.get("b") != nil || shelf.get("c") == nil || shelf.weight != maxShelfOne+20 {
		t.Errorf("another one has left; %d bytes are kept", shelf.weight)
	}
	shelf.put("a", of(5))
	if shelf.weight != 25 {
		t.Errorf("%d bytes are kept", shelf.weight)
	}
	var none *Shelf
	if none.put("a", of(1)); none.get("a") != nil {
		t.Error("nothing remembers")
	}
}

// TestUnmarshal: aliases that make much of little are an error.
func TestUnmarshal(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 6 {
		fmt.Fprintf(&bomb, "a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
	}
	for text, want := range map[string]string{
		"a: &x {b: c}\nd: *x\n": "map[a:map[b:c] d:map[b:c]]", "a: '*&'": "map[a:*&]", "a: &x [*x]\n": "aliases repeat", "a: [": "did not find", bomb.String(): "aliases repeat more than 10000 values",
	} {
		var value any
		err := Unmarshal([]byte(text), &value)
		got := fmt.Sprint(value)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%.100q: %s, want %s", text, got, want)
		}
	}
}

// TestReadersOfFiles: who reads a file is known, up to two; folders that list each other end.
func TestReadersOfFiles(t *testing.T) {
	layout := &Layout{}
	for folder, text := range map[string]string{"a": "resources: [../b, x.yaml]", "b": "resources: [../a, ../plain, y.yaml]"} {
		layout.Note(&Page{builds: readKustomization(folder+"/kustomization.yaml", []byte(text))})
	}
	readers := layout.Readers([]Start{{"a", "1"}, {"a", "2"}, {"b", "3"}, {"plain", "4"}, {"elsewhere", "5"}})
	for file, want := range map[string]string{"b/y.yaml": "", "plain/deep/z.yaml": "", "a/none.yaml": "none", "elsewhere/a.yaml": "5", "other/a.yaml": "none"} {
		two := readers.Reach(file)
		switch {
		case want == "none" && two != Two{}, want == "" && (!two.Other(two.first) || !two.Other(two.second)), want == "5" && (two.Other("5") || !two.Other("6")):
			t.Errorf("%s is read by %+v", file, two)
		}
	}
	if inside := Within([]Start{{"a", "1"}, {".", "2"}}); !inside("a/b/c.yaml").Other("1") || inside("b/c.yaml").Other("2") {
		t.Error("what is in a folder")
	}
	if of := Inner([]string{"a/b/c.yaml", "a/d.yaml"}); !of("a").Other("a/d.yaml") || of("a/b").Other("a/b/c.yaml") || of("c").Other("") {
		t.Error("what a folder has")
	}
}
