package history

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// BenchmarkOneChange measures the cost of recording one changed object in apps of different
// sizes, in time and in bytes of packs, after the first record.
func BenchmarkOneChange(b *testing.B) {
	for _, objects := range []int{1, 200, 10_000} {
		b.Run(fmt.Sprint(objects, " objects"), func(b *testing.B) {
			h, repo := newHistory(b)
			s := newState()
			for i := range objects {
				s.set(webID(i), "red")
			}
			h.mustSave(b, s.entry(recordOf("shop", 1, record.Deployed)))
			before := packBytes(b, repo.Dir())
			n := 1
			for b.Loop() {
				n++
				s.set(webID(n%objects), fmt.Sprint("green-", n))
				h.mustSave(b, s.entry(recordOf("shop", n, record.Deployed)))
			}
			h.Close()
			b.ReportMetric(float64(packBytes(b, repo.Dir())-before)/float64(n-1), "packed-B/op")
		})
	}
}

// BenchmarkManyApps measures the cost of the first records after a push of many apps.
func BenchmarkManyApps(b *testing.B) {
	for _, apps := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(apps, " apps"), func(b *testing.B) {
			h, _ := newHistory(b)
			n := 0
			for b.Loop() {
				n++
				var group sync.WaitGroup
				for app := range apps {
					group.Go(func() {
						s := newState()
						for i := range 4 {
							s.set(webID(i), fmt.Sprint("red-", app, "-", n))
						}
						h.mustSave(b, s.entry(recordOf(name.App(fmt.Sprint("app-", app)), n, record.Deployed)))
					})
				}
				group.Wait()
			}
			b.ReportMetric(float64(apps*n)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

func packBytes(b *testing.B, dir string) (total int64) {
	b.Helper()
	packs, err := filepath.Glob(filepath.Join(dir, "objects", "pack", "*.pack"))
	if err != nil {
		b.Fatal(err)
	}
	for _, pack := range packs {
		info, err := os.Stat(pack)
		if err != nil {
			b.Fatal(err)
		}
		total += info.Size()
	}
	return total
}

// BenchmarkNewest measures how long a start needs to read a repository of a thousand apps.
func BenchmarkNewest(b *testing.B) {
	h, repo := newHistory(b)
	const apps = 1000
	var group sync.WaitGroup
	for app := range apps {
		group.Go(func() {
			s := newState()
			for i := range 4 {
				s.set(webID(i), fmt.Sprint("red-", app))
			}
			h.mustSave(b, s.entry(recordOf(name.App(fmt.Sprint("app-", app)), 1, record.Deployed)))
		})
	}
	group.Wait()
	if err := repo.Maintain(b.Context()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if newest, err := h.Newest(b.Context(), "shop"); err != nil || len(newest) != apps {
			b.Fatal(len(newest), err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N)/apps, "ms/app")
}

// BenchmarkLongHistory lists and finds deploys in a history of ten thousand.
func BenchmarkLongHistory(b *testing.B) {
	h, repo := newHistory(b)
	const deploys = 10_000
	var parent git.Hash
	ref := refPrefix + "shop"
	for n := 1; n <= deploys; n += 1000 { // several imports, each on top of the one before
		parent = appendMany(b, repo, ref, parent, n)
	}
	b.Run("page of the newest", func(b *testing.B) {
		for b.Loop() {
			if list, err := h.List(b.Context(), "shop", "shop", 0, 20); err != nil || len(list) != 20 {
				b.Fatal(len(list), err)
			}
		}
	})
	b.Run("the oldest", func(b *testing.B) {
		for b.Loop() {
			if _, ok, err := h.Find(b.Context(), "shop", "shop", 1); err != nil || !ok {
				b.Fatal(ok, err)
			}
		}
	})
}

// appendMany appends a thousand records with git fast-import.
func appendMany(b *testing.B, repo *git.Repository, ref string, parent git.Hash, from int) git.Hash {
	b.Helper()
	var in strings.Builder
	for n := from; n < from+1000; n++ {
		text := message(recordOf("shop", n, record.Deployed))
		fmt.Fprintf(&in, "commit %s\ncommitter a <a@b> 1 +0000\ndata %d\n%s\n", ref, len(text), text)
		if n == from && parent != "" {
			fmt.Fprintf(&in, "from %s\n", parent)
		}
		json := fmt.Sprintf(`{"number":%d,"app":"shop"}`, n)
		fmt.Fprintf(&in, "M 100644 inline record.json\ndata %d\n%s\nM 100644 inline log.txt\ndata 0\n\n", len(json), json)
	}
	cmd := exec.Command("git", "--git-dir", repo.Dir(), "fast-import", "--quiet")
	cmd.Stdin = strings.NewReader(in.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	head, err := repo.Head(b.Context(), ref)
	if err != nil {
		b.Fatal(err)
	}
	return head
}
