package access

import (
	"slices"

	"github.com/pushboat/pushboat/internal/name"
)

// Right is one thing that somebody may do.
type Right string

// The rights. Those on a repository take it as Check's subject; an app is reached by the
// right on the repository that it comes from.
const (
	// ReadRepo is to know that a repository exists, clone it and list its apps.
	// Who lacks it is told "not found", never "forbidden".
	ReadRepo Right = "read repository"
	// PushRepo is to store commits: branches that deploy nothing, tags.
	PushRepo Right = "push to repository"
	// Deploy is to change what runs: pushing to a deployed branch.
	Deploy Right = "deploy from repository"
	// ReadDeploys is to see status, plans, history and logs of deploys.
	ReadDeploys Right = "read deploys of repository"
	// ReadLogs is to read what the containers of its apps print: nobody masks that,
	// and it may have whatever a container was given.
	ReadLogs Right = "read container logs of repository"
	// CreateRepo is to make a repository, by verb or by a first push.
	CreateRepo Right = "create repository"
	// DeleteRepo is to delete a repository.
	DeleteRepo Right = "delete repository"
	// ReadServer is to see the server itself: version, health, who the operators are.
	ReadServer Right = "read server"
	// Administer is to change the server itself, and the rules in admin.git.
	Administer Right = "administer server"
)

// The rights of single verbs. A role has them as it has Deploy or Administer; a rule of
// admin.git may give or withhold each.
const (
	Sync          Right = "sync apps of repository"
	CheckApps     Right = "check apps of repository"
	Test          Right = "test apps of repository"
	Rollback      Right = "roll back apps of repository"
	Suspend       Right = "suspend apps of repository"
	Resume        Right = "resume apps of repository"
	Restart       Right = "restart objects of repository"
	ListOrphans   Right = "list orphans beside apps of repository"
	Cancel        Right = "cancel deploys of repository"
	RotateSecrets Right = "rotate generated values of repository"
	SetSecrets    Right = "set generated values of repository"
	TakeOver      Right = "take apps over"
	Override      Right = "override windows of repository" // to deploy although one is closed
	Backup        Right = "back up the server"
	Drain         Right = "drain the server"
	ReadAudit     Right = "read the audit trail"
	AcceptCluster Right = "accept clusters"
	Examine       Right = "examine the server"
	TestReceivers Right = "test receivers of notifications"
	MakeTokens    Right = "make tokens" // for themselves: everybody has it, unless a rule withholds it
)

// Subject is what a right is about. The zero Subject is the server itself.
type Subject struct {
	Repo name.Repo
	// Ref is the full name of a ref of the repository. "" is any: the question whether
	// there is one for which the right is had.
	Ref string
	// Paths are files and folders of the repository that an action changes; nil is any.
	Paths []string
}

// scope says what a right is about. Rights of different scopes never stand in
// for each other: a key restricted to some repositories has no right on the
// server (soft-serve 07d47364: server verbs authorised by a repository's role).
type scope int

const (
	onRepository scope = iota
	onWhole            // a repository as a whole: whoever has the right on some branches or paths lacks it
	onServer
	onSelf // the caller alone: it takes no role, and no repositories bound it
)

// row is a row of the table of rights.
type row struct {
	least Role
	scope scope
	verb  string // by which a rule gives or withholds the right alone; "": by roles only
	as    Right  // the right by which a refusal of a role names it; "": by itself
}

// table has what each right takes. A right that is not here is nobody's.
var table = map[Right]row{
	ReadRepo:    {least: RoleRead},
	ReadDeploys: {least: RoleRead},
	PushRepo:    {least: RolePush},
	Deploy:      {least: RoleDeploy},
	ReadLogs:    {least: RoleDeploy, verb: "logs"},
	CreateRepo:  {least: RoleDeploy, scope: onWhole, verb: "repo create"},
	DeleteRepo:  {least: RoleAdmin, scope: onWhole, verb: "repo delete"},

	Sync:          {least: RoleDeploy, verb: "sync", as: Deploy},
	CheckApps:     {least: RoleDeploy, verb: "check", as: Deploy},
	Test:          {least: RoleDeploy, verb: "test", as: Deploy},
	Rollback:      {least: RoleDeploy, verb: "rollback", as: Deploy},
	Suspend:       {least: RoleDeploy, verb: "suspend", as: Deploy},
	Resume:        {least: RoleDeploy, verb: "resume", as: Deploy},
	Restart:       {least: RoleDeploy, verb: "restart", as: Deploy},
	ListOrphans:   {least: RoleDeploy, verb: "orphans", as: Deploy},
	Cancel:        {least: RoleDeploy, verb: "cancel", as: Deploy},
	RotateSecrets: {least: RoleDeploy, verb: "secrets rotate", as: Deploy},
	SetSecrets:    {least: RoleDeploy, verb: "secrets set", as: Deploy},
	Override:      {least: RoleAdmin, verb: "override"},

	ReadServer: {least: RoleRead, scope: onServer},
	Administer: {least: RoleAdmin, scope: onServer},
	TakeOver:   {least: RoleAdmin, scope: onServer, verb: "take-over", as: Administer},
	Backup:     {least: RoleAdmin, scope: onServer, verb: "backup", as: Administer},
	Drain:      {least: RoleAdmin, scope: onServer, verb: "drain", as: Administer},
	ReadAudit:  {least: RoleAdmin, scope: onServer, verb: "audit", as: Administer},
	Examine:    {least: RoleAdmin, scope: onServer, verb: "doctor", as: Administer},

	TestReceivers: {least: RoleAdmin, scope: onServer, verb: "notify test", as: Administer},
	AcceptCluster: {least: RoleAdmin, scope: onServer, verb: "cluster accept", as: Administer},
	MakeTokens:    {least: RoleRead, scope: onSelf, verb: "token create"},
}

// Least returns the least role that has the right; "" for a right that nobody has.
// Policy.Check decides.
func (r Right) Least() Role { return table[r].least }

// Verb returns the verb by which a rule gives or withholds the right alone; "" if there
// is none.
func (r Right) Verb() string { return table[r].verb }

// OnServer reports whether the right is about the server, and not about a repository.
func (r Right) OnServer() bool { return table[r].scope == onServer || r.OnSelf() }

// OnSelf reports whether the right is everybody's, for themselves, unless a rule withholds it.
func (r Right) OnSelf() bool { return table[r].scope == onSelf }

// OnWhole reports whether the right is about a repository as a whole, never about a part.
func (r Right) OnWhole() bool { return table[r].scope == onWhole }

// Writes reports whether files of a branch change where the right is used. Where one of
// those in a folder is withheld, so is what would change the folder.
func (r Right) Writes() bool { return r == PushRepo || r == Deploy || r == Rollback }

// Changes reports whether something may be another after the right was used. Administer
// is to push to admin.git, which takes PushRepo, and to look at what is others'.
func (r Right) Changes() bool {
	return (r.Least() != RoleRead || r == MakeTokens) && r != ReadLogs && r != ListOrphans && r != ReadAudit && r != Examine && r != Administer
}

// Verbs returns the verbs that have a right of their own, sorted.
func Verbs() []string {
	var verbs []string
	for _, row := range table {
		if row.verb != "" {
			verbs = append(verbs, row.verb)
		}
	}
	slices.Sort(verbs)
	return verbs
}

// OfVerb returns the right of a verb that has one of its own.
func OfVerb(verb string) (Right, bool) {
	for right, row := range table {
		if row.verb == verb && verb != "" {
			return right, true
		}
	}
	return "", false
}
