package signature

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
)

// TestSignaturesOfSSHKeys verifies signatures as ssh-keygen makes them for Git, by every
// kind of key.
func TestSignaturesOfSSHKeys(t *testing.T) {
	for _, kind := range [][]string{{"ed25519"}, {"ecdsa", "-b", "256"}, {"ecdsa", "-b", "384"}, {"ecdsa", "-b", "521"}, {"rsa", "-b", "2048"}} {
		key := newKey(t, kind...)
		for _, hash := range []string{"sha256", "sha512"} {
			commit := withHeader(unsigned, header, key.sign(t, unsigned, "-n", "git", "-O", "hashalg="+hash))
			signer, err := Verify(commit, of(key.public(t)), noon)
			if err != nil || signer.Operator != "ana" || signer.Key != ssh.FingerprintSHA256(key.public(t)) {
				t.Errorf("%s, %s: %v, %v", kind, hash, signer, err)
			}
		}
	}
}

func TestFIDOKeysHaveToBeTouched(t *testing.T) {
	for flags, good := range map[byte]bool{0: false, 1: true, 4: false, 5: true} {
		key, armoured := fidoSignature(t, flags)
		_, err := Verify(withHeader(unsigned, header, armoured), of(key), noon)
		if (err == nil) != good {
			t.Errorf("flags %d: %v", flags, err)
		}
	}
}

func TestRefusedSignatures(t *testing.T) {
	key := newKey(t, "ed25519")
	good := key.sign(t, unsigned, "-n", "git")
	signed := string(withHeader(unsigned, header, good))
	sha1Key, sha1 := rsaSignature(t, ssh.KeyAlgoRSA)
	sha2Key, sha2 := rsaSignature(t, ssh.KeyAlgoRSASHA256)
	if _, err := Verify(withHeader(unsigned, header, sha2), of(sha2Key), noon); err != nil {
		t.Errorf("a signature by RSA with SHA-256 gives %v", err)
	}
	for name, test := range map[string]struct {
		commit string
		key    ssh.PublicKey
		want   string // a part of the error; "" for none
	}{
		"good":                   {signed, key.public(t), ""},
		"none":                   {unsigned, key.public(t), "is not signed"},
		"nobody's key":           {signed, sha2Key, "which is no operator's"},
		"another message":        {strings.Replace(signed, "Paint", "Paint not", 1), key.public(t), "changed after"},
		"another tree":           {strings.Replace(signed, "tree 4b", "tree 5b", 1), key.public(t), "changed after"},
		"another parent":         {strings.Replace(signed, "parent 3f", "parent 4f", 1), key.public(t), "changed after"},
		"another author":         {strings.Replace(signed, "author Ana", "author Eve", 1), key.public(t), "changed after"},
		"one more header":        {strings.Replace(signed, "encoding", "x y\nencoding", 1), key.public(t), "changed after"},
		"another encoding":       {strings.Replace(signed, "ISO-8859-1", "UTF-8", 1), key.public(t), "changed after"},
		"two signatures":         {string(withHeader(signed, header, good)), key.public(t), "more than one signature"},
		"an empty one before":    {strings.Replace(signed, "gpgsig ", "gpgsig \ngpgsig ", 1), key.public(t), "more than one signature"},
		"for SHA-256 beside":     {string(withHeader(signed, headerSHA256, good)), key.public(t), ""},
		"for SHA-256 alone":      {string(withHeader(unsigned, headerSHA256, good)), key.public(t), "is not signed"},
		"a header that Git cuts": {string(withHeader(signed, "gpgsigx", "tree 5b")), key.public(t), "looks like a signature"},
		"in the message":         {unsigned + strings.ReplaceAll("gpgsig "+good, "\n", "\n "), key.public(t), "is not signed"},
		"in a merged tag":        {string(withHeader(unsigned, "mergetag", "object 3f\ntype commit\ngpgsig "+good)), key.public(t), "is not signed"},
		"a NUL":                  {strings.Replace(signed, "Paint", "Paint\x00", 1), key.public(t), "NUL"},
		"another namespace":      {string(withHeader(unsigned, header, key.sign(t, unsigned, "-n", "file"))), key.public(t), "another purpose"},
		"SHA-1":                  {string(withHeader(unsigned, header, sha1)), sha1Key, "SHA-1"},
		"X.509":                  {string(withHeader(unsigned, header, x509Begin+"MIIB\n-----END SIGNED MESSAGE-----\n")), key.public(t), "X.509"},
		"another kind":           {string(withHeader(unsigned, header, "hello")), key.public(t), "unknown kind"},
		"too large":              {string(withHeader(unsigned, header, sshBegin+strings.Repeat("A", MaxSignature))), key.public(t), "16 KiB"},
		"cut":                    {string(withHeader(unsigned, header, strings.TrimSuffix(good, sshEnd+"\n"))), key.public(t), "malformed"},
		"text after it":          {string(withHeader(unsigned, header, good+"more\n")), key.public(t), "malformed"},
		"no base64":              {string(withHeader(unsigned, header, strings.Replace(good, "U1NI", "U!NI", 1))), key.public(t), "malformed"},
		"other magic":            {string(withHeader(unsigned, header, strings.Replace(good, "U1NI", "U1NJ", 1))), key.public(t), "malformed"},
		"nothing":                {"", key.public(t), "is not signed"},
	} {
		_, err := Verify([]byte(test.commit), of(test.key), noon)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

func TestSignaturesOfCertificatesAreRefused(t *testing.T) {
	authority, key := newKey(t, "ed25519"), newKey(t, "ed25519")
	run(t, "", "ssh-keygen", "-q", "-s", authority.file, "-I", "ana", "-n", "ana", key.file+".pub")
	certified := keygen{key.file + "-cert.pub"}
	_, err := Verify(withHeader(unsigned, header, certified.sign(t, unsigned, "-n", "git")), of(key.public(t)), noon)
	if err == nil || !strings.Contains(err.Error(), "plain SSH key") {
		t.Error(err)
	}
}

// TestExpiredKeys: a key counts until its time has come, whatever the date of the commit.
func TestExpiredKeys(t *testing.T) {
	key := newKey(t, "ed25519")
	commit := withHeader(unsigned, header, key.sign(t, unsigned, "-n", "git"))
	keys := Keys{SSH: func(ssh.PublicKey) (access.Operator, bool) {
		return access.Operator{Name: "ana", Expires: noon}, true
	}}
	if signer, err := Verify(commit, keys, noon.Add(-time.Second)); err != nil || signer.Operator != "ana" {
		t.Errorf("before its time, the key gives %v, %v", signer, err)
	}
	if _, err := Verify(commit, keys, noon); err == nil || !strings.Contains(err.Error(), "ana's key SHA256:") || !strings.Contains(err.Error(), "expired on 2026-11-28 12:00 UTC") {
		t.Errorf("after its time, the key gives %v", err)
	}
}

func TestVerifyAll(t *testing.T) {
	key := newKey(t, "ed25519")
	good := withHeader(unsigned, header, key.sign(t, unsigned, "-n", "git"))
	read := func(i int) ([]byte, error) {
		if i%3 == 0 {
			return []byte(unsigned), nil
		}
		return good, nil
	}
	verdicts, err := VerifyAll(t.Context(), 100, read, of(key.public(t)), noon)
	if err != nil || len(verdicts) != 100 {
		t.Fatal(len(verdicts), err)
	}
	for i, v := range verdicts {
		if (v.Err != nil) != (i%3 == 0) || v.Err == nil && v.Operator != "ana" {
			t.Errorf("commit %d: %v", i, v)
		}
	}
	if verdicts, err := VerifyAll(t.Context(), 0, read, Keys{}, noon); err != nil || len(verdicts) != 0 {
		t.Errorf("none: %v, %v", verdicts, err)
	}
	disk := errors.New("the disk")
	if _, err := VerifyAll(t.Context(), 100, func(int) ([]byte, error) { return nil, disk }, Keys{}, noon); !errors.Is(err, disk) {
		t.Errorf("a commit that cannot be read: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := VerifyAll(ended, 100, read, of(key.public(t)), noon); !errors.Is(err, context.Canceled) {
		t.Errorf("a push that ended: %v", err)
	}
}

// FuzzSSHSignature: nothing that a pusher sends as a signature counts for anybody, or makes
// the parser panic.
func FuzzSSHSignature(f *testing.F) {
	f.Add(sshBegin + "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAg\n" + sshEnd + "\n")
	f.Add(sshBegin + "\n" + sshEnd)
	f.Add(pgpBegin + "\niHUEABYKAB0WIQ==\n=abcd\n" + pgpEnd + "\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, armoured string) {
		if _, err := Verify(withHeader(unsigned, header, armoured), of(nil), noon); err == nil {
			t.Error("the signature counts")
		}
		if s, err := parseSSH([]byte(armoured)); err == nil && s.check([]byte(unsigned)) == nil {
			t.Error("the signature verifies")
		}
	})
}

// FuzzCommit: a commit is split into the signed text and the signature without a loss.
func FuzzCommit(f *testing.F) {
	f.Add([]byte(unsigned))
	f.Add(withHeader(unsigned, header, "a\nb\n"))
	f.Add([]byte("gpgsig"))
	f.Fuzz(func(t *testing.T, commit []byte) {
		payload, armoured, err := split(commit)
		if err == nil && (len(payload)+len(armoured) > len(commit) || len(armoured) == 0) {
			t.Errorf("%d + %d bytes of %d", len(payload), len(armoured), len(commit))
		}
	})
}
