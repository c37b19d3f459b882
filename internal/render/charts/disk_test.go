package charts

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestFencedStoreChangesNothing: a store whose directory belongs to another server by now
// changes nothing in it, at whatever step it notices that.
func TestFencedStoreChangesNothing(t *testing.T) {
	stale, data := errors.New("stale"), []byte("archive")
	ref := Ref{Name: "web", Version: "1.0.0", Repo: "https://charts.example.org"}
	for asked := 1; ; asked++ { // the question at which the store becomes stale
		dir, calls := t.TempDir(), 0
		d := newDisk(Config{Dir: dir, Fence: func() error {
			if calls++; calls >= asked {
				return stale
			}
			return nil
		}})
		_, err := d.keep(ref, Got{Data: data, Digest: Digest(data)}, "")
		if calls < asked {
			if err != nil {
				t.Errorf("never stale: %v", err)
			}
			if asked < 4 {
				t.Errorf("a chart was kept with %d questions", calls)
			}
			return
		}
		if !errors.Is(err, stale) {
			t.Errorf("stale at question %d: %v", asked, err)
		}
		if left, _ := os.ReadDir(filepath.Join(dir, "archives")); len(left) > 0 {
			t.Errorf("stale at question %d: %v is left", asked, left)
		}
	}
}
