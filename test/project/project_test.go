// Package project tests the files around the code. Among others, it checks that the two
// modules agree, that the image is built from files that exist, that the import rules match
// ARCHITECTURE.md, and that no link is broken.
package project

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// root is the top folder of the repository.
const root = "../.."

// asTheMakefile has the Makefile's flags, so that go finds in its cache what it needs, and
// compiles nothing twice: `make test` sets others for the race detector.
var asTheMakefile = []string{"CGO_ENABLED=0", "GOFLAGS=-trimpath -buildvcs=false"}

// read returns the text of a file at a path in the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// exists reports whether a path in the repository exists.
func exists(name string) bool {
	_, err := os.Stat(filepath.Join(root, name))
	return err == nil
}

// tableRows returns the cells of the Markdown table that follows a heading.
func tableRows(t *testing.T, text, heading string) [][]string {
	t.Helper()
	_, section, found := strings.Cut(text, "\n"+heading+"\n")
	if !found {
		t.Fatalf("there is no heading %q", heading)
	}
	var rows [][]string
	for line := range strings.Lines(section) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			if len(rows) > 0 {
				break
			}
			continue
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		rows = append(rows, cells)
	}
	if len(rows) < 3 {
		t.Fatalf("there is no table below %q", heading)
	}
	return rows[2:] // without the header and the line below it
}
