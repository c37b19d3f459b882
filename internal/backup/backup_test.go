package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/datadir"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/sealed"
)

// world is a data directory in use.
type world struct {
	t *testing.T
	Source
	heads map[string]git.Hash // the commits, by repository and ref
}

func newWorld(t *testing.T) *world {
	t.Helper()
	data := t.TempDir()
	store, err := git.OpenStore(filepath.Join(data, "repos"), git.StoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	w := &world{t: t, Source: Source{Data: data, Repos: store, Program: "1.2.3"}, heads: map[string]git.Hash{}}
	w.file("version", "1\n")
	w.file("server.id", strings.Repeat("ab", 16)+"\n")
	w.file("mask.key", strings.Repeat("k", 32))
	w.file("ssh/host_ed25519", "the private key")
	w.file("keys", "ssh-ed25519 AAAA ana\n")
	w.file("charts/digests/"+strings.Repeat("0a", 32), "{}")
	// These files are in no backup.
	w.file("hooks/pre-receive", "#!/bin/sh\n")
	w.file("run/ssh.addr", "127.0.0.1:2222\n")
	w.file("charts/archives/"+strings.Repeat("0a", 32), "chart")
	w.file("server.id.123.new", "half")
	w.file("large.iso", strings.Repeat("x", maxOwn+1))
	if err := os.Symlink("/etc/hostname", filepath.Join(data, "link")); err != nil {
		t.Fatal(err)
	}
	w.commit("shop", "refs/pushboat/deploys/shop", "first")
	w.commit("team/blog", "refs/heads/main", "first")
	w.seal("shop", "secret one")
	return w
}

func (w *world) file(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.Data, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) repo(repo name.Repo) *git.Repository {
	w.t.Helper()
	repository, err := w.Repos.Open(repo)
	if errors.Is(err, git.ErrNotExist) {
		repository, err = w.Repos.Create(w.t.Context(), repo)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return repository
}

// commit appends a commit to a ref. A branch gets a log, as from a push.
func (w *world) commit(of name.Repo, ref, text string) {
	w.t.Helper()
	repo, at := w.repo(of), w.heads[string(of)+" "+ref]
	parent := at
	hash, err := repo.Import(w.t.Context(), parent, git.NewCommit{Message: text, Files: map[string][]byte{"f": []byte(text)}})
	if err != nil {
		w.t.Fatal(err)
	}
	if at == "" {
		at = git.Hash(strings.Repeat("0", 40))
	}
	if err := repo.MoveBranch(w.t.Context(), ref, at, hash, git.Note{Who: "ana", Why: "push"}); err != nil {
		w.t.Fatal(err)
	}
	w.heads[string(of)+" "+ref] = hash
}

func (w *world) seal(repo name.Repo, text string) {
	w.t.Helper()
	store, err := sealed.Open(filepath.Join(w.Data, "sealed"), bytes.Repeat([]byte("k"), 32), nil)
	if err == nil {
		err = store.Seal(sealed.Text{Name: sealed.Name{Repository: repo, App: name.App(repo), Kind: sealed.Generated}, Data: []byte(text)})
	}
	if err != nil {
		w.t.Fatal(err)
	}
	_ = store.Close()
}

// back makes a backup, and returns its file.
func (w *world) back(req Request) (string, Summary) {
	w.t.Helper()
	var out bytes.Buffer
	summary, err := w.Write(w.t.Context(), &out, req)
	if err != nil {
		w.t.Fatal(err)
	}
	return store(w.t, out.Bytes()), summary
}

// since is a request for a backup that builds on another one.
func (w *world) since(s Summary) Request {
	w.t.Helper()
	base, err := w.Kept(s.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return Request{Since: base}
}

func store(t *testing.T, archive []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "backup.tar")
	if err := os.WriteFile(name, archive, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// holds compares a restored directory with the world.
func (w *world) holds(dir string) {
	w.t.Helper()
	for name, want := range map[string]string{
		"server.id": strings.Repeat("ab", 16) + "\n", "mask.key": strings.Repeat("k", 32), "version": "1\n",
		"ssh/host_ed25519": "the private key", "keys": "ssh-ed25519 AAAA ana\n", "charts/digests/" + strings.Repeat("0a", 32): "{}",
	} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != want {
			w.t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"hooks", "run", "charts/archives", "server.id.123.new", "large.iso", "link", headerName, sumsName, datadir.Unfinished, "backups"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			w.t.Errorf("%s was restored", name)
		}
	}
	if err := datadir.Check(dir); err != nil {
		w.t.Error(err)
	}
	if _, err := os.Lstat(filepath.Join(dir, datadir.Restored)); err != nil {
		w.t.Errorf("no file notes the restore: %v", err)
	}
	restored, err := git.OpenStore(filepath.Join(dir, "repos"), git.StoreOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	defer restored.Close()
	names, err := restored.List()
	wanted, _ := w.Repos.List()
	if err != nil || !slices.Equal(names, wanted) {
		w.t.Errorf("repositories %v, want %v, %v", names, wanted, err)
	}
	for key, hash := range w.heads {
		of, ref, _ := strings.Cut(key, " ")
		if _, err := w.Repos.Open(name.Repo(of)); err != nil {
			continue
		}
		repo, err := restored.Open(name.Repo(of))
		if err != nil {
			w.t.Error(err)
			continue
		}
		if head, err := repo.Head(w.t.Context(), ref); err != nil || head != hash {
			w.t.Errorf("%s is at %s, %v; want %s", key, head, err, hash)
		}
		if _, err := repo.Commit(hash); err != nil {
			w.t.Error(err)
		}
	}
}

// unsealed returns the text that the restored store has for the app shop.
func unsealed(t *testing.T, dir string) string {
	t.Helper()
	store, err := sealed.Open(filepath.Join(dir, "sealed"), bytes.Repeat([]byte("k"), 32), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	text, err := store.Unseal(sealed.Name{Repository: "shop", App: "shop", Kind: sealed.Generated})
	if err != nil {
		t.Error(err)
	}
	return string(text.Data)
}

func TestRestoreIsWhatWasBackedUp(t *testing.T) {
	w := newWorld(t)
	archive, summary := w.back(Request{})
	if summary.Repositories != 2 || summary.Files != summary.Written || summary.Data != 1 || summary.Program != "1.2.3" {
		t.Errorf("summary %+v", summary)
	}
	dir := filepath.Join(t.TempDir(), "new", "data")
	result, err := Restore{Archives: Files(archive), Data: dir}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if result.ID != summary.ID || result.Repositories != 2 || result.Files != summary.Files || result.Bytes != summary.Bytes {
		t.Errorf("result %+v, want %+v", result, summary)
	}
	w.holds(dir)
	if text := unsealed(t, dir); text != "secret one" {
		t.Errorf("the sealed text is %q", text)
	}
	if result, err := Verify(t.Context(), Files(archive), nil); err != nil || result.Repositories != 2 {
		t.Errorf("verify: %+v, %v", result, err)
	}
}

// TestOtherToolsReadIt unpacks a backup with tar, and compares it with sha256sum.
func TestOtherToolsReadIt(t *testing.T) {
	w := newWorld(t)
	archive, summary := w.back(Request{})
	w.commit("shop", "refs/heads/main", "second")
	next, _ := w.back(w.since(summary))
	dir := t.TempDir()
	for _, command := range [][]string{
		{"tar", "-C", dir, "-xf", archive},
		{"tar", "-C", dir, "-xf", next},
		{"sh", "-c", `cd "$0" && sha256sum --quiet -c SHA256SUMS`, dir},
		{"mkdir", dir + "/repos/shop.git/refs"},
		{"git", "-C", dir + "/repos/shop.git", "log", "--all"},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", command, err, out)
		}
	}
}

func TestBackupGoesOnFromAnother(t *testing.T) {
	w := newWorld(t)
	first, one := w.back(Request{})
	w.commit("shop", "refs/pushboat/deploys/shop", "second")
	w.commit("new", "refs/heads/main", "first")
	w.seal("shop", "secret two")
	second, two := w.back(w.since(one))
	if two.Since != one.ID || two.Written >= two.Files || two.Bytes >= one.Bytes+two.Bytes/2 {
		t.Errorf("the second is %+v", two)
	}
	if err := w.Repos.Delete(t.Context(), "team/blog"); err != nil {
		t.Fatal(err)
	}
	for i := range 25 { // more packs than Maintain leaves
		w.commit("shop", "refs/heads/main", fmt.Sprint("third ", i))
	}
	if err := w.repo("shop").Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
	base, err := os.Open(second)
	if err != nil {
		t.Fatal(err)
	}
	from, err := ReadBase(base, nil) // as on another machine, which has only the file
	if err != nil || from.ID != two.ID {
		t.Fatal(from, err)
	}
	third, _ := w.back(Request{Since: from})
	all := []string{first, second, third}
	dir := t.TempDir()
	if _, err := (Restore{Archives: Files(all...), Data: dir}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.holds(dir)
	if text := unsealed(t, dir); text != "secret two" {
		t.Errorf("the sealed text is %q", text)
	}
	if _, err := os.Lstat(filepath.Join(dir, "repos", "team")); err == nil {
		t.Error("the deleted repository was restored")
	}
	for name, wrong := range map[string][]string{
		"without the first": {second, third}, "without the second": {first, third}, "not in order": {first, third, second},
		"the last alone": {third}, "twice": {first, first}, "a whole one later": {first, second, first},
	} {
		dir := filepath.Join(t.TempDir(), "data")
		if _, err := (Restore{Archives: Files(wrong...), Data: dir}).Run(t.Context()); err == nil {
			t.Errorf("%s: restored", name)
		}
		if _, err := os.Lstat(dir); err == nil {
			t.Errorf("%s: the directory stays", name)
		}
	}
}

func TestKeptBackups(t *testing.T) {
	w := newWorld(t)
	var unknown *UnknownError
	if _, err := w.Kept("20260101T000000.000Z-00000000"); !errors.As(err, &unknown) || unknown.Newest != "" {
		t.Error(err)
	}
	var last Summary
	for range keptBackups + 2 {
		_, last = w.back(Request{})
	}
	ids, err := w.ids()
	if err != nil || len(ids) != keptBackups {
		t.Fatalf("%d are kept, %v", len(ids), err)
	}
	newest := slices.Max(ids) // the backups may have been made within one millisecond
	if _, err := w.Kept(last.ID); err != nil {
		t.Error(err)
	}
	for _, id := range []string{"20260101T000000.000Z-00000000", "../server.id", ""} {
		if _, err := w.Kept(id); !errors.As(err, &unknown) || !strings.HasSuffix(unknown.Next("backup"), "backup --since "+newest) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestRestoreChangesNothingThatIsThere(t *testing.T) {
	w := newWorld(t)
	archive, _ := w.back(Request{})
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "mine"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (Restore{Archives: Files(archive), Data: full}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Error(err)
	}
	if entries, err := os.ReadDir(full); err != nil || len(entries) != 1 {
		t.Errorf("there are %v, %v", entries, err)
	}
	// A new volume has the lost+found of its file system. This one also has the remains of
	// a restore that was killed.
	volume := t.TempDir()
	for _, name := range []string{"lost+found", datadir.Unfinished + "/repos/half.git"} {
		if err := os.MkdirAll(filepath.Join(volume, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := datadir.Check(volume); err == nil {
		t.Error("a server would start in a half-restored directory")
	}
	if _, err := (Restore{Archives: Files(archive), Data: volume}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.holds(volume)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	if _, err := (Restore{Archives: Files(archive), Data: dir}).Run(ctx); err == nil {
		t.Error("a restore that was cancelled reports no error")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("the cancelled restore left %v, %v", entries, err)
	}
}

func TestRestoreOfOneRepository(t *testing.T) {
	w := newWorld(t)
	w.seal("team/blog", "another's")
	archive, _ := w.back(Request{})
	dir := t.TempDir()
	result, err := Restore{Archives: Files(archive), Data: dir, Repo: "shop"}.Run(t.Context())
	if err != nil || result.Repositories != 1 {
		t.Fatal(result, err)
	}
	if text := unsealed(t, dir); text != "secret one" {
		t.Errorf("the sealed text is %q", text)
	}
	for name, want := range map[string]bool{
		"repos/shop.git/HEAD": true, "repos/team": false, "server.id": true,
		"sealed/" + sealed.FolderOf("shop"): true, "sealed/" + sealed.FolderOf("team/blog"): false,
	} {
		if _, err := os.Lstat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = Restore{Archives: Files(archive), Data: t.TempDir(), Repo: "shoq"}.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "which has shop, team/blog") {
		t.Error(err)
	}
}

func TestRestoreAsOfATime(t *testing.T) {
	w := newWorld(t)
	w.commit("shop", "refs/heads/main", "good")
	good := w.heads["shop refs/heads/main"]
	w.commit("shop", "refs/heads/main", "wrong")
	wrong := w.heads["shop refs/heads/main"]
	log := filepath.Join(w.Data, "repos/shop.git/logs/refs/heads/main")
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	now, hour := time.Now(), func(hours int) string {
		return fmt.Sprint(time.Now().Add(time.Duration(hours)*time.Hour).Unix(), " +0000")
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for i, line := range lines {
		before, after, _ := strings.Cut(line, "> ")
		_, why, _ := strings.Cut(after, "\t")
		lines[i] = before + "> " + hour(i*4-6) + "\t" + why // one six hours ago, one two hours ago
	}
	if err := os.WriteFile(log, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	archive, _ := w.back(Request{})
	for name, test := range map[string]struct {
		at   time.Time
		want git.Hash
	}{
		"before": {now.Add(-7 * time.Hour), ""}, "between": {now.Add(-4 * time.Hour), good}, "after": {now.Add(-time.Hour), wrong},
	} {
		dir := t.TempDir()
		result, err := Restore{Archives: Files(archive), Data: dir, At: test.at}.Run(t.Context())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		restored, err := git.ViewStore(filepath.Join(dir, "repos"))
		if err != nil {
			t.Fatal(err)
		}
		repo, err := restored.Open("shop")
		if err != nil {
			t.Fatal(err)
		}
		head, err := repo.Head(t.Context(), "refs/heads/main")
		if err != nil && !errors.Is(err, git.ErrNoRef) || head != test.want {
			t.Errorf("%s: main is at %q, %v; want %q", name, head, err, test.want)
		}
		if moved := result.Rewound["shop"]; (len(moved) > 0) != (test.want != wrong) {
			t.Errorf("%s: moved %v", name, moved)
		}
		if _, err := repo.Head(t.Context(), "refs/pushboat/deploys/shop"); err != nil {
			t.Errorf("%s: records are lost: %v", name, err)
		}
	}
	_, err = Restore{Archives: Files(archive), Data: t.TempDir(), At: now.Add(time.Hour)}.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "in a later one") {
		t.Error(err)
	}
}
