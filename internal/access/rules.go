package access

import (
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/name"
)

// AdminRepo is the server's own repository, in which its rules are. Whoever may
// administer the server may read it and push to it; no pattern of a rule or a key
// matches it.
const AdminRepo name.Repo = "admin"

// Rules are what admin.git says: whose a key is, and what operators may do. They never
// change; other rules are another value.
type Rules interface {
	// Lookup returns whose key it is. Expired ones are known, too.
	Lookup(key ssh.PublicKey) (Operator, bool)
	// Certified returns whom a certificate lets in. The error says why it does not now.
	Certified(cert *ssh.Certificate, now time.Time) (Operator, error)
	// Decide says whether an operator has a right on a subject. AdminRepo is none. Here and
	// below, the operator may also be the word for members of groups, see Groups.Who.
	Decide(operator string, right Right, on Subject) Decision
	// ReadsRules says whether an operator may read AdminRepo without being an admin.
	ReadsRules(operator string) Decision
	// HasPaths reports whether a rule about the operator names paths, so that a question
	// about a push has to say which it changes.
	HasPaths(operator string) bool
	// Admins returns the names of the operators who may administer the server and
	// have a key that is good at a time, sorted.
	Admins(now time.Time) []string
}

// Decision is the answer to the question whether somebody has a right.
type Decision struct {
	Allowed bool
	// Rule is the place of the rule that decided, "access.yaml:7"; "" if none did: it
	// was a key file, or nothing gives the right.
	Rule string
	// Withheld is set if a rule takes the right away.
	Withheld bool
	// Narrowed is set if the caller's token does not have the right, whatever they have.
	Narrowed bool
	// Path is the first of the subject's paths for which the right is not had; "" if it
	// does not hang on the path.
	Path string
}
