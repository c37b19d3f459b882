package rules

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/keytest"
	"github.com/pushboat/pushboat/internal/name"
)

// large has 500 operators in 50 teams, 1,000 rules and 200 grants.
func large(tb testing.TB) *Rules { return ofTeams(tb, 0, 50) }

// ofTeams has ten operators, twenty rules and four grants for each of the teams from one
// number to another. team7 has to be one of them.
func ofTeams(tb testing.TB, from, to int) *Rules {
	tb.Helper()
	tree := fstest.MapFS{}
	var groups, rules, grants strings.Builder
	groups.WriteString("groups:\n")
	rules.WriteString("rules:\n- {who: [o70], may: [admin]}\n- {who: [everyone], mayNot: [drain]}\n")
	grants.WriteString("grants:\n")
	for i := from; i < to; i++ {
		for j := range 10 {
			tree[fmt.Sprintf("operators/o%d.yaml", 10*i+j)] = &fstest.MapFile{Data: []byte("keys: []\n")}
		}
		fmt.Fprintf(&groups, "  team%d: [o%d, o%d, o%d]\n", i, i*10, i*10+1, i*10+2)
		for j := range 20 {
			fmt.Fprintf(&rules, "- {who: [team%d], repositories: [team%d/r%d], branches: [main], may: [deploy]}\n", i, i, j)
		}
		for j := range 4 {
			fmt.Fprintf(&grants, "- {repositories: [team%d/r%d*], namespaces: [team%d, 'team%d-*']}\n", i, j, i, i)
		}
	}
	tree["groups.yaml"] = &fstest.MapFile{Data: []byte(groups.String())}
	tree["access.yaml"] = &fstest.MapFile{Data: []byte(rules.String())}
	tree["repositories.yaml"] = &fstest.MapFile{Data: []byte(grants.String())}
	r, problems := Parse(tree)
	if len(problems) > 0 {
		tb.Fatal(problems)
	}
	return r
}

// TestOthersCostNothing: what is decided about an operator and a repository does not take
// longer because there are rules, operators and grants of others.
func TestOthersCostNothing(t *testing.T) {
	on := access.Subject{Repo: "team7/r1", Ref: "refs/heads/main"}
	cost := map[string][]float64{}
	for _, r := range []*Rules{ofTeams(t, 7, 8), large(t)} {
		measure := func(what string, do func()) {
			cost[what] = append(cost[what], testing.AllocsPerRun(20, do))
		}
		measure("a decision", func() {
			if !r.Decide("o71", access.Deploy, on).Allowed {
				t.Error("refused")
			}
		})
		measure("whether paths count", func() { r.HasPaths("o71") })
		measure("the grant", func() {
			if r.Grant(on.Repo).At.Line == 0 {
				t.Error("not found")
			}
		})
		cost["rules that are looked at"] = append(cost["rules that are looked at"], float64(len(r.about("o71"))))
	}
	for what, costs := range cost {
		if costs[1] > costs[0]+1 { // to write a number above 99, as that of a line, is one
			t.Errorf("%s: %v with nobody else, %v among 50 teams", what, costs[0], costs[1])
		}
	}
	if most := cost["the grant"][1]; most > 0 {
		t.Errorf("to find a grant again allocates %v times", most)
	}
}

// TestGrantsThatAreRemembered: no more of them than maxFound, and all the others are found
// as well.
func TestGrantsThatAreRemembered(t *testing.T) {
	r := large(t)
	for i := range maxFound + 10 {
		repo := name.Repo(fmt.Sprintf("team7/r1-%d", i))
		if one, two := r.Grant(repo), r.Grant(repo); one != two || one.At.Line != 31 {
			t.Fatalf("%s: the grants at line %d and %d", repo, one.At.Line, two.At.Line)
		}
	}
	if n := r.found.count.Load(); n != maxFound {
		t.Errorf("%d are remembered", n)
	}
}

func BenchmarkDecide(b *testing.B) {
	r := large(b)
	on := access.Subject{Repo: "team7/r19", Ref: "refs/heads/main"}
	b.ReportAllocs()
	for b.Loop() {
		if !r.Decide("o71", access.Deploy, on).Allowed {
			b.Fatal("refused")
		}
	}
}

func BenchmarkCompare(b *testing.B) {
	one, two := large(b), large(b)
	for b.Loop() {
		if len(Compare(one, two)) > 0 {
			b.Fatal("the rules differ from themselves")
		}
	}
}

// BenchmarkCertified: it is asked twice a second for each session by certificate.
func BenchmarkCertified(b *testing.B) {
	r := parsedTree(b, world(b, corp(b, "    principals: [ana]\n    revoked:\n      serials:\n"+numbered(1000, "      - 100%d\n"))))
	cert := keytest.Certify(b, keytest.Signer(b, "ca"), keytest.Signer(b, "new").PublicKey(), noon, nil)
	for b.Loop() {
		if _, err := r.Certified(cert, noon); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGrant finds the last of 200 grants again, as each plan, sync and check does
// several times.
func BenchmarkGrant(b *testing.B) {
	r := large(b)
	b.ReportAllocs()
	for b.Loop() {
		if r.Grant("team49/r3").At.Line != 201 {
			b.Fatal("not the last")
		}
	}
}
