package render

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/render/plain"
)

type hash string

func (h hash) String() string { return string(h) }

// hashed is a revision of files whose Sys are their hashes.
func hashed(hashes map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, h := range hashes {
		file := &fstest.MapFile{Sys: hash(h)}
		if name == "apps" || name == "apps/shop" {
			file.Mode = fs.ModeDir
		}
		fsys[name] = file
	}
	return fsys
}

func TestKeyChangesWithWhatIsRead(t *testing.T) {
	app := appfile.App{Name: "shop", Path: "apps/shop"}
	key := func(hashes map[string]string) string { return Key(hashed(hashes), app) }
	as := key(map[string]string{"apps": "1", "apps/shop": "2", "other": "3"})
	if as == "" {
		t.Fatal("a revision with hashes has no key")
	}
	for what, c := range map[string]struct {
		hashes map[string]string
		same   bool
	}{
		"another file":               {map[string]string{"apps": "9", "apps/shop": "2", "other": "9"}, true},
		"the folder":                 {map[string]string{"apps": "1", "apps/shop": "9", "other": "3"}, false},
		"an ignore file at the root": {map[string]string{"apps": "1", "apps/shop": "2", plain.IgnoreName: "9"}, false},
		"an ignore file above":       {map[string]string{"apps": "1", "apps/shop": "2", "apps/" + plain.IgnoreName: "9"}, false},
	} {
		if got := key(c.hashes); (got == as) != c.same {
			t.Errorf("%s changed: key %q, before %q", what, got, as)
		}
	}
}

func TestKeyIsEmptyWithoutHashes(t *testing.T) {
	fsys := fstest.MapFS{"shop/a.yaml": &fstest.MapFile{}}
	if key := Key(fsys, appfile.App{Path: "shop"}); key != "" {
		t.Errorf("a revision without hashes has the key %q", key)
	}
	if key := Key(fsys, appfile.App{Path: "absent"}); key != "" {
		t.Errorf("a folder that is not there has the key %q", key)
	}
}
