package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/signature"
)

// Signing is an entry of requireSigned or requireSignedPush: branches to which only signed
// commits come, or refs that only signed pushes move.
type Signing struct {
	Push     bool      // it is about pushes, not about commits
	Repos    []pattern // nil: all, admin.git too
	Branches []pattern // nil: all; of pushes, all refs
	By       []string  // the operators and groups whose signatures count; nil: every operator
	At       manifest.Source

	signers map[string]bool // the operators of By
}

// maxSignings bounds the entries of requireSigned, and those of requireSignedPush.
const maxSignings = 500

// Fields of access.yaml.
const (
	signedField     = "requireSigned"
	signedPushField = "requireSignedPush"
)

// signingFields are the fields of an entry of requireSigned or requireSignedPush.
var signingFields = []string{"repositories", "branches", "by"}

func (p *parser) readSigning(r *form.Reader, element form.Field, field string) {
	before := len(r.Problems)
	fields := r.Fields(element.Value, "an entry of "+field, signingFields)
	s := &Signing{Push: field == signedPushField, At: manifest.Source{File: accessFile, Line: element.Line}}
	s.Repos = readPatterns(r, fields, "repositories", checkRepo)
	s.Branches = readPatterns(r, fields, "branches", checkBranch)
	if f, ok := fields["by"]; ok {
		if s.By = p.readWho(r, f); slices.Contains(s.By, Everyone) {
			s.By = nil
		}
	}
	if len(r.Problems) > before {
		return
	}
	if s.By != nil {
		s.signers = map[string]bool{}
		for _, who := range s.By {
			if p.rules.operators[who] != nil {
				s.signers[who] = true
			}
			for _, operator := range p.rules.groups[who] {
				s.signers[operator] = true
			}
		}
	}
	p.rules.signings = append(p.rules.signings, s)
}

// readPGP reads an armoured OpenPGP key, which is one operator's.
func (p *parser) readPGP(r *form.Reader, operator *Operator, element form.Field) {
	text, ok := r.Text(element)
	if !ok {
		return
	}
	key, err := signature.ParsePGPKey(text)
	if err != nil {
		r.Add(element.Line, "gpg: "+err.Error(), "give the output of gpg --armor --export KEY, indented, below a line with - |")
		return
	}
	for _, id := range key.IDs() {
		if former, there := p.rules.pgpIDs[id]; there {
			r.Add(element.Line, fmt.Sprintf("the OpenPGP key %s is %s's already, or a subkey of it is", key.Fingerprint(), former),
				"a key is one operator's, and stands once")
			return
		}
	}
	for _, id := range key.IDs() {
		p.rules.pgpIDs[id] = operator.Name
	}
	operator.PGP = append(operator.PGP, key)
	p.rules.pgp.Add(operator.Name, key)
}

// Signings returns the entries of requireSigned that a branch is under.
func (r *Rules) Signings(repo name.Repo, branch name.Branch) []*Signing {
	var under []*Signing
	for _, s := range r.signings {
		if !s.Push && s.isAbout(repo) && glob.Fit(s.Branches, string(branch)) {
			under = append(under, s)
		}
	}
	return under
}

// PushSignings returns the entries of requireSignedPush that a ref is under. Without
// branches, an entry is about tags and notes too.
func (r *Rules) PushSignings(repo name.Repo, ref string) []*Signing {
	var under []*Signing
	branch, is := name.BranchOf(ref)
	for _, s := range r.signings {
		if s.Push && s.isAbout(repo) && (s.Branches == nil || is && glob.Fit(s.Branches, string(branch))) {
			under = append(under, s)
		}
	}
	return under
}

// SignedAlike reports whether the commits of one branch are signed as another one asks: it
// is under each entry that the other is under.
func (r *Rules) SignedAlike(repo name.Repo, from, to name.Branch) bool {
	has := r.Signings(repo, from)
	return !slices.ContainsFunc(r.Signings(repo, to), func(s *Signing) bool { return !slices.Contains(has, s) })
}

// isAbout reports whether the entry is about a repository. Of patterns, only the name
// itself fits admin.git.
func (s *Signing) isAbout(repo name.Repo) bool {
	if s.Repos != nil && repo == access.AdminRepo {
		return slices.Contains(s.Repos, pattern(repo))
	}
	return glob.Fit(s.Repos, string(repo))
}

// Counts reports whether an operator's signature counts.
func (s *Signing) Counts(operator string) bool { return s.By == nil || s.signers[operator] }

// Whose says whose signatures count.
func (s *Signing) Whose() string {
	if s.By == nil {
		return "an operator"
	}
	if len(s.By) == 1 {
		return s.By[0]
	}
	return "one of " + some(s.By)
}

// PGP returns the operators' OpenPGP keys.
func (r *Rules) PGP() signature.Ring { return r.pgp }

// unsignable returns what is wrong with rules that take the place of others: they would ask
// for signatures that nobody could make, or, on admin.git, that the author could not make.
// What is so already is no reason to refuse what else changes.
func unsignable(before, after *Rules, author access.Caller, now time.Time) manifest.Problems {
	for _, s := range after.signings {
		if len(after.able(s, now)) == 0 && !slices.ContainsFunc(before.signings, func(was *Signing) bool {
			return was.String() == s.String() && len(before.able(was, now)) == 0
		}) {
			return manifest.Problems{{
				Source: s.At, Message: "nobody could sign: no key of " + s.Whose() + " is good",
				Hint: "give one of them a key that has not expired, or name others under by",
			}}
		}
	}
	if s, who := after.shutsOut(author, now); s != nil {
		if was, _ := before.shutsOut(author, now); was == nil {
			return manifest.Problems{{
				Source:  s.At,
				Message: fmt.Sprintf("you would lock yourself out: %s of the rules would have to be signed by %s, and %s could not", s.what(), s.Whose(), who),
				Hint:    "name yourself or a group of yours under by, or have one of them push this",
			}}
		}
	}
	return nil
}

// able returns the operators whose signatures count and who have a good key to sign with.
func (r *Rules) able(s *Signing, now time.Time) []string {
	var able []string
	for _, operator := range r.Operators() {
		if s.Counts(operator.Name) && operator.canSign(now) {
			able = append(able, operator.Name)
		}
	}
	return able
}

// shutsOut returns the entry about the rules themselves that the caller, an operator, could
// not sign for; nil if there is none.
func (r *Rules) shutsOut(c access.Caller, now time.Time) (s *Signing, operator string) {
	held, known := r.find(c)
	if !known {
		return nil, ""
	}
	for _, s := range append(r.Signings(access.AdminRepo, mainBranch), r.PushSignings(access.AdminRepo, mainBranch.Ref())...) {
		if !slices.Contains(r.able(s, now), held.operator.Name) {
			return s, held.operator.Name
		}
	}
	return nil, ""
}

// mainBranch is the branch of admin.git that is in force.
const mainBranch name.Branch = "main"

// signings compares what has to be signed.
func (c *comparison) signings() {
	for _, push := range []bool{false, true} {
		kind := "commits"
		if push {
			kind = "pushes"
		}
		was, is := signersByWhere(c.before, push), signersByWhere(c.after, push)
		for _, where := range slices.Sorted(maps.Keys(is)) {
			switch before, there := was[where]; {
			case !there:
				c.say(where, gains, "takes only %s signed by %s", kind, is[where])
			case before != is[where]:
				c.say(where, changes, "takes only %s signed by %s, before by %s", kind, is[where], before)
			}
		}
		for _, where := range slices.Sorted(maps.Keys(was)) {
			if _, there := is[where]; !there {
				c.say(where, loses, "takes unsigned %s again", kind)
			}
		}
	}
}

// signersByWhere has, by the branches that entries of one kind are about, the operators
// whose signatures count there.
func signersByWhere(r *Rules, push bool) map[string]string {
	all := map[string]string{}
	for _, s := range r.signings {
		if s.Push != push {
			continue
		}
		where := area{repos: s.Repos, branches: s.Branches}.String()
		who := s.Whose()
		if s.By != nil {
			who = some(slices.Sorted(maps.Keys(s.signers)))
		}
		if other := all[where]; other != "" && other != who {
			who = other + ", and as well by " + who
		}
		all[where] = who
	}
	return all
}

// pgp compares the OpenPGP keys of an operator.
func (c *comparison) pgp(name string, was, is []signature.PGPKey) {
	had, has := fingerprints(was), fingerprints(is)
	for _, key := range has {
		if !slices.Contains(had, key) {
			c.say(name, gains, "can sign with the OpenPGP key %s", key)
		}
	}
	for _, key := range had {
		if !slices.Contains(has, key) {
			c.say(name, loses, "can no longer sign with the OpenPGP key %s", key)
		}
	}
}

// what says in words what of the rules is to be signed.
func (s *Signing) what() string {
	if s.Push {
		return "pushes"
	}
	return "changes"
}

func fingerprints(keys []signature.PGPKey) []string {
	var all []string
	for _, key := range keys {
		all = append(all, key.Fingerprint())
	}
	return all
}

// String says in words what the entry asks for.
func (s *Signing) String() string {
	kind := "commits on"
	if s.Push {
		kind = "pushes to"
	}
	return strings.Join([]string{kind, area{repos: s.Repos, branches: s.Branches}.String(), "have to be signed by", s.Whose()}, " ")
}
