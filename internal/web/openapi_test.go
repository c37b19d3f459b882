package web

import (
	"encoding/json"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/command"
	"github.com/pushboat/pushboat/internal/errand"
)

// TestDocument holds the document to OpenAPI 3.1, and to the routes.
func TestDocument(t *testing.T) {
	o := newOffice(t)
	answer := o.call(t, "GET", apiPath+"/openapi.json", "", nil)
	if answer.Code != 200 || len(answer.Body.Bytes()) > 200<<10 {
		t.Fatalf("%d, bytes: %d", answer.Code, answer.Body.Len())
	}
	doc, err := openapi3.NewLoader().LoadFromData(answer.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context(), openapi3.IsOpenAPI31OrLater()); err != nil {
		t.Fatal(err)
	}
	if doc.Servers[0].URL != "https://"+host {
		t.Errorf("the server is %q", doc.Servers[0].URL)
	}
	var routed, documented []string
	for _, row := range apiRoutes() {
		routed = append(routed, row.method+" "+strings.ReplaceAll(row.path, "...}", "}"))
	}
	ids := map[string]string{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			documented = append(documented, method+" "+path)
			if other := ids[op.OperationID]; other != "" || op.OperationID == "" || op.Summary == "" {
				t.Errorf("%s %s is called %q, as is %q", method, path, op.OperationID, other)
			}
			ids[op.OperationID] = method + " " + path
		}
	}
	slices.Sort(routed)
	slices.Sort(documented)
	if !slices.Equal(routed, documented) {
		t.Errorf("routed %q\ndocumented %q", routed, documented)
	}
	for name, schema := range doc.Components.Schemas {
		if schema.Value == nil || schema.Value.Type == nil && len(schema.Value.AnyOf) == 0 {
			t.Errorf("schema %s says nothing", name)
		}
	}
}

// TestOperationsFitTheirVerbs: each has the right of its verb, flags that this has, and
// whatever verb has JSON is in the API, or there is a reason.
func TestOperationsFitTheirVerbs(t *testing.T) {
	h := newHouse(t, nil)
	desk := &command.Desk{Policy: h.Apps.Policy, Leaving: make(chan struct{})}
	ask := func(words ...string) string {
		as := &errand.Session{By: access.Caller{Operator: "ana", Role: access.RoleAdmin}, End: make(chan struct{}), Most: maxAPIAnswer, FillWith: func(s string) string { return s }}
		desk.Run(t.Context(), as, words)
		return string(as.Bytes())
	}
	var rows []struct{ Verb, Args, Flag, Right string }
	if err := json.Unmarshal([]byte(ask("help", "-o", "json")), &rows); err != nil {
		t.Fatal(err)
	}
	rights, withJSON, left := map[string][]string{}, map[string]bool{}, map[string]bool{}
	for _, row := range rows {
		rights[row.Verb] = append(rights[row.Verb], row.Right)
		if _, ok := command.Schema(row.Verb); ok {
			withJSON[row.Verb], left[row.Verb] = true, true
		}
	}
	for _, row := range apiRoutes() {
		verb, right := row.api.verb, row.need.right
		if verb == "" {
			continue
		}
		// Whoever may see a repository may ask what somebody may do there, and the verb says whom.
		if verb != "access explain" && !slices.Contains(rights[verb], string(right)) {
			t.Errorf("%s %s takes %q, and the verb %s %q", row.method, row.path, right, verb, rights[verb])
		}
		if !withJSON[verb] && row.method == "GET" {
			t.Errorf("%s has no JSON", verb)
		}
		help := ask("help", verb)
		for _, p := range row.api.params {
			if p.flag != "" && !strings.Contains(help, "--"+p.flag+" ") {
				t.Errorf("the verb %s has no flag %s:\n%s", verb, p.flag, help)
			}
		}
		delete(left, verb)
	}
	if left := slices.Sorted(maps.Keys(left)); !slices.Equal(left, slices.Sorted(maps.Keys(notInAPI))) {
		t.Errorf("not in the API are %q, reasons are there for %q", left, slices.Sorted(maps.Keys(notInAPI)))
	}
}

// TestWords: paths and parameters become words that no flag can hide in.
func TestWords(t *testing.T) {
	o := newOffice(t)
	text, _ := o.give(t, o.guest(t, "ana", access.RoleAdmin), access.Token{Role: access.RoleAdmin})
	for path, want := range map[string][]string{
		"/clusters/--help":                      {"cluster", "info", "-o", "json", "--", "--help"},
		"/server":                               {"status", "-o", "json", "--server"},
		"/access/shop?who=-h&branch=main":       {"access", "explain", "-o", "json", "--", "-h", "shop", "main"},
		"/repos/team/shop":                      {"repo", "info", "-o", "json", "--", "team/shop"},
		"/orphans?namespace=-x&cluster=--all":   {"orphans", "-o", "json", "--cluster=--all", "--", "-x"},
		"/audit?since=2d":                       {"audit", "-o", "json", "--number=100", "--since=2d"},
		"/events?limit=3":                       {"events", "-o", "json", "--number=3"},
		"/events?after=" + o.cursor(7):          {"events", "-o", "json", "--after=7"},
		"/events?after=another-7":               {"events", "-o", "json", "--after=0"},
		"/events?follow=false&limit=3":          {"events", "-o", "json", "--number=3"},
		"/events?follow=true&after=another-999": {"events", "-o", "json", "--after=0", "--follow"},
	} {
		o.asked, o.prints = nil, "[]"
		if strings.Contains(path, "follow=true") {
			o.prints = ""
		}
		answer := o.call(t, "GET", apiPath+path, text, nil)
		if len(o.asked) != 1 || !slices.Equal(o.asked[0].words, want) {
			t.Errorf("%s: %d, ran %v, want %q\n%s", path, answer.Code, o.asked, want, answer.Body)
		}
	}
	body := values{"reason": "-o json", "until": "2h"}
	op := apiRoute(t, "POST", "/apps/{app}/suspend")
	v := &visit{r: httptest.NewRequest("POST", "/", nil), api: op.api}
	v.r.SetPathValue("app", "shop")
	if got, want := v.words(body), []string{"suspend", "--reason=-o json", "--until=2h", "--", "shop"}; !slices.Equal(got, want) {
		t.Errorf("ran %q, want %q", got, want)
	}
}

func apiRoute(t *testing.T, method, path string) route {
	t.Helper()
	for _, row := range apiRoutes() {
		if row.method == method && row.path == apiPath+path {
			return row
		}
	}
	t.Fatalf("there is no route %s %s", method, path)
	return route{}
}
