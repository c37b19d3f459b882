package rules

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/keytest"
)

// large has 500 operators in 50 teams, and 1,000 rules.
func large(b *testing.B) *Rules {
	tree := fstest.MapFS{}
	groups, rules := strings.Builder{}, strings.Builder{}
	groups.WriteString("groups:\n")
	rules.WriteString("rules:\n- {who: [o0], may: [admin]}\n- {who: [everyone], mayNot: [drain]}\n")
	for i := range 500 {
		tree[fmt.Sprintf("operators/o%d.yaml", i)] = &fstest.MapFile{Data: []byte("keys: []\n")}
	}
	for i := range 50 {
		fmt.Fprintf(&groups, "  team%d: [o%d, o%d, o%d]\n", i, i*10, i*10+1, i*10+2)
		for j := range 20 {
			fmt.Fprintf(&rules, "- {who: [team%d], repositories: [team%d/r%d], branches: [main], may: [deploy]}\n", i, i, j)
		}
	}
	tree["groups.yaml"] = &fstest.MapFile{Data: []byte(groups.String())}
	tree["access.yaml"] = &fstest.MapFile{Data: []byte(rules.String())}
	r, problems := Parse(tree)
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	return r
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

// BenchmarkGrant finds the last of 200 grants, as each plan and check does once.
func BenchmarkGrant(b *testing.B) {
	p := &parser{rules: &Rules{}}
	text := strings.Builder{}
	text.WriteString("grants:\n")
	for i := range 200 {
		fmt.Fprintf(&text, "- {repositories: [team%d/**], namespaces: [team%d, 'team%d-*']}\n", i, i, i)
	}
	p.tree = fstest.MapFS{reposFile: {Data: []byte(text.String())}}
	p.readRepositories()
	if len(p.problems) > 0 {
		b.Fatal(p.problems)
	}
	b.ReportAllocs()
	for b.Loop() {
		if p.rules.Grant("team199/r1").At.Line != 201 {
			b.Fatal("not the last")
		}
	}
}
