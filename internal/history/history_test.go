package history

import (
	"bytes"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
)

func newHistory(t *testing.T) (*History, *git.Repository) {
	t.Helper()
	store, err := git.OpenStore(t.TempDir(), git.StoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	repo, err := store.Create(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	return New(store), repo
}

func record(number int, result deploy.Result) deploy.Record {
	return deploy.Record{
		Number: number, App: "shop", Repo: "shop", Branch: "main",
		Revision: strings.Repeat("a", 40), Cluster: "default", Cause: deploy.CausePush,
		Operator: "ana", Key: "SHA256:abc", Started: time.Now().UTC().Truncate(time.Second),
		Result: result, Digest: "d", Seconds: 1.5,
		Objects: []deploy.Object{{Key: "/ConfigMap/shop/web", Action: deploy.Create, Digest: "x", Fingerprint: "y"}},
	}
}

func (h *History) mustSave(t *testing.T, r deploy.Record) {
	t.Helper()
	if err := h.Save(t.Context(), r, []byte("line\n"), []byte("kind: ConfigMap\n")); err != nil {
		t.Fatal(err)
	}
}

func TestSaveAndRead(t *testing.T) {
	h, repo := newHistory(t)
	if _, ok, err := h.Last(t.Context(), "shop", "shop"); ok || err != nil {
		t.Fatalf("an app that was never deployed: %v, %v", ok, err)
	}
	h.mustSave(t, record(1, deploy.Deployed))
	h.mustSave(t, record(2, deploy.Failed))

	last, ok, err := h.Last(t.Context(), "shop", "shop")
	if err != nil || !ok || last.Number != 2 || last.Result != deploy.Failed || len(last.Objects) != 1 {
		t.Fatalf("last is %+v, %v, %v", last, ok, err)
	}
	list, err := h.List(t.Context(), "shop", "shop", 10)
	if err != nil || len(list) != 2 || list[0].Number != 2 || list[1].Number != 1 {
		t.Fatalf("list is %+v, %v", list, err)
	}
	entry, ok, err := h.Find(t.Context(), "shop", "shop", 1)
	if err != nil || !ok || entry.Record.Number != 1 || string(entry.Log) != "line\n" || len(entry.Manifests) == 0 {
		t.Fatalf("found %+v, %v, %v", entry, ok, err)
	}
	if _, ok, err := h.Find(t.Context(), "shop", "shop", 12); ok || err != nil {
		t.Fatalf("found a deploy that never was: %v, %v", ok, err)
	}
	if apps, err := h.Apps(t.Context(), "shop"); err != nil || len(apps) != 1 || apps[0] != "shop" {
		t.Fatalf("apps are %v, %v", apps, err)
	}
	wantTrailers(t, repo)
}

// wantTrailers reads the newest record with the git program, as people do.
func wantTrailers(t *testing.T, repo *git.Repository) {
	t.Helper()
	out, err := exec.Command("git", "--git-dir", repo.Dir(), "log", "-1", "--format=%s%n%(trailers)", refPrefix+"shop").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"shop: failed aaaaaaa", "Deploy: shop-2", "Operator: ana", "Key: SHA256:abc", "Result: failed", "Duration: 1.5s"} {
		if !bytes.Contains(out, []byte(want+"\n")) {
			t.Errorf("git log lacks %q:\n%s", want, out)
		}
	}
}

func TestFindAcrossPages(t *testing.T) {
	h, _ := newHistory(t)
	for n := 1; n <= 3; n++ {
		h.mustSave(t, record(n, deploy.Deployed))
	}
	h.page = 1
	entry, ok, err := h.Find(t.Context(), "shop", "shop", 1)
	if err != nil || !ok || entry.Record.Number != 1 {
		t.Fatalf("the oldest deploy, two pages back: %+v, %v, %v", entry.Record, ok, err)
	}
}

func TestSaveFromSeveralSides(t *testing.T) {
	h, _ := newHistory(t)
	var group sync.WaitGroup
	for n := 1; n <= 8; n++ {
		group.Go(func() { h.mustSave(t, record(n, deploy.Deployed)) })
	}
	group.Wait()
	list, err := h.List(t.Context(), "shop", "shop", 20)
	if err != nil || len(list) != 8 {
		t.Fatalf("%d records are left of 8: %v", len(list), err)
	}
}

func TestMessageHoldsWhatItIsTold(t *testing.T) {
	r := record(1, deploy.Failed)
	r.Message = "it broke\nDeploy: shop-99"
	text := message(r)
	if !strings.HasSuffix(text, "Duration: 1.5s\n") || strings.Contains(text, "\nDeploy: shop-99\n") {
		t.Errorf("a message can pass for a trailer:\n%s", text)
	}
}
