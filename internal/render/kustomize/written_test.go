package kustomize

import (
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
)

// TestPlacesAreThoseOfKustomize: the file that is found by an object's name is the one that
// kustomize notes in the object, and the objects are the same.
func TestPlacesAreThoseOfKustomize(t *testing.T) {
	names, err := filepath.Glob("../testdata/kustomize/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	byName := 0
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		fsys := fstest.MapFS{}
		for _, file := range archive.Files {
			fsys[file.Name] = &fstest.MapFile{Data: file.Data}
		}
		of := func(noted bool) ([]*manifest.Object, bool) {
			c := newChecker(fsys)
			c.folder("app", manifest.Source{File: "app"})
			c.plugged = c.plugged || noted
			b := &build{checker: c, folder: "app", settings: appfile.Kustomize{}}
			objects, _ := b.objects()
			return objects, c.plugged
		}
		found, guessed := of(false)
		noted, _ := of(true)
		if len(found) != len(noted) {
			t.Errorf("%s: %d objects, and %d with kustomize's notes", name, len(found), len(noted))
			continue
		}
		for i, o := range found {
			if o.GetName() == "cleared" {
				continue // a patch has removed the note with all annotations
			}
			if o.Source.File != noted[i].Source.File || noted[i].Source.Line > 0 && o.Source.Line != noted[i].Source.Line {
				t.Errorf("%s: %s is found at %s, and noted at %s", name, o.ID(), o.Source, noted[i].Source)
			}
			if !reflect.DeepEqual(o.Object, noted[i].Object) {
				t.Errorf("%s: %s is %v, and %v with kustomize's notes", name, o.ID(), o.Object, noted[i].Object)
			}
			if !guessed && o.Source.Line > 0 {
				byName++
			}
		}
	}
	if byName < 50 {
		t.Errorf("only %d objects were found by their names", byName)
	}
}

// TestNamesWithin: prefixes and suffixes around a name are recognized, even if they occur
// twice.
func TestNamesWithin(t *testing.T) {
	a := affixes{prefixes: []string{"", "prod-", "eu-"}, suffixes: []string{"-v2"}}
	for name, want := range map[string]string{
		"web": "web", "prod-web": "prod-web web", "eu-prod-web-v2": "eu-prod-web-v2 prod-web-v2 eu-prod-web web-v2 prod-web web",
		"web-v2-abcdef0123": "web-v2-abcdef0123 web",
	} {
		if got := strings.Join(a.within(name), " "); got != want {
			t.Errorf("%s may have been %s, want %s", name, got, want)
		}
	}
	if got := (affixes{prefixes: []string{"a", "aa"}}).within(strings.Repeat("a", 1000)); len(got) > maxNames || !slices.Contains(got, "a") && len(got) < maxNames {
		t.Errorf("%d names", len(got))
	}
}
