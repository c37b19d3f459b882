package push

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/git/gittest"
	"github.com/pushboat/pushboat/internal/git/storetest"
	"github.com/pushboat/pushboat/internal/hook"
	"github.com/pushboat/pushboat/internal/name"
)

func TestMain(m *testing.M) { gittest.Main(m) }

func TestFirstMain(t *testing.T) {
	made := func(refs ...string) []hook.RefUpdate {
		var updates []hook.RefUpdate
		for _, ref := range refs {
			updates = append(updates, hook.RefUpdate{Old: zero, New: one, Ref: ref})
		}
		return updates
	}
	for title, test := range map[string]struct {
		updates   []hook.RefUpdate
		mayDeploy bool
		want      name.Branch
	}{
		"one branch":                 {made("refs/heads/master"), true, "master"},
		"with a slash":               {made("refs/heads/team/trunk"), true, "team/trunk"},
		"beside tags":                {made("refs/heads/master", "refs/tags/v1", "refs/notes/commits"), true, "master"},
		"main itself":                {made("refs/heads/main"), true, "main"},
		"two branches":               {made("refs/heads/master", "refs/heads/dev"), true, "main"},
		"tags alone":                 {made("refs/tags/master"), true, "main"},
		"by who may not deploy":      {made("refs/heads/master"), false, "main"},
		"a deletion makes no branch": {append(made("refs/heads/master"), hook.RefUpdate{New: zero, Ref: "refs/heads/old"}), true, "master"},
		"nothing":                    {nil, true, "main"},
	} {
		asked := name.Branch("")
		may := func(branch name.Branch) bool {
			asked = branch
			return test.mayDeploy
		}
		got := firstMain(test.updates, may)
		if got != test.want || test.mayDeploy && asked != "" && asked != got {
			t.Errorf("%s: %s, want %s; asked about %q", title, got, test.want, asked)
		}
	}
}

func TestTellStored(t *testing.T) {
	const line = "branch wip deploys nothing; it is stored\n"
	for name, test := range map[string]struct {
		stored []storedBranch
		old    bool // the repository has an app, or the pusher may not deploy
		want   string
	}{
		"none":                  {nil, false, ""},
		"beside an app":         {[]storedBranch{{"wip", []name.Branch{"main"}, false}}, true, line},
		"without pushboat.yaml": {[]storedBranch{{"wip", []name.Branch{"trunk"}, false}}, false, line + "hint: branch trunk is deployed here: git push origin HEAD:trunk\n"},
		"apps that name none": {[]storedBranch{{"wip", []name.Branch{"main"}, true}}, false, line +
			"hint: apps that name no branch are on main: git push origin HEAD:main\nhint: or give them branch: wip in pushboat.yaml\n"},
		"another branch": {[]storedBranch{{"wip", []name.Branch{"prod"}, true}}, false, line + "hint: pushboat.yaml names branch prod: git push origin HEAD:prod\n"},
		"several": {[]storedBranch{{"wip", []name.Branch{"dev", "prod"}, true}}, false, line +
			"hint: pushboat.yaml names branches dev, prod: git push origin HEAD:dev\n"},
		"no app on purpose": {[]storedBranch{{"wip", nil, true}}, false, line},
		"once for many": {[]storedBranch{{"wip", nil, true}, {"b", []name.Branch{"main"}, false}, {"c", []name.Branch{"main"}, false}}, false, line +
			"branch b deploys nothing; it is stored\nbranch c deploys nothing; it is stored\nhint: branch main is deployed here: git push origin HEAD:main\n"},
	} {
		var out strings.Builder
		tellStored(&out, test.stored, !test.old)
		if out.String() != test.want {
			t.Errorf("%s:\n%swant\n%s", name, out.String(), test.want)
		}
	}
}

// newRepository makes a repository without a branch.
func newRepository(t *testing.T) *git.Repository {
	t.Helper()
	return storetest.Shop(t, storetest.Open(t, git.StoreOptions{HooksDir: t.TempDir()}))
}

// TestKeepMain: until a repository has a branch, each first push chooses its main branch
// anew. A push that made its choice before another push created a branch is told to push
// again.
func TestKeepMain(t *testing.T) {
	repo := newRepository(t)
	wantMain := func(want name.Branch) {
		t.Helper()
		if main, err := repo.MainBranch(); err != nil || main != want {
			t.Errorf("HEAD names %q, %v; want %s", main, err, want)
		}
	}
	deploying := func(branch name.Branch) []*deploy.Proposal {
		return []*deploy.Proposal{{Change: deploy.Change{Branch: branch}}}
	}
	for _, step := range []struct {
		main     name.Branch
		prepared []*deploy.Proposal
		want     name.Branch
	}{
		{"trunk", deploying("trunk"), "trunk"},
		{"", deploying("other"), "trunk"},
		{"master", nil, "main"}, // its pushboat.yaml deploys another branch
		{"master", deploying("master"), "master"},
	} {
		if problems := (&push{repo: repo, main: step.main}).keepMain(t.Context(), step.prepared); len(problems) > 0 {
			t.Errorf("%s: %v", step.main, problems)
		}
		wantMain(step.want)
	}
	work := gittest.WorkTree(t, map[string]string{"a": "1"})
	gittest.Must(t, repo.Dir(), "fetch", "-q", work, "main:master")
	problems := (&push{repo: repo, main: "dev"}).keepMain(t.Context(), deploying("dev"))
	if len(problems) != 1 || problems[0].Hint != "push again" {
		t.Errorf("a first push that came second: %v", problems)
	}
	wantMain("master")
}
