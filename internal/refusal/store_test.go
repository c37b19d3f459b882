package refusal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/report"
)

// clock is a time that a test moves.
type clock struct{ now time.Time }

func (c *clock) time() time.Time { return c.now }

func newStore(t *testing.T) (*Store, *clock) {
	t.Helper()
	c := &clock{time.Date(2026, 1, 31, 18, 0, 0, 0, time.UTC)}
	return reopen(filepath.Join(t.TempDir(), "refused"), c), c
}

// reopen is the store after a restart.
func reopen(dir string, c *clock) *Store {
	s := Open(dir, func() error { return nil })
	s.now = c.time
	return s
}

func keep(t *testing.T, s *Store, repo name.Repo, who string) string {
	t.Helper()
	id, err := s.Keep(Refusal{Brief: Brief{Repo: repo, Operator: who}, Problems: []Problem{{OutlinedProblem: report.OutlinedProblem{Message: "m"}}}})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func files(t *testing.T, s *Store) int {
	t.Helper()
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// TestKeep: what is kept is found by its id, also after a restart, and ends with its time.
func TestKeep(t *testing.T) {
	s, c := newStore(t)
	if len(s.List()) != 0 {
		t.Fatal("something is kept")
	}
	first := keep(t, s, "shop", "ana")
	c.now = c.now.Add(time.Hour)
	second := keep(t, s, "blog", "ben")
	for range 2 { // and after a restart
		r, ok := s.Find(first)
		if !ok || r.ID != first || r.Operator != "ana" || r.Count != 1 || r.Problems[0].Message != "m" {
			t.Fatalf("found %+v, %v", r, ok)
		}
		if list := s.List(); len(list) != 2 || list[0].ID != second || list[1].ID != first {
			t.Fatalf("listed %+v", list)
		}
		s = reopen(s.dir, c)
	}
	c.now = c.now.Add(For - time.Minute)
	if _, ok := s.Find(first); ok || len(s.List()) != 1 {
		t.Error("it is shown after its time")
	}
	if s.Tidy(); files(t, s) != 1 {
		t.Error("its file is there after its time")
	}
	if info, err := os.Stat(s.dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others may read the folder: %v", info.Mode())
	}
}

// TestForget: with its repository, a refusal goes.
func TestForget(t *testing.T) {
	s, _ := newStore(t)
	gone, stays := keep(t, s, "shop", "ana"), keep(t, s, "shop2", "ana")
	s.Forget("shop")
	if _, ok := s.Find(gone); ok || files(t, s) != 1 {
		t.Error("it is still there")
	}
	if _, ok := s.Find(stays); !ok {
		t.Error("that of another repository went")
	}
}

// TestFloodPushesOutItsOwn: whoever has many pushes refused loses older ones of their own,
// and nobody else's.
func TestFloodPushesOutItsOwn(t *testing.T) {
	s, _ := newStore(t)
	theirs := []string{keep(t, s, "shop", "ana"), keep(t, s, "blog", "ben")}
	var last string
	for i := range 3 * MostEach {
		last = keep(t, s, "shop", "eve")
		if n := files(t, s); n > MostEach+1 {
			t.Fatalf("%d files after %d refusals", n, i)
		}
	}
	for i := range 3 * Most {
		keep(t, s, name.Repo(fmt.Sprintf("flood-%d", i%5)), "eve")
		if n := files(t, s); n > Most {
			t.Fatalf("%d files", n)
		}
	}
	for _, id := range append(theirs, last) {
		if _, ok := s.Find(id); !ok {
			t.Errorf("%s was pushed out", id)
		}
	}
	if list := s.List(); len(list) != Most {
		t.Errorf("%d are listed", len(list))
	}
}

// TestNamesAreNoPaths: only what is kept is looked for.
func TestNamesAreNoPaths(t *testing.T) {
	s, c := newStore(t)
	id := keep(t, s, "shop", "ana")
	if err := os.WriteFile(filepath.Join(filepath.Dir(s.dir), "secret.json"), []byte(`{"id": "../secret"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", ".", "..", "../secret", id + ".json", "./" + id, strings.ToLower(id), id + "\x00", "/" + id, id[:25]} {
		if _, ok := s.Find(bad); ok {
			t.Errorf("%q was found", bad)
		}
	}
	// What is not as it was written, or is too large, is dropped by the next start.
	for file, text := range map[string]string{
		strings.Repeat("A", 26) + ".json": "{", strings.Repeat("B", 26) + ".json": `{"id": "` + id + `"}`,
		strings.Repeat("C", 26) + ".json": strings.Repeat(" ", maxStored+1) + "{}", "note.txt": "x",
	} {
		if err := os.WriteFile(filepath.Join(s.dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = reopen(s.dir, c)
	if list := s.List(); len(list) != 1 || files(t, s) != 2 { // the note is somebody else's
		t.Errorf("listed %+v, of %d files", list, files(t, s))
	}
}

// TestFullDisk: what cannot be written is not kept, and nothing of it stays.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "refused"), nil, 0o600); err != nil { // no folder can be made
		t.Fatal(err)
	}
	s, _ := newStore(t)
	s.dir = filepath.Join(dir, "refused")
	if _, err := s.Keep(Refusal{}); err == nil || len(s.List()) != 0 {
		t.Errorf("kept %+v: %v", s.List(), err)
	}
	away := errors.New("another server's")
	s = Open(filepath.Join(dir, "more"), func() error { return away })
	if _, err := s.Keep(Refusal{}); !errors.Is(err, away) {
		t.Errorf("into another server's folder: %v", err)
	}
	if _, err := os.Stat(s.dir); err == nil {
		t.Error("it made a folder there")
	}
}

// TestBounds: nothing that a pusher writes makes a refusal large.
func TestBounds(t *testing.T) {
	s, _ := newStore(t)
	long := strings.Repeat("\x1b[31m<script>ä", 20_000)
	r := Refusal{}
	for range 3000 {
		p := report.OutlinedProblem{File: long, Object: long, Message: long, Hint: long}
		r.Problems = append(r.Problems, Problem{OutlinedProblem: p})
		r.Warnings = append(r.Warnings, p)
		r.Refs = append(r.Refs, Ref{Name: long, Author: long, Subject: long})
		r.Plans = append(r.Plans, report.OutlinedPlan{Steps: slices.Repeat([]report.OutlinedStep{{Note: long, Fields: []report.OutlinedField{{Path: long, Before: long, After: long}}}}, 100)})
	}
	id, err := s.Keep(r)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(s.dir, fileOf(id)))
	if err != nil || info.Size() > maxStored {
		t.Fatalf("it has %d bytes: %v", info.Size(), err)
	}
	got, ok := s.Find(id)
	if !ok || got.Count != 3000 || len(got.Problems) == 0 || got.More != 3000-len(got.Problems) || got.LeftOut != 3000-len(got.Plans) || got.MoreRefs != 3000-maxRefs {
		t.Errorf("found %v: %d problems of %d and %d more, %d plans left out, %d more refs", ok, len(got.Problems), got.Count, got.More, got.LeftOut, got.MoreRefs)
	}
	if p := got.Problems[0]; strings.Contains(p.Message+p.Hint+p.File, "\x1b") || !strings.HasSuffix(p.File, "…") {
		t.Errorf("it has %q", p.File)
	}
}

func TestShorten(t *testing.T) {
	for _, test := range []struct {
		text string
		most int
		want string
	}{{"abc", 3, "abc"}, {"abcd", 3, "…"}, {"abcdefgh", 6, "abc…"}, {"aää ää", 7, "aä…"}, {"", 3, ""}, {"ab cdefg", 6, "ab…"}} {
		if got := shorten(test.text, test.most); got != test.want {
			t.Errorf("%q to %d: %q, want %q", test.text, test.most, got, test.want)
		}
	}
}
