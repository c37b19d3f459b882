// Package signature says who signed a commit, or the certificate of a push: it takes the
// signature off the commit as Git stores it, and verifies it with keys of OpenSSH
// (PROTOCOL.sshsig) and OpenPGP (RFC 9580). It is a function of data: it knows no Git, no
// rules and no clock, and it runs no program.
package signature

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
)

// MaxSignature bounds a signature, in bytes of its armour. One of RSA with 16,384 bits has
// 6 KiB.
const MaxSignature = 16 << 10

// Signer is who signed, and with which key.
type Signer struct {
	Operator string
	Key      string // SHA256:… of an SSH key; the fingerprint of an OpenPGP key in hex
}

// Keys are the keys whose signatures count.
type Keys struct {
	// SSH returns whose key it is; also of one that has expired.
	SSH func(ssh.PublicKey) (access.Operator, bool)
	PGP Ring
}

// The errors of signatures. They read on from a commit's name, as do all of Verify.
var (
	errUnsigned = errors.New("is not signed")
	errTwice    = errors.New("has more than one signature")
	errBad      = errors.New("has a signature of something else: it was changed after it was signed")
	errX509     = errors.New("is signed with an X.509 certificate, which counts for nobody here")
)

// How the armour of each kind of signature begins.
const (
	sshBegin  = "-----BEGIN SSH SIGNATURE-----\n"
	pgpBegin  = "-----BEGIN PGP SIGNATURE-----\n"
	x509Begin = "-----BEGIN SIGNED MESSAGE-----\n"
)

// Verify says who signed a commit, which is as Git stores it. now is when the signature has
// to be good: the time of the push, since the times in the commit and the signature are
// their author's choice. The error says why it counts for nobody.
func Verify(commit []byte, keys Keys, now time.Time) (Signer, error) {
	payload, armoured, err := split(commit)
	if err != nil {
		return Signer{}, err
	}
	return verify(payload, armoured, keys, now)
}

// VerifyText is Verify for the signature of another text: the certificate of a push.
func VerifyText(text, armoured []byte, keys Keys, now time.Time) (Signer, error) {
	return verify(text, armoured, keys, now)
}

func verify(payload, armoured []byte, keys Keys, now time.Time) (Signer, error) {
	begins := func(with string) bool { return bytes.HasPrefix(armoured, []byte(with)) }
	switch {
	case len(armoured) > MaxSignature:
		return Signer{}, errors.New("has a signature of more than 16 KiB")
	case begins(sshBegin):
		return verifySSH(payload, armoured, keys.SSH, now)
	case begins(pgpBegin):
		return keys.PGP.verify(payload, armoured, now)
	case begins(x509Begin):
		return Signer{}, errX509
	}
	return Signer{}, errors.New("has a signature of an unknown kind")
}

// Verdict is the answer about one commit of several.
type Verdict struct {
	Signer
	Err error
}

// VerifyAll answers for n commits, on all processors. read returns the commit of an index,
// as Git stores it, and is called by several goroutines; its first error ends everything.
func VerifyAll(ctx context.Context, n int, read func(i int) ([]byte, error), keys Keys, now time.Time) ([]Verdict, error) {
	verdicts := make([]Verdict, n)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var working sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		working.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				commit, err := read(i)
				if err != nil {
					cancel(err)
					return
				}
				verdicts[i].Signer, verdicts[i].Err = Verify(commit, keys, now)
			}
		})
	}
	working.Wait()
	return verdicts, context.Cause(ctx)
}
