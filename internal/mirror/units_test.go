package mirror

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
)

const (
	hashA = git.Hash("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	hashB = git.Hash("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")
)

func packet(text string) string { return fmt.Sprintf("%04x%s", len(text)+4, text) }

func TestAdvertisement(t *testing.T) {
	const caps = "\x00multi_ack symref=HEAD:refs/heads/main object-format=sha1 agent=git/2"
	a, err := readAdvertisement(strings.NewReader(packet("# service=git-upload-pack\n")+"0000"+
		packet(string(hashA)+" HEAD"+caps+"\n")+packet(string(hashA)+" refs/heads/main\n")+packet(string(hashB)+" refs/heads/x/y\n")+
		packet(string(hashB)+" refs/tags/v1\n")+packet(string(hashB)+" refs/heads/..\n")+"0000"), "git-upload-pack")
	if err != nil || a.main != "main" || len(a.heads) != 2 || a.heads["main"] != hashA || a.heads["x/y"] != hashB {
		t.Errorf("got %+v, %v", a, err)
	}
	a, err = readAdvertisement(strings.NewReader(packet("version 1\n")+packet(strings.Repeat("0", 40)+" capabilities^{}"+caps)+"0000"), "")
	if err != nil || len(a.heads) != 0 || a.main != "main" {
		t.Errorf("an empty repository: %+v, %v", a, err)
	}
	many := packet(string(hashA) + " HEAD\x00\n")
	for i := range maxHeads + 1 {
		many += packet(fmt.Sprintf("%s refs/heads/b%d", hashA, i))
	}
	for text, want := range map[string]string{
		"":       "not that of a Git server",
		"<html>": "not that of a Git server",
		packet("ERR no such repository\x1b[2J\n") + "0000":                       "the server says: no such repository",
		packet(string(hashA)+" HEAD\x00object-format=sha256") + "0000":           "objects of sha256",
		packet("x refs/heads/main\x00") + "0000":                                 "not that of a Git server",
		packet(string(hashA)+string(hashA)[:24]+" refs/heads/main\x00") + "0000": "not that of a Git server",
		packet(string(hashA) + " HEAD\x00"):                                      "not that of a Git server",
		"0003":                                                                   "not that of a Git server",
		"fff1":                                                                   "not that of a Git server",
		many + "0000":                                                            "more than 5000 branches",
	} {
		if _, err := readAdvertisement(strings.NewReader(text), ""); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%.60q: %v, want %s", text, err, want)
		}
	}
	for _, text := range []string{"", packet("# service=git-receive-pack\n") + "0000", packet("# service=git-upload-pack\n") + packet("x")} {
		if _, err := readAdvertisement(strings.NewReader(text), "git-upload-pack"); !errors.Is(err, errNotGit) {
			t.Errorf("by HTTP %q: %v", text, err)
		}
	}
}

func FuzzAdvertisement(f *testing.F) {
	f.Add([]byte(packet(string(hashA)+" HEAD\x00symref=HEAD:refs/heads/main") + "0000"))
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := readAdvertisement(strings.NewReader(string(text)), "")
		if err == nil && len(a.heads) > maxHeads {
			t.Errorf("%d branches", len(a.heads))
		}
		for branch, hash := range a.heads {
			if git.CheckRef(branch.Ref()) != nil || len(hash) != 40 {
				t.Errorf("branch %q at %q", branch, hash)
			}
		}
	})
}

func TestChoose(t *testing.T) {
	a := advertised{main: "trunk", heads: map[name.Branch]git.Hash{"trunk": hashA, "a": hashA, "release-1": hashB}}
	for _, test := range []struct {
		patterns []glob.Pattern
		has      advertised
		want     []name.Branch
		err      string
	}{
		{nil, a, []name.Branch{"trunk"}, ""},
		{nil, advertised{}, nil, ""},
		{nil, advertised{main: "gone", heads: a.heads}, nil, "HEAD names no branch upstream"},
		{[]glob.Pattern{"*"}, a, []name.Branch{"trunk", "a", "release-1"}, ""},
		{[]glob.Pattern{"release-*", "none"}, a, []name.Branch{"release-1"}, ""},
		{[]glob.Pattern{"none"}, a, nil, ""},
	} {
		got, err := choose(&rules.Mirror{Repo: "shop", Branches: test.patterns}, test.has)
		if !slices.Equal(got, test.want) || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%q: got %q, %v", test.patterns, got, err)
		}
	}
	many := advertised{heads: map[name.Branch]git.Hash{}}
	for i := range maxBranches + 1 {
		many.heads[name.Branch(fmt.Sprint("b", i))] = hashA
	}
	if _, err := choose(&rules.Mirror{Branches: []glob.Pattern{"*"}}, many); err == nil {
		t.Error("too many branches are chosen")
	}
}

func TestJudge(t *testing.T) {
	for _, test := range []struct {
		sight  sight
		follow bool
		want   verdict
		why    string
	}{
		{sight{here: hashA, upstream: hashA}, false, stays, ""},
		{sight{upstream: hashA}, false, moves, ""},
		{sight{here: hashA, upstream: hashB, forward: true}, false, moves, ""},
		{sight{here: hashA, upstream: hashB, forward: true}, true, moves, ""},
		{sight{here: hashA, upstream: hashB, related: true}, false, refused, "was rewritten upstream: bbbbbbb does not contain aaaaaaa"},
		{sight{here: hashA, upstream: hashB, related: true}, true, rewrites, ""},
		{sight{here: hashA, upstream: hashB}, false, refused, "another repository"},
		{sight{here: hashA, upstream: hashB}, true, refused, "another repository"},
	} {
		got, problem := judge(&rules.Mirror{Repo: "shop"}, "main", test.sight, test.follow)
		if got != test.want || (problem == nil) != (test.why == "") || problem != nil && (!strings.Contains(problem.Message, test.why) || problem.Hint == "") {
			t.Errorf("%+v, follow %v: got %v, %v", test.sight, test.follow, got, problem)
		}
	}
}

func signed(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = io.WriteString(mac, body)
	return hex.EncodeToString(mac.Sum(nil))
}

func TestProofsOfWebhooks(t *testing.T) {
	const secret, body = "the-secret-of-webhooks", `{"ref":"refs/heads/main"}`
	now := time.Unix(1_800_000_000, 0)
	own := func(at time.Time, with string) string {
		return fmt.Sprintf("t=%d,v1=%s", at.Unix(), signed(with, fmt.Sprintf("%d.%s", at.Unix(), body)))
	}
	for _, test := range []struct {
		name, header, value string
		want                bool
	}{
		{"GitHub", "X-Hub-Signature-256", "sha256=" + signed(secret, body), true},
		{"Gitea", "X-Gitea-Signature", signed(secret, body), true},
		{"Forgejo", "X-Forgejo-Signature", signed(secret, body), true},
		{"Bitbucket", "X-Hub-Signature", "sha256=" + signed(secret, body), true},
		{"GitLab", "X-Gitlab-Token", secret, true},
		{"our own", "Pushboat-Signature", own(now, secret), true},
		{"our own, a little late", "Pushboat-Signature", own(now.Add(-hookSkew), secret), true},
		{"our own, too late", "Pushboat-Signature", own(now.Add(-hookSkew-time.Second), secret), false},
		{"our own, from the future", "Pushboat-Signature", own(now.Add(hookSkew+time.Second), secret), false},
		{"our own, by another", "Pushboat-Signature", own(now, "another-secret-of-hooks"), false},
		{"our own, in another form", "Pushboat-Signature", "t=x,v1=y", false},
		{"of another body", "X-Hub-Signature-256", "sha256=" + signed(secret, body+" "), false},
		{"of another secret", "X-Hub-Signature-256", "sha256=" + signed("another-secret-of-hooks", body), false},
		{"of SHA-1", "X-Hub-Signature", "sha1=" + strings.Repeat("a", 40), false},
		{"no hex", "X-Gitea-Signature", strings.Repeat("x", 64), false},
		{"empty", "X-Gitea-Signature", "", false},
		{"another token", "X-Gitlab-Token", secret + "x", false},
		{"nothing", "X-Other", "x", false},
	} {
		p := newProof(secret, http.Header{http.CanonicalHeaderKey(test.header): {test.value}}, now)
		for _, part := range strings.SplitAfter(body, ":") {
			_, _ = io.WriteString(p, part)
		}
		if got := p.holds(); got != test.want {
			t.Errorf("%s: got %v", test.name, got)
		}
	}
	p := newProof(secret, http.Header{"X-Gitlab-Token": {secret}}, now)
	p.size = MaxHook + 1
	if p.holds() {
		t.Error("a webhook that is too large is heard")
	}
}

func TestKnock(t *testing.T) {
	w := newWorld(t, git.StoreOptions{})
	up := w.http()
	file := filepath.Join(w.dir, "files", "hook")
	if err := os.WriteFile(file, []byte("the-secret-of-webhooks\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	one := w.commit("one")
	w.rule(map[string]string{"shop": "url: http://" + up.Addr + "/shop.git\nhookFile: " + file + "\n", "blog": "url: http://" + up.Addr + "/shop.git\n"})
	knock := func(repo name.Repo, token string) error {
		return w.keeper.Knock(repo, http.Header{"X-Gitlab-Token": {token}}, strings.NewReader("{}"))
	}
	for _, err := range []error{knock("shop", "wrong"), knock("blog", "the-secret-of-webhooks"), knock("none", "the-secret-of-webhooks")} {
		if !errors.Is(err, ErrHook) {
			t.Errorf("not refused: %v", err)
		}
	}
	if err := knock("shop", "the-secret-of-webhooks"); err != nil {
		t.Fatal(err)
	}
	w.settle()
	if w.head("main") != one {
		t.Error("the webhook had nothing fetched")
	}
	if err := os.WriteFile(file, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := knock("shop", "short"); !errors.Is(err, ErrHook) {
		t.Errorf("a short secret: %v", err)
	}
}

// Webhooks that come one upon the other have upstream asked at once, and once more.
func TestManyWebhooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rounds atomic.Int64
		now := rules.None()
		k := &Keeper{config: Config{Rules: func() *rules.Rules { rounds.Add(1); return now }}, entries: map[name.Repo]*entry{}}
		for range 100 {
			k.knocked("shop") // of which Wake asks for the rules
		}
		if n := rounds.Load(); n != 1 {
			t.Errorf("%d rounds at once", n)
		}
		<-time.After(hookEvery - time.Nanosecond)
		synctest.Wait()
		if n := rounds.Load(); n != 1 {
			t.Errorf("%d rounds before their time", n)
		}
		<-time.After(time.Nanosecond)
		synctest.Wait()
		if n := rounds.Load(); n != 2 {
			t.Errorf("%d rounds in the end", n)
		}
	})
}

// Hundreds of mirrors of one host on one schedule are asked once each, a few at a time.
func TestManyMirrors(t *testing.T) {
	const mirrors = 200
	w := newWorld(t, git.StoreOptions{})
	up := w.http()
	up.Away(true) // each round is one request
	files := map[string]string{}
	for i := range mirrors {
		files[fmt.Sprint("r", i)] = "url: http://" + up.Addr + "/shop.git\n"
	}
	w.rule(files)
	for range atOnce { // nobody's turn comes, until all have asked for it
		w.keeper.slots <- struct{}{}
	}
	w.keeper.Start()
	for _, m := range w.rules.Mirrors() {
		for range 3 { // while they wait, once is enough
			w.keeper.Due(m.Repo, time.Now())
		}
	}
	for range atOnce {
		<-w.keeper.slots
	}
	w.settle()
	if n := up.Asked.Load(); n < mirrors || n > 2*mirrors {
		t.Errorf("upstream was asked %d times for %d mirrors", n, mirrors)
	}
	up.Close()
	if most := up.AtOnce; most > atOnceHost {
		t.Errorf("%d requests at once", most)
	}
	if len(w.scheds) != mirrors || w.scheds["r7"] != rules.DefaultMirrorSchedule {
		t.Errorf("the schedules are %d, of r7 %q", len(w.scheds), w.scheds["r7"])
	}
	asked := up.Asked.Load()
	w.keeper.RulesMoved()
	w.settle()
	if up.Asked.Load() != asked {
		t.Error("mirrors that are as before are asked again")
	}
	w.rule(nil)
	w.keeper.RulesMoved()
	if _, ok := w.keeper.State("r7"); ok || w.scheds["r7"] != "" || len(w.keeper.states) != 0 {
		t.Error("what is no mirror any more is known")
	}
}

func TestProposals(t *testing.T) {
	w := newWorld(t, git.StoreOptions{})
	for file, text := range map[string]string{"hook": "the-secret-of-webhooks\n", "short": "short\n", "two": "one\ntwo\n"} {
		if err := os.WriteFile(filepath.Join(w.dir, "files", file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(w.dir, "files", "link")); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(w.dir, "files")
	for text, want := range map[string]string{
		"url: https://example.org/x\nhookFile: " + dir + "/hook\n":  "",
		"url: https://example.org/x\nschedule: '0 3 * * *'\n":       "",
		"url: https://example.org/x\nschedule: sometimes\n":         `schedule: "sometimes"`,
		"url: https://example.org/x\nhookFile: " + dir + "/short\n": "less than 16 characters",
		"url: https://example.org/x\nhookFile: " + dir + "/none\n":  "hookFile: the file cannot be read",
		"url: https://example.org/x\ntokenFile: " + dir + "/two\n":  "is not one line",
		"url: https://example.org/x\ntokenFile: " + dir + "/link\n": "tokenFile: the file cannot be read",
		"url: https://example.org/x\ntokenFile: /etc/passwd\n":      "outside of the directory",
		"url: ssh://git@example.org/x\nkeyFile: " + dir + "\n":      "outside of the directory",
		"url: https://169.254.169.254/x\n":                          "mirror.networks does not allow it",
		"url: http://8.8.8.8/x\n":                                   "http:// is not encrypted",
		"url: http://127.0.0.1/x\n":                                 "",
		"url: https://127.0.0.1/x\n":                                "",
	} {
		w.rule(map[string]string{"shop": text})
		problems := w.keeper.Propose(w.rules, rules.None())
		if (len(problems) == 0) != (want == "") || len(problems) > 0 && !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: %v, want %q", text, problems, want)
		}
		if again := w.keeper.Propose(w.rules, w.rules); len(again) > 0 {
			t.Errorf("%s: what is in force is refused: %v", text, again)
		}
	}
	w.keeper.Configure(Settings{})
	w.rule(map[string]string{"shop": "url: https://example.org/x\ntokenFile: " + dir + "/hook\n"})
	if problems := w.keeper.Propose(w.rules, rules.None()); !strings.Contains(problems.Error(), "the setting mirror.files allows no file") {
		t.Errorf("without a directory: %v", problems)
	}
}

func TestStatesThatCannotBeRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mirrors.json")
	for _, text := range []string{"{", strings.Repeat(" ", maxStates+1)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if states, err := readStates[*State](path); err == nil || len(states) > 0 {
			t.Errorf("read %v, %v", states, err)
		}
	}
	if err := os.WriteFile(path, []byte(`{"shop": null, "blog": {"url": "x"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if states, err := readStates[*State](path); err != nil || len(states) != 2 || states["shop"] != nil || states["blog"].URL != "x" {
		t.Errorf("read %v, %v", states, err)
	}
}
