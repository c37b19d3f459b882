package backup

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/datadir"
)

// TestDamageIsFound: no file of a damaged archive is left behind.
func TestDamageIsFound(t *testing.T) {
	w := newWorld(t)
	archive, _ := w.back(Request{})
	whole, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	try := func(what string, text []byte) {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "data")
		if _, err := (Restore{Archives: Files(store(t, text)), Data: dir}).Run(t.Context()); err == nil {
			t.Errorf("%s: restored", what)
		}
		if _, err := os.Lstat(dir); err == nil {
			t.Errorf("%s: the directory stays", what)
		}
	}
	end := bytes.LastIndex(whole, []byte(sumsName)) // the hashes are the last entry: only padding follows
	for at := 0; at < end; at += 3001 {
		try(fmt.Sprintf("cut at %d", at), whole[:at])
	}
	for _, content := range []string{"private key", "refs/heads/main", strings.Repeat("k", 32), "PACK", "\xfftOc"} {
		at := bytes.Index(whole, []byte(content))
		if at < 0 {
			t.Fatalf("%q is not in the archive", content)
		}
		damaged := bytes.Clone(whole)
		damaged[at+1] ^= 1
		try("damaged at "+content, damaged)
	}
	try("with more", append(bytes.Clone(whole), whole...)[:len(whole)+5000])
	try("empty", nil)
	try("no archive", []byte(strings.Repeat("no archive ", 200)))
}

// entry is an entry of a hostile archive.
type entry struct {
	name, text string
	kind       byte // 0 for a plain file
	size       int64
}

// forge writes an archive with the entries between a header and the hashes.
func forge(t testing.TB, header any, entries []entry, state string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range append(append([]entry{{name: headerName, text: string(text)}}, entries...), entry{name: sumsName, text: state}) {
		h := &tar.Header{Name: e.name, Typeflag: e.kind, Size: int64(len(e.text)), Mode: 0o600}
		switch {
		case e.kind == 0:
			h.Typeflag = tar.TypeReg
		case e.kind != tar.TypeReg:
			h.Linkname, h.Size = e.text, 0
		}
		if e.size > 0 {
			h.Size = e.size
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 && e.size == 0 {
			_, _ = io.WriteString(w, e.text)
		}
		if e.size > 0 {
			return out.Bytes() // the content is left out
		}
	}
	_ = w.Close()
	return out.Bytes()
}

// sparse is an archive with a pack of the maximum size that consists of one hole.
func sparse(t testing.TB) []byte {
	t.Helper()
	whole := forge(t, sound, nil, "")
	block := func(name string, kind byte, content string) []byte {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(content)), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(w, content)
		_ = w.Flush()
		head := out.Bytes()
		head[156] = kind
		copy(head[148:156], "        ") // tar computes a header's checksum with blanks in this field
		total := 0
		for _, b := range head[:512] {
			total += int(b)
		}
		copy(head[148:156], fmt.Sprintf("%06o\x00 ", total))
		return head
	}
	var records strings.Builder
	for _, record := range []string{
		"GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.realsize=1099511627776",
		"GNU.sparse.name=repos/shop.git/objects/pack/pack-" + strings.Repeat("a", 40) + ".pack",
	} {
		n := len(record) + 4 // plus the digits of the length itself, a blank, and the end of the line
		if n > 99 {
			n++
		}
		fmt.Fprintf(&records, "%d %s\n", n, record)
	}
	holes := "1\n1099511627776\n0\n" + strings.Repeat("\x00", 512-18)
	header := whole[:bytes.Index(whole, []byte(sumsName))]
	return slices.Concat(header, block("pax", tar.TypeXHeader, records.String()), block("pack", tar.TypeReg, holes), whole[len(header):])
}

var sound = Header{Format: 1, ID: "20260101T000000.000Z-00000000", Made: time.Unix(0, 0), Data: 1}

func TestHostileArchives(t *testing.T) {
	hash := strings.Repeat("0", 64)
	for name, archive := range map[string][]byte{
		"a path that leads out":        forge(t, sound, []entry{{name: "../evil", text: "x"}}, ""),
		"one inside that leads out":    forge(t, sound, []entry{{name: "repos/../../evil", text: "x"}}, ""),
		"one of a repository":          forge(t, sound, []entry{{name: "repos/shop.git/../../../evil", text: "x"}}, ""),
		"one of a log":                 forge(t, sound, []entry{{name: "repos/shop.git/logs/refs/heads/../../../../../evil", text: "x"}}, ""),
		"an absolute path":             forge(t, sound, []entry{{name: "/tmp/evil", text: "x"}}, ""),
		"a link":                       forge(t, sound, []entry{{name: "keys", text: "/etc/passwd", kind: tar.TypeSymlink}}, ""),
		"a folder that is a link":      forge(t, sound, []entry{{name: "repos", text: "/tmp", kind: tar.TypeSymlink}}, ""),
		"a hard link":                  forge(t, sound, []entry{{name: "keys", text: "/etc/passwd", kind: tar.TypeLink}}, ""),
		"a folder":                     forge(t, sound, []entry{{name: "repos/", kind: tar.TypeDir}}, ""),
		"a device":                     forge(t, sound, []entry{{name: "keys", kind: tar.TypeChar}}, ""),
		"a pipe":                       forge(t, sound, []entry{{name: "keys", kind: tar.TypeFifo}}, ""),
		"a hook":                       forge(t, sound, []entry{{name: "hooks/pre-receive", text: "#!/bin/sh\nevil\n"}}, ""),
		"a repository's configuration": forge(t, sound, []entry{{name: "repos/shop.git/config", text: "[core]\n"}}, ""),
		"alternates":                   forge(t, sound, []entry{{name: "repos/shop.git/objects/info/alternates", text: "/"}}, ""),
		"an unfinished mark":           forge(t, sound, []entry{{name: datadir.Unfinished, text: "x"}}, ""),
		"a file in a folder's place":   forge(t, sound, []entry{{name: "repos", text: "x"}}, ""),
		"a log in a log's place": forge(t, sound, []entry{
			{name: "repos/shop.git/logs/refs/heads/a", text: "x"}, {name: "repos/shop.git/logs/refs/heads/a/b", text: "x"},
		}, ""),
		"a file twice":           forge(t, sound, []entry{{name: "keys", text: "x"}, {name: "keys", text: "x"}}, ""),
		"a large file":           forge(t, sound, []entry{{name: "keys", size: maxOwn + 1}}, ""),
		"a large key":            forge(t, sound, []entry{{name: hostKey, size: 1 << 20}}, ""),
		"a huge pack":            forge(t, sound, []entry{{name: "repos/shop.git/objects/pack/pack-" + strings.Repeat("a", 40) + ".pack", size: 1<<40 + 1}}, ""),
		"a file with holes":      sparse(t),
		"hashes that are none":   forge(t, sound, nil, "no hash\n"),
		"a hash that is short":   forge(t, sound, nil, hash[1:]+"  keys\n"),
		"hashes of other paths":  forge(t, sound, nil, hash+"  ../evil\n"),
		"a file that is missing": forge(t, sound, nil, hash+"  keys\n"),
		"another hash":           forge(t, sound, []entry{{name: "keys", text: "x"}}, hash+"  keys\n"),
		"a long line":            forge(t, sound, nil, hash+"  "+strings.Repeat("a", 1<<20)+"\n"),
		"another format":         forge(t, Header{Format: 2, ID: sound.ID}, nil, ""),
		"a newer directory":      forge(t, Header{Format: 1, ID: sound.ID, Data: 999}, nil, ""),
		"a name that leads out":  forge(t, Header{Format: 1, ID: "../../evil"}, nil, ""),
		"a base that leads out":  forge(t, Header{Format: 1, ID: sound.ID, Since: "../evil"}, nil, ""),
		"no header":              forge(t, "x", nil, ""),
		"a HEAD that is none": forge(t, sound, []entry{{name: "repos/shop.git/HEAD", text: "x"}},
			"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881  repos/shop.git/HEAD\n"),
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			dir := filepath.Join(parent, "data")
			_, err := Restore{Archives: Files(store(t, archive)), Data: dir}.Run(t.Context())
			if err == nil || len(err.Error()) > 1000 {
				t.Errorf("the error is %v", err)
			}
			if entries, listed := os.ReadDir(parent); listed != nil || len(entries) != 0 {
				t.Errorf("there are %v, %v", entries, listed)
			}
		})
	}
	// Files that are missing from the state are not restored: the backup was writing their
	// repository when it was deleted.
	dir := t.TempDir()
	forged := forge(t, sound, []entry{{name: "repos/shop.git/HEAD", text: "x"}, {name: "repos/shop.git/logs/refs/heads/a", text: "x"}}, "")
	if _, err := (Restore{Archives: Files(store(t, forged)), Data: dir}).Run(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "repos", "shop.git")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("half a repository was restored")
	}
}

// FuzzRead reads arbitrary bytes as a backup. Every path that it returns must be one that a
// backup may have.
func FuzzRead(f *testing.F) {
	hash := strings.Repeat("0", 64)
	f.Add(forge(f, sound, []entry{{name: "keys", text: "x"}}, hash+"  keys\n"))
	f.Add(forge(f, sound, []entry{{name: "repos/shop.git/HEAD", text: "ref: refs/heads/main\n"}, {name: "version", text: "1\n"}}, ""))
	f.Add(forge(f, sound, []entry{{name: "../evil", text: "x"}}, hash+"  ../evil\n"))
	f.Add(forge(f, Header{Format: 1, ID: sound.ID, Since: sound.ID}, []entry{{name: "keys", text: "/etc", kind: tar.TypeSymlink}}, hash+"  a\n"))
	f.Add(sparse(f))
	f.Add([]byte(encryptedWith + "v1\n-> X25519 x\n--- x\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := newReader(bytes.NewReader(text), nil)
		if err != nil {
			return
		}
		for {
			name, err := a.next()
			if err != nil {
				break
			}
			limit, known := limitOf(name)
			if !known || !fs.ValidPath(name) || strings.HasPrefix(name, ".") {
				t.Fatalf("%q was read", name)
			}
			if n, _ := io.Copy(io.Discard, a); n > limit {
				t.Fatalf("%q has %d bytes", name, n)
			}
		}
		for name := range maps.Keys(a.state) {
			if _, known := limitOf(name); !known || !fs.ValidPath(name) {
				t.Fatalf("%q is in the state", name)
			}
		}
	})
}
