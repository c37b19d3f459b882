package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// fakeDeployed are apps in memory.
type fakeDeployed struct {
	held, freed []deploy.Confined
	objects     map[name.Repo]int
	before      deploy.Grants // of Regranted
	selected    deploy.Reselection
	leaving     []name.App // of Reselected
	broken      error      // of Reselect and Reselected
}

func (f *fakeDeployed) Regrant(_ context.Context, next deploy.Grants) (held, freed []deploy.Confined) {
	if next("shop") == nil {
		return nil, nil
	}
	return f.held, f.freed
}

func (f *fakeDeployed) Reselect(context.Context, deploy.Selecting) (deploy.Reselection, error) {
	return f.selected, f.broken
}

func (f *fakeDeployed) Reselected(_ context.Context, leaving []name.App) error {
	f.leaving = leaving
	return f.broken
}
func (f *fakeDeployed) Regranted(before deploy.Grants) { f.before = before }
func (f *fakeDeployed) ObjectsOf(repo name.Repo) int   { return f.objects[repo] }

// granting are rules with a repositories.yaml, and a cluster paris. What begins with windows is
// a windows.yaml.
func granting(t *testing.T, grants string) *rules.Rules {
	t.Helper()
	windows := "windows: []\n"
	if strings.HasPrefix(grants, "windows:") {
		grants, windows = "grants: [{}]\n", grants
	}
	tree := fstest.MapFS{
		"operators/ana.yaml":  {Data: []byte("keys: []\n")},
		"access.yaml":         {Data: []byte("rules: []\n")},
		"repositories.yaml":   {Data: []byte(grants)},
		"windows.yaml":        {Data: []byte(windows)},
		"clusters/paris.yaml": {Data: []byte("inCluster: true\n")},
	}
	next, problems := rules.Parse(tree)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return next
}

// confined are a number of held apps.
func confined(n int) (apps []deploy.Confined) {
	for i := range n {
		app := name.App(fmt.Sprintf("a%d", i))
		apps = append(apps, deploy.Confined{App: app, Repo: "shop", Why: "the grant of repository shop does not give the namespace x"})
	}
	return apps
}

func TestForesee(t *testing.T) {
	const wide = "grants: [{}]\n"
	for what, test := range map[string]struct {
		deployed  fakeDeployed
		before    string // repositories.yaml in force; as wide as can be if ""
		next      string
		broken    error // of the list of repositories
		want      string
		problems  []string
		untold    manifest.Problems // what is wrong with notifications
		unfetched manifest.Problems // what is wrong with mirrors
		reasons   int               // lines that say why apps are held, where they are all the same
	}{
		"nothing": {next: wide},
		"one app is held": {
			deployed: fakeDeployed{held: confined(1)}, next: "grants:\n- {}\n",
			want: "  - 1 app is held, neither deployed nor corrected: a0|      a0: the grant at repositories.yaml:2 does not give the namespace x",
		},
		"more than are named": {
			deployed: fakeDeployed{held: confined(maxConfined + 2)}, next: wide,
			want: "  - 10 apps are held, neither deployed nor corrected: a0, a1, a2, a3, a4, a5, a6, a7 and 2 more", reasons: maxConfined,
		},
		"some are free again": {deployed: fakeDeployed{freed: confined(2)}, next: wide, want: "  + 2 apps are no longer held: a0, a1"},
		"too many objects": {
			deployed: fakeDeployed{objects: map[name.Repo]int{"shop": 5, "blog": 4}}, next: "grants: [{maxObjects: 4}]\n",
			want: "  - repository shop has 5 objects: it may have 4, and gets no more",
		},
		"as many as before": {
			deployed: fakeDeployed{objects: map[name.Repo]int{"shop": 5}}, before: "grants: [{maxObjects: 4}]\n", next: "grants: [{maxObjects: 4, kinds: {deny: [Secret]}}]\n",
		},
		"repositories that cannot be listed": {
			deployed: fakeDeployed{objects: map[name.Repo]int{"shop": 5}}, next: "grants: [{maxObjects: 4}]\n", broken: errors.New("disk"),
		},
		"clusters that are known": {next: "grants: [{clusters: [default, paris, 'x-*']}]\n"},
		"a cluster that is not": {
			deployed: fakeDeployed{held: confined(1)}, next: "grants:\n- namespaces: [a]\n  clusters: [default, pariss, other-one]\n",
			problems: []string{
				`repositories.yaml:3: clusters: the server knows no cluster "pariss" | did you mean paris? list`,
				`repositories.yaml:3: clusters: the server knows no cluster "other-one" | list the clusters`,
			},
		},
		"what selects clusters cannot be told": {
			deployed: fakeDeployed{broken: errors.New("disk")}, next: wide, problems: []string{"find the apps that select clusters: disk"},
		},
		"a receiver without an address": {
			untold: manifest.Problems{{Message: "receiver ops: no such file"}}, next: wide, problems: []string{"receiver ops: no such file"},
		},
		"a mirror that cannot be fetched": {
			unfetched: manifest.Problems{{Message: "keyFile: no such file"}}, next: wide, problems: []string{"keyFile: no such file"},
		},
		"a window on a cluster that is not": {
			next:     "windows:\n- name: freeze\n  clusters: [paris, 'x-*', defalt]\n  deny: {from: 2026-12-24, to: 2026-12-27}\n",
			problems: []string{`windows.yaml:3: clusters: the server knows no cluster "defalt" | did you mean default? list`},
		},
		"a window on one that was named before": {
			before: "windows: [{name: a, clusters: [gone], deny: {from: 2026-12-24, to: 2026-12-27}}]\n",
			next:   "windows: [{name: b, clusters: [gone], deny: {from: 2026-12-24, to: 2026-12-27}}]\n",
		},
		"keys and credentials that are known": {
			next: "grants: [{decryptionKeys: ['*', server, team-a.age, 'b-*', 'arn:aws:kms:x:key/1'], chartCredentials: ['oci://charts.example.org/a/']}]\n",
		},
		"keys and credentials that are not": {
			next: "grants:\n- decryptionKeys: [team-b.age]\n  chartCredentials: ['oci://charts.example.org/b']\n",
			problems: []string{
				`repositories.yaml:2: decryptionKeys: the server has no key "team-b.age" | did you mean team-a.age? its settings secrets.ageKeys`,
				`repositories.yaml:2: chartCredentials: the server has no credentials "oci://charts.example.org/b" | did you mean oci://charts.example.org/a? its settings charts.credentials`,
			},
		},
		"a key that is gone from the settings": {before: "grants: [{decryptionKeys: [gone]}]\n", next: "grants: [{decryptionKeys: [gone], maxObjects: 9}]\n"},
		"one that was named before":            {before: "grants: [{clusters: [gone]}]\n", next: "grants: [{clusters: [gone]}]\n"},
	} {
		t.Run(what, func(t *testing.T) {
			before := test.before
			if before == "" {
				before = wide
			}
			now := granting(t, before)
			e := effects{
				&test.deployed, func() *rules.Rules { return now },
				func() ([]name.Repo, error) { return []name.Repo{"blog", "shop"}, test.broken },
				func([]*rules.Cluster) appfile.Clusters { return appfile.Clusters{} },
				func() []string { return []string{"default"} },
				func() named {
					return named{[]string{"server", "team-a.age", "arn:aws:kms:x:key/*"}, []string{"oci://charts.example.org/a"}}
				},
				func(*rules.Notifications) manifest.Problems { return test.untold }, func(*rules.Rules) manifest.Problems { return test.unfetched }, nil,
			}
			lines, _, problems := e.Foresee(granting(t, test.next), access.Caller{}, -1)
			if test.reasons > 0 && len(lines) == 1+test.reasons {
				lines = lines[:1]
			}
			if got := strings.Join(lines, "|"); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			var told []string
			for _, p := range problems {
				told = append(told, p.Error()+" | "+p.Hint)
			}
			if !slices.EqualFunc(told, test.problems, strings.Contains) {
				t.Errorf("problems %q, want %q", told, test.problems)
			}
		})
	}
}

func TestTakenHasAppsJudgedAgain(t *testing.T) {
	apps := &fakeDeployed{}
	before := granting(t, "grants: [{maxObjects: 7}]\n")
	logger, hook := logtest.NewNullLogger()
	e := effects{engine: apps, log: logrus.NewEntry(logger)}
	e.Taken(before, []name.App{"old"})
	if apps.before == nil || apps.before("shop").MaxObjects != 7 || !slices.Equal(apps.leaving, []name.App{"old"}) || len(hook.Entries) > 0 {
		t.Errorf("the apps were not judged by the grants before, or %q did not leave", apps.leaving)
	}
	apps.broken = errors.New("disk")
	if e.Taken(before, nil); len(hook.Entries) != 1 {
		t.Error("what could not be taken up was not logged")
	}
}
