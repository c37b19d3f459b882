package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Grant is an entry of repositories.yaml: what some repositories may do to clusters.
type Grant struct {
	Repos   []pattern // nil: all
	Account string    // the ServiceAccount as which they are deployed, "NAMESPACE/NAME"; "": the server itself
	At      manifest.Source
}

// maxGrants bounds the entries of repositories.yaml.
const maxGrants = 1000

// grantsFields and grantFields are the fields of the file and of a grant.
var (
	grantsFields = []string{"grants"}
	grantFields  = []string{"repositories", "serviceAccount"}
)

// readRepositories reads repositories.yaml, which may be missing.
func (p *parser) readRepositories() {
	data, ok := p.read(reposFile, maxFile)
	if !ok {
		return
	}
	r, fields := p.document(reposFile, data, grantsFields...)
	if grants, ok := fields["grants"]; ok {
		for _, element := range r.List(grants, maxGrants) {
			p.readGrant(r, element)
		}
	}
	p.problems = append(p.problems, r.Problems...)
}

func (p *parser) readGrant(r *form.Reader, element form.Field) {
	fields := r.Fields(element.Value, "a grant", grantFields)
	g := Grant{At: manifest.Source{File: reposFile, Line: element.Line}}
	g.Repos = readPatterns(r, fields, "repositories", checkRepo)
	g.Account = readAccount(r, element, fields)
	p.rules.grants = append(p.rules.grants, g)
}

// readAccount reads the account of a grant, which has to name one.
func readAccount(r *form.Reader, grant form.Field, fields map[string]form.Field) string {
	f, given := fields["serviceAccount"]
	if !given {
		r.Add(grant.Line, "the grant has no serviceAccount", "name the one as which the repositories are deployed: serviceAccount: team-a/deployer")
		return ""
	}
	text, ok := r.Text(f)
	switch namespace, _, _ := strings.Cut(text, "/"); {
	case !ok:
	case !accountText.MatchString(text):
		r.Add(f.Line, fmt.Sprintf("serviceAccount: %q is no ServiceAccount", manifest.Clean(text)), "write NAMESPACE/NAME: team-a/deployer")
	case namespace == serversNamespace:
		r.Add(f.Line, "serviceAccount: the accounts of "+serversNamespace+" are the server's own", "name one of the team's namespace: team-a/deployer")
	}
	return text
}

// serversNamespace has the server and its inventories: an account there could change what
// the server knows of every repository.
const serversNamespace = "pushboat-system"

// accountText matches the namespace, a DNS label, and the name, a DNS subdomain, of a
// ServiceAccount.
var accountText = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?/[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)

// Account returns the ServiceAccount as which a repository is deployed, "NAMESPACE/NAME",
// by the first grant that fits it; "" for the server itself.
func (r *Rules) Account(repo name.Repo) string {
	if i := slices.IndexFunc(r.grants, func(g Grant) bool { return fits(g.Repos, string(repo)) }); i >= 0 {
		return r.grants[i].Account
	}
	return ""
}

// grants compares the grants.
func (c *comparison) grants() {
	was, is := grantsByWhom(c.before), grantsByWhom(c.after)
	for whose, account := range is {
		if was[whose] != account {
			c.say(whose, changes, "deployed as the ServiceAccount %s", account)
		}
	}
	for whose, account := range was {
		if is[whose] == "" {
			c.say(whose, changes, "no longer deployed as the ServiceAccount %s by this grant", account)
		}
	}
}

// grantsByWhom are the accounts by the repositories that grants are about; of several
// grants about the same, the first counts.
func grantsByWhom(r *Rules) map[string]string {
	all := map[string]string{}
	for _, g := range r.grants {
		whose := area{repos: g.Repos}.String()
		if all[whose] == "" {
			all[whose] = g.Account
		}
	}
	return all
}
