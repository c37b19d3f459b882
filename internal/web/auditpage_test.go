package web

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/token"
	"github.com/pushboat/pushboat/internal/audit"
)

// TestAuditIsPaged: the filter is the verb's, and a full page leads to the lines before it,
// with the same filter.
func TestAuditIsPaged(t *testing.T) {
	h := newHouse(t, nil)
	lines := func(n int, first uint64) []audit.Event {
		events := make([]audit.Event, n)
		for i := range events {
			events[i] = audit.Event{Kind: audit.Push, Seq: first + uint64(i)}
		}
		return events
	}
	desk := &verbs{answers: map[string]any{"audit": lines(auditLines, 301)}}
	h.Run = desk.run
	b := &browser{house: h}
	b.logIn(t, h.guest(t, "ana", access.RoleAdmin))
	page := b.get(t, "/audit?operator=ana&event=push&until=&repository=team%2Fshop").Body.String()
	want := []string{"audit", "--number=200", "--event=push", "--operator=ana", "--repository=team/shop", "-o", "json"}
	if got := desk.asked[0]; !slices.Equal(got, want) {
		t.Errorf("asked %q, want %q", got, want)
	}
	if !strings.Contains(page, `href="/audit?before=301&amp;event=push&amp;operator=ana&amp;repository=team%2Fshop"`) || strings.Contains(page, ">Newest<") || !strings.Contains(page, "<option selected>push</option>") {
		t.Errorf("the first page is\n%s", page)
	}
	desk.answers["audit"] = lines(3, 1)
	page = b.get(t, "/audit?before=301&event=push").Body.String()
	if got := desk.asked[1]; !slices.Contains(got, "--before=301") || !slices.Contains(got, "--event=push") {
		t.Errorf("asked %q", got)
	}
	if !strings.Contains(page, `href="/audit?event=push"`) || strings.Contains(page, ">Older<") {
		t.Errorf("the last page is\n%s", page)
	}
	if b.get(t, "/audit?before=-1;x").Code != http.StatusOK || slices.ContainsFunc(desk.asked[2], func(word string) bool { return strings.HasPrefix(word, "--before") }) {
		t.Errorf("asked %q", desk.asked[2])
	}
	desk.answers["audit"] = lines(auditLines, 1)
	if page := b.get(t, "/audit").Body.String(); strings.Contains(page, ">Older<") {
		t.Error("there are lines before the first")
	}
}

// TestAccessPage: all that the verb says of somebody is shown, and people to choose from.
func TestAccessPage(t *testing.T) {
	h := newHouse(t, nil)
	no := false
	desk := &verbs{answers: map[string]any{"keys": []map[string]string{{"operator": "ben"}, {"operator": "ana"}, {"operator": "ben"}}}}
	h.Run = desk.run
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/access", nil)
	v := &visit{door: h.Door, r: r, session: &session{operator: "ana"}}
	people, err := v.people()
	if err != nil || !slices.Equal(people, []string{"ana", "ben"}) {
		t.Errorf("the people are %q: %v", people, err)
	}
	now := time.Date(2026, 1, 31, 18, 0, 0, 0, time.UTC)
	body := accessPage{People: people, Tokens: []listedToken{
		{Token: token.Token{ID: "1a2b3c4d", Name: "ci", Operator: "ben", Role: "read", Repos: "shop", Expires: now.Add(time.Hour)}},
		{token.Token{ID: "5a2b3c4d", Operator: "ben", Role: "read", Used: now, Address: "192.0.2.1", Expires: now.Add(time.Hour)}, "key <b> expired"},
	}, Answer: &explained{
		Operator: "ben", Repository: "shop", Groups: []string{"devs"}, Certificates: []struct{ Authority, Principal string }{{"ca", "ben@"}},
		Grant: &explainedGrant{
			Place: "repositories.yaml:3", Gives: "listed", Namespaces: []string{"shop"}, NamespaceLabels: []map[string]string{{"team": "a"}},
			ClusterScoped: []string{"ClusterRole"}, AllowedKinds: []string{"Deployment"}, DeniedKinds: []string{"Ingress"}, PlainSecrets: &no, Rate: "5/m",
		},
	}}
	var page strings.Builder
	if err := h.pages["access"].ExecuteTemplate(&page, "layout", frame{Now: now, Body: body}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<datalist id="people"><option value="ana"></option><option value="ben"></option></datalist>`, "devs", "Certificates of ca let ben@ in", "repositories.yaml:3", "team=a", "only Deployment", "Ingress", "ClusterRole", "may not be stored", "5/m", "2026-01-31 19:00", "<strong class=\"heed\">ended: key &lt;b&gt; expired</strong>", "from 192.0.2.1", "never"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, page.String())
		}
	}
}
