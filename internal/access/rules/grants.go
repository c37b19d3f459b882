package rules

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// maxGrants bounds the entries of repositories.yaml.
const maxGrants = 1000

// grantsFields and grantFields are the fields of the file and of a grant.
var (
	grantsFields = []string{"grants"}
	grantFields  = []string{
		"repositories", "clusters", "namespaces", "clusterScoped", "kinds", "serviceAccount", "plainSecrets", "maxObjects", "rate",
		"decryptionKeys", "chartCredentials",
	}
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
		if grants.Value.Kind == yaml.SequenceNode && len(grants.Value.Content) == 0 {
			r.Add(grants.Line, "grants is empty: no repository could deploy anything", "leave grants out, and every repository may deploy anything but to kube-*")
		}
	}
	grant.Share(p.rules.grants)
	p.problems = append(p.problems, r.Problems...)
}

func (p *parser) readGrant(r *form.Reader, element form.Field) {
	fields := r.Fields(element.Value, "a grant", grantFields)
	if element.Value.Kind != yaml.MappingNode {
		return
	}
	g := &grant.Grant{Origin: grant.Written, At: manifest.Source{File: reposFile, Line: element.Line}}
	g.Repos = readPatterns(r, fields, "repositories", checkRepo)
	g.Clusters = readPatterns(r, fields, "clusters", checkCluster)
	if f, ok := fields["clusters"]; ok {
		g.ClustersAt = manifest.Source{File: reposFile, Line: f.Line}
	}
	g.Namespaces = readNamespaces(r, fields)
	g.ClusterScoped = readKinds(r, fields, "clusterScoped")
	g.Kinds = readAllowed(r, fields)
	g.Account = readAccount(r, fields)
	g.PlainSecrets = readPlain(r, fields)
	g.MaxObjects = readMaxObjects(r, fields)
	g.Rate = readRate(r, fields)
	g.Keys, g.Credentials, g.NamesAt = readNames(r, fields, "decryptionKeys"), readNames(r, fields, "chartCredentials"), placeOfNames(fields)
	p.rules.grants = append(p.rules.grants, g)
}

// readAccount reads the account of a grant; "" if it names none.
func readAccount(r *form.Reader, fields map[string]form.Field) string {
	f, given := fields["serviceAccount"]
	if !given {
		return ""
	}
	text, ok := r.Text(f)
	switch namespace, account, _ := strings.Cut(text, "/"); {
	case !ok:
	case !isAccount(namespace, account):
		r.Add(f.Line, fmt.Sprintf("serviceAccount: %q is no ServiceAccount", manifest.Clean(text)), "write NAMESPACE/NAME: team-a/deployer")
	case namespace == serversNamespace:
		r.Add(f.Line, "serviceAccount: the accounts of "+serversNamespace+" are the server's own", "name one of the team's namespace: team-a/deployer")
	}
	return text
}

// serversNamespace has the server and its inventories: an account there could change what
// the server knows of every repository.
const serversNamespace = "pushboat-system"

// maxFound bounds the repositories whose grants are remembered.
const maxFound = 4096

// found are the grants of repositories, as they were found. The zero value has none.
type found struct {
	of    sync.Map // name.Repo -> *grant.Grant
	count atomic.Int32
}

// Grant returns what a repository may do to clusters: the first grant that fits it. It is
// asked several times by each gate, sync and check, and looked for once: with 200 grants
// that takes about 75 us.
func (r *Rules) Grant(repo name.Repo) *grant.Grant {
	if known, ok := r.found.of.Load(repo); ok {
		return known.(*grant.Grant) //nolint:forcetypeassert,errcheck // nothing else is stored
	}
	g := grant.Find(r.grants, string(repo))
	if r.found.count.Load() < maxFound {
		if _, known := r.found.of.LoadOrStore(repo, g); !known {
			r.found.count.Add(1)
		}
	}
	return g
}

// Naming is where a grant or a window names clusters.
type Naming struct {
	Clusters []pattern
	At       manifest.Source
}

// Named is where a grant names keys, or credentials, of the server.
type Named struct {
	Keys, Credentials []grant.Name
	At                manifest.Source
}

// Grants returns how many grants are written.
func (r *Rules) Grants() int { return len(r.grants) }

// NamedOfServer returns the places where grants name keys and credentials of the server.
func (r *Rules) NamedOfServer() (all []Named) {
	for _, g := range r.grants {
		if g.Keys.Given != nil || g.Credentials.Given != nil {
			all = append(all, Named{g.Keys.Given, g.Credentials.Given, g.NamesAt})
		}
	}
	return all
}

// ClustersNamed returns the places where grants and windows name clusters.
func (r *Rules) ClustersNamed() (all []Naming) {
	for _, g := range r.grants {
		all = append(all, Naming{g.Clusters, g.ClustersAt})
	}
	for _, w := range r.windows {
		all = append(all, Naming{w.Clusters, w.ClustersAt})
	}
	return all
}

// Account returns the ServiceAccount as which a repository is deployed, "NAMESPACE/NAME";
// "" for the server itself. An app may ask for one, to be deployed with fewer rights than the
// server's. The answer is that one if the grant names none and gives the account's namespace:
// whoever may deploy there may run pods as any of its accounts anyway. It is never an account of
// another grant, which the server may be allowed to act as where it may do nothing itself.
func (r *Rules) Account(repo name.Repo, asked string) string {
	g := r.Grant(repo)
	if g.Account != "" || asked == "" {
		return g.Account
	}
	namespace, account, _ := strings.Cut(asked, "/")
	switch {
	case !isAccount(namespace, account), namespace == serversNamespace, g.Origin == grant.Missing, !g.Namespaces.HasName(namespace):
		return ""
	case slices.ContainsFunc(r.grants, func(other *grant.Grant) bool { return other.Account == asked }):
		return ""
	}
	return asked
}

// isAccount reports whether these may be the namespace and the name of a ServiceAccount.
func isAccount(namespace, name string) bool {
	return isLabel(namespace) && len(validation.IsDNS1123Subdomain(name)) == 0
}
