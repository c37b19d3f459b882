package web

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/pushboat/pushboat/internal/access/token"
	"github.com/pushboat/pushboat/internal/audit"
)

// auditPage is the page of the audit trail.
type auditPage struct {
	Since, Until, Event, Decision, Operator, Repository, App string // the filter, as the verb has it
	Events                                                   []audit.Event
	Said                                                     []string // instead of them
	Kinds                                                    []audit.Kind
	Decisions                                                []audit.Decision
	Newest, Older                                            string // addresses; "": it is that page
}

// auditLines is how many lines of the trail are on a page.
const auditLines = 200

// showAudit shows lines of the audit trail, newest first.
func showAudit(v *visit) error {
	p := auditPage{Kinds: audit.Kinds, Decisions: audit.Decisions}
	words := []string{"audit", "--number=" + strconv.Itoa(auditLines)}
	kept := url.Values{}
	for _, flag := range []struct {
		name string
		into *string
	}{
		{"since", &p.Since},
		{"until", &p.Until},
		{"event", &p.Event},
		{"decision", &p.Decision},
		{"operator", &p.Operator},
		{"repository", &p.Repository},
		{"app", &p.App},
	} {
		if *flag.into = word(v.r.URL.Query(), flag.name); *flag.into != "" {
			words = append(words, "--"+flag.name+"="+*flag.into)
			kept.Set(flag.name, *flag.into)
		}
	}
	if before, err := strconv.ParseUint(v.r.URL.Query().Get("before"), 10, 64); err == nil && before > 0 {
		words = append(words, "--before="+strconv.FormatUint(before, 10))
		p.Newest = strings.TrimSuffix("/audit?"+kept.Encode(), "?")
	}
	var err error
	if p.Said, err = v.asks(&p.Events, words); err != nil {
		return err
	}
	for i, j := 0, len(p.Events)-1; i < j; i, j = i+1, j-1 { // the verb has the newest last
		p.Events[i], p.Events[j] = p.Events[j], p.Events[i]
	}
	if n := len(p.Events); n == auditLines && p.Events[n-1].Seq > 1 {
		kept.Set("before", strconv.FormatUint(p.Events[n-1].Seq, 10))
		p.Older = "/audit?" + kept.Encode()
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
	Repos, People     []string // to choose from
	Answer            *explained
	Said              []string // instead of it
	Tokens            []listedToken
	Revoke            string // how one is ended
}

// listedToken is a token of the API, as the verb token list has it.
type listedToken struct {
	token.Token
	Ended string
}

// explained is the answer of the verb access explain.
type explained struct {
	Operator   string
	Repository string
	Branch     string
	Groups     []string
	// Certificates are the authorities whose certificates let the operator in.
	Certificates []struct{ Authority, Principal string }
	KeyFiles     []struct {
		Place, Role, Repositories string
		Counts                    bool
	}
	Rules []struct {
		May        string
		Allowed    bool
		Rule, Says string
	}
	Grant *explainedGrant
}

// explainedGrant is what a repository may deploy.
type explainedGrant struct {
	Place, Gives, ServiceAccount             string
	Clusters, Namespaces                     []string
	NamespaceLabels                          []map[string]string
	ClusterScoped, AllowedKinds, DeniedKinds []string
	PlainSecrets                             *bool
	MaxObjects                               int
	Rate                                     string
}

// Plain says whether Secrets may be stored as they are; "" if others say that.
func (g explainedGrant) Plain() string {
	switch {
	case g.PlainSecrets == nil:
		return ""
	case *g.PlainSecrets:
		return "may be stored"
	}
	return "may not be stored"
}

// people are the operators whose keys the visitor may list: themselves, or all.
func (v *visit) people() ([]string, error) {
	var keys []struct{ Operator string }
	if _, err := v.asks(&keys, []string{"keys", "list"}); err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, key := range keys {
		names[key.Operator] = true
	}
	return sorted(names), nil
}

// showAccess shows what somebody may do in a repository, and why; oneself, if nobody is
// named.
func showAccess(v *visit) error {
	q := v.r.URL.Query()
	p := accessPage{Who: word(q, "who"), Repo: word(q, "repo"), Branch: word(q, "branch"), Revoke: v.fill("ssh HOST token revoke ID")}
	cards, _ := v.visible(v.door.board.look())
	p.Repos = choicesOf(cards).Repos
	var err error
	if p.People, err = v.people(); err != nil {
		return err
	}
	if p.Who == "" {
		p.Who = v.session.operator
	}
	if p.Repo == "" && len(p.Repos) > 0 {
		p.Repo = p.Repos[0]
	}
	if _, err = v.asks(&p.Tokens, []string{"token", "list"}); err != nil {
		return err
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
