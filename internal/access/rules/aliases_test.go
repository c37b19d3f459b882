package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/name"
)

func TestAliases(t *testing.T) {
	r := parsedTree(t, world(t, map[string]string{
		"aliases/lib.yaml":       "urls: [https://example.org/team/library, git@example.org:lib]\nusedBy: [fleet, 'team/*']\n",
		"aliases/team/base.yaml": "usedBy: [fleet]\n",
		"aliases/a/twice.yaml":   "usedBy: [fleet]\n",
		"aliases/b/twice.yaml":   "usedBy: [fleet]\n",
		"aliases/own.yaml":       "urls: [https://example.org/own]\n",
		"aliases/far.yaml":       "urls: [https://example.org/other]\n",
		"mirrors/far.yaml":       "url: https://example.org/far\nusedBy: [fleet]\n",
	}))
	for _, test := range []struct {
		user    name.Repo
		address string
		want    name.Repo
	}{
		{"fleet", "https://example.org/team/library", "lib"},
		{"team/web", "git@example.org:lib", "lib"},
		{"other", "https://example.org/team/library", ""},
		{"lib", "https://example.org/team/library", ""}, // which is itself
		{"fleet", "https://elsewhere.example.org/x/lib", "lib"},
		{"fleet", "https://elsewhere.example.org/x/base", "team/base"},
		{"team/web", "https://elsewhere.example.org/x/base", ""},
		{"fleet", "https://elsewhere.example.org/x/twice", ""},
		{"fleet", "https://example.org/own", ""},
		{"fleet", "https://example.org/far", "far"},
		{"fleet", "https://example.org/other", "far"},
		{"fleet", "https://example.org/none", ""},
	} {
		last := test.address[strings.LastIndexAny(test.address, "/:")+1:]
		if got := r.Elsewhere(test.user, func(url string) bool { return url == test.address }, last); got != test.want {
			t.Errorf("%s of %s is %q, want %q", test.address, test.user, got, test.want)
		}
	}
	if got := r.Addresses("far"); !slices.Equal(got, []string{"https://example.org/far", "https://example.org/other"}) {
		t.Errorf("far is at %q", got)
	}
	if len(r.Aliases()) != 6 || r.Alias("none") != nil {
		t.Errorf("%d repositories have aliases", len(r.Aliases()))
	}
	for _, a := range r.Aliases() { // as a file, each is the same again
		again := parsedTree(t, world(t, map[string]string{AliasFile(a.Repo): string(a.File())}))
		if got := again.Alias(a.Repo); got == nil || got.print() != a.print() {
			t.Errorf("%s written and read: %+v\n%s", a.Repo, got, a.File())
		}
	}
	if (&Alias{}).File() != nil {
		t.Error("no aliases make a file")
	}
}

func TestAliasProblems(t *testing.T) {
	large := "urls: [" + strings.Repeat("x", maxAliasFile) + "]\n"
	for text, want := range map[string]string{
		"urls: [ext::sh]\n":                             "an address in urls is no address",
		"urls: ['https://ana:hunter2@example.org/x']\n": "has a password",
		"urls: [https://a.org/x, https://a.org/x]\n":    "twice",
		"usedBy: []\n":                                  "usedBy is empty",
		"usedBy: [a/../b]\n":                            "has an empty word",
		"urls: []\n":                                    "the file says nothing",
		"tags: [v1]\n":                                  `unknown field "tags"`,
		large:                                           "is larger than",
	} {
		_, problems := Parse(world(t, map[string]string{"aliases/lib.yaml": text}))
		if len(problems) == 0 || !strings.Contains(problems.Error(), want) || strings.Contains(problems.Error(), "hunter2") {
			t.Errorf("%.60q: %v\nwant: %s", text, problems, want)
		}
	}
	_, problems := Parse(world(t, map[string]string{"aliases/a.yaml": "urls: [https://example.org/x]\n", "aliases/b.yaml": "urls: [https://example.org/x]\n"}))
	if len(problems) != 1 || !strings.Contains(problems.Error(), `"https://example.org/x" is an alias of a already`) {
		t.Errorf("of two: %v", problems)
	}
}

func TestAliasesAreCompared(t *testing.T) {
	none := parsedTree(t, world(t, nil))
	one := parsedTree(t, world(t, map[string]string{"aliases/lib.yaml": "urls: [https://example.org/x]\nusedBy: [fleet]\n"}))
	if got := Compare(none, one); !slices.Equal(got, []string{"  + repository lib is meant by https://example.org/x, and is a source for apps of fleet"}) {
		t.Errorf("got %q", got)
	}
	if got := Compare(one, none); !slices.Equal(got, []string{"  - repository lib has no aliases any more, and is no source for others"}) {
		t.Errorf("got %q", got)
	}
}
