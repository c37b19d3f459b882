package web

import (
	"net/url"
	"strings"

	"github.com/pushboat/pushboat/internal/audit"
)

// auditPage is the page of the audit trail.
type auditPage struct {
	Since, Operator, App string // the filter, as the verb has it
	Events               []audit.Event
	Said                 []string // instead of them
}

// showAudit shows lines of the audit trail, newest first.
func showAudit(v *visit) error {
	p := auditPage{}
	words := []string{"audit", "--number=200"}
	for _, flag := range []struct {
		name string
		into *string
	}{{"since", &p.Since}, {"operator", &p.Operator}, {"app", &p.App}} {
		if *flag.into = word(v.r.URL.Query(), flag.name); *flag.into != "" {
			words = append(words, "--"+flag.name+"="+*flag.into)
		}
	}
	var err error
	if p.Said, err = v.asks(&p.Events, words); err != nil {
		return err
	}
	for i, j := 0, len(p.Events)-1; i < j; i, j = i+1, j-1 { // the verb has the newest last
		p.Events[i], p.Events[j] = p.Events[j], p.Events[i]
	}
	return v.show("audit", frame{Title: "Audit", Section: "audit", Body: p})
}

// word is a word of a form.
func word(q url.Values, name string) string {
	return bounded(strings.TrimSpace(q.Get(name)), maxFilter)
}

// accessPage is the page of who may what.
type accessPage struct {
	Who, Repo, Branch string
	Repos             []string // to choose from
	Answer            *explained
	Said              []string // instead of it
}

// explained is the answer of the verb access explain.
type explained struct {
	Operator   string
	Repository string
	Branch     string
	Groups     []string
	KeyFiles   []struct {
		Place, Role, Repositories string
		Counts                    bool
	}
	Rules []struct {
		May        string
		Allowed    bool
		Rule, Says string
	}
	Grant *struct {
		Place, Gives, ServiceAccount string
		Clusters, Namespaces         []string
		ClusterScoped, AllowedKinds  []any
		MaxObjects                   int
	}
}

// showAccess shows what somebody may do in a repository, and why; oneself, if nobody is
// named.
func showAccess(v *visit) error {
	q := v.r.URL.Query()
	p := accessPage{Who: word(q, "who"), Repo: word(q, "repo"), Branch: word(q, "branch")}
	cards, _ := v.visible(v.door.board.look())
	p.Repos = choicesOf(cards).Repos
	if p.Who == "" {
		p.Who = v.session.operator
	}
	if p.Repo == "" && len(p.Repos) > 0 {
		p.Repo = p.Repos[0]
	}
	if p.Repo != "" {
		about := []string{p.Who, p.Repo}
		if p.Branch != "" {
			about = append(about, p.Branch)
		}
		answer := &explained{}
		said, err := v.asks(answer, []string{"access", "explain"}, about...)
		if err != nil {
			return err
		}
		if p.Said = said; said == nil {
			p.Answer = answer
		}
	}
	return v.show("access", frame{Title: "Access", Section: "access", Body: p})
}
