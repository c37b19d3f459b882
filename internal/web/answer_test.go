package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/command"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// answering has the verbs of a house print an answer and a refusal, and notes what was asked.
func (h *house) answering(answer, refusal string) (asked *[]string) {
	asked = &[]string{}
	h.Run = func(_ context.Context, s command.Session, words []string) int {
		*asked = append(*asked, s.Caller().Operator+": "+strings.Join(words, " "))
		fmt.Fprint(s, answer)
		fmt.Fprint(s.Stderr(), refusal)
		return 1
	}
	return asked
}

func TestAuditPageAsksTheVerb(t *testing.T) {
	h := newHouse(t, nil)
	asked := h.answering(`[{"operator": "first", "event": "push", "decision": "allowed"}, {"operator": "<b>last</b>", "reason": "because"}]`, "warning: x\n")
	b := &browser{house: h}
	b.logIn(t, h.guest(t, "ana", access.RoleAdmin))
	q := url.Values{"since": {"2d"}, "operator": {"--help -n 5"}, "app": {""}}
	page := b.get(t, "/audit?"+q.Encode())
	text := page.Body.String()
	if want := "ana: audit --number=200 --since=2d --operator=--help -n 5 -o json"; page.Code != http.StatusOK || len(*asked) != 1 || (*asked)[0] != want {
		t.Errorf("%d, asked %q, want %q", page.Code, *asked, want)
	}
	if last, first := strings.Index(text, "&lt;b&gt;last"), strings.Index(text, ">first<"); last < 0 || first < last || !strings.Contains(text, "because") {
		t.Errorf("the newest is at %d, the oldest at %d of\n%s", last, first, text)
	}
}

// TestPagesShowRefusals: where a verb gives no answer, the page has what it says instead.
func TestPagesShowRefusals(t *testing.T) {
	h := newHouse(t, nil)
	h.answering("", "error: --since \"x\" is no time\nhint: write 2d\n")
	b := &browser{house: h}
	b.logIn(t, h.guest(t, "ana", access.RoleAdmin))
	if text := b.get(t, "/audit?since=x").Body.String(); !strings.Contains(text, "is no time") || !strings.Contains(text, "hint: write 2d") {
		t.Errorf("the page is\n%s", text)
	}
}

// TestPagesOfTheServerTakeRights: who may not call the verb may not open the page, and the
// verb is not even asked.
func TestPagesOfTheServerTakeRights(t *testing.T) {
	h := newHouse(t, nil)
	asked := h.answering("[]", "")
	for role, want := range map[access.Role]int{access.RoleRead: 403, access.RolePush: 403, access.RoleDeploy: 403, access.RoleAdmin: 200} {
		b := &browser{house: h}
		b.logIn(t, h.guest(t, "u-"+string(role), role))
		*asked = nil
		if got := b.get(t, "/audit"); got.Code != want || (len(*asked) > 0) != (want == 200) {
			t.Errorf("%s: %d, asked %q", role, got.Code, *asked)
		}
		if want != 403 {
			continue
		}
		if e := h.trail.last(); e.Verb != "audit" || e.Decision != audit.Refused || e.Operator != "u-"+string(role) {
			t.Errorf("%s: on the trail: %+v", role, e)
		}
	}
}

// TestAnswersAreBounded: a page is not made of a part of an answer.
func TestAnswersAreBounded(t *testing.T) {
	h := newHouse(t, nil)
	h.answering("["+strings.Repeat(" ", maxAnswer)+"]", "")
	b := &browser{house: h}
	b.logIn(t, h.guest(t, "ana", access.RoleAdmin))
	if got := b.get(t, "/audit"); got.Code == http.StatusOK {
		t.Errorf("%d", got.Code)
	}
}

func TestCommitsHaveTheirDeploys(t *testing.T) {
	now := time.Now()
	made := func(app name.App, n int, revision name.Revision, ago time.Duration) record.Record {
		return record.Record{App: app, Number: n, Revision: revision, Started: now.Add(-ago)}
	}
	var got []string
	for _, c := range commitsOf([]record.Record{
		made("shop", 1, "aaa", 3*time.Hour), made("shop", 2, "bbb", 2*time.Hour), made("shop", 3, "aaa", time.Hour), made("blog", 1, "aaa", 3*time.Hour),
	}) {
		line := string(c.Commit)
		for _, r := range c.Deploys {
			line += " " + r.ID()
		}
		got = append(got, line)
	}
	if want := "aaa shop-3 blog-1 shop-1|bbb shop-2"; strings.Join(got, "|") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBranchesThatDeployAreFirst(t *testing.T) {
	heads := map[string]name.Revision{"a": "1", "main": "2", "b": "3"}
	var got []string
	for _, b := range branchesOf(heads, []deploy.Status{{App: "shop", Branch: "main"}, {App: "blog", Branch: "main"}, {App: "gone", Branch: "x"}}) {
		got = append(got, fmt.Sprint(b.Name, " ", b.Commit, " ", b.Apps))
	}
	if want := "main 2 [shop blog]|a 1 []|b 3 []"; strings.Join(got, "|") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
