package render

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render/charts"
	"github.com/pushboat/pushboat/internal/render/charts/cosign"
	"github.com/pushboat/pushboat/internal/render/helm"
	"github.com/pushboat/pushboat/internal/render/secrets"
)

// withKeys puts the public keys of a Secret of a cluster in its place, and adds them to a digest.
// A blind session does not read them.
func (s *Session) withKeys(ctx context.Context, cluster string, of **appfile.Verify, sum io.Writer) *manifest.Problem {
	if *of == nil || (*of).Secret == nil || s.blind {
		return nil
	}
	from := *(*of).Secret
	problem := func(message, hint string) *manifest.Problem {
		return &manifest.Problem{Source: from.Source(), Message: message, Hint: hint}
	}
	if s.data == nil {
		return problem(fmt.Sprintf("the keys of the signature are in %s of cluster %s, which is not asked here", from.Origin(), cluster), "push it, or commit the Secret with the public keys")
	}
	data, wrong := s.valuesFrom(ctx, cluster, from)
	if wrong != nil {
		return wrong
	}
	keys := appfile.PublicKeys(data)
	if len(keys) == 0 {
		return problem(fmt.Sprintf("%s of cluster %s has no key whose name ends in .pub", from.Origin(), cluster), appfile.HintKeys(data))
	}
	with := **of
	with.Secret, with.Keys = nil, append(append([]appfile.VerifyKey{}, with.Keys...), keys...)
	*of = &with
	for _, key := range keys {
		fmt.Fprintf(sum, "%q %q\n", key.Name, key.Text)
	}
	return nil
}

// demanded is whose signature a chart that a job wants has to have: that which the settings demand
// of the app's own; nil for a chart that another one depends on.
func demanded(settings appfile.Helm, w helm.Wanted) *appfile.Verify {
	if w.Ref != (charts.Ref{Name: settings.Chart, Version: settings.Version, Repo: settings.Repo}) {
		return nil
	}
	return settings.Verify
}

// get fetches a chart or artifact, with the signature that it has to have; nil for none.
func (s *Session) get(ctx context.Context, chosen charts.Ref, digest string, verify *appfile.Verify) (charts.Got, error) {
	if verify == nil {
		return s.charts.Get(ctx, chosen, digest, s.credentials())
	}
	if s.blind && unread(verify) { // what is rendered blind is shown, and never applied
		got, err := s.charts.Get(ctx, chosen, digest, s.credentials())
		if err == nil {
			s.told = append(s.told, chosen.String()+": its signature is checked when this is accepted, for its keys are in a Secret")
		}
		return got, err
	}
	policy, err := policyOf(verify)
	if err != nil {
		return charts.Got{}, err
	}
	return s.charts.GetSigned(ctx, chosen, digest, policy, s.credentials())
}

// unread reports whether the keys of a signature are those of a Secret that was not read.
func unread(v *appfile.Verify) bool {
	for _, key := range v.Keys {
		if strings.Contains(key.Text, secrets.Placeholder) {
			return true
		}
	}
	return v.Secret != nil
}

// policyError is about what is demanded of a signature.
type policyError struct{ error }

// policyOf reads what is demanded of a signature.
func policyOf(v *appfile.Verify) (cosign.Policy, error) {
	var p cosign.Policy
	var errs []error
	if v.Secret != nil {
		errs = append(errs, fmt.Errorf("the keys of the signature, in %s, were not read", v.Secret.Origin()))
	}
	for _, key := range v.Keys {
		parsed, err := cosign.ParseKey(manifest.Clean(key.Name), key.Text)
		if err != nil {
			errs = append(errs, fmt.Errorf("key %s %w", manifest.Clean(key.Name), err))
		}
		p.Keys = append(p.Keys, parsed)
	}
	for _, identity := range v.Identities {
		parsed, err := cosign.ParseIdentity(identity.Issuer, identity.Subject)
		if err != nil {
			errs = append(errs, err)
		}
		p.Identities = append(p.Identities, parsed)
	}
	if len(p.Keys) > cosign.MaxKeys || len(p.Identities) > cosign.MaxIdentities {
		errs = append(errs, fmt.Errorf("more than %d keys or %d identities", cosign.MaxKeys, cosign.MaxIdentities))
	}
	if err := errors.Join(errs...); err != nil {
		return cosign.Policy{}, policyError{fmt.Errorf("verify: %w", err)}
	}
	return p, nil
}

// ofSignature moves the problem of a chart to the line that demands its signature, if it is about
// that.
func ofSignature(problem *manifest.Problem, err error, verify *appfile.Verify) {
	if verify == nil {
		return
	}
	unsigned, isUnsigned := errors.AsType[*charts.UnsignedError](err)
	mismatch, isMismatch := errors.AsType[*charts.MismatchError](err)
	_, isPolicy := errors.AsType[policyError](err)
	_, isProof := errors.AsType[*charts.ProofError](err)
	switch {
	case isUnsigned:
		problem.Remedy = manifest.Remedy{}
		problem.Hint = fmt.Sprintf("have it signed: cosign sign %s/%s@%s; or demand whose signature it has, if you trust them", strings.TrimPrefix(unsigned.Repo, "oci://"), unsigned.Name, unsigned.Manifest)
	case isMismatch && mismatch.Said == charts.SignedIs:
		problem.Hint = "ask its publisher what was changed; the version was another before it was signed"
	case isPolicy:
		problem.Remedy = manifest.Remedy{}
		problem.Hint = "write public keys in PEM, as cosign public-key prints them"
	case !isProof:
		return
	}
	problem.Source = verify.Source()
}
