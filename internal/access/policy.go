package access

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/name"
)

// ErrDenied matches every refusal of Policy.Check (errors.Is).
var ErrDenied = errors.New("not allowed")

// DeniedError is a refusal: it says what the right requires, and whom to ask.
type DeniedError struct {
	Caller   Caller
	Right    Right
	Subject  Subject // what it was about
	Least    Role    // the least role that has the right; "" when nobody has it
	Decision Decision
	Admins   []string // names of those who can grant it
}

// Error says what was refused and why.
func (e *DeniedError) Error() string { return e.what() + ": " + e.why() }

// Hint says whom to ask.
func (e *DeniedError) Hint() string {
	if len(e.Admins) == 0 {
		return "ask an admin of this server"
	}
	return "ask an admin: " + strings.Join(e.Admins, ", ")
}

// Is makes every DeniedError an ErrDenied.
func (e *DeniedError) Is(target error) bool { return target == ErrDenied }

func (e *DeniedError) what() string {
	right := e.Right
	if as := table[right].as; as != "" && !e.Caller.Ruled {
		right = as
	}
	text := fmt.Sprintf("not allowed to %s", right)
	if e.Subject.Repo == "" {
		return text
	}
	text += fmt.Sprintf(" %q", clip(string(e.Subject.Repo)))
	if branch, ok := name.BranchOf(e.Subject.Ref); ok && e.Caller.Ruled {
		text += fmt.Sprintf(" on branch %q", clip(string(branch)))
	}
	if path := clip(strings.ToValidUTF8(e.Decision.Path, "?")); path != "" && e.Right.Verb() != "" {
		text += ", folder " + path
	} else if path != "" {
		text += ", of which it changes " + path
	}
	return text
}

func (e *DeniedError) why() string {
	switch {
	case e.Least == "":
		return "there is no such right"
	case e.Decision.Narrowed && table[e.Right].scope == onSelf:
		return "a token makes no others"
	case e.Decision.Narrowed && !e.Caller.Token.Role.Includes(e.Least):
		return fmt.Sprintf("it takes the role %q, and the token %s has %q", e.Least, e.Caller.Token.ID, e.Caller.Token.Role)
	case e.Decision.Narrowed:
		return fmt.Sprintf("the token %s is for repositories %q only", e.Caller.Token.ID, string(e.Caller.Token.Repos))
	case e.Caller.Ruled && e.Decision.Withheld:
		return fmt.Sprintf("%s withholds it from %q", e.Decision.Rule, e.Caller.Operator)
	case e.Caller.Ruled:
		return fmt.Sprintf("no rule gives it to %q", e.Caller.Operator)
	case e.Caller.Role.Includes(e.Least):
		return fmt.Sprintf("the key of %q is for repositories %q only", e.Caller.Operator, string(e.Caller.Repos))
	}
	return fmt.Sprintf("it takes the role %q, and the key of %q has %q", e.Least, e.Caller.Operator, e.Caller.Role)
}

// Admins knows the admins, whom a caller can ask for more. Register, Keyring and Directory do.
type Admins interface {
	// Admins returns the names of those who may administer the server, sorted.
	Admins() []string
}

// Policy decides.
type Policy struct {
	log      *logrus.Entry
	admins   Admins
	rules    func() Rules
	reserved name.Repo // see Reserve
}

// NewPolicy returns a policy that writes its audit lines to log, names
// admins in its refusals, and asks the rules in force about the keys that are in them.
// Without rules, only key files give rights.
func NewPolicy(log *logrus.Entry, admins Admins, rules func() Rules) *Policy {
	return &Policy{log: log, admins: admins, rules: rules}
}

// Reserve leaves a repository to admins: others may read it, and no more. It is called
// before the policy is asked.
func (p *Policy) Reserve(repo name.Repo) { p.reserved = repo }

// Check decides whether c has the right r on a subject, and writes the audit
// line that says so. A refusal is a *DeniedError, which is an ErrDenied.
func (p *Policy) Check(c Caller, r Right, on Subject) error {
	_, err := p.Judge(c, r, on)
	return err
}

// Judge is Check that also says by which rule.
func (p *Policy) Judge(c Caller, r Right, on Subject) (Decision, error) {
	decision := p.decide(c, r, on)
	fields := logrus.Fields{
		"operator": c.Operator,
		"key":      c.Fingerprint,
		"role":     string(c.Role),
		"remote":   c.Remote,
		"right":    string(r),
		"subject":  clip(string(on.Repo)),
	}
	if on.Ref != "" {
		fields["ref"] = clip(on.Ref)
	}
	if decision.Rule != "" {
		fields["rule"] = decision.Rule
	}
	if c.Certificate.Authority != "" {
		fields["certificate"] = c.Certificate.String()
	}
	if c.Token.ID != "" {
		fields["token"] = c.Token.ID
	}
	line := p.log.WithFields(fields)
	if c.System {
		line = line.WithField("reason", c.Reason)
	}
	if !decision.Allowed {
		line.Warn("access: denied")
		return decision, p.denied(c, r, on, decision)
	}
	line.Info("access: allowed")
	return decision, nil
}

func (p *Policy) denied(c Caller, r Right, on Subject, decision Decision) error {
	denied := &DeniedError{Caller: c, Right: r, Subject: on, Least: p.rowOf(r, on).least, Decision: decision}
	if p.admins != nil {
		denied.Admins = p.admins.Admins()
	}
	return denied
}

// Allows answers the same question without an audit line: for lists that leave out what
// the caller may not see. It never stands before an action.
func (p *Policy) Allows(c Caller, r Right, on Subject) bool {
	return p.decide(c, r, on).Allowed
}

// Decide answers the same question, and says by which rule: for explaining.
func (p *Policy) Decide(c Caller, r Right, on Subject) Decision { return p.decide(c, r, on) }

// AsksForPaths reports whether a question about a push of the caller has to say which
// paths the push changes.
func (p *Policy) AsksForPaths(c Caller, r Right, on Subject) bool {
	return c.Ruled && p.rules != nil && !p.byFile(c, r, on) && p.rules().HasPaths(c.who())
}

func (p *Policy) decide(c Caller, r Right, on Subject) Decision {
	if _, known := table[r]; !known {
		return Decision{}
	}
	if row := p.rowOf(r, on); !c.Token.allows(row, on) {
		return Decision{Narrowed: true}
	} else if row.scope == onSelf {
		return p.ofSelf(c, r)
	}
	if p.byFile(c, r, on) {
		return Decision{Allowed: true}
	}
	if !c.Ruled || p.rules == nil {
		return Decision{}
	}
	if p.rowOf(r, on) == table[r] {
		return p.rules().Decide(c.who(), r, on)
	}
	decision := p.rules().Decide(c.who(), Administer, Subject{})
	if !decision.Allowed && on.Repo == AdminRepo && r.Least() == RoleRead {
		return p.rules().ReadsRules(c.who())
	}
	return decision
}

// allows reports whether a token leaves its bearer a right. It makes no other tokens.
func (t Token) allows(of row, on Subject) bool {
	switch {
	case t.ID == "":
		return true
	case of.scope == onSelf || !t.Role.Includes(of.least):
		return false
	}
	return t.Repos == "" || of.scope != onServer && t.Repos.Match(on.Repo)
}

// ofSelf decides about a right that everybody has for themselves. A rule takes nothing from
// a key in a key file.
func (p *Policy) ofSelf(c Caller, r Right) Decision {
	if c.Role.Valid() {
		return Decision{Allowed: true}
	}
	if !c.Ruled || p.rules == nil {
		return Decision{}
	}
	decision := p.rules().Decide(c.who(), r, Subject{})
	decision.Allowed = !decision.Withheld
	return decision
}

// byFile decides by the line of the caller's key in a key file.
func (p *Policy) byFile(c Caller, r Right, on Subject) bool {
	row := p.rowOf(r, on)
	switch {
	case !c.Role.Includes(row.least):
		return false
	case c.Repos == "":
		return true
	}
	return row.scope != onServer && c.Repos.Match(on.Repo)
}

// rowOf is what a right takes on a subject: on the server's own repository, and on the
// reserved one but for reading it, that of who may administer the server. The zero row is
// nobody's.
func (p *Policy) rowOf(r Right, on Subject) row {
	asked := table[r]
	if asked.scope == onServer || on.Repo == "" {
		return asked
	}
	if on.Repo == AdminRepo {
		return table[Administer]
	}
	if on.Repo == p.reserved && asked.least != RoleRead && asked.least != "" {
		return table[Administer]
	}
	return asked
}

// maxSubject bounds, in bytes, the caller's words that one audit line repeats.
const maxSubject = 200

func clip(s string) string {
	if len(s) <= maxSubject {
		return s
	}
	return strings.ToValidUTF8(s[:maxSubject], "") + "…"
}
