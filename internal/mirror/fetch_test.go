package mirror

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/keytest"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/git/storetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/mirror/mirrortest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/notify/reach"
	"github.com/pushboat/pushboat/internal/push"
	"github.com/pushboat/pushboat/internal/report"
)

// gate is a gate that moves branches, or refuses them.
type gate struct {
	mu      sync.Mutex
	refuses string // the reason; "": it refuses nothing
	landed  []push.Landing
	told    int                         // refusals that were not known
	judge   func(l push.Landing) string // its reason to refuse a landing; nil: none
}

// Land implements Gate.
func (g *gate) Land(ctx context.Context, l push.Landing, _ <-chan struct{}, _ io.Writer) push.Landed {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.landed = append(g.landed, l)
	reason := g.refuses
	if g.judge != nil && reason == "" {
		reason = g.judge(l)
	}
	if len(l.Problems) > 0 {
		reason = l.Problems[0].Message
	}
	if reason != "" {
		if !l.Known(reason) {
			g.told++
		}
		return push.Landed{Reason: reason}
	}
	for _, u := range l.Updates {
		if err := l.Repo.MoveBranch(ctx, u.Ref, u.Old, u.New, git.Note{Who: "x", Why: l.Why}); err != nil {
			return push.Landed{Reason: err.Error()}
		}
	}
	return push.Landed{Accepted: true}
}

// world is a keeper with an upstream.
type world struct {
	*testing.T
	keeper *Keeper
	gate   *gate
	repos  *git.Store
	dir    string // of what is not the server's
	work   string // a clone of upstream
	rules  *rules.Rules
	scheds map[name.Repo]string
	apps   []deploy.Status
	keys   *keys

	problems map[string][]report.OutlinedProblem // by refusals
}

// keys decrypt what is in the clear, but for the marks.
type keys struct {
	mu       sync.Mutex
	asked    int
	problem  *manifest.Problem // nil: it decrypts
	contents map[string]string // by files
}

// Decrypt implements Keys.
func (k *keys) Decrypt(_ context.Context, name string, _ []byte) ([]byte, *manifest.Problem) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked++
	return []byte(k.contents[name]), k.problem
}

func (w *world) git(args ...string) string {
	w.Helper()
	out, err := w.gitIn(w.work, args...)
	if err != nil {
		w.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return out
}

func (w *world) gitIn(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=x", "-c", "user.email=x@example.org"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// commit makes a commit upstream, and returns it.
func (w *world) commit(text string) git.Hash {
	w.Helper()
	if err := os.WriteFile(filepath.Join(w.work, "file"), []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
	w.git("add", "-A")
	w.git("commit", "-q", "-m", "x")
	w.git("push", "-q", "--force", "origin", "HEAD")
	return git.Hash(w.git("rev-parse", "HEAD"))
}

func (w *world) rule(mirrors map[string]string) {
	w.Helper()
	files := map[string]string{}
	for file, text := range mirrors {
		files["mirrors/"+file+".yaml"] = text
	}
	w.ruleFiles(files)
}

// ruleFiles has rules with some files in force.
func (w *world) ruleFiles(files map[string]string) {
	w.Helper()
	tree := fstest.MapFS{
		"operators/ana.yaml": {Data: []byte("keys: ['" + strings.TrimSpace(keytest.Text(keytest.Signer(w, "ana").PublicKey())) + "']\n")},
		"access.yaml":        {Data: []byte("rules: [{who: [ana], may: [admin]}]\n")},
	}
	for file, text := range files {
		tree[file] = &fstest.MapFile{Data: []byte(text)}
	}
	found, problems := rules.Parse(tree)
	if len(problems) > 0 {
		w.Fatal(problems)
	}
	w.rules = found
}

func (w *world) fetch(change func(a *Asking)) (Outcome, error) {
	w.Helper()
	a := Asking{Repo: "shop", Caller: access.System("test")}
	if change != nil {
		change(&a)
	}
	return w.keeper.Fetch(w.Context(), a, io.Discard)
}

func (w *world) head(branch name.Branch) git.Hash {
	w.Helper()
	repo, err := w.repos.Open("shop")
	if err != nil {
		return ""
	}
	head, err := repo.Head(w.Context(), branch.Ref())
	if err != nil && !errors.Is(err, git.ErrNoRef) {
		w.Fatal(err)
	}
	return head
}

func (w *world) state() State {
	w.Helper()
	s, ok := w.keeper.State("shop")
	if !ok {
		w.Fatal("shop is no mirror")
	}
	return s
}

func newWorld(t *testing.T, options git.StoreOptions) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{T: t, gate: &gate{}, repos: storetest.Open(t, options), dir: dir, work: filepath.Join(dir, "work"), scheds: map[name.Repo]string{}, keys: &keys{contents: map[string]string{}}}
	for _, sub := range []string{"upstream", "files", "work"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	bare := filepath.Join(dir, "upstream", "shop.git")
	w.git("init", "-q", "--bare", "--initial-branch=main", bare)
	w.git("init", "-q", "--initial-branch=main")
	w.git("remote", "add", "origin", bare)
	log := logrus.New()
	log.SetOutput(io.Discard)
	w.keeper = New(Config{
		File: filepath.Join(dir, "mirrors.json"), Repos: w.repos, Gate: w.gate, Rules: func() *rules.Rules { return w.rules },
		Schedule: func(repo name.Repo, spec string) { w.scheds[repo] = spec },
		Disk:     func() error { return nil }, Fence: func() error { return nil }, Log: logrus.NewEntry(log),
		Apps: func(name.Repo) []deploy.Status { return w.apps }, News: func() (<-chan struct{}, func()) { return nil, func() {} },
		Keys: w.keys, Problems: func(id string) ([]report.OutlinedProblem, int) { return w.problems[id], 0 },
		Page: func(kind, id string) string { return "https://pushboat.example.org/" + kind + "/" + id },
	}, Settings{Reach: reach.Reach{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, Files: filepath.Join(dir, "files"), Within: time.Minute})
	t.Cleanup(w.keeper.Stop)
	return w
}

func (w *world) http() *mirrortest.Upstream {
	w.Helper()
	up, err := mirrortest.StartHTTP(filepath.Join(w.dir, "upstream"))
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(up.Close)
	return up
}

func TestFetchOverHTTP(t *testing.T) {
	w := newWorld(t, git.StoreOptions{})
	up := w.http()
	w.rule(map[string]string{"shop": "url: http://" + up.Addr + "/shop.git\n"})
	if _, err := w.fetch(nil); err != nil {
		t.Fatalf("an empty upstream: %v", err)
	}
	one := w.commit("one")
	if done, err := w.fetch(nil); err != nil || !slices.Equal(done.Moved, []name.Branch{"main"}) || w.head("main") != one {
		t.Fatalf("the first commit: %+v, %v, main at %s", done, err, w.head("main"))
	}
	asked := len(w.gate.landed)
	if done, err := w.fetch(nil); err != nil || len(done.Moved) > 0 || len(w.gate.landed) != asked {
		t.Fatalf("nothing new: %+v, %v", done, err)
	}

	// One that is refused leaves the branch, and is told of once.
	w.gate.refuses = "problem at file:1"
	two := w.commit("two")
	for range 2 {
		w.keeper.Wake("shop")
		w.settle()
	}
	if s := w.state(); w.head("main") != one || s.Refused["main"].Revision != two || s.Refused["main"].Reason != "problem at file:1" || w.gate.told != 1 {
		t.Fatalf("refused: %+v, told %d times", s, w.gate.told)
	}
	if _, err := w.fetch(nil); err != nil || w.gate.told != 2 {
		t.Errorf("who asks hears of it: told %d times, %v", w.gate.told, err)
	}
	w.gate.refuses = ""
	three := w.commit("three")
	if _, err := w.fetch(nil); err != nil || w.head("main") != three || w.state().Refused != nil {
		t.Errorf("mended: %v, %+v", err, w.state())
	}

	// A rewritten history is refused, until somebody takes it.
	w.git("reset", "-q", "--hard", string(one))
	four := w.commit("four")
	if done, err := w.fetch(nil); err != nil || len(done.Refused) != 1 || w.head("main") != three || !strings.Contains(w.state().Refused["main"].Reason, "was rewritten upstream") {
		t.Errorf("rewritten: %+v, %v, %+v", done, err, w.state())
	}
	if _, err := w.fetch(func(a *Asking) { a.Rewrite = true }); err != nil || w.head("main") != four || !w.gate.landed[len(w.gate.landed)-1].Rewrites {
		t.Errorf("taken: %v, main at %s", err, w.head("main"))
	}

	// Another repository is nobody's to take.
	w.git("checkout", "-q", "--orphan", "other")
	w.commit("other")
	w.git("push", "-q", "--force", "origin", "other:main")
	if _, err := w.fetch(func(a *Asking) { a.Rewrite = true }); err != nil || w.head("main") != four || !strings.Contains(w.state().Refused["main"].Reason, "another repository") {
		t.Errorf("another repository: %v, %+v", err, w.state())
	}
	w.git("checkout", "-q", "--force", "main")
	five := w.commit("five")

	// Away, nothing changes; since when is known, also to the next server.
	up.Away(true)
	if _, err := w.fetch(nil); err == nil || !strings.Contains(err.Error(), "upstream answers 503") || w.head("main") != four {
		t.Errorf("away: %v", err)
	}
	since := w.state().Trouble.Since
	again := New(w.keeper.config, w.keeper.settings())
	if s, ok := again.State("shop"); !ok || !s.Trouble.Since.Equal(since) || s.Trouble.Error != "upstream answers 503" {
		t.Errorf("the next server knows %+v", s)
	}
	up.Away(false)
	if _, err := w.fetch(nil); err != nil || w.head("main") != five || w.state().Trouble != nil {
		t.Errorf("back: %v, %+v", err, w.state())
	}
}

// settle waits until no round goes on.
func (w *world) settle() { w.keeper.rounds.Wait() }

func TestFetchOverSSH(t *testing.T) {
	w := newWorld(t, git.StoreOptions{})
	key, err := mirrortest.NewKey(filepath.Join(w.dir, "files", "key"))
	if err != nil {
		t.Fatal(err)
	}
	up, err := mirrortest.StartSSH(filepath.Join(w.dir, "upstream"), key.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	defer up.Close()
	text := "url: ssh://git@" + up.Addr + "/shop.git\nkeyFile: " + filepath.Join(w.dir, "files", "key") + "\n"
	w.rule(map[string]string{"shop": text})
	one := w.commit("one")
	if _, err := w.fetch(nil); err != nil || w.head("main") != one {
		t.Fatalf("fetched: %v, main at %s", err, w.head("main"))
	}
	if pin := w.state().HostKey; pin == nil || pin.Fingerprint != up.HostKey() || pin.Host != up.Addr {
		t.Errorf("the host is known by %+v", pin)
	}
	if err := up.NewHostKey(); err != nil {
		t.Fatal(err)
	}
	two := w.commit("two")
	if _, err := w.fetch(nil); err == nil || !strings.Contains(err.Error(), "somebody may be in between") || w.head("main") != one {
		t.Errorf("another key: %v", err)
	}
	if _, err := w.fetch(func(a *Asking) { a.AcceptHostKey = true }); err != nil || w.head("main") != two || w.state().HostKey.Fingerprint != up.HostKey() {
		t.Errorf("accepted: %v", err)
	}
	w.rule(map[string]string{"shop": text + "hostKeys: [SHA256:" + strings.Repeat("A", 43) + "]\n"})
	if _, err := w.fetch(nil); err == nil || !strings.Contains(err.Error(), "which hostKeys does not name") {
		t.Errorf("a key that the rules do not name: %v", err)
	}
	w.rule(map[string]string{"shop": text + "hostKeys: [" + up.HostKey() + "]\n"})
	if _, err := w.fetch(nil); err != nil {
		t.Errorf("one that they name: %v", err)
	}
	w.rule(map[string]string{"shop": strings.Replace(text, "shop.git", "none.git", 1)})
	if _, err := w.fetch(nil); err == nil || !strings.Contains(err.Error(), "no such repository") {
		t.Errorf("no repository: %v", err)
	}
	if _, err := mirrortest.NewKey(filepath.Join(w.dir, "files", "key")); err != nil {
		t.Fatal(err)
	}
	w.rule(map[string]string{"shop": text})
	if _, err := w.fetch(nil); err == nil || !strings.Contains(err.Error(), "does not let the key in") {
		t.Errorf("a stranger's key: %v", err)
	}
}

func TestUpstreamsThatAreRefused(t *testing.T) {
	w := newWorld(t, git.StoreOptions{MaxPush: 1 << 20})
	up := w.http()
	secret := filepath.Join(w.dir, "files", "token")
	if err := os.WriteFile(secret, []byte("hunter2-hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.commit("one")
	for text, want := range map[string]string{
		"url: http://" + up.Addr + "/elsewhere/shop.git\n":              "sends its callers elsewhere",
		"url: http://" + up.Addr + "/none.git\n":                        "there is no such repository",
		"url: http://127.0.0.1:1/shop.git\n":                            "refused the connection",
		"url: http://10.0.0.1/shop.git\n":                               "is in none of the networks of the setting mirror.networks",
		"url: https://10.0.0.1/shop.git\n":                              "the setting mirror.networks does not allow it",
		"url: https://[::1]/shop.git\n":                                 "the setting mirror.networks does not allow it",
		"url: https://" + up.Addr + "/shop.git\n":                       "",
		"url: https://127.0.0.1/x\ntokenFile: /etc/passwd\n":            "outside of the directory",
		"url: https://127.0.0.1/x\ntokenFile: " + secret + ".none\n":    "cannot be read",
		"url: ssh://git@127.0.0.1/x.git\nkeyFile: " + secret + "\n":     "keyFile has no private key",
		"url: http://" + up.Addr + "/shop.git\nbranches: [release-*]\n": "-",
	} {
		w.rule(map[string]string{"shop": text})
		_, err := w.fetch(nil)
		if want == "-" {
			if err != nil {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
		if w.state().Trouble == nil {
			t.Errorf("%s: there is no trouble", text)
		}
	}

	// What is too large is not taken, and leaves nothing.
	noise := make([]byte, 4<<20)
	for i := range noise {
		noise[i] = byte(i*i>>3 ^ i>>7 ^ i*2654435761>>13)
	}
	w.commit(string(noise))
	w.rule(map[string]string{"shop": "url: http://" + up.Addr + "/shop.git\n"})
	if _, err := w.fetch(nil); err == nil || !strings.Contains(err.Error(), git.ErrTooMuch.Error()) {
		t.Errorf("too large: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(w.repoDir(), "objects", "pack", "*")); err != nil || len(left) > 0 {
		t.Errorf("it leaves %q, %v", left, err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(w.repoDir()), ".fetch", "*")); err != nil || len(left) > 0 {
		t.Errorf("it leaves %q, %v", left, err)
	}
}

func (w *world) repoDir() string {
	w.Helper()
	repo, err := w.repos.Open("shop")
	if err != nil {
		w.Fatal(err)
	}
	return repo.Dir()
}

func TestTokens(t *testing.T) {
	w := newWorld(t, git.StoreOptions{})
	up := w.http()
	up.Token = "hunter2-hunter2"
	w.rule(map[string]string{"shop": "url: http://" + up.Addr + "/shop.git\n"})
	one := w.commit("one")
	if _, err := w.fetch(nil); err == nil || !strings.Contains(err.Error(), "401: it takes other credentials") {
		t.Errorf("without a token: %v", err)
	}
	m := w.rules.Mirror("shop") // with a token, an address of http cannot be written
	m.TokenFile = filepath.Join(w.dir, "files", "token")
	if err := os.WriteFile(m.TokenFile, []byte(up.Token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.fetch(nil); err != nil || w.head("main") != one {
		t.Errorf("with it: %v", err)
	}
}

// What Git finds wrong in an object is not taken, although upstream has it.
func TestBrokenObjectsAreRefused(t *testing.T) {
	w := newWorld(t, git.StoreOptions{})
	up := w.http()
	w.rule(map[string]string{"shop": "url: http://" + up.Addr + "/shop.git\n"})
	w.commit("one")
	blob, err := hex.DecodeString(w.git("rev-parse", "HEAD:file"))
	if err != nil {
		t.Fatal(err)
	}
	tree := filepath.Join(w.dir, "tree")
	if err := os.WriteFile(tree, []byte("100644 .git\x00"+string(blob)), 0o600); err != nil {
		t.Fatal(err)
	}
	made := w.git("hash-object", "-t", "tree", "-w", "--literally", tree)
	w.git("push", "-q", "origin", w.git("commit-tree", "-m", "x", "-p", "HEAD", made)+":refs/heads/main")
	_, err = w.fetch(nil)
	if err == nil || !strings.Contains(err.Error(), "hasDotgit") || w.head("main") != "" {
		t.Errorf("fetched: %v, main at %s", err, w.head("main"))
	}
}
