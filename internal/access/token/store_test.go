package token

import (
	"crypto/ed25519"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
)

func quiet() *logrus.Entry {
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	return logrus.NewEntry(logger)
}

func keyOf(t *testing.T, name string) ssh.PublicKey {
	t.Helper()
	key, err := ssh.NewPublicKey(ed25519.NewKeyFromSeed([]byte(strings.Repeat(name[:1], 32))).Public())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// start is the time at which the tests' stores begin.
var start = time.Date(2026, 1, 31, 18, 0, 0, 0, time.UTC)

// shop is a store with a clock that the test sets.
type shop struct {
	*Store
	at time.Time
}

func open(t *testing.T, path string) *shop {
	t.Helper()
	s := &shop{Store: Open(path, func() error { return nil }, quiet()), at: start}
	s.now = func() time.Time { return s.at }
	return s
}

func (s *shop) newFor(t *testing.T, operator, name string) New {
	t.Helper()
	key := keyOf(t, operator)
	return New{
		Name: name, Operator: operator, Key: key, Fingerprint: ssh.FingerprintSHA256(key),
		Bounds: access.Token{Role: access.RoleRead, Repos: "shop*"}, Expires: start.Add(time.Hour),
	}
}

func (s *shop) make(t *testing.T, operator, name string) (string, Token) {
	t.Helper()
	text, made, err := s.Make(s.newFor(t, operator, name))
	if err != nil {
		t.Fatal(err)
	}
	return text, made
}

func TestTextsAreRecognized(t *testing.T) {
	seen := map[string]bool{}
	pattern := regexp.MustCompile(Pattern)
	for range 200 {
		text := newText()
		if !IsOne(text) || seen[text] || !pattern.MatchString("key: "+text+"\n") {
			t.Fatalf("%q is no token, or came before", text)
		}
		seen[text] = true
		letter := byte('a')
		if text[20] == letter {
			letter = 'b'
		}
		for what, other := range map[string]string{
			"another letter": text[:20] + string(letter) + text[21:], "a shorter one": text[:len(text)-1],
			"a longer one": text + "0", "another prefix": "Pushboat_" + text[len(Prefix):], "a line": text + "\n",
		} {
			if IsOne(other) {
				t.Errorf("%s: %q is one", what, other)
			}
		}
	}
	for _, text := range []string{"", Prefix, strings.Repeat("0", 58)} {
		if IsOne(text) {
			t.Errorf("%q is one", text)
		}
	}
}

func TestTokenOutlivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.json")
	s := open(t, path)
	text, made := s.make(t, "ana", "ci")
	s.make(t, "ben", "")
	if !s.Use(made.ID, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 1}) || s.Use(made.ID, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 2}) {
		t.Error("a use from a new address is not told from another one")
	}
	s.Keep()
	kept, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(kept), text) || strings.Contains(string(kept), text[len(Prefix):]) {
		t.Fatalf("the file has the token's text, or cannot be read: %v", err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v", info.Mode())
	}
	again := open(t, path)
	found, key, ok := again.Find(text)
	want := made
	want.Used, want.Address = start, "192.0.2.7"
	if !ok || found != want || string(key.Marshal()) != string(keyOf(t, "ana").Marshal()) {
		t.Errorf("found %+v, %v; want %+v", found, ok, want)
	}
	if left, err := filepath.Glob(path + ".*"); err != nil || len(left) > 0 {
		t.Errorf("files are left: %q, %v", left, err)
	}
}

func TestFindWantsTheWholeText(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "tokens.json"))
	text, made := s.make(t, "ana", "")
	for _, other := range []string{"", made.ID, text[:len(text)-1], text + "0", strings.ToUpper(text), newText()} {
		if _, _, ok := s.Find(other); ok {
			t.Errorf("%q is found", other)
		}
	}
}

func TestTokenEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.json")
	s := open(t, path)
	text, made := s.make(t, "ana", "")
	revoked, other := s.make(t, "ana", "")
	if ok, err := s.Revoke(other.ID); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if ok, _ := s.Revoke(other.ID); ok {
		t.Error("it is revoked twice")
	}
	if _, _, ok := s.Find(revoked); ok || s.Good(other.ID) {
		t.Error("a revoked token is good")
	}
	if _, _, ok := open(t, path).Find(revoked); ok {
		t.Error("it is good after a restart")
	}
	s.at = start.Add(time.Hour - time.Nanosecond)
	if _, _, ok := s.Find(text); !ok || !s.Good(made.ID) {
		t.Error("the token ends before its time")
	}
	s.at = start.Add(time.Hour)
	if _, _, ok := s.Find(text); ok || s.Good(made.ID) || len(s.List("")) > 0 {
		t.Error("the token is good when its time has come")
	}
	if ended := s.Keep(); len(ended) != 1 || ended[0].ID != made.ID {
		t.Errorf("ended are %+v", ended)
	}
	if ended := s.Keep(); len(ended) > 0 {
		t.Errorf("it has ended twice: %+v", ended)
	}
}

func TestTokensAreListedByTheirOperators(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "tokens.json"))
	s.make(t, "ben", "b")
	_, first := s.make(t, "ana", "a")
	s.at = start.Add(time.Minute)
	_, second := s.make(t, "ana", "b")
	if own := s.List("ana"); len(own) != 2 || own[0].ID != first.ID || own[1].ID != second.ID {
		t.Errorf("ana's are %+v", own)
	}
	if all := s.List(""); len(all) != 3 || all[2].Operator != "ben" {
		t.Errorf("all are %+v", all)
	}
}

func TestTokensAreBounded(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "tokens.json"))
	s.make(t, "ana", "ci")
	taken := new(TakenError)
	if _, _, err := s.Make(s.newFor(t, "ana", "ci")); !errors.As(err, &taken) {
		t.Errorf("a name twice: %v", err)
	}
	s.make(t, "ben", "ci")
	for _, name := range []string{"a b", "\x1b", strings.Repeat("a", 65), "-x"} {
		if _, _, err := s.Make(s.newFor(t, "ana", name)); !errors.Is(err, ErrName) {
			t.Errorf("name %q: %v", name, err)
		}
	}
	for range maxEach - 1 {
		s.make(t, "ana", "")
	}
	if _, _, err := s.Make(s.newFor(t, "ana", "")); !errors.Is(err, ErrMany) {
		t.Errorf("one too many: %v", err)
	}
	s.at = start.Add(time.Hour) // those whose time has come do not count
	n := s.newFor(t, "ana", "ci")
	n.Expires = s.at.Add(time.Hour)
	if _, _, err := s.Make(n); err != nil {
		t.Error(err)
	}
}

// TestFileIsBounded: a file with too many tokens is not written, since no backup would have it.
func TestFileIsBounded(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "tokens.json"))
	text, _ := s.make(t, "ana", "")
	for i := range 4000 {
		s.tokens[hash{byte(i), byte(i >> 8), 1}] = &kept{Token: Token{Operator: "ben", Expires: start.Add(time.Hour)}, PublicKey: strings.Repeat("x", 300)}
	}
	if _, _, err := s.Make(s.newFor(t, "ana", "")); !errors.Is(err, ErrFull) {
		t.Errorf("too much: %v", err)
	}
	if len(s.List("ana")) != 1 {
		t.Error("a token that was not kept is good")
	}
	if _, _, ok := open(t, s.path).Find(text); !ok {
		t.Error("the file has changed")
	}
}

// TestNothingIsWrittenByAStaleServer: another server has the data directory.
func TestNothingIsWrittenByAStaleServer(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "tokens.json"))
	text, made := s.make(t, "ana", "")
	stale := errors.New("stale")
	s.fence = func() error { return stale }
	if _, _, err := s.Make(s.newFor(t, "ana", "")); !errors.Is(err, stale) || len(s.List("")) != 1 {
		t.Errorf("made: %v", err)
	}
	if ok, err := s.Revoke(made.ID); !ok || !errors.Is(err, stale) {
		t.Errorf("revoked: %v, %v", ok, err)
	}
	if _, _, ok := s.Find(text); ok {
		t.Error("the revoked token is good here")
	}
	s.fence = func() error { return nil }
	s.Keep()
	if _, _, ok := open(t, s.path).Find(text); ok {
		t.Error("Keep has not tried again")
	}
}

func TestDamagedFileOpensNothing(t *testing.T) {
	good := filepath.Join(t.TempDir(), "good")
	text, _ := open(t, good).make(t, "ana", "")
	kept, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for what, damaged := range map[string]string{
		"cut": string(kept[:len(kept)/2]), "a null": `{"tokens": [null]}`, "no hash": strings.Replace(string(kept), `"hash": "`, `"hash": "zz`, 1),
		"no key": strings.Replace(string(kept), "ssh-ed25519", "ssh-none", 1), "no role": strings.Replace(string(kept), `"read"`, `"root"`, 1),
		"too long": string(kept) + strings.Repeat(" ", maxFile), "nothing": "",
	} {
		path := filepath.Join(t.TempDir(), "tokens.json")
		if err := os.WriteFile(path, []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, path)
		if _, _, ok := s.Find(text); ok {
			t.Errorf("%s: the token is good", what)
		}
		if _, _, err := s.Make(s.newFor(t, "ana", "")); err == nil {
			t.Errorf("%s: the file is written over", what)
		}
		s.Keep()
		if now, _ := os.ReadFile(path); string(now) != damaged {
			t.Errorf("%s: the file has changed", what)
		}
	}
}
