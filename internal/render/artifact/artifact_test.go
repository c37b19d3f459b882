package artifact

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// entry is one of an archive.
type entry struct {
	name, text string
	kind       byte // 0: a file
}

func text(name, content string) entry { return entry{name: name, text: content} }

// packed is a tar of entries.
func packed(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	for _, e := range entries {
		header := &tar.Header{Name: e.name, Mode: 0o644, Size: int64(len(e.text)), Typeflag: tar.TypeReg}
		if e.kind != 0 {
			header.Typeflag, header.Linkname = e.kind, "elsewhere"
		}
		if err := archive.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(archive, e.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(data)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// filesIn are the files of a tree with their content.
func filesIn(t testing.TB, tree fs.FS) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(tree, name)
		found[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestUnpack(t *testing.T) {
	for name, test := range map[string]struct {
		entries []entry
		ignore  string
		want    map[string]string
	}{
		"files and folders": {[]entry{{"./", "", tar.TypeDir}, {"./a/", "", tar.TypeDir}, text("./a/b.yaml", "1"), text("c.yaml", "2")}, "", map[string]string{"a/b.yaml": "1", "c.yaml": "2"}},
		"nothing":           {nil, "", map[string]string{}},
		"links are no files": {
			[]entry{text("a", "1"), {"b", "", tar.TypeSymlink}, {"c", "", tar.TypeLink}, {"d", "", tar.TypeFifo}}, "", map[string]string{"a": "1"},
		},
		"the last one counts":            {[]entry{text("a", "1"), text("./a", "2")}, "", map[string]string{"a": "2"}},
		"a file .sourceignore":           {[]entry{text(".sourceignore", "*.md\n/docs/\n"), text("a.md", ""), text("docs/x", ""), text("b/docs/y", "1")}, "", map[string]string{".sourceignore": "*.md\n/docs/\n", "b/docs/y": "1"}},
		"one in a folder":                {[]entry{text("a/.sourceignore", "x"), text("a/x", ""), text("x", "1")}, "", map[string]string{"a/.sourceignore": "x", "x": "1"}},
		"patterns of the object":         {[]entry{text("a/x.yaml", "1"), text("b/x.yaml", "2")}, "/*\n!/b\n", map[string]string{"b/x.yaml": "2"}},
		"a chart is out of its folder":   {[]entry{text("web/Chart.yaml", "name: web"), text("web/templates/a.yaml", "1")}, "", map[string]string{"Chart.yaml": "name: web", "templates/a.yaml": "1"}},
		"and its patterns from there":    {[]entry{text("web/Chart.yaml", "name: web"), text("web/README.md", "")}, "/web/README.md", map[string]string{"Chart.yaml": "name: web"}},
		"but not beside others":          {[]entry{text("web/Chart.yaml", "name: web"), text("a.yaml", "1")}, "", map[string]string{"web/Chart.yaml": "name: web", "a.yaml": "1"}},
		"nor another folder":             {[]entry{text("web/a.yaml", "1")}, "", map[string]string{"web/a.yaml": "1"}},
		"nor one of several":             {[]entry{text("web/Chart.yaml", "name: web"), text("api/Chart.yaml", "1")}, "", map[string]string{"web/Chart.yaml": "name: web", "api/Chart.yaml": "1"}},
		"a folder that is written twice": {[]entry{{"a/", "", tar.TypeDir}, text("a/b", "1"), {"a/", "", tar.TypeDir}, text("a/c", "2")}, "", map[string]string{"a/b": "1", "a/c": "2"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, data := range [][]byte{packed(t, test.entries...), zipped(t, packed(t, test.entries...))} {
				tree, err := Unpack(data, "sha256:0", test.ignore)
				if err != nil {
					t.Fatal(err)
				}
				if found := filesIn(t, tree); !maps.Equal(found, test.want) {
					t.Errorf("%q", found)
				}
				if err := fstest.TestFS(tree, slices.Collect(maps.Keys(test.want))...); err != nil && len(test.want) > 0 {
					t.Error(err)
				}
			}
		})
	}
}

func TestFolders(t *testing.T) {
	chart, err := Unpack(packed(t, text("web/Chart.yaml", "name: web"), text("web/web/a", ""), text("web/files/a", "")), "sha256:0", "")
	if err != nil {
		t.Fatal(err)
	}
	small, err := Unpack(packed(t, text("web/Chart.yaml", "name: web")), "sha256:0", "")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := Unpack(packed(t, text("web/a", "")), "sha256:0", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		tree       *Tree
		name, want string
	}{
		{chart, ".", "."},
		{chart, "web", "web"},
		{chart, "web/files", "files"},
		{chart, "files", "files"},
		{chart, "Chart.yaml", ""},
		{chart, "web/none", ""},
		{small, "web", "."},
		{small, "web/web", ""},
		{plain, "web", "web"},
		{plain, "web/web", ""},
		{plain, "none", ""},
	} {
		if at, is := test.tree.Folder(test.name); is != (test.want != "") || is && at != test.want {
			t.Errorf("%s is at %q, %v", test.name, at, is)
		}
	}
}

func TestWhatIsNotUnpacked(t *testing.T) {
	many := make([]entry, MaxFiles+1)
	for i := range many {
		many[i] = text(fmt.Sprintf("%d", i), "")
	}
	deep := make([]entry, MaxFiles/20)
	for i := range deep {
		deep[i] = text(strings.Repeat(fmt.Sprintf("%d/", i), 40)+"a", "")
	}
	slow := []entry{text(".sourceignore", strings.Repeat("/b"+strings.Repeat("*a", 200)+"\n", 50))}
	for i := range 50 {
		slow = append(slow, text(strings.Repeat("a", 900)+fmt.Sprint(i), ""))
	}
	huge := packed(t, text("a", strings.Repeat("0", MaxBytes)), text("b", "1"))
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"no archive":               {[]byte("hello"), "read the archive"},
		"no gzip":                  {[]byte(gzipMagic + "hello"), "read the archive"},
		"cut off":                  {zipped(t, packed(t, text("a", strings.Repeat("x", 10_000))))[:60], "read the archive"},
		"a path out of it":         {packed(t, text("../a", "")), `its archive has an entry whose path leads out of it: "../a"`},
		"a path out of it, inside": {packed(t, text("a/../../b", "")), "leads out of it"},
		"a path from the root":     {packed(t, text("/etc/passwd", "")), "leads out of it"},
		"a path of Windows":        {packed(t, text(`a\b`, "")), "leads out of it"},
		"a link out of it":         {packed(t, entry{"../a", "", tar.TypeSymlink}), "leads out of it"},
		"a long path":              {packed(t, text(strings.Repeat("a", maxPath+1), "")), "whose path is longer"},
		"a deep path":              {packed(t, text(strings.Repeat("a/", maxDepth)+"b", "")), "whose path is longer"},
		"many files":               {packed(t, many...), "it has more than 10000 files"},
		"many folders":             {packed(t, deep...), "it has more than 10000 folders"},
		"large":                    {huge, "its files have more than 33554432 bytes"},
		"a bomb":                   {zipped(t, huge), "its files have more than 33554432 bytes"},
		"a bomb of headers":        {zipped(t, bytes.Repeat([]byte{0x1}, MaxBytes+MaxFiles*1024+512)), "read the archive"},
		"a file that is a folder":  {packed(t, text("a", ""), text("a/b", "")), "as a file and as a folder"},
		"a folder that is a file":  {packed(t, text("a/b/c", ""), text("a", "")), "as a file and as a folder"},
		"patterns that are none":   {packed(t, text(".sourceignore", "[")), ".sourceignore in it: line 1"},
		"patterns that take long":  {packed(t, slow...), "the patterns of files to leave out take too long"},
		"a large file of patterns": {packed(t, text(".sourceignore", strings.Repeat("#", 65<<10))), ".sourceignore in it has more than 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Unpack(test.data, "sha256:0", "")
			if of, ok := errors.AsType[*Error](err); !ok || !strings.Contains(err.Error(), test.want) || of.Hint == "" {
				t.Errorf("%v, want %s, and what to do", err, test.want)
			}
		})
	}
	if _, err := Unpack(packed(t), "sha256:0", "["); err == nil || !strings.Contains(err.Error(), "ignore: line 1") {
		t.Errorf("patterns of the object: %v", err)
	}
}

// A file is known by what is in it: a cache of decrypted files counts on that.
func TestHashes(t *testing.T) {
	hashes := map[string]bool{}
	for _, digest := range []string{"sha256:0", "sha256:1"} {
		tree, err := Unpack(packed(t, text("a", "1"), text("b", "2")), digest, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a", "b"} {
			info, err := tree.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			hash, ok := info.Sys().(fmt.Stringer)
			if !ok {
				t.Fatalf("%v is no hash", info.Sys())
			}
			hashes[hash.String()] = true
		}
	}
	if len(hashes) != 4 {
		t.Errorf("four files have %d hashes", len(hashes))
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(packed(f, text("a/b", "1"), text(".sourceignore", "*\n!a")), "*.md")
	f.Add(zipped(f, packed(f, text("web/Chart.yaml", "1"))), "")
	f.Fuzz(func(t *testing.T, data []byte, ignore string) {
		tree, err := Unpack(data, "sha256:0", ignore)
		if err != nil {
			return
		}
		for name := range filesIn(t, tree) {
			if !fs.ValidPath(name) {
				t.Errorf("the path %q", name)
			}
		}
	})
}
