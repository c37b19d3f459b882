package rules

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Authority is an entry of authorities.yaml: somebody whose SSH certificates let operators
// and members of groups in.
type Authority struct {
	Name       string
	Keys       []Key // what it signs with
	Principals []Principal
	Revoked    Revoked
	At         manifest.Source
}

// Principal is a name in certificates, and whom it lets in: an operator or a group.
type Principal struct {
	Name     string
	Operator string
	Group    string
	At       manifest.Source
}

// Revoked are certificates of an authority that are not accepted any more. At is the place
// of each.
type Revoked struct {
	Serials []serials
	KeyIDs  map[string]manifest.Source
	Keys    map[string]manifest.Source // of the certificates, by fingerprint
}

// serials are the numbers of certificates from one to another, both among them.
type serials struct {
	from, to uint64
	at       manifest.Source
}

// Limits of authorities.yaml.
const (
	maxAuthorities = 50
	maxPrincipals  = 5000  // of one authority
	maxRevoked     = 10000 // of each kind, of one authority
	maxPrincipal   = 200   // bytes

	maxAuthorityName = 32 // letters; it ends the names of those who are members of groups
)

// The fields of authorities.yaml, of an authority, and of what it has revoked.
var (
	authoritiesFields = []string{"authorities"}
	authorityFields   = []string{"keys", "principals", "revoked"}
	revokedFields     = []string{"serials", "keyIds", "keys"}
)

// readAuthorities reads authorities.yaml, which may be missing.
func (p *parser) readAuthorities() {
	data, ok := p.read(authoritiesFile, maxFile)
	if !ok {
		return
	}
	r, fields := p.document(authoritiesFile, data, authoritiesFields...)
	if authorities, ok := fields["authorities"]; ok {
		for _, entry := range entriesOf(r, authorities, maxAuthorities, "write it like authorities: {corp: {keys: [...], principals: [ana]}}") {
			p.readAuthority(r, entry)
		}
	}
	p.problems = append(p.problems, r.Problems...)
}

func (p *parser) readAuthority(r *form.Reader, entry form.Field) {
	a := &Authority{Name: entry.Name, At: manifest.Source{File: authoritiesFile, Line: entry.Line}}
	if err := access.CheckOperator(entry.Name); err != nil {
		r.Add(entry.Line, fmt.Sprintf("authority %q %v", entry.Name, err), "")
		return
	}
	if len(entry.Name) > maxAuthorityName {
		r.Add(entry.Line, fmt.Sprintf("authority %q has more than %d letters", entry.Name, maxAuthorityName), "")
		return
	}
	p.rules.authorities = append(p.rules.authorities, a)
	for name := range p.rules.operators {
		if strings.HasSuffix(name, "@"+a.Name) {
			r.Add(entry.Line, fmt.Sprintf("operator %s has a name that bearers of certificates of %s could have", name, a.Name), "give the authority another name")
		}
	}
	fields := r.Fields(entry.Value, "authority "+entry.Name, authorityFields)
	if form.Follow(entry.Value).Kind != yaml.MappingNode {
		return
	}
	if f, ok := fields["keys"]; ok {
		for _, element := range r.List(f, maxKeys) {
			p.readAuthorityKey(r, a, element)
		}
	} else {
		r.Add(entry.Line, "keys is missing", "add the public keys that the authority signs with: keys: [ssh-ed25519 AAAA...]")
	}
	if f, ok := fields["principals"]; ok {
		p.readPrincipals(r, a, f)
	} else {
		r.Add(entry.Line, "principals is missing: no certificate would let anybody in", "name whom they let in: principals: {PRINCIPAL: OPERATOR or GROUP}")
	}
	if f, ok := fields["revoked"]; ok {
		a.Revoked = readRevoked(r, f)
	}
}

// readAuthorityKey reads a key that an authority signs with.
func (p *parser) readAuthorityKey(r *form.Reader, a *Authority, element form.Field) {
	key, ok := readPublic(r, element)
	if !ok {
		return
	}
	wire := string(key.Public.Marshal())
	if former, there := p.rules.signers[wire]; there {
		r.Add(element.Line, fmt.Sprintf("the key %s is authority %s's already (%s)", key.Fingerprint(), former.authority.Name, former.key.At), "a key is one authority's, and stands once")
		return
	}
	if held, there := p.rules.keys[wire]; there {
		r.Add(element.Line, fmt.Sprintf("the key %s is operator %s's (%s)", key.Fingerprint(), held.operator.Name, held.key.At), "an authority signs with a key that nobody logs in with: ssh-keygen -t ed25519 -f ca")
		return
	}
	a.Keys = append(a.Keys, key)
	p.rules.signers[wire] = signer{a, key}
}

// readPrincipals reads a mapping of principals to operators and groups, or a list of those
// that have the same name as theirs.
func (p *parser) readPrincipals(r *form.Reader, a *Authority, f form.Field) {
	var principals []form.Field // named by the principal, with the operator or group as their value
	if f.Value.Kind == yaml.SequenceNode {
		for _, element := range r.Texts(f, maxPrincipals) {
			principals = append(principals, form.Field{Name: element.Value.Value, Line: element.Line, Value: element.Value})
		}
	} else {
		principals = r.Entries(f.Value, "principals", "write it like principals: {shop-deployers: team-shop}, or principals: [ana]")
	}
	if len(principals) > maxPrincipals {
		r.Add(f.Line, fmt.Sprintf("there are more than %d principals", maxPrincipals), "")
		return
	}
	for _, entry := range principals {
		p.readPrincipal(r, a, entry)
	}
}

func (p *parser) readPrincipal(r *form.Reader, a *Authority, entry form.Field) {
	target, ok := r.Text(entry)
	if !ok {
		return
	}
	principal := Principal{Name: entry.Name, At: manifest.Source{File: authoritiesFile, Line: entry.Line}}
	_, group := p.rules.groups[target]
	switch {
	case entry.Name == "" || len(entry.Name) > maxPrincipal:
		r.Add(entry.Line, fmt.Sprintf("a principal has 1 to %d letters", maxPrincipal), "")
		return
	case target == Everyone:
		r.Add(entry.Line, "everyone stands for all operators, and is no group", "name an operator or a group")
		return
	case group:
		principal.Group = target
	case p.rules.operators[target] != nil:
		principal.Operator = target
	default:
		r.Add(entry.Line, fmt.Sprintf("principal %s: there is no operator or group %q", entry.Name, target), p.hintWho(target))
		return
	}
	a.Principals = append(a.Principals, principal)
}

// readRevoked reads which certificates are not accepted any more.
func readRevoked(r *form.Reader, f form.Field) Revoked {
	revoked := Revoked{KeyIDs: map[string]manifest.Source{}, Keys: map[string]manifest.Source{}}
	fields := r.Fields(f.Value, "revoked", revokedFields)
	for _, element := range elements(r, fields, "serials") {
		if s, ok := readSerials(r, element); ok {
			revoked.Serials = append(revoked.Serials, s)
		}
	}
	for _, element := range elements(r, fields, "keyIds") {
		revoked.KeyIDs[element.Value.Value] = manifest.Source{File: r.File, Line: element.Line}
	}
	for _, element := range elements(r, fields, "keys") {
		if fingerprint, ok := readRevokedKey(r, element); ok {
			revoked.Keys[fingerprint] = manifest.Source{File: r.File, Line: element.Line}
		}
	}
	return revoked
}

func elements(r *form.Reader, fields map[string]form.Field, name string) []form.Field {
	f, ok := fields[name]
	if !ok {
		return nil
	}
	return r.Texts(f, maxRevoked)
}

// readSerials reads a number, or two with a hyphen between.
func readSerials(r *form.Reader, element form.Field) (serials, bool) {
	first, last, several := strings.Cut(element.Value.Value, "-")
	if !several {
		last = first
	}
	from, err := strconv.ParseUint(strings.TrimSpace(first), 10, 64)
	to, errTo := strconv.ParseUint(strings.TrimSpace(last), 10, 64)
	switch {
	case err != nil || errTo != nil || to < from:
		r.Add(element.Line, fmt.Sprintf("serials: %q is no number of a certificate", manifest.Clean(element.Value.Value)), "write 17, or 100-120")
		return serials{}, false
	case from == 0:
		r.Add(element.Line, "serials begin at 1: certificates without a number have 0", "revoke those by their key ids or keys: keyIds: [NAME], or keys: [SHA256:...]")
		return serials{}, false
	}
	return serials{from, to, manifest.Source{File: r.File, Line: element.Line}}, true
}

// readRevokedKey reads a key or its fingerprint, and returns the fingerprint.
func readRevokedKey(r *form.Reader, element form.Field) (string, bool) {
	text := element.Value.Value
	if strings.HasPrefix(text, "SHA256:") && len(text) == fingerprintLength && !strings.ContainsAny(text, " \t") {
		return text, true
	}
	key, _, err := access.ParseKey(text)
	if err != nil {
		r.Add(element.Line, "keys: this is no fingerprint and no public key", "write SHA256:..., as ssh-keygen -lf FILE.pub shows it")
		return "", false
	}
	return ssh.FingerprintSHA256(key), true
}

// fingerprintLength is that of SHA256: and 32 bytes in base64 without padding.
const fingerprintLength = 50

// names reports whether the certificate is one of the revoked, and where that stands.
func (v Revoked) names(cert *ssh.Certificate) (at manifest.Source, revoked bool) {
	for _, s := range v.Serials {
		if s.from <= cert.Serial && cert.Serial <= s.to {
			return s.at, true
		}
	}
	if at, ok := v.KeyIDs[cert.KeyId]; ok {
		return at, true
	}
	at, revoked = v.Keys[access.Fingerprint(cert)]
	return at, revoked
}

// String is 17, 100-120, or 200 and above.
func (s serials) String() string {
	switch {
	case s.from == s.to:
		return strconv.FormatUint(s.from, 10)
	case s.to == math.MaxUint64:
		return fmt.Sprintf("%d and above", s.from)
	}
	return fmt.Sprintf("%d-%d", s.from, s.to)
}

// expires is when the last of the authority's keys expires; zero: never.
func (a *Authority) expires() (last time.Time) {
	for _, key := range a.Keys {
		switch {
		case key.Expires.IsZero():
			return time.Time{}
		case key.Expires.After(last):
			last = key.Expires
		}
	}
	return last
}

// lets returns whom an authority lets in by the principals of a certificate: operators, and
// groups.
func (a *Authority) lets(principals []string) (operators, groups []string) {
	for _, p := range a.Principals {
		if !slices.Contains(principals, p.Name) {
			continue
		}
		if p.Operator != "" {
			operators = append(operators, p.Operator)
		} else {
			groups = append(groups, p.Group)
		}
	}
	slices.Sort(operators)
	slices.Sort(groups)
	return slices.Compact(operators), slices.Compact(groups)
}
