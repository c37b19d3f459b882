package access

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/name"
)

// newKey makes an ed25519 key, and returns it with its "TYPE BASE64" form.
func newKey(t testing.TB) (ssh.PublicKey, string) {
	t.Helper()
	pub, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return publicKey(t, pub)
}

func publicKey(t testing.TB, pub any) (ssh.PublicKey, string) {
	t.Helper()
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return key, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

func rsaKey(t testing.TB, bits int) string {
	t.Helper()
	n := new(big.Int).SetBit(big.NewInt(1), bits-1, 1)
	_, text := publicKey(t, &rsa.PublicKey{N: n, E: 65537})
	return text
}

func authorized(lines ...string) Source {
	return Source{File: "keys", Text: []byte(strings.Join(lines, "\n") + "\n")}
}

func TestDirectoryKnowsOperatorsByKey(t *testing.T) {
	ana, anaText := newKey(t)
	ben, benText := newKey(t)
	robot, robotText := newKey(t)
	stranger, _ := newKey(t)
	d, err := NewDirectory(
		Source{File: "admin.pub", Text: []byte(anaText + " ana@laptop\r\n"), Admin: true},
		authorized("# the team", "", "  "+benText+" ben", `role="push",repo="shop* blog",from="192.0.2.0/24" `+robotText+"\tci-robot"),
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		key ssh.PublicKey
		op  Operator
	}{
		{ana, Operator{Name: "ana@laptop", Role: RoleAdmin}},
		{ben, Operator{Name: "ben", Role: RoleRead}},
		{robot, Operator{Name: "ci-robot", Role: RolePush, Repos: "shop* blog", From: "192.0.2.0/24"}},
	} {
		want.op.Fingerprint = ssh.FingerprintSHA256(want.key)
		if got, ok := d.Lookup(want.key); !ok || got != want.op {
			t.Errorf("Lookup(%s) = %+v, %v; want %+v", want.op.Name, got, ok, want.op)
		}
	}
	if got, ok := d.Lookup(stranger); ok || got != (Operator{}) {
		t.Errorf("a stranger's key is %+v, %v", got, ok)
	}
	if got := d.Admins(); !slices.Equal(got, []string{"ana@laptop"}) {
		t.Errorf("Admins() = %v", got)
	}
	if d.Len() != 3 || len(d.Operators()) != 3 || d.Operators()[0].Name != "ana@laptop" {
		t.Errorf("Len() = %d, Operators() = %v", d.Len(), d.Operators())
	}
}

func TestKeyLinesThatAreRefused(t *testing.T) {
	_, key := newKey(t)
	blob := strings.Fields(key)[1]
	ecdsaKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, p256 := publicKey(t, &ecdsaKey.PublicKey)
	for _, test := range []struct{ name, line, want string }{
		{"no name", key, "the key has no name"},
		{"name with blanks", key + " ana of ops", "the operator's name"},
		{"name with markup", key + " <b>ana</b>", "the operator's name"},
		{"name like an option", key + " -oProxyCommand=x", "name"},
		{"name too long", key + " " + strings.Repeat("a", 65), "name"},
		{"control character", key + " a\x1b[1m", "plain ASCII"},
		{"not ASCII", key + " añá", "plain ASCII"},
		{"unknown option", `no-pty ` + key + " ana", `unknown option or key type ("no-pty")`},
		{"unknown option with a value", `command="id" ` + key + " ana", `unknown option ("command")`},
		{"unknown option after a known", `role="push",restrict ` + key + " ana", `unknown option or key type ("restrict")`},
		{"upper case", `Role="push" ` + key + " ana", "unknown option (a word of 4 characters)"},
		{"unknown role", `role="root" ` + key + " ana", `"root" is not read, push, deploy or admin`},
		{"empty role", `role="" ` + key + " ana", "a word of 0 characters is not read"},
		{"no quotes", `role=push ` + key + " ana", "double quotes"},
		{"open quote", `role="push ` + key + " ana", "closing double quote"},
		{"backslash", `role="pu\sh" ` + key + " ana", "no backslash"},
		{"twice", `role="push",role="admin" ` + key + " ana", "given twice"},
		{"no blank", `role="push"` + key + " ana", "expected a comma or a blank"},
		{"key after a comma", `role="push",` + key + " ana", "unknown option or key type"},
		{"no repositories", `repo="" ` + key + " ana", "0 patterns"},
		{"bad pattern", `repo="[a" ` + key + " ana", "pattern 1"},
		{"bad address", `from="*.example.org" ` + key + " ana", "address 1 is not an address"},
		{"empty from", `from="" ` + key + " ana", "address 1 is not an address"},
		{"only a type", "ssh-ed25519", "TYPE BASE64 NAME"},
		{"bad base64", "ssh-ed25519 AAAA!AAA ana", "decode"},
		{"cut short", "ssh-ed25519 " + blob[:40] + " ana", "no ssh-ed25519 key"},
		{"wrong type", "ecdsa-sha2-nistp256 " + blob + " ana", `of type "ssh-ed25519"`},
		{"swapped type", "ssh-ed25519 " + strings.Fields(p256)[1] + " ana", `of type "ecdsa-sha2-nistp256"`},
		{"DSA", "ssh-dss AAAAB3NzaC1kc3MAAAA= ana", "the key type"},
		{"certificate", "ssh-ed25519-cert-v01@openssh.com AAAA ana", "certificates are not accepted"},
		{"weak RSA", rsaKey(t, 2047) + " ana", "RSA key of 2047 bits"},
		{"huge RSA", rsaKey(t, 8193) + " ana", "RSA key of 8193 bits"},
		{"too long", key + " " + strings.Repeat(" ", maxLineBytes) + "ana", "longer than"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, err := NewDirectory(authorized("# first", test.line))
			if err == nil {
				t.Fatalf("accepted as %+v", d.Operators())
			}
			var at *LineError
			if !errors.As(err, &at) || at.File != "keys" || at.Line != 2 {
				t.Errorf("error does not say keys:2: %v", err)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q lacks %q", err, test.want)
			}
		})
	}
}

func TestEveryBadLineIsTold(t *testing.T) {
	_, key := newKey(t)
	_, err := NewDirectory(authorized("x", key+" ana", "y"), Source{File: "b", Text: []byte("z")})
	for _, want := range []string{"keys:1:", "keys:3:", "b:1:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q: %v", want, err)
		}
	}
}

func TestAdminKeyFileTakesNoRole(t *testing.T) {
	_, key := newKey(t)
	for _, option := range []string{`role="read"`, `repo="shop"`} {
		_, err := NewDirectory(Source{File: "a.pub", Text: []byte(option + " " + key + " ana"), Admin: true})
		if err == nil || !strings.Contains(err.Error(), "a.pub:1:") {
			t.Errorf("%s: %v", option, err)
		}
	}
	d, err := NewDirectory(Source{File: "a.pub", Text: []byte(`from="::1" ` + key + " ana"), Admin: true})
	if err != nil || d.Operators()[0].Role != RoleAdmin {
		t.Errorf("from in an admin key file: %v", err)
	}
}

func TestOneKeyIsOneOperator(t *testing.T) {
	_, key := newKey(t)
	for _, second := range []string{key + " ben", `role="push" ` + key + " ana", `from="::1" ` + key + " ana"} {
		_, err := NewDirectory(authorized(key+" ana", "", second))
		if err == nil || !strings.Contains(err.Error(), "keys:3:") || !strings.Contains(err.Error(), "keys:1") {
			t.Errorf("%q: the error does not name both lines: %v", second, err)
		}
	}
	if d, err := NewDirectory(authorized(key+" ana", key+" ana")); err != nil || d.Len() != 1 {
		t.Errorf("the same line twice: %v", err)
	}
}

func TestWeakRSAIsAcceptedWithAWarning(t *testing.T) {
	d, err := NewDirectory(authorized(rsaKey(t, 2048)+" ana", rsaKey(t, 3072)+" ben"))
	if err != nil {
		t.Fatal(err)
	}
	if w := d.Warnings(); len(w) != 1 || !strings.HasPrefix(w[0], "keys:1: ana: RSA key of 2048 bits") {
		t.Errorf("Warnings() = %q", w)
	}
}

func TestFileThatIsTooLong(t *testing.T) {
	_, err := NewDirectory(Source{File: "keys", Text: make([]byte, maxFileBytes+1)})
	if err == nil || !strings.Contains(err.Error(), "keys: longer than") {
		t.Errorf("error = %v", err)
	}
}

func TestGlobs(t *testing.T) {
	for _, test := range []struct {
		globs Globs
		name  string
		want  bool
	}{
		{"", "shop", true},
		{"shop", "shop", true},
		{"shop", "shops", false},
		{"shop*", "shops", true},
		{"shop*", "myshop", false},
		{"blog shop?", "shop1", true},
		{"team/*", "team/shop", true},
		{"*", "team/shop", false},
		{"shop", "", false},
	} {
		if got := test.globs.Match(name.Repo(test.name)); got != test.want {
			t.Errorf("%q.Match(%q) = %v", test.globs, test.name, got)
		}
	}
}

func TestSources(t *testing.T) {
	list, err := ParseSources("192.0.2.0/24, 2001:db8::1,::ffff:198.51.100.7")
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{
		"192.0.2.9": true, "192.0.3.9": false, "::ffff:192.0.2.9": true,
		"2001:db8::1": true, "2001:db8::2": false, "198.51.100.7": true,
	} {
		if got := list.Contain(&net.TCPAddr{IP: net.ParseIP(address), Port: 1}); got != want {
			t.Errorf("Contain(%s) = %v", address, got)
		}
	}
	if list.Contain(&net.UnixAddr{Name: "/x"}) {
		t.Error("a unix socket is in a list of networks")
	}
	if !Sources("").Contain(&net.UnixAddr{Name: "/x"}) {
		t.Error("an empty list of sources excludes an address")
	}
	if _, err := ParseSources(strings.Repeat("::1,", maxSources) + "::1"); err == nil {
		t.Error("too many sources accepted")
	}
}

// FuzzAuthorizedKeys checks that no file makes the parser panic, that every accepted line
// is within the grammar, and that each error names its line.
func FuzzAuthorizedKeys(f *testing.F) {
	key, text := newKey(f)
	f.Add(text + " ana")
	f.Add(`role="push",repo="shop*",from="::1/64" ` + text + " ana\n# x\n\n")
	f.Add(`role="push` + text)
	f.Add("ssh-rsa " + base64.StdEncoding.EncodeToString(key.Marshal()) + " a")
	f.Fuzz(func(t *testing.T, file string) {
		d, err := NewDirectory(Source{File: "keys", Text: []byte(file)})
		if err != nil {
			if !strings.HasPrefix(err.Error(), "keys:") {
				t.Errorf("error without a place: %v", err)
			}
			return
		}
		for _, op := range d.Operators() {
			if CheckOperator(op.Name) != nil || !op.Role.Valid() || op.Fingerprint == "" {
				t.Errorf("accepted %+v", op)
			}
			if _, err := ParseSources(string(op.From)); op.From != "" && err != nil {
				t.Errorf("from %q: %v", op.From, err)
			}
		}
		if want := strings.Count(file, "\n") + 1; d.Len() > want {
			t.Errorf("%d keys from %d lines", d.Len(), want)
		}
	})
}

func TestNameFromComment(t *testing.T) {
	for comment, want := range map[string]string{
		"":                       "admin",
		"ana":                    "ana",
		"root@host":              "root@host",
		"Ana Smith (work)":       "Ana-Smith-work",
		"$(id);x":                "id-x",
		"--":                     "admin",
		strings.Repeat("a", 100): strings.Repeat("a", 64),
	} {
		got := nameFromComment(comment)
		if got != want || CheckOperator(got) != nil {
			t.Errorf("%q becomes %q, want %q", comment, got, want)
		}
	}
}
