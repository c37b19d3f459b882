package history

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/git/storetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/record"
)

func newHistory(t testing.TB) (*History, *git.Repository) {
	t.Helper()
	store := storetest.Open(t, git.StoreOptions{})
	h := New(store)
	t.Cleanup(h.Close)
	return h, storetest.Shop(t, store)
}

func recordOf(app name.App, number int, result record.Result) record.Record {
	return record.Record{
		Number: number, App: app, Repo: "shop", Branch: "main",
		Revision: name.Revision(strings.Repeat("a", 40)), Cluster: "default", Cause: record.CausePush,
		Operator: "ana", Key: "SHA256:abc", Started: time.Now().UTC().Truncate(time.Second),
		Result: result, Digest: "d", Seconds: 1.5,
		Objects: []record.Object{{Key: "/ConfigMap/shop/web", Action: record.Create}},
	}
}

func webID(i int) manifest.ID {
	return manifest.ID{Kind: "ConfigMap", Namespace: "shop", Name: fmt.Sprint("web-", i)}
}

// state is an app's objects, and the changes that the next record has to write.
type state struct {
	noted map[manifest.ID]record.Noted
	kept  []record.Kept
}

func (s *state) set(id manifest.ID, value string) {
	s.noted[id] = record.Noted{Digest: "d-" + value, Fingerprint: value}
	s.kept = append(s.kept, record.Kept{ID: id, Manifest: []byte("value: " + value + "\n")})
}

func (s *state) remove(id manifest.ID) {
	delete(s.noted, id)
	s.kept = append(s.kept, record.Kept{ID: id, Gone: true})
}

func (s *state) entry(r record.Record) record.Entry {
	kept := s.kept
	s.kept = nil
	return record.Entry{Record: r, Log: []byte("line\n"), Noted: s.noted, Kept: kept}
}

func newState() *state { return &state{noted: map[manifest.ID]record.Noted{}} }

func (h *History) mustSave(t testing.TB, entry record.Entry) {
	t.Helper()
	if err := h.Save(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
}

// last returns the newest record of an app.
func (h *History) last(t testing.TB, app name.App) (saved record.Saved, ok bool, err error) {
	t.Helper()
	newest, err := h.Newest(t.Context(), "shop")
	saved, ok = newest[app]
	return saved, ok, err
}

func TestSaveAndRead(t *testing.T) {
	h, repo := newHistory(t)
	if _, ok, err := h.last(t, "shop"); ok || err != nil {
		t.Fatalf("an app that was never deployed: %v, %v", ok, err)
	}
	s := newState()
	s.set(webID(1), "red")
	h.mustSave(t, s.entry(recordOf("shop", 1, record.Deployed)))
	h.mustSave(t, s.entry(recordOf("shop", 2, record.Failed)))

	last, ok, err := h.last(t, "shop")
	if err != nil || !ok || last.Record.Number != 2 || last.Record.Result != record.Failed || len(last.Noted) != 1 {
		t.Fatalf("last is %+v, %v, %v", last, ok, err)
	}
	list, err := h.List(t.Context(), "shop", "shop", 0, 10)
	if err != nil || len(list) != 2 || list[0].Number != 2 || list[1].Number != 1 {
		t.Fatalf("list is %+v, %v", list, err)
	}
	entry, ok, err := h.Find(t.Context(), "shop", "shop", 1)
	if err != nil || !ok || entry.Record.Number != 1 || string(entry.Log) != "line\n" {
		t.Fatalf("found %+v, %v, %v", entry, ok, err)
	}
	if _, ok, err := h.Find(t.Context(), "shop", "shop", 12); ok || err != nil {
		t.Fatalf("found a deploy that never was: %v, %v", ok, err)
	}
	wantTrailers(t, repo)
}

// wantTrailers reads the newest record with the git program, as people do.
func wantTrailers(t *testing.T, repo *git.Repository) {
	t.Helper()
	out := gitIn(t, repo, "log", "-1", "--format=%s%n%(trailers)", refPrefix+"shop")
	for _, want := range []string{"shop: failed aaaaaaa", "Deploy: shop-2", "Operator: ana", "Key: SHA256:abc", "Result: failed", "Changed: 1", "Duration: 1.5s"} {
		if !strings.Contains(out, want+"\n") {
			t.Errorf("git log lacks %q:\n%s", want, out)
		}
	}
}

func gitIn(t testing.TB, repo *git.Repository, args ...string) string {
	t.Helper()
	out, err := exec.Command("git", append([]string{"--git-dir", repo.Dir()}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v: %s", args, err, out)
	}
	return string(out)
}

// TestTreeFollowsTheObjects: the tree has one file for each object, however many files hold
// the notes, and git diff shows the changes and nothing else.
func TestTreeFollowsTheObjects(t *testing.T) {
	h, repo := newHistory(t)
	s := newState()
	for i := range 100 {
		s.set(webID(i), "red")
	}
	h.mustSave(t, s.entry(recordOf("shop", 1, record.Deployed)))
	s.set(webID(7), "green")
	s.remove(webID(8))
	h.mustSave(t, s.entry(recordOf("shop", 2, record.Deployed)))
	diff := gitIn(t, repo, "diff", "--name-status", refPrefix+"shop~1", refPrefix+"shop", "--", manifestsDir)
	if want := "M\tmanifests/shop/ConfigMap/web-7.yaml\nD\tmanifests/shop/ConfigMap/web-8.yaml\n"; diff != want {
		t.Errorf("git diff says\n%s\nwant\n%s", diff, want)
	}
	wantNoted(t, h, s)
	for i, want := range map[int]string{7: "green", 9: "red", 8: "", 1000: ""} {
		text, ok, err := h.Manifest(t.Context(), "shop", "shop", webID(i))
		if err != nil || ok != (want != "") || !strings.Contains(string(text), want) {
			t.Errorf("%s is %q, %v, %v", webID(i), text, ok, err)
		}
	}
	if _, ok, err := h.Manifest(t.Context(), "shop", "other", webID(7)); ok || err != nil {
		t.Errorf("of an app without records: %v, %v", ok, err)
	}
	for i := range 95 { // most files of notes are superfluous after this
		if i != 8 {
			s.remove(webID(i))
		}
	}
	h.mustSave(t, s.entry(recordOf("shop", 3, record.Deployed)))
	wantNoted(t, h, s)
	again := New(h.repos) // after a restart, the records have not been read
	s.set(webID(200), "blue")
	again.mustSave(t, s.entry(recordOf("shop", 4, record.Deployed)))
	wantNoted(t, h, s)
}

func wantNoted(t *testing.T, h *History, s *state) {
	t.Helper()
	last, ok, err := h.last(t, "shop")
	if err != nil || !ok || len(last.Noted) != len(s.noted) {
		t.Fatalf("%d objects are noted, want %d: %v", len(last.Noted), len(s.noted), err)
	}
	for id, want := range s.noted {
		if last.Noted[id] != want {
			t.Errorf("%s is noted as %+v, want %+v", id, last.Noted[id], want)
		}
	}
}

func TestFindAcrossPages(t *testing.T) {
	h, _ := newHistory(t)
	for n := 1; n <= 3; n++ {
		h.mustSave(t, newState().entry(recordOf("shop", n, record.Deployed)))
	}
	h.page = 1
	entry, ok, err := h.Find(t.Context(), "shop", "shop", 1)
	if err != nil || !ok || entry.Record.Number != 1 {
		t.Fatalf("the oldest deploy, two pages back: %+v, %v, %v", entry.Record, ok, err)
	}
	list, err := h.List(t.Context(), "shop", "shop", 3, 10)
	if err != nil || len(list) != 2 || list[0].Number != 2 {
		t.Fatalf("the deploys before the third: %+v, %v", list, err)
	}
}

// TestSaveFromManySides: records of many apps at the same time, and several of one app, all
// arrive, each on the ref of its app. Records that wait are written together.
func TestSaveFromManySides(t *testing.T) {
	h, repo := newHistory(t)
	const apps, each = 20, 3
	var group sync.WaitGroup
	for app := range apps {
		for n := 1; n <= each; n++ {
			group.Go(func() {
				h.mustSave(t, newState().entry(recordOf(name.App(fmt.Sprint("app-", app)), n, record.Deployed)))
			})
		}
	}
	group.Wait()
	for app := range apps {
		list, err := h.List(t.Context(), "shop", name.App(fmt.Sprint("app-", app)), 0, 20)
		if err != nil || len(list) != each {
			t.Fatalf("%d records are left of %d: %v", len(list), each, err)
		}
	}
	h.Close()
	if packs := packsOf(t, repo); packs >= apps*each/2 {
		t.Errorf("%d records took %d writes", apps*each, packs)
	}
}

func packsOf(t *testing.T, repo *git.Repository) int {
	t.Helper()
	packs, err := filepath.Glob(filepath.Join(repo.Dir(), "objects", "pack", "*.pack"))
	if err != nil {
		t.Fatal(err)
	}
	return len(packs)
}

// TestErrorOfOneFailsNoOther: a record that cannot be written does not affect the other
// records of its batch.
func TestErrorOfOneFailsNoOther(t *testing.T) {
	h, repo := newHistory(t)
	// A directory stands in the place of the ref's file.
	if err := os.MkdirAll(filepath.Join(repo.Dir(), filepath.FromSlash(refPrefix+"broken/full")), 0o700); err != nil {
		t.Fatal(err)
	}
	batch := []*saving{}
	for _, app := range []string{"one", "broken", "two"} {
		batch = append(batch, &saving{ref: refPrefix + app, entry: newState().entry(recordOf(name.App(app), 1, record.Deployed))})
	}
	errs := h.writeBatch("shop", batch)
	if errs[0] != nil || errs[1] == nil || errs[2] != nil {
		t.Errorf("errors are %v", errs)
	}
	for _, app := range []string{"one", "two"} {
		if _, ok, err := h.last(t, name.App(app)); err != nil || !ok {
			t.Errorf("%s is not recorded: %v", app, err)
		}
	}
}

// TestRecordOfAnEarlierVersion: a record of an earlier version is read as far as possible.
func TestRecordOfAnEarlierVersion(t *testing.T) {
	h, repo := newHistory(t)
	_, err := repo.Append(t.Context(), refPrefix+"shop", "", git.NewCommit{
		Message: "shop: deployed aaaaaaa\n\nDeploy: shop-4\n",
		Files: map[string][]byte{
			"record.json":    []byte(`{"number":4,"app":"shop","objects":[{"key":"/ConfigMap/shop/web","action":"unchanged","digest":"x"}]}`),
			"manifests.yaml": nil, "log.txt": nil,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	last, ok, err := h.last(t, "shop")
	if err != nil || !ok || last.Record.Number != 4 || len(last.Noted) != 0 || last.Record.Changed() != 0 {
		t.Fatalf("read %+v, %v, %v", last, ok, err)
	}
	s := newState()
	s.set(webID(1), "red")
	h.mustSave(t, s.entry(recordOf("shop", 5, record.Deployed)))
	wantNoted(t, h, s)
}

// TestRecordsWithWrongNamesAreDamaged: records come from the disk, or from a backup, so a
// name that breaks its grammar is refused.
func TestRecordsWithWrongNamesAreDamaged(t *testing.T) {
	for text, sound := range map[string]bool{
		`{"number":1,"app":"shop","repository":"team/shop","revision":"` + strings.Repeat("a", 40) + `"}`: true,
		`{"number":1,"app":"shop"}`:                                   true, // from an earlier version
		`{"number":1,"app":"../shop"}`:                                false,
		`{"number":1,"app":"shop","repository":"../../etc"}`:          false,
		`{"number":1,"app":"shop","revision":"--output=/etc/passwd"}`: false,
		`{"number":1,"app":"shop","revision":"main"}`:                 false,
		`{"number":1,"app":"shop","had":"HEAD"}`:                      false,
		`{"number":1,"app":"shop","renamed":"-x"}`:                    false,
		`{"number":1,"app":"shop","formerly":["web","a/b"]}`:          false,
	} {
		if _, err := decodeRecord([]byte(text), ""); (err == nil) != sound {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestRefsThatNameNoAppAreNoRecords: such refs do not come from the server, and are
// ignored.
func TestRefsThatNameNoAppAreNoRecords(t *testing.T) {
	h, repo := newHistory(t)
	files := map[string][]byte{"record.json": []byte(`{"number":1,"app":"shop"}`), "log.txt": nil}
	for _, app := range []string{"shop", "Shop", "team/shop"} {
		if _, err := repo.Append(t.Context(), refPrefix+app, "", git.NewCommit{Message: "shop", Files: files}); err != nil {
			t.Fatal(err)
		}
	}
	newest, err := h.Newest(t.Context(), "shop")
	if _, ok := newest["shop"]; err != nil || !ok || len(newest) != 1 {
		t.Errorf("read %v, %v", newest, err)
	}
}

func TestMessageHoldsWhatItIsTold(t *testing.T) {
	r := recordOf("shop", 1, record.Failed)
	r.Message = "it broke\nDeploy: shop-99"
	r.Objects[0].Culprit = &owner.Culprit{Manager: "x\nDeploy: shop-98", Operation: "Update"}
	text := message(r)
	if !strings.HasSuffix(text, "Duration: 1.5s\n") || strings.Contains(text, "\nDeploy: shop-9") {
		t.Errorf("a message can pass for a trailer:\n%s", text)
	}
	if n := numberOf(text, "shop"); n != 1 {
		t.Errorf("the number is read as %d", n)
	}
}

func TestMessageNamesTheCulprit(t *testing.T) {
	r := recordOf("shop", 1, record.Corrected)
	at := time.Date(2026, 11, 24, 23, 0, 0, 0, time.UTC)
	r.Objects[0].Culprit = &owner.Culprit{Manager: "kubectl-edit", Operation: "Update", Time: at}
	if text := message(r); !strings.Contains(text, "\nCulprit: kubectl-edit (Update, 2026-11-24T23:00:00Z)\n") {
		t.Errorf("the message is\n%s", text)
	}
}

// TestSaveBesideClose: a record after Close is an error, and is not written. A record that
// waits is written before Close returns.
func TestSaveBesideClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := newHistory(t)
		w := h.writerOf("shop")
		w.busy = true // with other records, until the test writes this one
		waited, closed := make(chan error, 1), make(chan struct{})
		go func() {
			waited <- h.Save(t.Context(), newState().entry(recordOf("web", 1, record.Deployed)))
		}()
		synctest.Wait()
		go func() {
			h.Close()
			close(closed)
		}()
		synctest.Wait()
		select {
		case <-closed:
			t.Error("Close has not waited for the record")
		default:
		}
		if err := h.Save(t.Context(), newState().entry(recordOf("late", 1, record.Deployed))); !errors.Is(err, errClosed) {
			t.Errorf("a record that came after Close: %v", err)
		}
		h.write("shop", w)
		if err := <-waited; err != nil {
			t.Error(err)
		}
		<-closed
		for app, want := range map[string]int{"web": 1, "late": 0} {
			if list, err := h.List(t.Context(), "shop", name.App(app), 0, 1); err != nil || len(list) != want {
				t.Errorf("app %s has %d records, want %d (%v)", app, len(list), want, err)
			}
		}
	})
}
