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
	Caller  Caller
	Right   Right
	Subject name.Repo // the subject; "" for the server
	Least   Role      // the least role that has the right; "" when nobody has it
	Admins  []string  // names of those who can grant it
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
	if e.Subject == "" {
		return fmt.Sprintf("not allowed to %s", e.Right)
	}
	return fmt.Sprintf("not allowed to %s %q", e.Right, clip(e.Subject))
}

func (e *DeniedError) why() string {
	if e.Caller.Role.Includes(e.Least) {
		return fmt.Sprintf("the key of %q is for repositories %q only", e.Caller.Operator, string(e.Caller.Repos))
	}
	if e.Least == "" {
		return "there is no such right"
	}
	return fmt.Sprintf("it takes the role %q, and the key of %q has %q", e.Least, e.Caller.Operator, e.Caller.Role)
}

// Admins knows the admins, whom a caller can ask for more. Keyring and Directory do.
type Admins interface {
	// Admins returns the names of the operators with the role admin, sorted.
	Admins() []string
}

// Policy decides.
type Policy struct {
	log      *logrus.Entry
	admins   Admins
	reserved name.Repo // see Reserve
}

// NewPolicy returns a policy that writes its audit lines to log and names
// admins in its refusals.
func NewPolicy(log *logrus.Entry, admins Admins) *Policy {
	return &Policy{log: log, admins: admins}
}

// Reserve leaves a repository to admins: others may read it, and no more. It is called
// before the policy is asked.
func (p *Policy) Reserve(repo name.Repo) { p.reserved = repo }

// Check decides whether c has the right r on subject, and writes the audit
// line that says so. The subject is a repository's name for rights on
// repositories, and "" for rights on the server. A refusal is a *DeniedError,
// which is an ErrDenied.
func (p *Policy) Check(c Caller, r Right, subject name.Repo) error {
	err := p.decide(c, r, subject)
	line := p.log.WithFields(logrus.Fields{
		"operator": c.Operator,
		"key":      c.Fingerprint,
		"role":     string(c.Role),
		"remote":   c.Remote,
		"right":    string(r),
		"subject":  clip(subject),
	})
	if c.System {
		line = line.WithField("reason", c.Reason)
	}
	if err != nil {
		line.Warn("access: denied")
		return err
	}
	line.Info("access: allowed")
	return nil
}

// Allows answers the same question without an audit line: for lists that leave out what
// the caller may not see. It never stands before an action.
func (p *Policy) Allows(c Caller, r Right, subject name.Repo) bool {
	return p.decide(c, r, subject) == nil
}

func (p *Policy) decide(c Caller, r Right, subject name.Repo) error {
	rule, known := rules[r]
	if known && rule.scope == onRepository && subject == p.reserved && p.reserved != "" && !reading[r] {
		rule.least = RoleAdmin
	}
	switch {
	case !known || !c.Role.Includes(rule.least):
	case c.Repos == "":
		return nil
	case rule.scope == onRepository && c.Repos.Match(subject):
		return nil
	}
	denied := &DeniedError{Caller: c, Right: r, Subject: subject, Least: rule.least}
	if p.admins != nil {
		denied.Admins = p.admins.Admins()
	}
	return denied
}

// maxSubject bounds, in bytes, the caller's words that one audit line repeats.
const maxSubject = 200

func clip(s name.Repo) string {
	if len(s) <= maxSubject {
		return string(s)
	}
	return strings.ToValidUTF8(string(s[:maxSubject]), "") + "…"
}
