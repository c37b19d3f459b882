// Package access says who is calling and what they may do.
//
// A key becomes an Operator in a Register: by the key files (see Keyring), and by
// the rules of admin.git (see Rules). The SSH door makes a Caller of it, a plain
// value that every operation takes as an argument. Policy.Check is the one
// function that decides: it looks the right up in one table, compares roles or
// asks the rules, and writes the audit line, so nothing is decided without a trace.
//
// Directory and Rules are immutable values that are swapped as a whole.
// The package knows nothing of sessions, repositories or clusters.
package access

import (
	"slices"
	"strings"
)

// Role is how much a key may do. Roles are ordered: each includes the one before.
type Role string

// The roles, least first.
const (
	RoleRead   Role = "read"   // look: clone, fetch, status, history
	RolePush   Role = "push"   // and store commits
	RoleDeploy Role = "deploy" // and change what runs: deployed branches, sync, new repositories
	RoleAdmin  Role = "admin"  // and delete repositories, run the server
)

var roles = []Role{RoleRead, RolePush, RoleDeploy, RoleAdmin}

// Includes reports whether r is at least least. An unknown role includes nothing.
func (r Role) Includes(least Role) bool {
	have, need := slices.Index(roles, r), slices.Index(roles, least)
	return have >= 0 && need >= 0 && have >= need
}

// Valid reports whether r is one of the four roles.
func (r Role) Valid() bool { return slices.Contains(roles, r) }

// Caller is the origin of a request. The zero Caller may do nothing.
type Caller struct {
	// Operator is the operator's name, or the server's own for scheduled work.
	Operator string
	// Fingerprint is the SHA256:… of the verified key; empty for the server.
	Fingerprint string
	// Role is the role of that key in a key file; "" where none has it.
	Role Role
	// Repos restricts the key to some repositories; empty: all.
	Repos Globs
	// Ruled is set for a key of admin.git: its rules give the operator what they
	// say, beside Role, which is that of the key's line in a key file, if any.
	Ruled bool
	// Groups are those of somebody who is no operator, and comes with a certificate for
	// members of groups of admin.git: its rules give the caller what they give the groups.
	Groups Groups
	// Certificate is the one that the caller has logged in with.
	Certificate Certificate
	// Remote is where the call comes from, "192.0.2.7:51234".
	Remote string
	// Door is the one through which the call comes in; "" for ssh and the server's own work.
	Door Door
	// Token is what the call comes with, at the door API.
	Token Token
	// System is set for work that the server does by itself.
	System bool
	// Reason says why the server does it, "schedule of shop"; empty for people.
	Reason string
}

// Door is a way into the server.
type Door string

// The doors that the audit trail names.
const (
	Web Door = "web" // the pages
	MCP Door = "mcp" // tools of assistants, within an ssh session
	API Door = "api" // programs with a token
)

// Token narrows what its bearer may do, within the rights of the key that made it. The zero
// Token narrows nothing.
type Token struct {
	ID    string // "": there is none
	Role  Role   // at most what this role has
	Repos Globs  // in these repositories only, and nothing of the server; empty: all
}

// who is what the rules know the caller by.
func (c Caller) who() string {
	if c.Groups != "" {
		return c.Groups.Who()
	}
	return c.Operator
}

// Groups are names of groups, sorted, with commas between.
type Groups string

// groupMark begins the word for members of groups. No operator's name begins with it.
const groupMark = "@"

// Who is the word by which rules are asked about members of the groups: @team-shop.
func (g Groups) Who() string { return groupMark + string(g) }

// ParseGroups reads the word of Who; ok is false for an operator's name.
func ParseGroups(who string) (groups Groups, ok bool) {
	rest, ok := strings.CutPrefix(who, groupMark)
	return Groups(rest), ok
}

// Names are the names of the groups.
func (g Groups) Names() []string { return strings.Split(string(g), ",") }

// SystemOperator is the operator's name in the records of the server's own work.
const SystemOperator = "pushboat"

// System is the caller of scheduled work, corrections and start-up. Reason
// says why, for the audit line: "schedule", "drift", "start".
func System(reason string) Caller {
	return Caller{Operator: SystemOperator, Role: RoleAdmin, System: true, Reason: reason}
}

// String names the caller for messages: "ana (SHA256:…)".
func (c Caller) String() string {
	switch {
	case c.System:
		return c.Operator + " (" + c.Reason + ")"
	case c.Operator == "":
		return "nobody"
	}
	if c.Certificate.Authority != "" {
		return c.Operator + " (" + c.Fingerprint + ", " + c.Certificate.String() + ")"
	}
	return c.Operator + " (" + c.Fingerprint + ")"
}
