package flux

import (
	"fmt"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Fields of verify, and the providers of signatures.
const (
	cosigned   = "cosign"
	secretRef  = "secretRef"
	identities = "matchOIDCIdentity"
)

// verify reads whose signature the chart or artifact at an address has to have, in a mapping of an
// object in a namespace; nil for nobody's. With a key, identities do not count, as for Flux. Without
// either, Flux takes everybody's who can log in anywhere: that is refused.
func (t *Tree) verify(in *meaning.Map, address, namespace string) *appfile.Verify {
	m := in.Map("verify")
	if !m.There {
		return nil
	}
	at := in.Source("verify")
	v := &appfile.Verify{File: at.File, Line: at.Line}
	provider := m.Text("provider")
	secret, who := m.Map(secretRef), m.Maps(identities)
	for _, one := range who {
		i := appfile.VerifyIdentity{Issuer: one.Text("issuer"), Subject: one.Text("subject")}
		v.Identities = append(v.Identities, i)
		t.unanchored(one, i)
		if err := i.Check(); err != nil {
			one.Problem("subject", one.At("subject")+": "+err.Error(), "write regular expressions: {issuer: ^https://token.actions.githubusercontent.com$, subject: ^https://github.com/OWNER/}")
		}
	}
	m.Refuse("trustedRootSecretRef", "only the public instance of Sigstore is a root of signatures here", "have it signed with a key as well, and name the Secret with the public key in "+secretRef)
	called := secret.Text("name")
	switch err := appfile.Signable(address); {
	case provider != "" && provider != cosigned:
		m.Problem("provider", fmt.Sprintf("signatures of %s are not checked here, only those of cosign", manifest.Clean(provider)), "have it signed by cosign as well; or take verify out, and pin what is signed: an OCIRepository with ref: {digest: sha256:…}")
	case err != nil:
		in.Problem("verify", in.At("verify")+": "+err.Error(), "name a repository of OCI, or take verify out, and pin the version")
	case secret.There:
		v.Identities = nil
		m.Without(identities, "the keys of "+secretRef+" count alone, as for Flux")
		t.keys(v, secret, meaning.Ref{Kind: manifest.SecretKind.Kind, Namespace: namespace, Name: called})
	case len(who) == 0:
		in.Problem("verify", in.At("verify")+": neither "+secretRef+" nor "+identities+" says whose signature counts, and anybody can sign", "add "+identities+": [{issuer: ^https://token.actions.githubusercontent.com$, subject: ^https://github.com/OWNER/}]")
	}
	return v
}

// unanchored notes expressions that match in the middle of a text, too: of
// https://github.com/OWNER/ so does https://example.org/?https://github.com/OWNER/.
func (t *Tree) unanchored(m *meaning.Map, i appfile.VerifyIdentity) {
	for _, part := range i.Parts() {
		if part.Text != "" && !strings.HasPrefix(part.Text, "^") {
			m.Note(part.Name, m.At(part.Name)+" also matches in the middle of a longer text: begin it with ^")
		}
	}
}

// keys reads the public keys of a Secret: those that the revision makes, or else those on the
// cluster.
func (t *Tree) keys(v *appfile.Verify, secret *meaning.Map, ref meaning.Ref) {
	found, made := t.data[ref]
	if !made {
		at := secret.Source("name")
		v.Secret = &appfile.ValuesFrom{Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name, File: at.File, Line: at.Line}
		return
	}
	if v.Keys = appfile.PublicKeys(found.values); len(v.Keys) == 0 {
		secret.Problem("name", fmt.Sprintf("Secret %s/%s has no key whose name ends in .pub", ref.Namespace, ref.Name), appfile.HintKeys(found.values))
	}
}
