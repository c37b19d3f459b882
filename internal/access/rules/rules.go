// Package rules is the language of admin.git: who the operators are, in which groups, and
// what they may do where. It reads a tree into Rules or into all that is wrong with it,
// decides, explains, and says in words what two Rules have apart. It is a function of
// data: it knows no Git and no clock.
package rules

import (
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/signature"
)

// Kind says whether an operator is somebody or something.
type Kind string

// The kinds of operators. A server always keeps a person who is an admin.
const (
	Person Kind = "person"
	Robot  Kind = "robot"
)

// Operator is a file operators/NAME.yaml.
type Operator struct {
	Name  string
	Kind  Kind
	Email string // the address of the commits that the server makes for them; "": one of the server's own
	Keys  []Key
	PGP   []signature.PGPKey // whose signatures count
	At    manifest.Source
}

// Key is one of an operator's keys.
type Key struct {
	Public  ssh.PublicKey
	Expires time.Time // from when on it is not accepted; zero: never
	From    access.Sources
	Warning string // what an admin should know about it; "" for nothing
	At      manifest.Source
}

// Fingerprint is the key's, SHA256:….
func (k Key) Fingerprint() string { return ssh.FingerprintSHA256(k.Public) }

// Everyone stands for all operators where a rule says who.
const Everyone = "everyone"

// Rule is one rule of access.yaml. A list that is nil does not restrict it.
type Rule struct {
	Who      []string // operators, groups, or Everyone
	Repos    []pattern
	Branches []pattern
	Paths    []pattern
	May      []string // roles and verbs that it gives
	MayNot   []string // roles and verbs that it withholds
	At       manifest.Source
}

// Rules are what a revision of admin.git says. They never change. The zero Rules know
// nobody.
type Rules struct {
	operators map[string]*Operator
	clusters  []*Cluster          // by name
	groups    map[string][]string // the operators of each
	of        map[string][]string // the groups of each operator
	rules     []*Rule             // in the file's order
	by        map[string][]*Rule  // by the word under who
	keys      map[string]holder   // by the key's wire form
	grants    []*grant.Grant      // in the file's order; nil: the file has none
	found     found               // in grants
	signings  []*Signing          // of commits, then of pushes, in the file's order
	pgp       signature.Ring
	pgpIDs    map[uint64]string // whose each OpenPGP key and subkey is

	touch map[string]manifest.Source // the operators and groups of requireTouch

	authorities []*Authority      // in the file's order
	signers     map[string]signer // by the wire form of the keys that they sign with
	windows     []Window          // in the file's order

	notifications Notifications
	mirrors       []*Mirror // by the names of their repositories
	remotes       []*Remote // likewise
	aliases       []*Alias  // likewise
}

// holder is whose a key is.
type holder struct {
	operator *Operator
	key      Key
}

// None are the rules where there are none.
func None() *Rules { return &Rules{} }

// Lookup returns whose key it is; also of one that has expired.
func (r *Rules) Lookup(key ssh.PublicKey) (access.Operator, bool) {
	found, ok := r.keys[string(key.Marshal())]
	if !ok {
		return access.Operator{}, false
	}
	return access.Operator{
		Name: found.operator.Name, Fingerprint: found.key.Fingerprint(),
		From: found.key.From, Expires: found.key.Expires, Ruled: true,
	}, true
}

// Operators returns the operators, by name.
func (r *Rules) Operators() []*Operator {
	all := make([]*Operator, 0, len(r.operators))
	for _, operator := range r.operators {
		all = append(all, operator)
	}
	slices.SortFunc(all, func(a, b *Operator) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Operator returns the operator of a name.
func (r *Rules) Operator(name string) (*Operator, bool) {
	operator, ok := r.operators[name]
	return operator, ok
}

// Key returns the key that has a fingerprint.
func (r *Rules) Key(fingerprint string) (Key, bool) {
	for _, held := range r.keys {
		if held.key.Fingerprint() == fingerprint {
			return held.key, true
		}
	}
	return Key{}, false
}

// Groups returns the groups that an operator is in, sorted.
func (r *Rules) Groups(operator string) []string { return r.of[operator] }

// Admins returns the names of the operators who may administer the server and
// have a key that is good at a time, or can have a certificate, sorted.
func (r *Rules) Admins(now time.Time) []string {
	var names []string
	for _, operator := range r.Operators() {
		if r.isAdmin(operator.Name) && (operator.hasKey(now) || len(r.Certifying(operator.Name)) > 0) {
			names = append(names, operator.Name)
		}
	}
	return names
}

// isAdmin reports whether an operator, or members of groups, may administer the server.
func (r *Rules) isAdmin(who string) bool {
	return r.Decide(who, access.Administer, access.Subject{}).Allowed
}

// hasKey reports whether the operator has a key that is good at a time.
func (o *Operator) hasKey(now time.Time) bool {
	return slices.ContainsFunc(o.Keys, func(k Key) bool { return !k.hasExpired(now) })
}

func (k Key) hasExpired(now time.Time) bool { return !k.Expires.IsZero() && !now.Before(k.Expires) }

func warningsOf(name string, keys []Key) (warnings []string) {
	for _, key := range keys {
		if key.Warning != "" {
			warnings = append(warnings, key.At.String()+": "+name+": "+key.Warning)
		}
	}
	return warnings
}

// Authorities returns the authorities, in the file's order.
func (r *Rules) Authorities() []*Authority { return r.authorities }

// Certifying is a way in by certificates.
type Certifying struct {
	Authority string    `json:"authority"`
	Principal string    `json:"principal"`
	Expires   time.Time `json:"expires,omitzero"` // when the last of the authority's keys does; zero: never
	At        string    `json:"-"`                // such as authorities.yaml:5
}

// Certifying returns by which authorities, with which principals, an operator or the members
// of a group can come in.
func (r *Rules) Certifying(who string) (ways []Certifying) {
	groups, members := access.ParseGroups(who)
	for _, a := range r.authorities {
		for _, p := range a.Principals {
			if !members && p.Operator == who || members && p.Group != "" && slices.Contains(groups.Names(), p.Group) {
				ways = append(ways, Certifying{a.Name, p.Name, a.expires(), p.At.String()})
			}
		}
	}
	return ways
}

// canSign reports whether a signature of the operator would count at a time.
func (o *Operator) canSign(now time.Time) bool {
	return o.hasKey(now) || slices.ContainsFunc(o.PGP, func(k signature.PGPKey) bool { return k.IsGood(now) })
}

// Warnings says what an admin should know about keys that were accepted.
func (r *Rules) Warnings() []string {
	var warnings []string
	for _, operator := range r.Operators() {
		warnings = append(warnings, warningsOf(operator.Name, operator.Keys)...)
	}
	for _, authority := range r.authorities {
		warnings = append(warnings, warningsOf(authority.Name, authority.Keys)...)
	}
	return warnings
}
