package signature

import (
	"bytes"
	"crypto"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// pgp is an OpenPGP key of the tests.
type pgp struct{ *openpgp.Entity }

func newPGP(t *testing.T, config packet.Config) pgp {
	t.Helper()
	config.Time = func() time.Time { return noon.Add(-time.Hour) }
	entity, err := openpgp.NewEntity("Ana", "", "ana@example.org", &config)
	if err != nil {
		t.Fatal(err)
	}
	return pgp{entity}
}

func (k pgp) public(t *testing.T) string {
	t.Helper()
	var text bytes.Buffer
	w, err := armor.Encode(&text, openpgp.PublicKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Serialize(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func (k pgp) sign(t *testing.T, text string, config packet.Config) string {
	t.Helper()
	config.Time = func() time.Time { return noon.Add(-time.Minute) }
	var armoured bytes.Buffer
	if err := openpgp.ArmoredDetachSign(&armoured, k.Entity, strings.NewReader(text), &config); err != nil {
		t.Fatal(err)
	}
	return armoured.String() + "\n"
}

// ring returns the key as the rules read it.
func (k pgp) ring(t *testing.T) Keys {
	t.Helper()
	key, err := ParsePGPKey(k.public(t))
	if err != nil {
		t.Fatal(err)
	}
	var ring Ring
	ring.Add("ana", key)
	return Keys{SSH: of(nil).SSH, PGP: ring}
}

var curve = packet.Config{Algorithm: packet.PubKeyAlgoEdDSA}

func TestSignaturesOfOpenPGPKeys(t *testing.T) {
	ana, eve := newPGP(t, curve), newPGP(t, curve)
	short := curve
	short.KeyLifetimeSecs = 2 * 3600
	expiring := newPGP(t, short)
	revoked := newPGP(t, curve)
	byRevoked := revoked.sign(t, unsigned, packet.Config{})
	if err := revoked.RevokeKey(packet.KeyCompromised, "lost", &packet.Config{Time: func() time.Time { return noon }}); err != nil {
		t.Fatal(err)
	}
	good := ana.sign(t, unsigned, packet.Config{})
	for name, test := range map[string]struct {
		key      pgp
		armoured string
		text     string
		at       time.Time
		want     string // a part of the error; "" for none
	}{
		"good":                {ana, good, unsigned, noon, ""},
		"nobody's":            {ana, eve.sign(t, unsigned, packet.Config{}), unsigned, noon, "which is no operator's"},
		"another text":        {ana, good, unsigned + "more", noon, "changed after"},
		"before it expires":   {expiring, expiring.sign(t, unsigned, packet.Config{}), unsigned, noon, ""},
		"after it expired":    {expiring, expiring.sign(t, unsigned, packet.Config{}), unsigned, noon.Add(2 * time.Hour), "which has expired"},
		"a revoked key":       {revoked, byRevoked, unsigned, noon.Add(time.Hour), "is revoked"},
		"an expired one":      {ana, ana.sign(t, unsigned, packet.Config{SigLifetimeSecs: 30}), unsigned, noon, "has a signature that has expired"},
		"two":                 {ana, good + good, unsigned, noon, "malformed"},
		"cut":                 {ana, good[:len(good)/2], unsigned, noon, "malformed"},
		"a message":           {ana, strings.ReplaceAll(good, "PGP SIGNATURE", "PGP MESSAGE"), unsigned, noon, "unknown kind"},
		"a key":               {ana, pgpBegin + strings.SplitN(ana.public(t), "\n", 2)[1], unsigned, noon, "malformed"},
		"nothing":             {ana, pgpBegin + "\n" + pgpEnd + "\n", unsigned, noon, "malformed"},
		"of RSA":              {rsa2048(t), "", unsigned, noon, ""},
		"with a newer digest": {ana, ana.sign(t, unsigned, packet.Config{DefaultHash: crypto.SHA512}), unsigned, noon, ""},
	} {
		if test.armoured == "" {
			test.armoured = test.key.sign(t, unsigned, packet.Config{})
		}
		signer, err := Verify(withHeader(test.text, header, test.armoured), test.key.ring(t), test.at)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
		if err == nil && (signer.Operator != "ana" || len(signer.Key) != 40) {
			t.Errorf("%s: %v", name, signer)
		}
	}
}

func rsa2048(t *testing.T) pgp { return newPGP(t, packet.Config{RSABits: 2048}) }

func weakRSA(t *testing.T) pgp { return newPGP(t, packet.Config{RSABits: 1024}) }

func TestWeakOpenPGPKeysAndHashes(t *testing.T) {
	weak := weakRSA(t)
	_, err := Verify(withHeader(unsigned, header, weak.sign(t, unsigned, packet.Config{})), weak.ring(t), noon)
	if err == nil || !strings.Contains(err.Error(), "fewer than 2048 bits") {
		t.Errorf("a key of 1,024 bits gives %v", err)
	}
	ana := newPGP(t, curve)
	block, err := armor.Decode(strings.NewReader(ana.sign(t, unsigned, packet.Config{})))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(block.Body)
	if err != nil {
		t.Fatal(err)
	}
	const hashAt, sha1 = 5, 2 // after the packet's head, version, type and algorithm (RFC 9580, 5.2.3, 9.5)
	raw[hashAt] = sha1
	var text bytes.Buffer
	w, err := armor.Encode(&text, openpgp.SignatureType, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(withHeader(unsigned, header, text.String()), ana.ring(t), noon); err == nil || !strings.Contains(err.Error(), "weak hash") {
		t.Errorf("a signature with SHA-1 gives %v", err)
	}
}

func TestParsePGPKey(t *testing.T) {
	ana, eve := newPGP(t, curve), newPGP(t, curve)
	for name, test := range map[string]struct{ text, want string }{
		"good":      {ana.public(t), ""},
		"empty":     {"", "no armoured OpenPGP public key"},
		"an SSH":    {"ssh-ed25519 AAAA", "no armoured OpenPGP public key"},
		"signature": {ana.sign(t, unsigned, packet.Config{}), "no armoured OpenPGP public key"},
		"cut":       {ana.public(t)[:len(ana.public(t))/2], "cannot be read"},
		"too large": {ana.public(t) + strings.Repeat("\n", maxPGPKey), "larger than"},
		"two":       {joined(t, ana, eve), "there are 2 OpenPGP keys"},
	} {
		key, err := ParsePGPKey(test.text)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
		if err == nil && (!key.IsGood(noon) || len(key.IDs()) != 2 || len(key.Fingerprint()) != 40) {
			t.Errorf("%s: %v, %v", name, key.IDs(), key.Fingerprint())
		}
	}
}

// joined returns several keys in one armour.
func joined(t *testing.T, keys ...pgp) string {
	t.Helper()
	var text bytes.Buffer
	w, err := armor.Encode(&text, openpgp.PublicKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if err := key.Serialize(w); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// A ring is asked by several goroutines at a time.
func TestRingIsShared(t *testing.T) {
	ana := newPGP(t, curve)
	commit := withHeader(unsigned, header, ana.sign(t, unsigned, packet.Config{}))
	verdicts, err := VerifyAll(t.Context(), 50, func(int) ([]byte, error) { return commit, nil }, ana.ring(t), noon)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range verdicts {
		if v.Err != nil || v.Operator != "ana" {
			t.Errorf("commit %d: %+v", i, v)
		}
	}
}
