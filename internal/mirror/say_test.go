package mirror

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/report"
)

// forgery speaks the API of a forge, as far as comments go.
type forgery struct {
	*httptest.Server
	mu      sync.Mutex
	answers map[string]string // by "METHOD PATH": a status, and a body after a space
	asked   []string          // "METHOD PATH"
	said    []string          // bodies of comments
	headers []http.Header
}

func newForgery(t *testing.T, answers map[string]string) *forgery {
	f := &forgery{answers: answers}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

// ServeHTTP answers as it was told to, and 404 to all else.
func (f *forgery) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	what := r.Method + " " + r.URL.EscapedPath()
	text, _ := io.ReadAll(r.Body)
	var sent map[string]string
	if len(text) > 0 && json.Unmarshal(text, &sent) != nil {
		http.Error(w, "no JSON", http.StatusBadRequest)
		return
	}
	f.asked, f.headers = append(f.asked, what), append(f.headers, r.Header)
	if sent["body"] != "" {
		f.said = append(f.said, sent["body"])
	}
	answer, ok := f.answers[what]
	if !ok {
		answer = "404 {}"
	}
	status, text2, _ := strings.Cut(answer, " ")
	code := 0
	_, _ = fmt.Sscan(status, &code)
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text2)
}

// take returns what was asked and said since the last time.
func (f *forgery) take() (asked, said []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	asked, said = f.asked, f.said
	f.asked, f.said = nil, nil
	return asked, said
}

func (f *forgery) answer(what, with string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[what] = with
}

// commenting is a world with a mirror whose forge is commented.
func commenting(t *testing.T, forge string, f *forgery) *world {
	w := newWorld(t, git.StoreOptions{})
	file := filepath.Join(w.dir, "files", "token")
	if err := os.WriteFile(file, []byte("t0ken\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.rule(map[string]string{"shop": "url: " + f.URL + "/team/shop.git\nstatusFile: " + file + "\nforge: " + forge + "\ncomments: problems\n"})
	w.problems = map[string][]report.OutlinedProblem{"ONE": {{File: "a.yaml", Line: 1, Message: "problem one"}}, "TWO": {{File: "a.yaml", Line: 1, Message: "problem two"}}}
	return w
}

func (w *world) refuse(commit git.Hash, refusal string) {
	w.keeper.change("shop", func(s *State) {
		s.Refused = nil
		if refusal != "" {
			s.Refused = map[name.Branch]Refused{"main": {Revision: commit, Reason: "problem at a.yaml:1", Refusal: refusal}}
		}
	})
}

func TestCommentsAtEachForge(t *testing.T) {
	a, b := string(hashA), string(hashB)
	for what, test := range map[string]struct {
		forge   string
		answers map[string]string
		first   []string // what is asked for a new comment
		changed []string // for one that changes
		on, id  string
		header  string
	}{
		"GitHub, a commit": {
			rules.GitHub,
			map[string]string{
				"GET /api/v3/repos/team/shop/commits/" + a + "/pulls": "200 []", "POST /api/v3/repos/team/shop/commits/" + a + "/comments": `201 {"id": 17}`,
				"PATCH /api/v3/repos/team/shop/comments/17": "200 {}",
			},
			[]string{"GET /api/v3/repos/team/shop/commits/" + a + "/pulls", "POST /api/v3/repos/team/shop/commits/" + a + "/comments"},
			[]string{"PATCH /api/v3/repos/team/shop/comments/17"},
			"commits/" + a, "17", "Authorization: Bearer t0ken",
		},
		"GitHub, a pull request": {
			rules.GitHub,
			map[string]string{
				"GET /api/v3/repos/team/shop/commits/" + a + "/pulls": `200 [{"number": 5, "state": "closed", "merged_at": "2026-01-01T00:00:00Z", "base": {"repo": {"full_name": "team/shop"}}}]`,
				"POST /api/v3/repos/team/shop/issues/5/comments":      `201 {"id": 18}`,
				"PATCH /api/v3/repos/team/shop/issues/comments/18":    "200 {}",
			},
			[]string{"GET /api/v3/repos/team/shop/commits/" + a + "/pulls", "POST /api/v3/repos/team/shop/issues/5/comments"},
			[]string{"PATCH /api/v3/repos/team/shop/issues/comments/18"},
			"pulls/5", "18", "Authorization: Bearer t0ken",
		},
		"GitLab, a commit": {
			rules.GitLab,
			map[string]string{
				"GET /api/v4/projects/team%2Fshop/repository/commits/" + a + "/merge_requests":                          "200 []",
				"POST /api/v4/projects/team%2Fshop/repository/commits/" + a + "/discussions":                            `201 {"id": "6a9c1750b37d513a", "individual_note": false, "notes": [{"id": 1126}]}`,
				"PUT /api/v4/projects/team%2Fshop/repository/commits/" + a + "/discussions/6a9c1750b37d513a/notes/1126": "200 {}",
			},
			[]string{"GET /api/v4/projects/team%2Fshop/repository/commits/" + a + "/merge_requests", "POST /api/v4/projects/team%2Fshop/repository/commits/" + a + "/discussions"},
			[]string{"PUT /api/v4/projects/team%2Fshop/repository/commits/" + a + "/discussions/6a9c1750b37d513a/notes/1126"},
			"commits/" + a, "6a9c1750b37d513a/notes/1126", "Private-Token: t0ken",
		},
		"GitLab, a merge request": {
			rules.GitLab,
			map[string]string{
				"GET /api/v4/projects/team%2Fshop/repository/commits/" + a + "/merge_requests": `200 [{"iid": 6, "state": "merged", "merged_at": "2026-01-01T00:00:00Z", "references": {"full": "team/shop!6"}}]`,
				"POST /api/v4/projects/team%2Fshop/merge_requests/6/notes":                     `201 {"id": 301}`,
				"PUT /api/v4/projects/team%2Fshop/merge_requests/6/notes/301":                  "200 {}",
			},
			[]string{"GET /api/v4/projects/team%2Fshop/repository/commits/" + a + "/merge_requests", "POST /api/v4/projects/team%2Fshop/merge_requests/6/notes"},
			[]string{"PUT /api/v4/projects/team%2Fshop/merge_requests/6/notes/301"},
			"pulls/6", "301", "Private-Token: t0ken",
		},
		"Gitea, merged": {
			rules.Gitea,
			map[string]string{
				"GET /api/v1/repos/team/shop/commits/" + a + "/pull": `200 {"number": 7, "state": "closed", "merged_at": "2026-01-01T00:00:00Z"}`,
				"POST /api/v1/repos/team/shop/issues/7/comments":     `201 {"id": 40}`, "PATCH /api/v1/repos/team/shop/issues/comments/40": "200 {}",
			},
			[]string{"GET /api/v1/repos/team/shop/commits/" + a + "/pull", "POST /api/v1/repos/team/shop/issues/7/comments"},
			[]string{"PATCH /api/v1/repos/team/shop/issues/comments/40"},
			"pulls/7", "40", "Authorization: token t0ken",
		},
		"Gitea, open": {
			rules.Gitea,
			map[string]string{
				"GET /api/v1/repos/team/shop/pulls":              `200 [{"number": 9, "state": "open", "head": {"sha": "` + b + `"}}, {"number": 8, "state": "open", "head": {"sha": "` + a + `"}}]`,
				"POST /api/v1/repos/team/shop/issues/8/comments": `201 {"id": 41}`, "PATCH /api/v1/repos/team/shop/issues/comments/41": "200 {}",
			},
			[]string{"GET /api/v1/repos/team/shop/commits/" + a + "/pull", "GET /api/v1/repos/team/shop/pulls", "POST /api/v1/repos/team/shop/issues/8/comments"},
			[]string{"PATCH /api/v1/repos/team/shop/issues/comments/41"},
			"pulls/8", "41", "Authorization: token t0ken",
		},
		"Gitea, a commit by itself": {
			rules.Gitea,
			map[string]string{"GET /api/v1/repos/team/shop/pulls": "200 []"},
			[]string{"GET /api/v1/repos/team/shop/commits/" + a + "/pull", "GET /api/v1/repos/team/shop/pulls"},
			[]string{"GET /api/v1/repos/team/shop/commits/" + a + "/pull", "GET /api/v1/repos/team/shop/pulls"},
			"", "", "Authorization: token t0ken",
		},
	} {
		t.Run(what, func(t *testing.T) {
			f := newForgery(t, test.answers)
			w := commenting(t, test.forge, f)
			retries := map[name.Repo]retry{}
			comment := func() (asked, said []string) {
				w.keeper.comment(t.Context(), w.rules.Mirror("shop"), retries)
				return f.take()
			}
			w.refuse(hashA, "ONE")
			asked, said := comment()
			if !slices.Equal(asked, test.first) || len(said) != min(len(test.id), 1) || len(said) > 0 && !strings.Contains(said[0], "problem one") {
				t.Fatalf("asked %q\nwant %q\nsaid %q; %+v", asked, test.first, said, w.state().Uncommented)
			}
			header, value, _ := strings.Cut(test.header, ": ")
			if got := f.headers[0].Get(header); got != value {
				t.Errorf("the header %s is %q", header, got)
			}
			if c := w.state().Commented[hashA]; c.On != test.on || c.ID != test.id || !c.Refused || c.Time.IsZero() {
				t.Errorf("known: %+v", c)
			}
			again := New(w.keeper.config, w.keeper.settings())
			again.comment(t.Context(), w.rules.Mirror("shop"), retries)
			if asked, _ := f.take(); len(asked) > 0 {
				t.Errorf("the next server asks %q", asked)
			}
			w.refuse(hashA, "TWO")
			if asked, said := comment(); !slices.Equal(asked, test.changed) || len(said) > 0 && !strings.Contains(said[0], "problem two") {
				t.Errorf("changed: asked %q\nwant %q\nsaid %q", asked, test.changed, said)
			}
			if s := w.state(); s.Uncommented != nil || len(retries) > 0 {
				t.Errorf("not commented: %+v", s.Uncommented)
			}
		})
	}
}

// A request to merge has one comment, however many commits of it are refused; one that somebody has
// deleted comes back only when there is something else to say.
func TestOneCommentForARequestToMerge(t *testing.T) {
	const pulls = `200 [{"number": 5, "state": "open"}]`
	root := "/api/v3/repos/team/shop"
	f := newForgery(t, map[string]string{
		"GET " + root + "/commits/" + string(hashA) + "/pulls": pulls, "GET " + root + "/commits/" + string(hashB) + "/pulls": pulls,
		"POST " + root + "/issues/5/comments": `201 {"id": 18}`, "PATCH " + root + "/issues/comments/18": "200 {}",
	})
	w := commenting(t, rules.GitHub, f)
	retries := map[name.Repo]retry{}
	comment := func(commit git.Hash, refusal string) []string {
		w.refuse(commit, refusal)
		w.keeper.comment(t.Context(), w.rules.Mirror("shop"), retries)
		asked, _ := f.take()
		return asked
	}
	comment(hashA, "ONE")
	if asked := comment(hashB, "TWO"); !slices.Equal(asked, []string{"GET " + root + "/commits/" + string(hashB) + "/pulls", "PATCH " + root + "/issues/comments/18"}) {
		t.Errorf("for the next commit: %q", asked)
	}
	if s := w.state(); s.Commented[hashA].ID != "" || s.Commented[hashB].ID != "18" {
		t.Errorf("known: %+v", s.Commented)
	}
	f.answer("PATCH "+root+"/issues/comments/18", "404 {}")
	if asked := comment(hashB, "ONE"); !slices.Equal(asked, []string{"PATCH " + root + "/issues/comments/18"}) {
		t.Errorf("one that is deleted: %q", asked)
	}
	if asked := comment(hashB, "ONE"); len(asked) > 0 {
		t.Errorf("the same again: %q", asked)
	}
	if asked := comment(hashB, "TWO"); !slices.Equal(asked, []string{"POST " + root + "/issues/5/comments"}) {
		t.Errorf("something else: %q", asked)
	}
}

// What a forge does not take is said later, and status says why; nothing has the token.
func TestCommentsAreRetried(t *testing.T) {
	root := "/api/v3/repos/team/shop/commits/" + string(hashA)
	f := newForgery(t, map[string]string{"GET " + root + "/pulls": "200 []", "POST " + root + "/comments": "403 {}"})
	w := commenting(t, rules.GitHub, f)
	retries := map[name.Repo]retry{}
	w.refuse(hashA, "ONE")
	for _, test := range []struct{ answer, want string }{
		{"403 {}", "403: the token in statusFile may not comment on commit aaaaaaa"},
		{"404 {}", "404: the token in statusFile may not comment"},
		{"500 t0ken", "the forge answers 500 to a comment on commit aaaaaaa"},
		{"302 x", "the forge answered 302 and sent the message elsewhere"},
	} {
		f.answer("POST "+root+"/comments", test.answer)
		w.keeper.comment(t.Context(), w.rules.Mirror("shop"), retries)
		s := w.state()
		if s.Uncommented == nil || !strings.Contains(s.Uncommented.Error, test.want) || strings.Contains(s.Uncommented.Error, "t0ken") || len(s.Commented) > 0 {
			t.Errorf("%s: %+v, %+v", test.answer, s.Uncommented, s.Commented)
		}
	}
	if retries["shop"].wait != 8*leastRetry {
		t.Errorf("the wait is %s", retries["shop"].wait)
	}
	f.answer("GET "+root+"/pulls", "200 <html>")
	w.keeper.comment(t.Context(), w.rules.Mirror("shop"), retries)
	if s := w.state(); !strings.Contains(s.Uncommented.Error, "something else than requests to merge") {
		t.Errorf("no JSON: %+v", s.Uncommented)
	}
	f.answer("GET "+root+"/pulls", `200 [{"number": 1, "title": "`+strings.Repeat("x", maxAnswer)+`"}]`)
	w.keeper.comment(t.Context(), w.rules.Mirror("shop"), retries)
	if s := w.state(); !strings.Contains(s.Uncommented.Error, "or too much") {
		t.Errorf("a large answer: %+v", s.Uncommented)
	}
	f.answer("GET "+root+"/pulls", "200 []")
	f.answer("POST "+root+"/comments", `201 {"id": "../x"}`)
	w.keeper.comment(t.Context(), w.rules.Mirror("shop"), retries)
	if s := w.state(); s.Uncommented != nil || s.Commented[hashA].ID != "" || s.Commented[hashA].Says == "" || len(retries) > 0 {
		t.Errorf("taken: %+v", s)
	}
}

// What a forge is not told any more is no trouble any more, and what another one was told is not
// known of this one: its comments have other ids.
func TestForgesThatAreOthers(t *testing.T) {
	w := commenting(t, rules.GitHub, newForgery(t, nil))
	told := *w.rules.Mirror("shop")
	moved, quiet, silent := told, told, told
	moved.URL = "https://github.com/other/shop"
	quiet.Comments = ""
	silent.Comments, silent.StatusFile = "", ""
	for what, test := range map[string]struct {
		was, is                                *rules.Mirror
		posted, commented, untold, uncommented bool
	}{
		"the first":       {nil, &told, true, true, true, true},
		"the same":        {&told, &told, true, true, true, true},
		"another":         {&told, &moved, false, false, false, false},
		"no comments":     {&told, &quiet, true, true, true, false},
		"nothing":         {&told, &silent, false, false, false, false},
		"still nothing":   {&silent, &silent, true, true, false, false},
		"again something": {&silent, &told, true, true, true, true},
	} {
		w.keeper.change("shop", func(s *State) { *s = State{} })
		if test.was != nil {
			w.keeper.meet(test.was)
		}
		w.keeper.change("shop", func(s *State) {
			s.Posted, s.Commented = map[string]string{"x": "success"}, map[git.Hash]Comment{hashA: {ID: "1"}}
			s.Untold, s.Uncommented = &Trouble{Error: "x"}, &Trouble{Error: "y"}
		})
		w.keeper.meet(test.is)
		s := w.state()
		got := [...]bool{s.Posted != nil, s.Commented != nil, s.Untold != nil, s.Uncommented != nil}
		if want := [...]bool{test.posted, test.commented, test.untold, test.uncommented}; got != want {
			t.Errorf("%s: known are %v, want %v", what, got, want)
		}
	}
}

func TestStatesHaveComments(t *testing.T) {
	s := State{Commented: map[git.Hash]Comment{hashA: {On: "pulls/1", ID: "2", Says: "x", Time: time.Unix(1, 0).UTC(), Refused: true}}}
	c := s.copy()
	c.Commented[hashB] = Comment{}
	if len(s.Commented) != 1 {
		t.Error("a copy is no copy")
	}
	path := filepath.Join(t.TempDir(), "mirrors.json")
	if err := writeStates(path, map[name.Repo]State{"shop": s.kept()}); err != nil {
		t.Fatal(err)
	}
	if again, err := readStates[State](path); err != nil || again["shop"].Commented[hashA] != s.Commented[hashA] {
		t.Errorf("read %+v, %v", again, err)
	}
}
