// Package access says who is calling and what they may do.
//
// A key becomes an Operator in a Directory; the SSH door makes a Caller of it,
// a plain value that every operation takes as an argument. Policy.Check is the
// one function that decides: it looks the right up in one table, compares
// roles, and writes the audit line, so nothing is decided without a trace.
//
// Today operators come from files (see Keyring); a Directory is an immutable
// value that is swapped as a whole, so another source can take their place.
// The package knows nothing of sessions, repositories or clusters.
package access

import "slices"

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
	// Role is the role of that key.
	Role Role
	// Repos restricts the key to some repositories; empty: all.
	Repos Globs
	// Remote is where the call comes from, "192.0.2.7:51234".
	Remote string
	// System is set for work that the server does by itself.
	System bool
	// Reason says why the server does it, "schedule of shop"; empty for people.
	Reason string
}

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
	return c.Operator + " (" + c.Fingerprint + ")"
}

// Right is one thing that somebody may do.
type Right string

// The rights. Those on a repository take its name as Check's subject;
// an app is reached by the right on the repository that it comes from.
const (
	// ReadRepo is to know that a repository exists, clone it and list its apps. A
	// caller without it reads "not found", never "forbidden".
	ReadRepo Right = "read repository"
	// PushRepo is to store commits: branches that deploy nothing, tags.
	PushRepo Right = "push to repository"
	// Deploy is to change what runs: pushing to a deployed branch, sync, force.
	Deploy Right = "deploy from repository"
	// ReadDeploys is to see status, plans, history and logs of deploys.
	ReadDeploys Right = "read deploys of repository"
	// ReadLogs is to read the output of its apps' containers: nobody masks that, and it
	// may have any value that a container was given.
	ReadLogs Right = "read container logs of repository"
	// CreateRepo is to make a repository, by verb or by a first push.
	CreateRepo Right = "create repository"
	// DeleteRepo is to delete a repository.
	DeleteRepo Right = "delete repository"
	// ReadServer is to see the server itself: version, health, who the operators are.
	ReadServer Right = "read server"
	// Administer is to change the server itself.
	Administer Right = "administer server"
)

// scope is the subject of a right. Rights of different scopes never stand in for each
// other: a key restricted to some repositories has no right on the server (soft-serve
// 07d47364: server verbs authorised by a repository's role).
type scope int

const (
	onRepository scope = iota
	onServer
)

// rule is a row of the table of rights.
type rule struct {
	least Role
	scope scope
}

// rules is the table: the requirements of each right. A right that is not here is
// nobody's.
var rules = map[Right]rule{
	ReadRepo:    {RoleRead, onRepository},
	PushRepo:    {RolePush, onRepository},
	Deploy:      {RoleDeploy, onRepository},
	ReadDeploys: {RoleRead, onRepository},
	ReadLogs:    {RoleDeploy, onRepository},
	CreateRepo:  {RoleDeploy, onRepository},
	DeleteRepo:  {RoleAdmin, onRepository},
	ReadServer:  {RoleRead, onServer},
	Administer:  {RoleAdmin, onServer},
}

// reading are the rights by which nothing of a repository changes.
var reading = map[Right]bool{ReadRepo: true, ReadDeploys: true}

// Least returns the least role that has the right, for telling people; "" for
// a right that nobody has. Policy.Check decides.
func Least(r Right) Role { return rules[r].least }
