package mirror

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

func markdown(r remark) string {
	var text strings.Builder
	r.fill().WriteMarkdown(&text)
	return text.String()
}

// speaker is a keeper as far as remarks go.
func speaker() *Keeper {
	return &Keeper{config: Config{
		Page: func(kind, id string) string { return "https://p.example.org/" + kind + "/" + id },
		Problems: func(id string) ([]report.OutlinedProblem, int) {
			if id == "KEPT" {
				return []report.OutlinedProblem{{File: "a.yaml", Line: 1, Message: "one"}, {File: "b.yaml", Line: 2, Message: "two"}}, 3
			}
			return nil, 0
		},
	}}
}

func TestRemarksOnRefusedCommits(t *testing.T) {
	k := speaker()
	m := &rules.Mirror{Comments: rules.CommentProblems}
	of := func(refused map[name.Branch]Refused) []remark {
		return k.remarks(m, nil, State{Refused: refused}, time.Now())
	}
	kept := Refused{Revision: hashA, Reason: "problem at a.yaml:1", Refusal: "KEPT"}
	list := of(map[name.Branch]Refused{"main": kept, "x": kept, "refs/tags/v1": {Revision: hashB, Reason: "no"}})
	if len(list) != 1 || list[0].commit != hashA || !list[0].refused || list[0].mended {
		t.Fatalf("two branches and a tag: %+v", list)
	}
	text := markdown(list[0])
	for _, want := range []string{"refused `aaaaaaa` for main, x: 5 problems", "error: a.yaml:1:\n  one\nerror: b.yaml:2:\n  two\n", "<https://p.example.org/refusal/KEPT>", "3 more problems"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	for what, refused := range map[string]Refused{
		"never kept":     {Revision: hashA, Reason: "the history was rewritten"},
		"kept no longer": {Revision: hashA, Reason: "the history was rewritten", Refusal: "GONE"},
	} {
		text := markdown(of(map[name.Branch]Refused{"main": refused})[0])
		if !strings.Contains(text, "1 problem.") || !strings.Contains(text, "error: the history was rewritten\n") || strings.Contains(text, "https://") {
			t.Errorf("%s: %s", what, text)
		}
	}
	// What it says differs with the reason, the refusal and the branches, and with nothing else.
	says := map[string]bool{}
	later := kept
	later.Since = time.Now()
	for _, refused := range []map[name.Branch]Refused{
		{"main": kept},
		{"main": later},
		{"x": kept},
		{"main": kept, "x": kept},
		{"main": {Revision: hashA, Reason: "other", Refusal: "KEPT"}},
		{"main": {Revision: hashA, Reason: kept.Reason, Refusal: "OTHER"}},
	} {
		says[of(refused)[0].says] = true
	}
	if len(says) != 5 {
		t.Errorf("%d different remarks", len(says))
	}
}

func TestRemarksOnDeployedCommits(t *testing.T) {
	k, now := speaker(), time.Now()
	last := func(result record.Result, revision git.Hash, ago time.Duration) *record.Record {
		return &record.Record{App: "shop", Number: 7, Revision: name.Revision(revision), Result: result, Started: now.Add(-ago), Message: "because\nlogs of a pod", Objects: []record.Object{{Action: record.Create}}}
	}
	shop := func(l *record.Record, change func(s *deploy.Status)) deploy.Status {
		s := deploy.Status{App: "shop", Cluster: "default", Revision: name.Revision(hashA), Sync: deploy.InSync, Health: "healthy", Last: l}
		if change != nil {
			change(&s)
		}
		return s
	}
	good := shop(last(record.Deployed, hashA, time.Minute), nil)
	other := good
	other.App, other.Last = "other", last(record.Deployed, hashB, time.Minute)
	const mended = "is accepted now"
	for what, test := range map[string]struct {
		mode string
		apps []deploy.Status
		want string
	}{
		"only problems":          {rules.CommentProblems, []deploy.Status{good}, mended},
		"deployed":               {rules.CommentAlways, []deploy.Status{good}, "`aaaaaaa` is deployed.**\n\n- shop on cluster default: deployed, 1 object changed ([shop-7](<https://p.example.org/app/shop>))\n"},
		"one of two":             {rules.CommentAlways, []deploy.Status{good, other}, "\n1 app unchanged\n"},
		"none has changed":       {rules.CommentAlways, []deploy.Status{other}, mended},
		"it goes on":             {rules.CommentAlways, []deploy.Status{shop(good.Last, func(s *deploy.Status) { s.Running = "shop-8" })}, mended},
		"another goes on":        {rules.CommentAlways, []deploy.Status{good, shop(nil, func(s *deploy.Status) { s.App, s.Sync = "other", deploy.Waits })}, mended},
		"failed":                 {rules.CommentAlways, []deploy.Status{shop(last(record.Failed, hashA, time.Minute), func(s *deploy.Status) { s.Sync = deploy.NotSynced })}, "1 did not end well.**\n\n- shop on cluster default: failed ([shop-7](<https://p.example.org/app/shop>))\n  ```text\n  because\n  ```\n"},
		"unhealthy":              {rules.CommentAlways, []deploy.Status{shop(last(record.Unhealthy, hashA, time.Minute), nil)}, "shop on cluster default: unhealthy"},
		"corrected since":        {rules.CommentAlways, []deploy.Status{shop(last(record.Corrected, hashA, time.Minute), nil)}, "`aaaaaaa` is deployed.**"},
		"failing later":          {rules.CommentAlways, []deploy.Status{shop(good.Last, func(s *deploy.Status) { s.Health = "failing" })}, "`aaaaaaa` is deployed.**"},
		"a week ago":             {rules.CommentAlways, []deploy.Status{shop(last(record.Deployed, hashA, 7*24*time.Hour), nil)}, mended},
		"nothing to be deployed": {rules.CommentAlways, []deploy.Status{{App: "shop"}}, ""},
	} {
		list := k.remarks(&rules.Mirror{Comments: test.mode}, test.apps, State{}, now)
		if (len(list) == 0) != (test.want == "") {
			t.Errorf("%s: %+v", what, list)
			continue
		}
		if len(list) == 0 {
			continue
		}
		text := markdown(list[0])
		if len(list) != 1 || !strings.Contains(text, test.want) || list[0].mended != (test.want == mended) || list[0].refused || strings.Contains(text, "logs of a pod") {
			t.Errorf("%s: %+v\n%s", what, list[0], text)
		}
	}
	// A correction is another record, and nothing new about the commit.
	corrected := shop(last(record.Corrected, hashA, 0), nil)
	corrected.Last.Number = 8
	m := &rules.Mirror{Comments: rules.CommentAlways}
	if a, b := k.remarks(m, []deploy.Status{good}, State{}, now), k.remarks(m, []deploy.Status{corrected}, State{}, now); a[0].says != b[0].says {
		t.Error("a correction is told of")
	}
	refused := State{Refused: map[name.Branch]Refused{"x": {Revision: hashA, Reason: "no"}}}
	if list := k.remarks(m, []deploy.Status{good}, refused, now); len(list) != 1 || !list[0].refused {
		t.Errorf("refused for one branch, deployed for another: %+v", list)
	}
}

func TestUnsaid(t *testing.T) {
	now := time.Now()
	is := func(commit git.Hash, says string, refused bool) map[git.Hash]Comment {
		return map[git.Hash]Comment{commit: {On: "pulls/1", ID: "1", Says: says, Refused: refused, Time: now}}
	}
	new, mended := remark{commit: hashA, says: "new"}, remark{commit: hashA, says: "accepted", mended: true}
	for what, test := range map[string]struct {
		remark remark
		known  map[git.Hash]Comment
		due    bool
	}{
		"new":                         {new, nil, true},
		"said":                        {new, is(hashA, "new", true), false},
		"something else was said":     {new, is(hashA, "old", true), true},
		"of another commit":           {new, is(hashB, "new", true), true},
		"accepted":                    {mended, nil, false},
		"accepted after a refusal":    {mended, is(hashA, "old", true), true},
		"accepted, said already":      {mended, is(hashA, "accepted", false), false},
		"accepted, after its outcome": {mended, is(hashA, "old", false), false},
	} {
		if got := unsaid([]remark{test.remark}, test.known, now); (len(got) == 1) != test.due {
			t.Errorf("%s: %+v", what, got)
		}
	}
	// Nobody is flooded: new comments wait, changed ones need not.
	var many []remark
	for i := range 3 * mostComments {
		many = append(many, remark{commit: git.Hash(fmt.Sprintf("%040x", i)), says: "no"})
	}
	due := unsaid(many, is(hashA, "no", true), now)
	if len(due) != mostComments-1 || due[0].commit != many[0].commit {
		t.Errorf("%d of %d are due", len(due), len(many))
	}
	full := map[git.Hash]Comment{}
	for _, r := range due {
		full[r.commit] = Comment{Says: r.says, Time: now.Add(-commentsEvery / 2)}
	}
	maps.Copy(full, is(hashA, "no", true))
	if due := unsaid(append(slices.Clone(many), new), full, now); len(due) != 1 || due[0].commit != hashA {
		t.Errorf("in the same hour, %d are due", len(due))
	}
	if due := unsaid(many, full, now.Add(commentsEvery/2)); len(due) != mostComments-1 {
		t.Errorf("in the next hour, %d are due", len(due))
	}
}

func TestCommentsAreForgotten(t *testing.T) {
	now := time.Now()
	all := map[git.Hash]Comment{hashA: {Time: now.Add(-commentsFor - time.Second)}}
	for i := range keptComments + 5 {
		all[git.Hash(fmt.Sprintf("%040x", i))] = Comment{Time: now.Add(-time.Duration(i) * time.Second)}
	}
	kept := forgetComments(all, now)
	_, newest := kept[git.Hash(fmt.Sprintf("%040x", 0))]
	_, oldest := kept[git.Hash(fmt.Sprintf("%040x", keptComments))]
	if len(kept) != keptComments || !newest || oldest || len(all) != keptComments+6 {
		t.Errorf("%d are kept; the newest: %v, the oldest: %v", len(kept), newest, oldest)
	}
}

func TestChoosePull(t *testing.T) {
	date := "2026-01-01T00:00:00Z"
	gitlab := func(full string, p pull) pull {
		p.References.Full = full
		return p
	}
	github := func(of, head string, p pull) pull {
		p.Base.Repo.Name, p.Head.SHA = of, head
		return p
	}
	a := string(hashA)
	for what, test := range map[string]struct {
		list []pull
		want int
	}{
		"none":                       {nil, 0},
		"open":                       {[]pull{{Number: 3, State: "open"}}, 3},
		"of GitLab":                  {[]pull{gitlab("Team/Shop!4", pull{IID: 4, State: "opened"})}, 4},
		"of a fork":                  {[]pull{github("other/shop", a, pull{Number: 9, State: "open"}), gitlab("other/shop!5", pull{IID: 5, State: "opened"})}, 0},
		"closed":                     {[]pull{{Number: 3, State: "closed"}}, 0},
		"merged":                     {[]pull{{Number: 3, State: "open"}, {Number: 2, State: "closed", MergedAt: &date}}, 2},
		"merged as this commit":      {[]pull{{Number: 5, State: "closed", MergedAt: &date}, {Number: 2, State: "closed", MergedAt: &date, Merge: a}}, 2},
		"squashed as this commit":    {[]pull{{IID: 5, State: "merged", MergedAt: &date}, {IID: 2, State: "merged", MergedAt: &date, Squash: a}}, 2},
		"open, and this is its head": {[]pull{{Number: 2, MergedAt: &date, Merge: a}, github("team/shop", a, pull{Number: 1, State: "open"})}, 1},
		"the newest of equals":       {[]pull{{Number: 2, State: "open"}, {Number: 7, State: "open"}, {Number: 3, State: "open"}}, 7},
		"no number":                  {[]pull{{State: "open"}, {Number: -3, State: "open"}}, 0},
	} {
		if got := choosePull(test.list, "team/shop", hashA); got != test.want {
			t.Errorf("%s: got %d, want %d", what, got, test.want)
		}
	}
}
