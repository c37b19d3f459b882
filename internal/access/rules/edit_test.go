package rules

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
)

// fill puts three keys in the place of K1, K2 and K3.
func fill(t *testing.T, text string) string {
	t.Helper()
	return strings.NewReplacer("K1", keyText(t, 0), "K2", keyText(t, 1), "K3", keyText(t, 2)).Replace(text)
}

func fingerprintOf(t *testing.T, text string) string {
	t.Helper()
	key, _, err := access.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return ssh.FingerprintSHA256(key)
}

func TestKeysAreAddedToAFile(t *testing.T) {
	until := time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		file string
		key  GivenKey
		want string
	}{
		"below others": {
			"# Ben\nkind: person # somebody\nkeys:\n  - K1 ben@laptop # old\n\n# reached by\nemail: ben@example.org\n",
			GivenKey{Text: "K2 x"},
			"# Ben\nkind: person # somebody\nkeys:\n  - K1 ben@laptop # old\n  - K2 x\n\n# reached by\nemail: ben@example.org\n",
		},
		"below one with limits, without an indent": {
			"keys:\n- key: K1\n  from:\n    - 192.0.2.1\n# end\n",
			GivenKey{Text: "K2", Expires: until, From: []string{"192.0.2.0/24", "2001:db8::/32"}},
			"keys:\n- key: K1\n  from:\n    - 192.0.2.1\n- key: K2\n  expires: 2026-12-31\n  from: [192.0.2.0/24, \"2001:db8::/32\"]\n# end\n",
		},
		"to none":            {"keys: []\nkind: robot\n", GivenKey{Text: "K1"}, "keys:\n  - K1\nkind: robot\n"},
		"to none, commented": {"kind: robot\nkeys: [ ] # none yet", GivenKey{Text: "K1"}, "kind: robot\nkeys: # none yet\n  - K1\n"},
		"in brackets":        {"keys: [K1 a@b] # mine\n", GivenKey{Text: "K2 c"}, "keys: [K1 a@b, K2 c] # mine\n"},
		"in brackets, with limits": {
			"keys:\n  [{key: K1, from: [192.0.2.1]}]\n",
			GivenKey{Text: "K2", Expires: until.Add(18 * time.Hour)},
			"keys:\n  [{key: K1, from: [192.0.2.1]}, {key: K2, expires: 2026-12-31T18:00}]\n",
		},
		"all in brackets": {"{kind: robot, keys: []}\n", GivenKey{Text: "K1"}, "{kind: robot, keys: [K1]}\n"},
		"with a comment that YAML reads": {
			"keys:\n  - K1\n", GivenKey{Text: `K2 ben: "work" #1`}, "keys:\n  - K1\n  - \"K2 ben: \\\"work\\\" #1\"\n",
		},
		"below text of two lines": { // written out anew, with its comments
			"keys:\n    - ssh-ed25519\n        " + "T1" + "\nemail: b@c.de # mail\n",
			GivenKey{Text: "K2"},
			"keys:\n  - K1\n  - K2\nemail: b@c.de # mail\n",
		},
	} {
		file := strings.ReplaceAll(fill(t, test.file), "T1", strings.Fields(keyText(t, 0))[1])
		test.key.Text = fill(t, test.key.Text)
		got, err := AddKey([]byte(file), test.key)
		if err != nil || string(got) != fill(t, test.want) {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, fill(t, test.want))
		}
	}
	got, err := AddKey(NewOperator(Robot), GivenKey{Text: "ssh-ed25519 A"})
	if want := "kind: robot\nkeys:\n  - ssh-ed25519 A\n"; err != nil || string(got) != want {
		t.Errorf("a new operator: %q, %v", got, err)
	}
}

func TestKeysExpireInAFile(t *testing.T) {
	at := time.Date(2026, 12, 31, 18, 0, 5, 0, time.UTC)
	for name, test := range map[string]struct{ file, want string }{
		"a key alone": {
			"keys:\n  - K1 # first\n  - K2 ben@phone # lost\n  - K3\n",
			"keys:\n  - K1 # first\n  - key: K2 ben@phone # lost\n    expires: 2026-12-31T18:00:05\n  - K3\n",
		},
		"with limits": {
			"keys:\n- from: [192.0.2.1]\n  key: K2\n  # end\n- K3\n",
			"keys:\n- from: [192.0.2.1]\n  key: K2\n  expires: 2026-12-31T18:00:05\n  # end\n- K3\n",
		},
		"that expires": {
			"keys:\n- expires: 2027-01-01 # long\n  key: 'K2'\n", "keys:\n- expires: 2026-12-31T18:00:05 # long\n  key: 'K2'\n",
		},
		"that expires, in quotes": {
			"keys:\n- {key: K2, expires: \"2027-01-01\"}\n", "keys:\n- {key: K2, expires: 2026-12-31T18:00:05}\n",
		},
		"in brackets":              {"keys: [K1, \"K2 x\", K3]\n", "keys: [K1, {key: \"K2 x\", expires: 2026-12-31T18:00:05}, K3]\n"},
		"in brackets, with limits": {"keys: [{key: K2}]\n", "keys: [{expires: 2026-12-31T18:00:05, key: K2}]\n"},
		"by an alias": {
			"keys:\n  - key: &k K2\n    from: 192.0.2.1\nemail: a@b.c\n", "keys:\n  - key: &k K2\n    expires: 2026-12-31T18:00:05\n    from: 192.0.2.1\nemail: a@b.c\n",
		},
	} {
		got, err := ExpireKey([]byte(fill(t, test.file)), fingerprintOf(t, keyText(t, 1)), at)
		if err != nil || string(got) != fill(t, test.want) {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, fill(t, test.want))
		}
	}
}

func TestFilesThatCannotBeEdited(t *testing.T) {
	for _, file := range []string{"", "keys:\n", "kind: person\n", "- a\n", "\tkeys: []\n", "keys: {a: b}\n"} {
		if got, err := AddKey([]byte(file), GivenKey{Text: "ssh-ed25519 A"}); err == nil {
			t.Errorf("%q becomes %q", file, got)
		}
	}
	if got, err := ExpireKey([]byte("keys: [a, {from: b}]\n"), "SHA256:x", time.Now()); err == nil {
		t.Errorf("a key that is not there: %q", got)
	}
}

// FuzzKeysAreAdded holds that an edit of any file is an error, or a file with the key.
func FuzzKeysAreAdded(f *testing.F) {
	f.Add("keys: []\n")
	f.Add("keys: [a, {key: b, from: [c]}] # d\n")
	f.Add("kind: person\nkeys:\n- a\n- key: |\n    b\n  expires: 2026-12-31\nemail: é@b\n")
	f.Add("a: &a [b]\nkeys: *a")
	f.Fuzz(func(t *testing.T, file string) {
		const text = "ssh-ed25519 A b@c"
		got, err := AddKey([]byte(file), GivenKey{Text: text})
		if err == nil && !strings.Contains(string(got), text) {
			t.Errorf("%q becomes %q", file, got)
		}
		_, _ = ExpireKey([]byte(file), "SHA256:x", time.Unix(0, 0))
	})
}
