package history

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/pushboat/pushboat/internal/deploy"
)

// The cost of recording one changed object in apps of different sizes, in time
// and in bytes of packs, after the first record.
func BenchmarkOneChange(b *testing.B) {
	for _, objects := range []int{1, 200, 10_000} {
		b.Run(fmt.Sprint(objects, " objects"), func(b *testing.B) {
			h, repo := newHistory(b)
			s := newState()
			for i := range objects {
				s.set(webID(i), "red")
			}
			h.mustSave(b, s.entry(record("shop", 1, deploy.Deployed)))
			before := packBytes(b, repo.Dir())
			n := 1
			for b.Loop() {
				n++
				s.set(webID(n%objects), fmt.Sprint("green-", n))
				h.mustSave(b, s.entry(record("shop", n, deploy.Deployed)))
			}
			h.Close()
			b.ReportMetric(float64(packBytes(b, repo.Dir())-before)/float64(n-1), "packed-B/op")
		})
	}
}

// The first records of a push of many apps.
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
						h.mustSave(b, s.entry(record(fmt.Sprint("app-", app), n, deploy.Deployed)))
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
