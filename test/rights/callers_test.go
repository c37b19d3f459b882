package rights

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/access"
)

// The repositories of the matrix. Each has one app, on main.
const (
	own   = "ours-x"   // repository of the restricted callers
	other = "secret-x" // a repository that is hidden from them
	none  = "absent-x" // a repository that does not exist
	rules = string(access.AdminRepo)
)

// appPath is the folder of the app in each repository.
const appPath = "deploy"

// caller is an operator, with the source of their rights: the line of a key file, or a
// rule.
type caller struct {
	name string
	role access.Role // the role of the caller; "" for single verbs
	file bool        // whether a key file gives the role
	only string      // the only repository of the rights; "": all, and the server
	at   []string    // patterns of branches; nil: all branches, and tags
	path string      // a folder of the repository; "": all folders
	give string      // the only verb that is given
	take string      // the only verb that is withheld
}

// allCallers are one caller of each role by key file and by rule, for everything and for
// one repository; callers whose rule is about branches or a folder; and two for each verb:
// one who is given that verb alone, and one from whom it alone is withheld.
func allCallers() []caller {
	all := []caller{{name: "ana", role: access.RoleAdmin, file: true}} // the first admin
	for _, role := range []access.Role{access.RoleRead, access.RolePush, access.RoleDeploy, access.RoleAdmin} {
		all = append(all,
			caller{name: "file-" + string(role), role: role, file: true},
			caller{name: "file-own-" + string(role), role: role, file: true, only: own},
			caller{name: "rule-" + string(role), role: role},
			caller{name: "rule-own-" + string(role), role: role, only: own})
	}
	all = append(all,
		caller{name: "main", role: access.RoleDeploy, only: own, at: []string{"main", "live/**"}},
		caller{name: "drafts", role: access.RoleDeploy, only: own, at: []string{"draft/**"}},
		caller{name: "folder", role: access.RoleDeploy, only: own, path: appPath},
		caller{name: "elsewhere", role: access.RoleDeploy, only: own, path: "docs"},
		caller{name: "nobody", only: "nothing", role: access.RoleRead})
	for _, verb := range access.Verbs() {
		name := strings.ReplaceAll(verb, " ", "-")
		right, _ := access.OfVerb(verb)
		given := caller{name: "only-" + name, give: verb, only: own}
		taken := caller{name: "all-but-" + name, role: access.RoleDeploy, take: verb, only: own}
		if right.OnServer() {
			given.only, taken.only, taken.role = "", "", access.RoleAdmin
		} else if right.Least() == access.RoleAdmin {
			taken.role = access.RoleAdmin
		}
		all = append(all, given, taken)
	}
	return all
}

// line is the caller's line in a key file.
func (c caller) line(key string) string {
	options := fmt.Sprintf("role=%q", c.role)
	if c.only != "" {
		options += fmt.Sprintf(",repo=%q", c.only)
	}
	return options + " " + key + " " + c.name + "\n"
}

// rule is the caller's rule in access.yaml.
func (c caller) rule() string {
	text := fmt.Sprintf("  - who: [%s]\n    may: [%s]\n", c.name, cmp.Or(string(c.role), c.give))
	if c.take != "" {
		text += fmt.Sprintf("    mayNot: [%s]\n", c.take)
	}
	if c.only != "" {
		text += fmt.Sprintf("    repositories: [%s]\n", c.only)
	}
	if c.at != nil {
		text += fmt.Sprintf("    branches: [%s]\n", strings.Join(c.at, ", "))
	}
	if c.path != "" {
		text += fmt.Sprintf("    paths: [%s/**]\n", c.path)
	}
	return text
}

// place is the place for which a right is needed.
type place struct {
	repo string // "": the server
	ref  string // "": any ref
	path string // "": the whole repository
}

// single reports whether the caller is about one verb, given or withheld.
func (c caller) single() bool { return c.give+c.take != "" }

// has reports whether the caller has a right. It follows docs/access.md and
// docs/security.md for the few forms of rules in this matrix.
func (c caller) has(right access.Right, at place) bool {
	reads := right.Least() == access.RoleRead
	switch {
	case right.Verb() != "" && right.Verb() == c.take:
		return false
	case right.OnSelf():
		return true
	case c.role == "":
		given, _ := access.OfVerb(c.give)
		needed := reads && !right.OnServer() && !given.OnServer() // whether the verb needs this right for reading
		return (right.Verb() == c.give || needed) && c.covers(right, at)
	}
	return c.role.Includes(right.Least()) && c.covers(right, at)
}

// covers reports whether the caller's rights include a place.
func (c caller) covers(right access.Right, at place) bool {
	part := c.at != nil || c.path != ""
	switch {
	case right.OnServer():
		return c.only == "" && !part
	case at.repo == rules: // the right to administer the server is needed, whatever repositories a rule is about
		return c.role == access.RoleAdmin && c.only == "" && !part
	case c.only != "" && at.repo != c.only:
		return false
	case right.Least() == access.RoleRead:
		return true
	case right.OnWhole():
		return !part
	}
	branch, isBranch := strings.CutPrefix(at.ref, "refs/heads/")
	switch {
	case at.ref == "":
		return true // for some branches
	case !isBranch:
		return !part
	}
	return (c.at == nil || slices.ContainsFunc(c.at, func(pattern string) bool {
		head, deep := strings.CutSuffix(pattern, "/**")
		return branch == pattern || deep && strings.HasPrefix(branch, head+"/")
	})) && (c.path == "" || c.path == at.path)
}
