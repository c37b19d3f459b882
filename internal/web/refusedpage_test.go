package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/command"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/fleet"
	"github.com/pushboat/pushboat/internal/refusal"
	"github.com/pushboat/pushboat/internal/report"
)

// verbs is a desk that answers with the same data to each verb, and notes what it was asked.
type verbs struct {
	answers map[string]any // by the verb's first word; a missing one is refused
	asked   [][]string
}

func (v *verbs) run(_ context.Context, s command.Session, words []string) int {
	v.asked = append(v.asked, words)
	answer, ok := v.answers[words[0]]
	if !ok {
		fmt.Fprintln(s.Stderr(), "error: not found")
		return 1
	}
	if err := json.NewEncoder(s).Encode(answer); err != nil {
		return 1
	}
	return 0
}

// TestRefusalIsForThoseWhoMaySeeIt: readers of the repository and the pusher see it; for
// everybody else there is no such page, whether or not there is one.
func TestRefusalIsForThoseWhoMaySeeIt(t *testing.T) {
	h := newHouse(t, nil)
	desk := &verbs{answers: map[string]any{}}
	h.Run = desk.run
	pit := h.guest(t, "pit", "")
	r := refusal.Refusal{
		Brief: refusal.Brief{Repo: "shop", Operator: "pit", Key: pit.caller.Fingerprint},
		Problems: []refusal.Problem{{
			OutlinedProblem: report.OutlinedProblem{File: "<b>.yaml", Line: 2, Message: "too <much>", Hint: "ssh HOST status"},
			Excerpt:         &refusal.Excerpt{First: 1, Lines: []string{"a: 1", "<script>b</script>: 2"}},
		}},
	}
	id, err := h.Refusals.Keep(r)
	if err != nil {
		t.Fatal(err)
	}
	desk.answers["refused"], _ = h.Refusals.Find(id)
	for _, test := range []struct {
		name  string
		role  access.Role
		repos access.Globs
		want  int
	}{
		{"pit", "", "", http.StatusOK},
		{"rea", access.RoleRead, "", http.StatusOK},
		{"ada", access.RoleAdmin, "", http.StatusOK},
		{"bea", access.RoleAdmin, "blog", http.StatusNotFound},
		{"eve", "", "", http.StatusNotFound},
	} {
		who := h.guest(t, test.name, test.role)
		op := h.keys[who.caller.Fingerprint]
		op.Repos = test.repos
		h.keys[who.caller.Fingerprint] = op
		b := &browser{house: h, from: "192.0.2." + fmt.Sprint(len(test.name)+len(desk.asked)+10) + ":1"}
		b.logIn(t, who)
		page := b.get(t, "/refused/"+id)
		if page.Code != test.want {
			t.Errorf("%s: %d", test.name, page.Code)
		}
		if text := page.Body.String(); page.Code == http.StatusOK && (!strings.Contains(text, "&lt;script&gt;b") || !strings.Contains(text, "too &lt;much&gt;") || !strings.Contains(text, "ssh git@git.example.org status")) {
			t.Errorf("%s sees\n%s", test.name, text)
		}
		if page := b.get(t, "/refused/"+strings.Repeat("A", 26)); page.Code != http.StatusNotFound {
			t.Errorf("%s: one that is not there: %d", test.name, page.Code)
		}
	}
	h.Refusals.Forget("shop")
	b := &browser{house: h, from: "192.0.2.99:1"}
	b.logIn(t, h.guest(t, "rea", access.RoleRead))
	if page := b.get(t, "/refused/"+id); page.Code != http.StatusNotFound {
		t.Errorf("after the repository: %d", page.Code)
	}
}

func TestRefusalPageHasAnAddress(t *testing.T) {
	h := newHouse(t, nil)
	if got := h.RefusalPage("X"); got != "https://"+host+"/refused/X" {
		t.Errorf("it is %q", got)
	}
	h.Closed = errNotFound
	if got := h.RefusalPage("X"); got != "" {
		t.Errorf("without pages it is %q", got)
	}
}

func TestFilesOf(t *testing.T) {
	at := func(file string, line int) refusal.Problem {
		return refusal.Problem{OutlinedProblem: report.OutlinedProblem{File: file, Line: line, Hint: "ssh HOST x"}}
	}
	second := at("a", 7)
	second.Excerpt = &refusal.Excerpt{First: 6, Lines: []string{"x", "y"}}
	files := filesOf([]refusal.Problem{at("a", 3), at("", 0), second, at("b", 1)}, strings.ToUpper)
	var names []string
	for _, f := range files {
		names = append(names, fmt.Sprint(f.Name, len(f.Problems)))
	}
	if !slices.Equal(names, []string{"a2", "1", "b1"}) {
		t.Errorf("the files are %q", names)
	}
	if p := files[0].Problems[1]; p.Hint != "SSH HOST X" || !slices.Equal(p.Lines, []refusedLine{{6, "x", false}, {7, "y", true}}) {
		t.Errorf("the problem is %+v", p)
	}
}

// TestFilesAreAskedOfTheVerb: whatever a path or a branch is, it is no flag and no other word
// of the verb; and what the verb refuses is not there.
func TestFilesAreAskedOfTheVerb(t *testing.T) {
	h := newHouse(t, nil)
	desk := &verbs{answers: map[string]any{"repo": map[string]any{"repository": "shop", "branch": "main", "path": ".", "kind": "folder"}}}
	h.Run = desk.run
	b := &browser{house: h}
	b.logIn(t, h.guest(t, "rea", access.RoleRead))
	for _, test := range []struct {
		query url.Values
		want  []string
	}{
		{nil, []string{"repo", "files", "-o", "json", "--", "shop", "."}},
		{url.Values{"path": {"--all"}, "branch": {"-x"}}, []string{"repo", "files", "--branch=-x", "-o", "json", "--", "shop", "--all"}},
		{url.Values{"path": {"a b\n;$(id)"}}, []string{"repo", "files", "-o", "json", "--", "shop", "a b\n;$(id)"}},
		{url.Values{"path": {"../.."}, "branch": {"../x:y"}}, []string{"repo", "files", "--branch=../x:y", "-o", "json", "--", "shop", "../.."}},
	} {
		page := b.get(t, "/files/shop?"+test.query.Encode())
		if got := desk.asked[len(desk.asked)-1]; page.Code != http.StatusOK || !slices.Equal(got, test.want) {
			t.Errorf("%v: %d, asked %q, want %q", test.query, page.Code, got, test.want)
		}
	}
	delete(desk.answers, "repo")
	for _, path := range []string{"/files/shop?path=nowhere", "/files/team/shop", "/files/shop.git?path=x"} {
		if page := b.get(t, path); page.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, page.Code)
		}
	}
	bea := h.guest(t, "bea", access.RoleRead)
	op := h.keys[bea.caller.Fingerprint]
	op.Repos = "blog"
	h.keys[bea.caller.Fingerprint] = op
	other := &browser{house: h, from: "192.0.2.77:1"}
	other.logIn(t, bea)
	desk.answers["repo"] = map[string]any{}
	if page := other.get(t, "/files/shop"); page.Code != http.StatusNotFound {
		t.Errorf("of a repository that she may not see: %d", page.Code)
	}
	desk.answers["cluster"] = map[string]any{}
	if page := other.get(t, "/clusters/default"); page.Code != http.StatusForbidden {
		t.Errorf("a cluster, for a reader of one repository: %d", page.Code)
	}
	delete(desk.answers, "cluster")
	if page := b.get(t, "/clusters/nosuch"); page.Code != http.StatusNotFound {
		t.Errorf("a cluster that is not there: %d", page.Code)
	}
}

func TestRunsOf(t *testing.T) {
	l := listing{Commits: map[string]lineCommit{"a": {Author: "Ana"}, "b": {Author: "Ben"}}}
	if runs := runsOf(l); runs != nil {
		t.Errorf("of no lines: %+v", runs)
	}
	for _, line := range [][2]string{{"1", "a"}, {"2", "a"}, {"3", "b"}, {"4", "a"}} {
		l.Lines = append(l.Lines, struct{ Text, Commit string }{line[0], line[1]})
	}
	var got []string
	for _, run := range runsOf(l) {
		got = append(got, run.Author+run.Commit+strings.ReplaceAll(run.Numbers+":"+run.Text, "\n", ","))
	}
	if want := []string{"Anaa1,2,:1,2,", "Benb3,:3,", "Anaa4,:4,"}; !slices.Equal(got, want) {
		t.Errorf("the runs are %q, want %q", got, want)
	}
	if got := fmt.Sprint(crumbsOf("a/b/c"), crumbsOf(".")); got != "[{a a} {b a/b} {c a/b/c}] []" {
		t.Errorf("the crumbs are %s", got)
	}
}

func TestClusterPage(t *testing.T) {
	p := clusterPage{State: fleet.State{ClusterState: deploy.ClusterState{Name: "eu"}, Labels: map[string]string{"b": "2", "a": "1"}}}
	all := []deploy.Status{{App: "fine", Cluster: "eu", Sync: deploy.InSync}, {App: "other", Cluster: "us"}, {App: "held", Cluster: "eu", Sync: deploy.Held}, {App: "sick", Cluster: "eu", Health: "failing"}, {App: "runs", Cluster: "eu", Running: "runs-1"}}
	for i := range maxClusterApps {
		all = append(all, deploy.Status{App: "more", Cluster: "eu", Sync: deploy.InSync, Objects: i})
	}
	p.fill(all)
	if len(p.Statuses) != maxClusterApps || p.More != 4 || p.Statuses[0].App != "sick" || len(p.Running) != 1 || len(p.Waiting) != 1 || p.Waiting[0].App != "held" || !slices.Equal(p.Label, []string{"a=1", "b=2"}) {
		t.Errorf("%d apps, %d more, first %s; running %v, waiting %v, labels %v", len(p.Statuses), p.More, p.Statuses[0].App, p.Running, p.Waiting, p.Label)
	}
}
