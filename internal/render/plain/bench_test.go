package plain

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

// BenchmarkRenderAgain renders a folder of 10,000 files, one of which has changed.
func BenchmarkRenderAgain(b *testing.B) {
	var all strings.Builder
	for i := range MaxFiles {
		fmt.Fprintf(&all, "deploy/web-%05d-config.yaml: web-%[1]d\n", i)
	}
	var opened []string
	fsys := hashing{tree(all.String()), &opened}
	entries := listed{fsys, nil}
	before, problems := Render(entries.of("deploy"), Folder{Path: "deploy"})
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	changed := tree(all.String())
	changed["deploy/web-00500-config.yaml"] = tree("x: changed\n")["x"]
	now := listed{hashing{changed, &opened}, nil}.of("deploy")
	b.ReportAllocs()
	for b.Loop() {
		if again, problems := Render(now, Folder{Path: "deploy", Before: before}); len(again.Objects) != MaxFiles {
			b.Fatal(len(again.Objects), problems)
		}
	}
}

// listed lists a folder at no cost.
type listed struct {
	hashing
	entries []fs.DirEntry
}

func (l listed) of(folder string) listed {
	l.entries, _ = l.hashing.ReadDir(folder)
	return l
}

func (l listed) ReadDir(string) ([]fs.DirEntry, error) { return slices.Clone(l.entries), nil }
