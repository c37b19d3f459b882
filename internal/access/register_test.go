package access

import (
	"net"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// TestChooseAmongLines tries every combination of a key file and the rules that know a key.
func TestChooseAmongLines(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	here := &net.TCPAddr{IP: net.ParseIP("192.0.2.7"), Port: 1}
	file := Operator{Name: "ana@laptop", Role: RolePush, Repos: "shop", Fingerprint: "SHA256:x"}
	ruled := Operator{Name: "ana", Ruled: true, Fingerprint: "SHA256:x"}
	elsewhere := func(op Operator) Operator { op.From = "198.51.100.0/24"; return op }
	expired := func(op Operator) Operator { op.Expires = now; return op }
	later := func(op Operator) Operator { op.Expires = now.Add(time.Second); return op }
	both := Operator{Name: "ana", Role: RolePush, Repos: "shop", Ruled: true, Fingerprint: "SHA256:x"}
	for name, test := range map[string]struct {
		known []Operator
		want  Operator
		err   string
	}{
		"nowhere":                       {nil, Operator{}, "unknown key SHA256:x"},
		"in a key file":                 {[]Operator{file}, file, ""},
		"in the rules":                  {[]Operator{ruled}, ruled, ""},
		"in both":                       {[]Operator{file, ruled}, both, ""},
		"expired in the rules":          {[]Operator{expired(ruled)}, Operator{}, "key SHA256:x expired on 2026-11-28 12:00 UTC"},
		"expires in a second":           {[]Operator{later(ruled)}, later(ruled), ""},
		"expired, but in a key file":    {[]Operator{file, expired(ruled)}, file, ""},
		"for elsewhere":                 {[]Operator{elsewhere(ruled)}, Operator{}, "key SHA256:x is not for this address"},
		"in a key file for elsewhere":   {[]Operator{elsewhere(file), ruled}, ruled, ""},
		"in the rules for elsewhere":    {[]Operator{file, elsewhere(ruled)}, file, ""},
		"in both for elsewhere":         {[]Operator{elsewhere(file), elsewhere(ruled)}, Operator{}, "key SHA256:x is not for this address"},
		"in both, expires in the rules": {[]Operator{file, later(ruled)}, both, ""},
	} {
		got, err := choose("SHA256:x", test.known, func(from Sources) bool { return from.Contain(here) }, now)
		if got != test.want || (err == nil) != (test.err == "") || err != nil && err.Error() != test.err {
			t.Errorf("%s: %+v, %v; want %+v, %q", name, got, err, test.want, test.err)
		}
	}
}

// TestParseKeyRepeatsNothing: text that somebody pastes in place of a key may be a secret.
func TestParseKeyRepeatsNothing(t *testing.T) {
	key, text := newKey(t)
	for _, comment := range []string{"", " ana@laptop", " ana of ops"} {
		if got, _, err := ParseKey(text + comment); err != nil || ssh.FingerprintSHA256(got) != ssh.FingerprintSHA256(key) {
			t.Errorf("%q: %v", comment, err)
		}
	}
	for text, want := range map[string]string{
		"":                                    `a key is "TYPE BASE64", as in a .pub file`,
		"hunter2":                             `a key is "TYPE BASE64", as in a .pub file`,
		"ssh-ed25519 hunter22":                "the base64 is no ssh-ed25519 key, or a part of it is missing",
		"-----BEGIN OPENSSH PRIVATE KEY-----": ErrPrivateKey.Error(),
	} {
		if _, _, err := ParseKey(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
