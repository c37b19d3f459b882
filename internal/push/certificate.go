package push

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/hook"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/signature"
)

// A signed push has a certificate: its client has signed which refs move, from where to
// where, the push options, and the nonce that this server has made for this very push. So a
// certificate is good for no other push, nor for another repository or server.

// signedPush is what the certificate of a push proves.
type signedPush struct {
	by  *record.PushSigner // nil: nothing
	why string             // it proves nothing, as read on from "the push"
}

// certify judges the certificate of the push by the rules in force. One of something else
// than this push is refused, whatever the rules ask for.
func (p *push) certify(req hook.Request) manifest.Problems {
	certificate := p.talk.Certificate()
	if certificate == nil {
		p.certified = signedPush{why: "is not signed"}
		return nil
	}
	if err := matches(certificate, p.talk.Nonce, req); err != nil {
		return manifest.Problems{{
			Message: fmt.Sprintf("the certificate of the push is not of this push: %v", err),
			Hint:    "push again: git push --signed",
		}}
	}
	now := p.door.Rules.Current()
	keys := signature.Keys{SSH: p.signingKey(now), PGP: now.PGP()}
	signer, err := signature.VerifyText(certificate.Payload, certificate.Signature, keys, time.Now())
	if err != nil {
		p.certified = signedPush{why: err.Error()}
		return nil //nolint:nilerr // judgeSignedPush refuses it where a rule asks for a signature
	}
	p.certified = signedPush{by: &record.PushSigner{Operator: signer.Operator, Key: signer.Key}}
	return nil
}

// matches compares a certificate with its push. The certificate may name refs that Git itself
// has refused, but the push moves none that it does not name.
func matches(c *git.Certificate, nonce string, req hook.Request) error {
	switch {
	case nonce == "" || c.Nonce != nonce:
		return fmt.Errorf("its nonce is another")
	case !slices.Equal(c.Options, req.Options):
		return fmt.Errorf("its push options are others")
	}
	named := map[string]int{}
	for _, command := range c.Commands {
		named[command]++
	}
	for _, update := range req.Updates {
		if named[update.Old.String()+" "+update.New.String()+" "+update.Ref] != 1 {
			return fmt.Errorf("it does not say once that %s moves from %s to %s", manifest.Clean(update.Ref), update.Old.Short(), update.New.Short())
		}
	}
	return nil
}

// judgeSignedPush refuses a ref that only signed pushes move.
func (p *push) judgeSignedPush(update hook.RefUpdate) manifest.Problems {
	under := p.door.Rules.Current().PushSignings(p.repo.Name(), update.Ref)
	if len(under) == 0 {
		return nil
	}
	why := p.certified.why
	if by := p.certified.by; by != nil {
		err := p.counts(signature.Signer{Operator: by.Operator, Key: by.Key}, under)
		if err == nil {
			return nil
		}
		why = err.Error()
	}
	return manifest.Problems{{
		Message: fmt.Sprintf("%s takes only signed pushes, and the push %s", refWords(update.Ref), why),
		Hint: "sign it with a key that this server knows:\n" +
			"git config gpg.format ssh && git config user.signingKey ~/.ssh/id_ed25519.pub\n" +
			"git config push.gpgSign if-asked && git push --signed",
	}}
}

// refWords names a ref in words.
func refWords(ref string) string {
	if branch, ok := name.BranchOf(ref); ok {
		return fmt.Sprintf("branch %q", branch)
	}
	if tag, ok := strings.CutPrefix(ref, "refs/tags/"); ok {
		return fmt.Sprintf("tag %q", tag)
	}
	return fmt.Sprintf("ref %q", ref)
}

// certifyStill judges the certificate again, by rules that may ask for other signatures than
// when it was judged, or know other keys.
func (p *push) certifyStill(updates []hook.RefUpdate, req hook.Request) manifest.Problems {
	problems := p.certify(req)
	for _, update := range updates {
		problems = append(problems, p.judgeSignedPush(update)...)
	}
	return problems
}

// printCertified says who signed the push, or why its signature counts for nobody.
func (p *push) printCertified(out io.Writer) {
	switch {
	case p.certified.by != nil:
		fmt.Fprintf(out, "push signed by %s\n", p.certified.by)
	case p.talk.Certificate() != nil:
		fmt.Fprintf(out, "the signature of the push counts for nobody: the push\n  %s\n", manifest.Clean(p.certified.why))
	}
}
