package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// copyTo copies a repository into another store, where it is still unfinished.
func copyTo(t *testing.T, snapshot *Snapshot, store *Store) *Repository {
	t.Helper()
	dir := filepath.Join(store.dir, dirOf(snapshot.Name()))
	err := snapshot.Files(t.Context(), func(file CopyFile) error {
		if repo, limit, ok := ParseCopyPath(dirOf(snapshot.Name()) + "/" + file.Path); !ok || repo != snapshot.Name() || file.Size > limit {
			t.Errorf("%q is not a path that a copy may have", file.Path)
		}
		path := filepath.Join(dir, file.Path)
		text, err := io.ReadAll(file.Content)
		if err != nil || int64(len(text)) != file.Size {
			t.Errorf("%s has %d bytes, %v; want %d", file.Path, len(text), err, file.Size)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		return os.WriteFile(path, text, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	copied, err := store.Open(snapshot.Name())
	if err != nil {
		t.Fatal(err)
	}
	return copied
}

func snapshotOf(t *testing.T, r *Repository) *Snapshot {
	t.Helper()
	snapshot, err := r.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

func refsOf(t *testing.T, r *Repository) []Ref {
	t.Helper()
	refs, err := r.Refs(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return refs
}

func TestCopyIsTheRepository(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	first := mustAppend(t, r, "", NewCommit{Message: "record", Files: map[string][]byte{"record.json": []byte("{}")}})
	if err := r.MoveBranch(t.Context(), "refs/heads/main", zero40, first, Note{Who: "ana", Why: "push"}); err != nil {
		t.Fatal(err)
	}
	gitIn(t, r, "", "tag", "-a", "-m", "the first", "v1", string(first))
	loose := Hash(gitIn(t, r, "a loose object", "hash-object", "-w", "--stdin"))
	gitIn(t, r, "", "tag", "blob", string(loose))
	gitIn(t, r, "", "pack-refs", "--all")
	if err := r.SetAsked("refs/heads/main", string(first)+" skip"); err != nil {
		t.Fatal(err)
	}
	if err := r.SetMainBranch("trunk"); err != nil {
		t.Fatal(err)
	}
	view, err := ViewStore(r.store.dir) // as another process sees it
	if err != nil {
		t.Fatal(err)
	}
	viewed, err := view.Open("shop")
	if err != nil {
		t.Fatal(err)
	}
	copied := copyTo(t, snapshotOf(t, viewed), newStore(t, StoreOptions{}))
	if err := copied.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := refsOf(t, copied), refsOf(t, r); !slices.Equal(got, want) || len(want) != 4 {
		t.Errorf("refs %v, want %v", got, want)
	}
	if last := copied.LastMove("refs/heads/main"); last.To != first || last.Why != "push" {
		t.Errorf("the last move is %+v", last)
	}
	if asked, err := copied.Asked("refs/heads/main"); err != nil || asked != string(first)+" skip" {
		t.Errorf("the note of the request is %q, %v", asked, err)
	}
	if main, err := copied.MainBranch(); err != nil || main != "trunk" {
		t.Errorf("HEAD names %q, %v", main, err)
	}
	config, err := os.ReadFile(filepath.Join(copied.dir, "config"))
	if err != nil || !strings.Contains(string(config), "hideRefs = refs") {
		t.Errorf("pushes into its directory are not refused: %v\n%s", err, config)
	}
	if text := gitIn(t, copied, "", "cat-file", "-p", string(loose)); text != "a loose object" {
		t.Errorf("the loose object is %q", text)
	}
	second := mustAppend(t, copied, first, NewCommit{Message: "it goes on"})
	if head, err := copied.Head(t.Context(), recordRef); err != nil || head != second {
		t.Errorf("a record after it: %s, %v", head, err)
	}
}

func TestCopyOfAnEmptyRepository(t *testing.T) {
	copied := copyTo(t, snapshotOf(t, newRepository(t, StoreOptions{})), newStore(t, StoreOptions{}))
	if err := copied.Finish(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestCopyOfARepositoryInUse: while records are appended and packs are rolled up, each copy
// has every object that existed before the copy began, intact.
func TestCopyOfARepositoryInUse(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	const writers, copies = 3, 6
	ctx, stop := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	var mu sync.Mutex
	acknowledged := map[string]Hash{}
	for i := range writers {
		wait.Go(func() {
			ref := fmt.Sprintf("%sdeploys/app-%d", RecordRefs, i)
			var at Hash
			for n := 0; ctx.Err() == nil; n++ {
				next, err := r.Append(context.WithoutCancel(ctx), ref, at, NewCommit{Message: fmt.Sprint(n), Files: map[string][]byte{"n": fmt.Append(nil, i, n)}})
				if errors.Is(err, ErrRefMoved) {
					continue // the ref is being packed
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				acknowledged[ref], at = next, next
				mu.Unlock()
			}
		})
	}
	wait.Go(func() {
		for ctx.Err() == nil {
			if _, err := r.run(context.WithoutCancel(ctx), Quarantine{}, "repack", "-d", "-q", "--geometric=2", "--no-write-bitmap-index"); err != nil {
				t.Error(err)
			}
			if _, err := r.run(context.WithoutCancel(ctx), Quarantine{}, "pack-refs", "--all"); err != nil {
				t.Error(err)
			}
		}
	})
	for range copies {
		mu.Lock()
		before := maps.Clone(acknowledged)
		mu.Unlock()
		copied := copyTo(t, snapshotOf(t, r), newStore(t, StoreOptions{}))
		if err := copied.Finish(t.Context()); err != nil {
			t.Error(err)
		}
		for ref, hash := range before {
			at, err := copied.Head(t.Context(), ref)
			if err != nil {
				t.Errorf("%s is not in the copy: %v", ref, err)
				continue
			}
			if ok, err := copied.IsAncestor(t.Context(), hash, at, Quarantine{}); err != nil || !ok {
				t.Errorf("%s is at %s in the copy, without %s: %v", ref, at.Short(), hash.Short(), err)
			}
		}
	}
	stop()
	wait.Wait()
}

// TestCopyOfADeletedRepository: another repository may take the name of a deleted one.
func TestCopyOfADeletedRepository(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	mustAppend(t, r, "", NewCommit{Message: "1"})
	snapshot := snapshotOf(t, r)
	ignore := func(CopyFile) error { return nil }
	if err := r.store.Delete(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	if err := snapshot.Files(t.Context(), ignore); !errors.Is(err, ErrNotExist) {
		t.Errorf("deleted: %v", err)
	}
	if _, err := r.Snapshot(t.Context()); !errors.Is(err, ErrNotExist) {
		t.Errorf("a snapshot of none: %v", err)
	}
	if _, err := r.store.Create(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	if err := snapshot.Files(t.Context(), ignore); !errors.Is(err, ErrNotExist) {
		t.Errorf("another one in its place: %v", err)
	}
}

// TestFinishRefusesWhatIsNotWhole: an archive may contain anything, so an incomplete
// repository is refused.
func TestFinishRefusesWhatIsNotWhole(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	first := mustAppend(t, r, "", NewCommit{Message: "1", Files: map[string][]byte{"a": []byte(strings.Repeat("abcdefgh", 100))}})
	mustAppend(t, r, first, NewCommit{Message: "2"})
	only := func(t *testing.T, copied *Repository, pattern string) string {
		t.Helper()
		found, err := filepath.Glob(filepath.Join(copied.dir, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		return found[0]
	}
	write := func(t *testing.T, path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	flip := func(t *testing.T, path string) {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text[len(text)/2] ^= 0x40
		write(t, path, string(text))
	}
	for name, harm := range map[string]func(t *testing.T, copied *Repository){
		"a damaged pack":  func(t *testing.T, c *Repository) { flip(t, only(t, c, "objects/pack/*.pack")) },
		"a damaged index": func(t *testing.T, c *Repository) { flip(t, only(t, c, "objects/pack/*.idx")) },
		"no packs": func(t *testing.T, c *Repository) {
			if err := os.RemoveAll(filepath.Join(c.dir, "objects", "pack")); err != nil {
				t.Fatal(err)
			}
		},
		"a ref to nothing": func(t *testing.T, c *Repository) {
			write(t, filepath.Join(c.dir, packedRefs), strings.Repeat("1", 40)+" refs/heads/main\n")
		},
		"a ref that leads out": func(t *testing.T, c *Repository) {
			write(t, filepath.Join(c.dir, packedRefs), string(first)+" refs/heads/../../../config\n")
		},
		"refs that are none": func(t *testing.T, c *Repository) { write(t, filepath.Join(c.dir, packedRefs), "x refs/heads/main\n") },
		"a HEAD that leads out": func(t *testing.T, c *Repository) {
			write(t, filepath.Join(c.dir, "HEAD"), "ref: refs/heads/../../x\n")
		},
		"a HEAD that is an option": func(t *testing.T, c *Repository) { write(t, filepath.Join(c.dir, "HEAD"), "--upload-pack=x\n") },
	} {
		t.Run(name, func(t *testing.T) {
			copied := copyTo(t, snapshotOf(t, r), newStore(t, StoreOptions{}))
			harm(t, copied)
			if err := copied.Finish(t.Context()); err == nil {
				t.Error("the damaged repository was accepted")
			}
		})
	}
	// Only the server writes a repository's configuration.
	copied := copyTo(t, snapshotOf(t, r), newStore(t, StoreOptions{}))
	write(t, filepath.Join(copied.dir, "config"), "[core]\n\tfsmonitor = touch "+filepath.Join(t.TempDir(), "ran")+"\n[fsck]\n\tskipList = x\n")
	if err := copied.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if config, err := os.ReadFile(filepath.Join(copied.dir, "config")); err != nil || strings.Contains(string(config), "fsmonitor") {
		t.Errorf("the archive's configuration stays: %v\n%s", err, config)
	}
}

func TestCopyPaths(t *testing.T) {
	hex := strings.Repeat("a1", 20)
	for name, want := range map[string]bool{
		"shop.git/HEAD": true, "team/shop.git/packed-refs": true, "shop.git/objects/pack/pack-" + hex + ".pack": true,
		"shop.git/objects/pack/pack-" + hex + ".idx": true, "shop.git/objects/a1/" + hex[:38]: true,
		"shop.git/logs/refs/heads/main": true, "shop.git/logs/refs/heads/a/b@c": true, "shop.git/pushboat-asked/" + hex[:32]: true,
		"shop.git/logs/refs/heads/.git/x": false, // no part of a ref begins with a dot

		"": false, "shop.git": false, "shop.git/": false, "HEAD": false, "shop/HEAD": false, "../shop.git/HEAD": false,
		"/shop.git/HEAD": false, "shop.git/../HEAD": false, "shop.git/config": false, "shop.git/hooks/pre-receive": false,
		"shop.git/objects/info/alternates": false, "shop.git/objects/pack/pack-" + hex + ".keep": false,
		"shop.git/objects/pack/../../config": false, "shop.git/logs/HEAD": false, "shop.git/logs/refs/../../config": false,
		"shop.git/logs//refs/heads/a": false, "shop.git/logs/refs/heads/a//b": false, "shop.git/logs/refs/heads/a/": false,
		"shop.git/logs/refs/heads/./a": false, "shop.git/logs/refs/heads/a\x00b": false, "shop.git/logs/refs/heads/a\nb": false,
		"shop.git/HEAD\n": false, ".new.git/HEAD": false, "a/b/c/d.git/HEAD": false, "Shop.git/HEAD": false, "shop.git/refs/heads/main": false,
		"shop.git/commondir": false, "shop.git/x.git/HEAD": false, "shop.git/logs/refs/heads/a.lock": false,
	} {
		if _, _, ok := ParseCopyPath(name); ok != want {
			t.Errorf("%q: %v, want %v", name, ok, want)
		}
	}
}

func TestCutLog(t *testing.T) {
	a, b := Hash(strings.Repeat("a", 40)), Hash(strings.Repeat("b", 40))
	line := func(from, to Hash) string { return string(from) + " " + string(to) + " ana <x> 1 +0000\tpush\n" }
	for name, test := range map[string]struct {
		log, want string
	}{
		"nothing":       {"", ""},
		"up to now":     {line(zero, a), line(zero, a)},
		"beyond":        {line(zero, a) + line(a, b), line(zero, a)},
		"back again":    {line(zero, a) + line(a, b) + line(b, a) + line(a, b), line(zero, a) + line(a, b) + line(b, a)},
		"never there":   {line(zero, b), line(zero, b)},
		"half a line":   {strings.TrimSuffix(line(zero, a), "\n"), strings.TrimSuffix(line(zero, a), "\n")},
		"only the from": {line(a, b), line(a, b)},
	} {
		if got := string(cutLog([]byte(test.log), a)); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestWhereAt(t *testing.T) {
	a, b, c := Hash(strings.Repeat("a", 40)), Hash(strings.Repeat("b", 40)), Hash(strings.Repeat("c", 40))
	at := func(seconds int64) time.Time { return time.Unix(seconds, 0) }
	log := []Move{{From: zero, To: a, When: at(10)}, {From: a, To: b, When: at(20)}, {From: b, To: c, When: at(30)}}
	for name, test := range map[string]struct {
		log   []Move
		at    int64
		want  Hash
		known bool
	}{
		"before it was made":      {log, 9, zero, true},
		"in that second":          {log, 10, a, true},
		"in between":              {log, 25, b, true},
		"later":                   {log, 99, c, true},
		"before a log that began": {log[1:], 5, a, true},
		"without a log":           {nil, 5, "", false},
	} {
		if got, known := whereAt(test.log, at(test.at)); got != test.want || known != test.known {
			t.Errorf("%s: %s, %v", name, got, known)
		}
	}
}

func TestRewind(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	first := mustAppend(t, r, "", NewCommit{Message: "1"})
	second := mustAppend(t, r, first, NewCommit{Message: "2"})
	lay := func(ref, log string) {
		gitIn(t, r, "", "update-ref", ref, string(second))
		path := filepath.Join(r.dir, logsDir, ref)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(log), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	line := func(from, to Hash, when int) string {
		return fmt.Sprintf("%s %s ana <x> %d +0000\tpush\n", from, to, when)
	}
	lay("refs/heads/main", line(zero, first, 100)+line(first, second, 300))
	lay("refs/heads/late", line(zero, second, 300))
	lay("refs/heads/early", line(zero, second, 100))
	gitIn(t, r, "", "tag", "v1", string(second))
	moved, err := r.Rewind(t.Context(), time.Unix(200, 0))
	if err != nil || !slices.Equal(moved, []string{"refs/heads/late", "refs/heads/main"}) {
		t.Errorf("moved %v, %v", moved, err)
	}
	want := []Ref{{"refs/heads/early", second}, {"refs/heads/main", first}, {recordRef, second}, {"refs/tags/v1", second}}
	if got := refsOf(t, r); !slices.Equal(got, want) {
		t.Errorf("refs %v, want %v", got, want)
	}
	if last := r.LastMove("refs/heads/main"); last.To != first || last.Why != "restore: as of 1970-01-01T00:03:20Z" {
		t.Errorf("the log says %+v", last)
	}
	if err := r.Finish(t.Context()); err != nil {
		t.Error(err)
	}
}
