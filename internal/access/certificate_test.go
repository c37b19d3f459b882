package access

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access/keytest"
)

// TestCertificatesAreJudged tries every reason why a certificate is not accepted, and every
// restriction that it can have.
func TestCertificatesAreJudged(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	ca, key := keytest.Signer(t, "ca"), keytest.Signer(t, "ana").PublicKey()
	weak, fido := keytest.RSA(t, 1024).PublicKey(), keytest.NewFIDO(t, ssh.KeyAlgoSKED25519).PublicKey()
	option := func(name, value string) func(*ssh.Certificate) {
		return func(c *ssh.Certificate) { c.CriticalOptions = map[string]string{name: value} }
	}
	hour := Restrictions{Expires: now.Add(time.Hour)}
	for name, test := range map[string]struct {
		change func(*ssh.Certificate)
		want   Restrictions
		err    string
	}{
		"plain":                   {nil, hour, ""},
		"a host's":                {func(c *ssh.Certificate) { c.CertType = ssh.HostCert }, hour, "is a host's"},
		"of no type":              {func(c *ssh.Certificate) { c.CertType = 3 }, hour, "is of the unknown type 3"},
		"without a principal":     {func(c *ssh.Certificate) { c.ValidPrincipals = nil }, hour, "names no principal"},
		"of a weak key":           {func(c *ssh.Certificate) { c.Key = weak }, hour, "is of an RSA key of 1024 bits"},
		"later":                   {func(c *ssh.Certificate) { c.ValidAfter = uint64(now.Unix()) + 1 }, hour, "is valid from 2026-11-29 12:00 UTC on"},
		"from now on":             {func(c *ssh.Certificate) { c.ValidAfter = uint64(now.Unix()) }, hour, ""},
		"expired":                 {func(c *ssh.Certificate) { c.ValidBefore = uint64(now.Unix()) }, hour, "expired on 2026-11-29 12:00 UTC"},
		"for a second":            {func(c *ssh.Certificate) { c.ValidBefore = uint64(now.Unix()) + 1 }, Restrictions{Expires: now.Add(time.Second)}, ""},
		"for ever":                {func(c *ssh.Certificate) { c.ValidBefore = ssh.CertTimeInfinity }, Restrictions{}, ""},
		"past the year 9999":      {func(c *ssh.Certificate) { c.ValidBefore = endOfTime }, Restrictions{}, ""},
		"from an address":         {option("source-address", "192.0.2.0/24,2001:db8::1"), Restrictions{From: "192.0.2.0/24,2001:db8::1/128", Expires: hour.Expires}, ""},
		"from no address":         {option("source-address", ""), hour, "has a source-address of which address 1 is not an address"},
		"from a name":             {option("source-address", "192.0.2.1,*.example.org"), hour, "address 2 is not an address"},
		"one command":             {option("force-command", " status shop "), Restrictions{Command: "status shop", Expires: hour.Expires}, ""},
		"no command":              {option("force-command", " "), hour, "has a force-command that is empty"},
		"a long command":          {option("force-command", strings.Repeat("a", maxForced+1)), hour, "longer than 4096 bytes"},
		"verified users":          {option("verify-required", ""), hour, "which this server cannot see"},
		"an unknown option":       {option("phase-of-moon@example.org", "full"), hour, `has the critical option "phase-of-moon@example.org", which this server does not know`},
		"an extension":            {func(c *ssh.Certificate) { c.Extensions = map[string]string{"permit-pty": "", "x@y": "z"} }, hour, ""},
		"no touch of a plain key": {func(c *ssh.Certificate) { c.Extensions = map[string]string{"no-touch-required": ""} }, hour, ""},
		"touch of a FIDO key":     {func(c *ssh.Certificate) { c.Key = fido }, hour, ""},
		"no touch of a FIDO key": {func(c *ssh.Certificate) {
			c.Key, c.Extensions = fido, map[string]string{"no-touch-required": ""}
		}, hour, "waives the touch"},
	} {
		cert := keytest.Certify(t, ca, key, now, test.change)
		if err := VerifySignature(cert); err != nil {
			t.Errorf("%s: the signature: %v", name, err)
		}
		got, err := JudgeCertificate(cert, now)
		if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) || err == nil && got != test.want {
			t.Errorf("%s: %+v, %v; want %+v, %q", name, got, err, test.want, test.err)
		}
	}
}

// TestSignaturesOfCertificatesAreVerified: nothing in a certificate counts unless the
// authority has signed exactly that, and not with SHA-1.
func TestSignaturesOfCertificatesAreVerified(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	ca, key := keytest.Signer(t, "ca"), keytest.Signer(t, "ana").PublicKey()
	fine := func() *ssh.Certificate {
		return keytest.Certify(t, ca, key, now, func(c *ssh.Certificate) { c.CriticalOptions = map[string]string{"force-command": "status"} })
	}
	for name, change := range map[string]func(*ssh.Certificate){
		"another serial":    func(c *ssh.Certificate) { c.Serial++ },
		"another key id":    func(c *ssh.Certificate) { c.KeyId = "root" },
		"another principal": func(c *ssh.Certificate) { c.ValidPrincipals = []string{"root"} },
		"one more":          func(c *ssh.Certificate) { c.ValidPrincipals = append(c.ValidPrincipals, "root") },
		"none":              func(c *ssh.Certificate) { c.ValidPrincipals = nil },
		"another time":      func(c *ssh.Certificate) { c.ValidBefore++ },
		"another key":       func(c *ssh.Certificate) { c.Key = keytest.Signer(t, "eve").PublicKey() },
		"another authority": func(c *ssh.Certificate) { c.SignatureKey = keytest.Signer(t, "eve").PublicKey() },
		"without an option": func(c *ssh.Certificate) { c.CriticalOptions = nil },
		"an extension":      func(c *ssh.Certificate) { c.Extensions = map[string]string{"permit-pty": ""} },
		"no signature":      func(c *ssh.Certificate) { c.Signature = nil },
		"no time":           func(c *ssh.Certificate) { c.ValidAfter, c.ValidBefore = 5, 5 },
		"no time at all":    func(c *ssh.Certificate) { c.ValidAfter = ssh.CertTimeInfinity },
		"a time too far":    func(c *ssh.Certificate) { c.ValidBefore = ssh.CertTimeInfinity - 1 },
	} {
		cert := fine()
		if err := VerifySignature(cert); err != nil {
			t.Fatal(err)
		}
		change(cert)
		if err := VerifySignature(cert); err == nil {
			t.Errorf("the certificate with %s is accepted", name)
		}
	}
	old := keytest.RSA(t, 2048).(ssh.AlgorithmSigner)
	for algorithm, good := range map[string]bool{ssh.KeyAlgoRSA: false, ssh.KeyAlgoRSASHA256: true, ssh.KeyAlgoRSASHA512: true} {
		by, err := ssh.NewSignerWithAlgorithms(old, []string{algorithm})
		if err != nil {
			t.Fatal(err)
		}
		if err := VerifySignature(keytest.Certify(t, by, key, now, nil)); (err == nil) != good {
			t.Errorf("a certificate signed by %s gives %v", algorithm, err)
		}
	}
	fido := keytest.NewFIDO(t, ssh.KeyAlgoSKECDSA256)
	fido.Flags = 0 // ssh-keygen signs many certificates so, without a touch for each
	if err := VerifySignature(keytest.Certify(t, fido, key, now, nil)); err != nil {
		t.Errorf("a certificate signed by a FIDO key gives %v", err)
	}
}

func TestRestrictionsAddUp(t *testing.T) {
	soon, late := time.Unix(1000, 0), time.Unix(2000, 0)
	for _, test := range []struct {
		own     Restrictions
		from    Sources
		expires time.Time
		want    Restrictions
		ok      bool
	}{
		{Restrictions{}, "", time.Time{}, Restrictions{}, true},
		{Restrictions{From: "192.0.2.0/24", Expires: soon, Command: "x"}, "", time.Time{}, Restrictions{From: "192.0.2.0/24", Expires: soon, Command: "x"}, true},
		{Restrictions{}, "192.0.2.0/24", soon, Restrictions{From: "192.0.2.0/24", Expires: soon}, true},
		{Restrictions{Expires: soon}, "", late, Restrictions{Expires: soon}, true},
		{Restrictions{Expires: late}, "", soon, Restrictions{Expires: soon}, true},
		{Restrictions{From: "192.0.2.0/24"}, "192.0.2.7/32,198.51.100.1/32", time.Time{}, Restrictions{From: "192.0.2.7/32"}, true},
		{Restrictions{From: "192.0.2.7/32"}, "192.0.0.0/16,0.0.0.0/0", time.Time{}, Restrictions{From: "192.0.2.7/32"}, true},
		{Restrictions{From: "192.0.2.0/25,2001:db8::/32"}, "192.0.2.0/24,2001:db8:1::/48", time.Time{}, Restrictions{From: "192.0.2.0/25,2001:db8:1::/48"}, true},
		{Restrictions{From: "192.0.2.0/24"}, "198.51.100.0/24", time.Time{}, Restrictions{}, false},
		{Restrictions{From: "0.0.0.0/0"}, "::/0", time.Time{}, Restrictions{}, false},
	} {
		got, err := test.own.Within(test.from, test.expires)
		if (err == nil) != test.ok || err == nil && got != test.want {
			t.Errorf("%+v within %q and %s: %+v, %v", test.own, test.from, test.expires, got, err)
		}
	}
}

func TestMembersAreNamed(t *testing.T) {
	for _, test := range []struct{ keyID, authority, want string }{
		{"ben", "corp", "ben@corp"},
		{"Ben O'Neil (work)", "corp", "Ben-O-Neil-work@corp"},
		{"ben@corp", "corp", "ben@corp@corp"},
		{"\x1b[31m\nana", "corp", "31m-ana@corp"},
		{strings.Repeat("a", 100), "corp", strings.Repeat("a", 59) + "@corp"},
		{"", "corp", ""},
		{"é@-", "corp", ""},
		{"ben", strings.Repeat("a", 80), ""},
	} {
		got, err := MemberName(test.keyID, test.authority)
		if got != test.want || (err == nil) != (test.want != "") || got != "" && CheckOperator(got) != nil {
			t.Errorf("%q of %s: %q, %v; want %q", test.keyID, test.authority, got, err, test.want)
		}
	}
}

// TestCallersByCertificate checks the names for the rules and for messages.
func TestCallersByCertificate(t *testing.T) {
	cert := keytest.Certify(t, keytest.Signer(t, "ca"), keytest.Signer(t, "ana").PublicKey(), time.Now(), nil)
	own := Certificate{Authority: "corp", Serial: 17, KeyID: "ana@laptop", Wire: string(cert.Marshal())}
	if own.Parse() == nil || own.Parse().Serial != 17 || (Certificate{}).Parse() != nil || (Certificate{Wire: string(cert.Key.Marshal())}).Parse() != nil {
		t.Error("a certificate and its own bytes differ, or other bytes are accepted")
	}
	if Fingerprint(cert) != ssh.FingerprintSHA256(cert.Key) || Fingerprint(cert.Key) != ssh.FingerprintSHA256(cert.Key) {
		t.Error("the fingerprint is not that of the key")
	}
	member := Caller{Operator: "ben@corp", Fingerprint: "SHA256:x", Groups: "blog,shop", Certificate: own, Ruled: true}
	if member.who() != "@blog,shop" || (Caller{Operator: "ana"}).who() != "ana" {
		t.Error("the rules get another name")
	}
	if want := `ben@corp (SHA256:x, certificate 17 "ana@laptop" of corp)`; member.String() != want {
		t.Errorf("%s, want %s", member, want)
	}
	groups, ok := ParseGroups(member.who())
	if _, operator := ParseGroups("ana"); !ok || operator || len(groups.Names()) != 2 || (Certificate{}).String() != "" {
		t.Error("groups and operators are not distinguished")
	}
	one := Operator{Name: "ben@corp", Ruled: true, Groups: "shop"}
	if one.Lost(one) != nil || one.Lost(Operator{Name: "ben@corp", Ruled: true, Groups: "blog"}) == nil {
		t.Error("the change of a group is not noticed")
	}
}

// FuzzCertificates: only what the authority has signed counts, whatever a client sends.
func FuzzCertificates(f *testing.F) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	ca := keytest.Signer(f, "ca")
	fine := keytest.Certify(f, ca, keytest.Signer(f, "ana").PublicKey(), now, nil)
	f.Add(fine.Marshal())
	f.Add(keytest.Certify(f, ca, keytest.NewFIDO(f, ssh.KeyAlgoSKED25519).PublicKey(), now, func(c *ssh.Certificate) {
		c.CriticalOptions = map[string]string{"source-address": "192.0.2.0/24", "force-command": "status"}
	}).Marshal())
	f.Add(keytest.Certify(f, keytest.Signer(f, "eve"), fine.Key, now, nil).Marshal())
	f.Fuzz(func(t *testing.T, wire []byte) {
		key, err := ssh.ParsePublicKey(wire)
		if err != nil {
			return
		}
		cert, ok := key.(*ssh.Certificate)
		if !ok {
			return
		}
		signed := VerifySignature(cert)
		_, judged := JudgeCertificate(cert, now)
		accepted := string(cert.SignatureKey.Marshal()) == string(ca.PublicKey().Marshal()) && signed == nil && judged == nil
		if accepted && (cert.Serial != fine.Serial || cert.KeyId != fine.KeyId || cert.ValidPrincipals[0] != "ana") {
			t.Errorf("a forged certificate is accepted: %q", wire)
		}
	})
}
