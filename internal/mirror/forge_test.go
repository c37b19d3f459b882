package mirror

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

func TestDesiredStatuses(t *testing.T) {
	const a, b = name.Revision(hashA), name.Revision(hashB)
	last := func(revision name.Revision, result record.Result) *record.Record {
		return &record.Record{App: "shop", Number: 7, Revision: revision, Result: result}
	}
	shop := func(s deploy.Status) deploy.Status {
		s.App = "shop"
		return s
	}
	page := func(kind, id string) string { return kind + "/" + id }
	good := deploy.Status{Revision: a, Sync: deploy.InSync, Health: "healthy", Last: last(a, record.Deployed)}
	running, progressing, away := good, good, good
	running.Running, progressing.Health, away.Outage = "shop-8", "progressing", &deploy.Outage{}
	for what, test := range map[string]struct {
		status deploy.Status
		posted commitState
		want   string
	}{
		"nothing is to be deployed": {deploy.Status{}, "", ""},
		"in sync and healthy":       {good, pending, "success: deployed, healthy"},
		"of another commit before":  {deploy.Status{Revision: a, Sync: deploy.InSync, Health: "-", Last: last(b, record.Failed)}, "", "success: deployed, with nothing to be healthy"},
		"a deploy goes on":          {running, success, "pending: deploying as shop-8"},
		"not healthy yet":           {progressing, pending, "pending: in sync, progressing"},
		"a pod is replaced":         {progressing, success, "success: "},
		"the cluster is away":       {away, pending, "pending: "},
		"away from the beginning":   {away, "", ": "},
		"the deploy failed":         {deploy.Status{Revision: a, Sync: deploy.NotSynced, Health: "healthy", Last: last(a, record.Failed)}, success, "failure: shop-7 is failed"},
		"it was not healthy":        {deploy.Status{Revision: a, Sync: deploy.InSync, Health: "healthy", Last: last(a, record.Unhealthy)}, "", "failure: shop-7 is unhealthy"},
		"failing later":             {deploy.Status{Revision: a, Sync: deploy.InSync, Health: "failing", Last: last(a, record.Deployed)}, success, "failure: an object is failing"},
		"a window is closed":        {deploy.Status{Revision: a, Sync: deploy.Waits, Health: "healthy"}, "", "pending: waiting, healthy"},
		"held":                      {deploy.Status{Revision: a, Sync: deploy.InSync, Health: "healthy", Forbidden: "x"}, "", "pending: held"},
	} {
		s := State{Posted: map[string]string{string(hashA) + " pushboat/shop": string(test.posted)}}
		got := ""
		for _, status := range desired([]deploy.Status{shop(test.status)}, s, page) {
			got += fmt.Sprintf("%s: %s", status.state, status.text)
			if status.context != "pushboat/shop" || status.commit != hashA || status.page != "app/shop" {
				t.Errorf("%s: got %+v", what, status)
			}
		}
		if !strings.HasPrefix(got, test.want) || (got == "") != (test.want == "") {
			t.Errorf("%s: got %q, want %q", what, got, test.want)
		}
	}

	refused := State{Refused: map[name.Branch]Refused{"main": {Revision: hashB, Reason: "problem at a:1", Refusal: "ID"}}}
	list := desired([]deploy.Status{shop(good)}, refused, page)
	if len(list) != 2 || list[0] != (commitStatus{hashB, "pushboat", failure, "refused for branch main: problem at a:1", "refusal/ID"}) {
		t.Errorf("refused: %+v", list)
	}
	accepted := State{Posted: map[string]string{string(hashA) + " pushboat": string(failure)}}
	other := shop(good)
	other.App = "other"
	list = desired([]deploy.Status{shop(good), other}, accepted, page)
	if len(list) != 3 || !slices.Contains(list, commitStatus{hashA, "pushboat", success, "accepted by the gate", ""}) {
		t.Errorf("accepted in the end: %+v", list)
	}
}

func TestForgeRequests(t *testing.T) {
	s := commitStatus{hashA, "pushboat/shop", failure, strings.Repeat("é", 200), "https://p.example.org/apps/shop"}
	for _, test := range []struct {
		url, forge, at, header, state string
	}{
		{"https://github.com/team/shop.git", rules.GitHub, "https://api.github.com/repos/team/shop/statuses/" + string(hashA), "Authorization: Bearer t0ken", "failure"},
		{"git@github.com:team/shop.git", rules.GitHub, "https://api.github.com/repos/team/shop/statuses/" + string(hashA), "Authorization: Bearer t0ken", "failure"},
		{"https://ghe.example.org:8443/team/shop", rules.GitHub, "https://ghe.example.org:8443/api/v3/repos/team/shop/statuses/" + string(hashA), "Authorization: Bearer t0ken", "failure"},
		{"ssh://git@gitlab.example.org:2222/a/b/shop.git", rules.GitLab, "https://gitlab.example.org/api/v4/projects/a%2Fb%2Fshop/statuses/" + string(hashA), "Private-Token: t0ken", "failed"},
		{"https://codeberg.org/team/shop.git", rules.Gitea, "https://codeberg.org/api/v1/repos/team/shop/statuses/" + string(hashA), "Authorization: token t0ken", "failure"},
	} {
		far := &rules.Far{URL: test.url, Forge: test.forge}
		req, err := statusCall(far, s).request(t.Context(), far, "t0ken")
		if err != nil || req.URL.String() != test.at {
			t.Errorf("%s: %v, %v", test.url, req, err)
			continue
		}
		name, value, _ := strings.Cut(test.header, ": ")
		var body map[string]string
		if err := json.NewDecoder(req.Body).Decode(&body); err != nil || req.Header.Get(name) != value || body["state"] != test.state || body["target_url"] != s.page {
			t.Errorf("%s: header %v, body %v, %v", test.url, req.Header, body, err)
		}
		if body["context"]+body["name"] != s.context || len(body["description"]) > maxStatusText {
			t.Errorf("%s: body %v", test.url, body)
		}
	}
}

func TestForgesAreToldOnce(t *testing.T) {
	w := newWorld(t, git.StoreOptions{})
	var mu sync.Mutex // protects the two below
	answer, asked := http.StatusCreated, []string{}
	forge := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		var body struct{ State string }
		_ = json.Unmarshal(text, &body)
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, body.State)
		rw.WriteHeader(answer)
	}))
	defer forge.Close()
	at, err := url.Parse(forge.URL)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(w.dir, "files", "token")
	if err := os.WriteFile(file, []byte("t0ken\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.rule(map[string]string{"shop": "url: http://" + at.Host + "/team/shop.git\nstatusFile: " + file + "\nforge: gitea\n"})
	app := deploy.Status{App: "shop", Repo: "shop", Revision: name.Revision(hashA), Running: "shop-1"}
	answers := func(status int) {
		mu.Lock()
		defer mu.Unlock()
		answer = status
	}
	told := func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(asked)
	}
	retries := map[name.Repo]retry{}
	tell := func() {
		w.apps = []deploy.Status{app}
		w.keeper.tellForge(t.Context(), w.rules.Mirror("shop"), retries)
	}
	tell()
	tell()
	app.Running, app.Sync, app.Health = "", deploy.InSync, "healthy"
	tell()
	again := New(w.keeper.config, w.keeper.settings())
	again.tellForge(t.Context(), w.rules.Mirror("shop"), retries)
	if got, want := told(), []string{"pending", "success"}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}

	// What a forge does not take is told later.
	answers(http.StatusNotFound)
	app.Health = "failing"
	tell()
	if s := w.state(); s.Untold == nil || !strings.Contains(s.Untold.Error, "404: the token in statusFile may not set the status") || retries["shop"].wait != leastRetry {
		t.Errorf("not taken: %+v, retry %+v", s.Untold, retries["shop"])
	}
	tell()
	if retries["shop"].wait != 2*leastRetry {
		t.Errorf("the second retry is %+v", retries["shop"])
	}
	answers(http.StatusCreated)
	tell()
	if s, all := w.state(), told(); s.Untold != nil || len(retries) > 0 || len(all) != 5 || all[4] != "failure" {
		t.Errorf("taken: %+v, told %q", s.Untold, all)
	}
	app.Revision = name.Revision(hashB)
	tell()
	if posted := w.state().Posted; len(posted) != 1 || posted[string(hashB)+" pushboat/shop"] != "failure" {
		t.Errorf("known of commits that no app has: %v", posted)
	}
}

func TestForgeAnswers(t *testing.T) {
	answer := func(code int, text string) *http.Response {
		return &http.Response{StatusCode: code, Body: io.NopCloser(strings.NewReader(text))}
	}
	again := answer(http.StatusBadRequest, `{"message":"Cannot transition status via :enqueue from :pending"}`)
	if err := forgeAnswer(&rules.Far{Forge: rules.GitLab}, commitStatus{}, again); err != nil {
		t.Errorf("a status that GitLab has: %v", err)
	}
	for _, test := range []struct {
		forge string
		code  int
		text  string
	}{{rules.GitLab, 400, "x"}, {rules.Gitea, 400, "Cannot transition status"}, {rules.GitHub, 401, ""}, {rules.GitHub, 500, ""}, {rules.GitHub, 302, ""}} {
		if err := forgeAnswer(&rules.Far{Forge: test.forge}, commitStatus{}, answer(test.code, test.text)); err == nil {
			t.Errorf("%+v is no error", test)
		}
	}
}
