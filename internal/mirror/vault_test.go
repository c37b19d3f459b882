package mirror

import (
	"bytes"
	"encoding/pem"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/mirror/mirrortest"
)

// sealed is a file with encrypted fields, as far as the rules look.
func sealed(text string, fields ...string) string {
	for _, field := range fields {
		text += field + ": ENC[AES256_GCM,data:" + field + ",iv:x,tag:x,type:str]\n"
	}
	return text + "sops:\n    mac: ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]\n"
}

func TestSealedKeysAndTokens(t *testing.T) {
	w := newWorld(t, git.StoreOptions{})
	file := filepath.Join(w.dir, "key")
	key, err := mirrortest.NewKey(file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	up, err := mirrortest.StartSSH(filepath.Join(w.dir, "upstream"), key.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	defer up.Close()
	one := w.commit("one")
	const name = "mirrors/shop.yaml"
	w.keys.contents[name] = "hookSecret: the-secret-of-webhooks\nkey: |\n  " + strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "\n  ") + "\n"
	w.rule(map[string]string{"shop": sealed("url: ssh://git@"+up.Addr+"/shop.git\n", "key", "hookSecret")})
	if problems := w.keeper.Propose(w.rules, rules.None()); len(problems) > 0 {
		t.Fatal(problems)
	}
	for range 3 {
		if _, err := w.fetch(nil); err != nil || w.head("main") != one {
			t.Fatalf("fetched: %v", err)
		}
	}
	knock := func(token string) error {
		return w.keeper.Knock("shop", http.Header{"X-Gitlab-Token": {token}}, strings.NewReader("{}"))
	}
	if err := knock("the-secret-of-webhooks"); err != nil {
		t.Errorf("a webhook: %v", err)
	}
	if err := knock("another-secret-of-hooks"); !errors.Is(err, ErrHook) {
		t.Errorf("a wrong webhook: %v", err)
	}
	w.settle()
	if w.keys.asked != 1 {
		t.Errorf("the file was decrypted %d times", w.keys.asked)
	}
	if s := w.state().Setup; !slices.Equal(s.Credentials, []string{"hookSecret", "key"}) {
		t.Errorf("it has %q", s.Credentials)
	}

	// The far end does not know the key: its public part is told, and it alone.
	other, err := mirrortest.NewKey(file)
	if err != nil {
		t.Fatal(err)
	}
	if text, err = os.ReadFile(file); err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	w.keys.contents[name] = "key: |\n  " + strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "\n  ") + "\n"
	w.rule(map[string]string{"shop": sealed("url: ssh://git@"+up.Addr+"/shop.git\n", "key")})
	_, err = w.fetch(nil)
	state := w.state()
	if err == nil || !strings.Contains(state.Trouble.Hint, "a key that may read the repository: "+other.PublicKey().Type()+" AAAA") || bytes.Contains([]byte(err.Error()+state.Trouble.Hint), block.Bytes) {
		t.Errorf("a key that is not known: %v, %+v", err, state.Trouble)
	}

	// What the rules have no more is forgotten.
	w.rule(nil)
	w.keeper.RulesMoved()
	if n := len(w.keeper.sealed.files); n != 0 {
		t.Errorf("%d files are still known", n)
	}
}

func TestSealedTokens(t *testing.T) {
	w := newWorld(t, git.StoreOptions{})
	up := w.http()
	up.Token = "hunter2-hunter2"
	one := w.commit("one")
	const name = "remotes/shop.yaml"
	w.keys.contents[name] = "remotes:\n- {name: a, token: first}\n- {name: b, token: " + up.Token + "}\n"
	w.ruleFiles(map[string]string{
		name: "remotes:\n- {name: a, url: 'https://example.org/a', token: 'ENC[AES256_GCM,data:a,type:str]'}\n" +
			"- {name: b, url: 'https://example.org/b', token: 'ENC[AES256_GCM,data:b,type:str]'}\nsops:\n    mac: ENC[AES256_GCM,data:x,type:str]\n",
		"mirrors/shop.yaml": "url: http://" + up.Addr + "/shop.git\n",
	})
	w.rules.Mirror("shop").Sealed = w.rules.RemotesOf("shop")[1].Sealed // with a token, an address of http cannot be written
	if _, err := w.fetch(nil); err != nil || w.head("main") != one {
		t.Errorf("with the token of the second remote: %v", err)
	}
	w.rules.Mirror("shop").Sealed = w.rules.RemotesOf("shop")[0].Sealed
	if _, err := w.fetch(nil); err == nil || !strings.Contains(err.Error(), "401: it takes other credentials") {
		t.Errorf("with that of the first: %v", err)
	}
}

func TestSealedFilesThatCannotBeUsed(t *testing.T) {
	const file = "mirrors/shop.yaml"
	for what, test := range map[string]struct {
		field, plain string
		problem      *manifest.Problem
		want, hint   string
		line         int
	}{
		"no key for it":  {"token", "", &manifest.Problem{Message: "the file is encrypted, and the server has none of the keys:\n  age age1x", Hint: "add the key"}, "the server has none of the keys", "add the key", 2},
		"two lines":      {"token", "token: \"hunter2\\nhunter2\"\n", nil, "token: it is not one line", "encrypt it again, on one line", 2},
		"empty":          {"token", "token: ''\n", nil, "token: it is not one line", "encrypt it again, on one line", 2},
		"no text":        {"token", "token: [hunter2]\n", nil, "what is encrypted is no text", "encrypt it again", 2},
		"a short secret": {"hookSecret", "hookSecret: hunter2\n", nil, "less than 16 characters", "openssl rand", 2},
		"no private key": {"key", "key: hunter2\n", nil, "key: it has no private key that can be used", "ssh-keygen -t ed25519", 2},
	} {
		w := newWorld(t, git.StoreOptions{})
		w.keys.contents[file], w.keys.problem = test.plain, test.problem
		url := "url: https://127.0.0.1:1/shop\n"
		if test.field == "key" {
			url = "url: ssh://git@127.0.0.1:1/shop\n"
		}
		w.rule(map[string]string{"shop": sealed(url, test.field)})
		problems := w.keeper.Propose(w.rules, rules.None())
		if len(problems) != 1 || problems[0].Source.File != file || problems[0].Source.Line != test.line || !strings.Contains(problems[0].Message, test.want) || !strings.Contains(problems[0].Hint, test.hint) {
			t.Errorf("%s: %v", what, problems)
		}
		_, err := w.fetch(nil) // as after a start with other keys
		if err == nil || strings.Contains(problems.Error()+err.Error(), "hunter2") || test.problem != nil && !strings.Contains(err.Error(), "mirrors/shop.yaml:2: ") {
			t.Errorf("%s: used: %v", what, err)
		}
		if test.problem == nil {
			continue
		}
		for range 50 { // nor does a flood of webhooks have it decrypted again
			_, _ = w.keeper.settings().secret(t.Context(), w.rules.Mirror("shop").Sealed, rules.Token, "")
		}
		if w.keys.asked != 1 {
			t.Errorf("%s: it was tried %d times", what, w.keys.asked)
		}
	}
}

func TestSetups(t *testing.T) {
	w := newWorld(t, git.StoreOptions{})
	w.ruleFiles(map[string]string{
		"mirrors/shop.yaml": "url: https://github.com/team/shop\nuser: robot\nbranches: [main]\ntags: []\npath: prod\nrewrites: follow\ntokenFile: /etc/secret/t\nhookFile: /etc/secret/h\nstatusFile: /etc/secret/s\ncomments: always\nwriteBack: branch\n",
		"remotes/shop.yaml": "remotes:\n- {name: a, url: 'git@example.org:a', keyFile: /etc/secret/k, records: true, tags: [v*]}\n",
	})
	s := w.state().Setup
	if !slices.Equal(s.Branches, []string{"main"}) || s.Tags == nil || len(s.Tags) > 0 || s.Path != "prod" || s.Rewrites != "follow" || s.Schedule != rules.DefaultMirrorSchedule ||
		s.User != "robot" || s.Forge != rules.GitHub || s.Comments != rules.CommentAlways || s.WriteBack != "branch" || !slices.Equal(s.Credentials, []string{"hookFile", "statusFile", "tokenFile"}) {
		t.Errorf("the mirror is %+v", s)
	}
	sent := NewSender(w.keeper, filepath.Join(w.dir, "remotes.json")).States("shop")[0].Setup
	if sent.Branches != nil || !slices.Equal(sent.Tags, []string{"v*"}) || !sent.Records || sent.Force || !slices.Equal(sent.Credentials, []string{"keyFile"}) {
		t.Errorf("the remote is %+v", sent)
	}
}
