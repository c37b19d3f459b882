package command

import (
	"fmt"
	"io"
	"strconv"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/name"
)

// explainedGrant is what a repository may deploy. A list that is empty stands for all, but
// under clusterScoped, where it stands for none.
type explainedGrant struct {
	Place          string           `json:"place,omitempty"` // such as repositories.yaml:3; "" if none is written
	Gives          string           `json:"gives"`           // "listed", "all", "nothing"
	Clusters       []glob.Pattern   `json:"clusters"`
	Namespaces     []glob.Pattern   `json:"namespaces"`
	Labels         []grant.Selector `json:"namespaceLabels,omitempty"`
	ClusterScoped  []grant.Kind     `json:"clusterScoped"`
	Allow          []grant.Kind     `json:"allowedKinds"`
	Deny           []grant.Kind     `json:"deniedKinds,omitempty"`
	ServiceAccount string           `json:"serviceAccount,omitempty"` // "": the server itself
	PlainSecrets   *bool            `json:"plainSecrets,omitempty"`   // null: as the server, pushboat.yaml and the pusher say
	MaxObjects     int              `json:"maxObjects,omitempty"`
	Rate           string           `json:"rate,omitempty"` // as repositories.yaml has it
	Keys           explainedNames   `json:"decryptionKeys"`
	Credentials    explainedNames   `json:"chartCredentials"`

	terms []grant.Term
}

// explainedNames are the server's keys, or credentials, that a grant gives.
type explainedNames struct {
	Gives string       `json:"gives"` // "listed", "all", "unnamed": all that no other grant names
	Names []grant.Name `json:"names"` // of those that are listed
}

func explainNames(n grant.Names) explainedNames {
	switch {
	case n.All():
		return explainedNames{"all", []grant.Name{}}
	case n.Given == nil:
		return explainedNames{"unnamed", []grant.Name{}}
	}
	return explainedNames{"listed", n.Given}
}

// givesOf says how much grants of an origin give.
var givesOf = map[grant.Origin]string{grant.Written: "listed", grant.Open: "all", grant.Missing: "nothing"}

// explainGrant returns what a repository may deploy; nil for somebody who may not know of
// it. Where the grant stands is for those who may read admin.git.
func (c *call) explainGrant(repo name.Repo) *explainedGrant {
	if repo == access.AdminRepo || !c.Policy.Allows(c.Caller(), access.ReadRepo, access.Subject{Repo: repo}) {
		return nil
	}
	g := c.Rules().Grant(repo)
	e := &explainedGrant{
		Gives: givesOf[g.Origin], Clusters: listed(g.Clusters), Namespaces: listed(g.Namespaces.Patterns), Labels: g.Namespaces.Selectors,
		ClusterScoped: listed(g.ClusterScoped), Allow: listed(g.Kinds.Allow), Deny: g.Kinds.Deny,
		ServiceAccount: g.Account, MaxObjects: g.MaxObjects, Rate: g.Rate.YAML(), Keys: explainNames(g.Keys), Credentials: explainNames(g.Credentials), terms: g.Terms(),
	}
	if g.PlainSecrets != grant.PlainAsAsked {
		allowed := g.PlainSecrets == grant.PlainAllowed
		e.PlainSecrets = &allowed
	}
	if g.Origin == grant.Written && c.readsRules() {
		e.Place = g.At.String()
	}
	return e
}

// readsRules reports whether the caller may read admin.git.
func (c *call) readsRules() bool {
	return c.Policy.Allows(c.Caller(), access.ReadRepo, access.Subject{Repo: access.AdminRepo})
}

// print says a grant in words.
func (e *explainedGrant) print(w io.Writer, repo name.Repo) {
	switch {
	case e == nil:
		return
	case e.Place != "":
		fmt.Fprintf(w, "\nthe grant of %s is at %s\n", repo, e.Place)
	case e.Gives == givesOf[grant.Open]:
		fmt.Fprintf(w, "\nthe grant of %s is the one of all repositories\n", repo)
	case e.Gives == givesOf[grant.Missing]:
		fmt.Fprintf(w, "\n%s has no grant: it may deploy nothing\n", repo)
		return
	default:
		fmt.Fprintf(w, "\nthe grant of %s\n", repo)
	}
	widest := 0
	for _, term := range e.terms {
		widest = max(widest, len(term.About))
	}
	for _, term := range e.terms {
		fmt.Fprintf(w, "  %-"+strconv.Itoa(widest)+"s  %s\n", term.About, term.Says)
	}
}
