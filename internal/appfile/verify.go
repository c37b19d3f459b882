package appfile

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Limits on what a signature of a chart has to be.
const (
	maxVerifyKeys       = 20
	maxVerifyIdentities = 50
	maxVerifyKey        = 16 << 10 // bytes
	maxExpression       = 1000     // bytes
)

// Verify is whose signature a chart or artifact has to have, of cosign's: of any of the keys, or of any of the
// identities.
type Verify struct {
	Keys []VerifyKey `json:"keys,omitempty"`
	// Secret is one of the app's cluster, whose public keys count as well; nil: none.
	Secret     *ValuesFrom      `json:"secret,omitempty"`
	Identities []VerifyIdentity `json:"identities,omitempty"`
	File       string           `json:"file,omitempty"` // where it is demanded; "": pushboat.yaml
	Line       int              `json:"line,omitempty"`
}

// VerifyKey is a public key in PEM. Nothing here has read it.
type VerifyKey struct {
	Name string `json:"name"` // for people
	Text string `json:"text"`
}

// VerifyIdentity is somebody who logs in to sign: regular expressions.
type VerifyIdentity struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
}

// publicSuffix ends the names of public keys in a Secret, as of cosign.pub.
const publicSuffix = ".pub"

// PublicKeys are the public keys in the data of a Secret, by their names.
func PublicKeys(data map[string]string) []VerifyKey {
	var keys []VerifyKey
	for _, name := range slices.Sorted(maps.Keys(data)) {
		if strings.HasSuffix(name, publicSuffix) {
			keys = append(keys, VerifyKey{name, data[name]})
		}
	}
	return keys
}

// Source is where the signature is demanded.
func (v Verify) Source() manifest.Source { return ValuesFrom{File: v.File, Line: v.Line}.Source() }

// Part is an expression of an identity, with its field.
type Part struct{ Name, Text string }

// Parts are the expressions, in the order in which they are written.
func (i VerifyIdentity) Parts() []Part { return []Part{{"issuer", i.Issuer}, {"subject", i.Subject}} }

// Check returns an error if an identity is none, or is everybody.
func (i VerifyIdentity) Check() error {
	for _, part := range i.Parts() {
		switch _, err := regexp.Compile(part.Text); {
		case part.Text == "":
			return fmt.Errorf("%s is empty, which would be everybody", part.Name)
		case len(part.Text) > maxExpression:
			return fmt.Errorf("%s has more than %d bytes", part.Name, maxExpression)
		case err != nil:
			return fmt.Errorf("%s: %q is no regular expression", part.Name, part.Text)
		}
	}
	return nil
}

// Signable returns an error unless what is at an address can have signatures of cosign's.
func Signable(repo string) error {
	if !strings.HasPrefix(repo, ociScheme) {
		return fmt.Errorf("signatures are of charts in registries whose address begins with oci://, and this is %s", manifest.Clean(repo))
	}
	return nil
}

const verifyExample = "for example verify: {identities: [{issuer: ^https://token.actions.githubusercontent.com$, subject: ^https://github.com/OWNER/}]}"

var verifyFields = []string{"keys", "secret", "identities"}

// readVerify reads whose signature the chart or artifact of an app in a namespace has to have, in
// a field that is called so in messages.
func (r *reader) readVerify(f field, called, namespace string) *Verify {
	f.Name = called
	fields := r.Fields(f.Value, called, verifyFields)
	v := &Verify{Line: f.Line}
	before := len(r.Problems)
	if keys, ok := fields["keys"]; ok {
		keys.Name = called + ".keys"
		for i, element := range r.List(keys, maxVerifyKeys) {
			text, ok := r.Text(element)
			if ok && len(text) > maxVerifyKey {
				r.Add(element.Line, fmt.Sprintf("%s: the key has more than %d bytes", keys.Name, maxVerifyKey), "")
			}
			v.Keys = append(v.Keys, VerifyKey{fmt.Sprintf("%d of %s", i+1, called), text})
		}
	}
	if secret, ok := fields["secret"]; ok {
		secret.Name = called + ".secret"
		v.Secret = &ValuesFrom{Kind: manifest.SecretKind.Kind, Line: secret.Line}
		v.Secret.Namespace, v.Secret.Name = r.object(secret, namespace)
	}
	if identities, ok := fields["identities"]; ok {
		identities.Name = called + ".identities"
		for _, element := range r.List(identities, maxVerifyIdentities) {
			v.Identities = append(v.Identities, r.verifyIdentity(element, identities.Name))
		}
	}
	if len(r.Problems) == before && len(v.Keys)+len(v.Identities) == 0 && v.Secret == nil {
		r.Add(f.Line, called+" demands nobody's signature", verifyExample)
	}
	return v
}

// readChartVerify reads whose signature the chart of an app has to have.
func (r *reader) readChartVerify(f field, app *App) *Verify {
	before := len(r.Problems)
	v := r.readVerify(f, "helm.verify", app.Namespace)
	switch err := Signable(app.Helm.Repo); {
	case len(r.Problems) > before:
	case app.Helm.Chart == "":
		r.Add(f.Line, "helm.verify is of a chart of a registry, and helm.chart is not set", "add chart: NAME")
	case err != nil:
		r.Add(f.Line, "helm.verify: "+err.Error(), "name the chart in a registry of OCI, or take verify out, and pin it by digest")
	}
	return v
}

// verifyIdentity reads one identity.
func (r *reader) verifyIdentity(element field, called string) VerifyIdentity {
	var i VerifyIdentity
	before := len(r.Problems)
	fields := r.Fields(element.Value, "an entry of "+called, []string{"issuer", "subject"})
	for name, into := range map[string]*string{"issuer": &i.Issuer, "subject": &i.Subject} {
		if f, ok := fields[name]; ok {
			*into, _ = r.Text(f)
		}
	}
	if err := i.Check(); err != nil && len(r.Problems) == before {
		r.Add(element.Line, called+": "+err.Error(), verifyExample)
	}
	return i
}

// verifyNode writes whose signature a chart has to have.
func verifyNode(v *Verify) *yaml.Node {
	m := mapping()
	if v == nil {
		return m.Node
	}
	var keys []string
	for _, key := range v.Keys {
		keys = append(keys, key.Text)
	}
	m.put("keys", keys)
	if v.Secret != nil {
		m.set("secret", v.Secret.Namespace+"/"+v.Secret.Name)
	}
	m.set("identities", listOf(v.Identities, true, func(i VerifyIdentity, one written) {
		one.set("issuer", i.Issuer)
		one.set("subject", i.Subject)
	}))
	return m.Node
}
