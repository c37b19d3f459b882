package rules

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/name"
)

func TestRemotes(t *testing.T) {
	hostKey := "SHA256:" + strings.Repeat("A", 43)
	r := parsedTree(t, world(t, map[string]string{
		"remotes/team/shop.yaml": "remotes:\n  - {name: github, url: 'git@github.com:team/shop.git', keyFile: /etc/k, hostKeys: ['" + hostKey + "']}\n" +
			"  - {name: safe, url: 'https://example.org/shop', tokenFile: /etc/t, user: robot, branches: [main, release-*], tags: [v*], records: true, force: true}\n",
		"remotes/blog.yaml": "remotes: [{name: away, url: 'https://example.org/blog', tags: []}]\n",
	}))
	shop, blog := r.RemotesOf("team/shop"), r.RemotesOf("blog")
	if len(shop) != 2 || len(blog) != 1 || len(r.Remotes()) != 3 || r.RemotesOf("team") != nil || r.RemotesOf("zoo") != nil {
		t.Fatalf("remotes: %+v", r.Remotes())
	}
	github, safe := shop[0], shop[1]
	if github.Name != "github" || github.Address().String() != "ssh://git@github.com/team/shop.git" || github.Records || github.Force || github.HostKeys[0] != hostKey {
		t.Errorf("github is %+v", github)
	}
	if safe.TokenFile != "/etc/t" || safe.User != "robot" || !safe.Records || !safe.Force || safe.At.Line != 3 {
		t.Errorf("safe is %+v", safe)
	}
	for _, test := range []struct {
		remote   *Remote
		branch   name.Branch
		deployed bool
		want     bool
	}{
		{github, "main", true, true}, {github, "main", false, false}, {safe, "main", false, true}, {safe, "release-1", false, true}, {safe, "draft", true, false},
	} {
		if got := test.remote.Branch(test.branch, test.deployed); got != test.want {
			t.Errorf("%s gets %s (deployed: %v): %v", test.remote.Name, test.branch, test.deployed, got)
		}
	}
	if !github.Tag("x") || !safe.Tag("v1") || safe.Tag("x") || blog[0].Tag("v1") {
		t.Error("the wrong tags are sent")
	}
}

func TestRemoteProblems(t *testing.T) {
	for text, want := range map[string]string{
		"remote: []\n":   `unknown field "remote"`,
		"remotes: {}\n":  "not a list",
		"remotes: [x]\n": "not a mapping",
		"remotes: [{url: 'https://example.org/x'}]\n":                                                          "name is missing",
		"remotes: [{name: x}]\n":                                                                               "url is missing",
		"remotes: [{name: X, url: 'https://example.org/x'}]\n":                                                 "name: \"X\" has no such form",
		"remotes: [{name: x, url: 'ext::sh -c x'}]\n":                                                          "is no address",
		"remotes: [{name: x, url: 'https://a:hunter2@example.org/x'}]\n":                                       "has a password",
		"remotes: [{name: x, url: 'git@example.org:x'}]\n":                                                     "comes without keyFile",
		"remotes: [{name: x, url: 'https://example.org/x', keyFile: /k}]\n":                                    "keyFile is for addresses of ssh",
		"remotes: [{name: x, url: 'https://example.org/x', tokenFile: k}]\n":                                   "tokenFile is no path from the root",
		"remotes: [{name: x, url: 'https://example.org/x', branches: []}]\n":                                   "branches is empty",
		"remotes: [{name: x, url: 'https://example.org/x', tags: [a//b]}]\n":                                   "tags:",
		"remotes: [{name: x, url: 'https://example.org/x', force: often}]\n":                                   "force",
		"remotes: [{name: x, url: 'https://example.org/x', hookFile: /h}]\n":                                   `unknown field "hookFile"`,
		"remotes: [" + strings.Repeat("{name: x, url: a}, ", 10) + "{}]\n":                                     "at most 10",
		"# " + strings.Repeat("x", maxRemoteFile) + "\n":                                                       "is larger than",
		"remotes:\n- {name: x, url: 'https://example.org/x'}\n- {name: x, url: 'https://example.org/y'}\n":     "the remote x is on line 2 already",
		"remotes:\n- {name: x, url: 'https://example.org/x'}\n- {name: y, url: 'https://EXAMPLE.org/x.git'}\n": "the remote x on line 2 has the same address",
	} {
		_, problems := Parse(world(t, map[string]string{"remotes/shop.yaml": text}))
		if len(problems) == 0 || !strings.Contains(problems.Error(), want) || problems[0].Source.File != "remotes/shop.yaml" {
			t.Errorf("%.80q: %v\nwant: %s", text, problems, want)
		}
		if strings.Contains(problems.Error(), "hunter2") {
			t.Errorf("the password is in the problem: %v", problems)
		}
	}
	_, problems := Parse(world(t, map[string]string{
		"mirrors/shop.yaml": "url: https://example.org/x.git\n", "remotes/shop.yaml": "remotes: [{name: back, url: 'https://example.org/x'}]\n",
	}))
	if len(problems) != 1 || !strings.Contains(problems.Error(), "is where the repository is fetched from") {
		t.Errorf("in a circle: %v", problems)
	}
	if _, problems := Parse(world(t, map[string]string{"remotes/Shop.yaml": "remotes: []\n"})); !strings.Contains(problems.Error(), "no name of a repository that can have a remote") {
		t.Errorf("a wrong name: %v", problems)
	}
}

func TestRemotesAreCompared(t *testing.T) {
	tree := func(more string) *Rules {
		return parsedTree(t, world(t, map[string]string{"remotes/shop.yaml": "remotes: [{name: safe, url: 'https://example.org/x'" + more + "}]\n"}))
	}
	none := parsedTree(t, world(t, nil))
	for _, test := range []struct {
		before, after *Rules
		want          string
	}{
		{none, tree(""), "  + remote safe of shop https://example.org/x gets the branches that feed apps, all tags, once they are deployed"},
		{none, tree(", branches: [main], tags: [v*], records: true, force: true"), "  + remote safe of shop https://example.org/x gets branches main, tags v*, and the records, once they are deployed; what it has instead is replaced"},
		{tree(""), tree(", tags: []"), "  ~ remote safe of shop https://example.org/x gets the branches that feed apps, once they are deployed, before: "},
		{tree(""), tree(", tokenFile: /t"), "  ~ remote safe of shop is another than before"},
		{tree(""), none, "  - remote safe of shop gets nothing any more"},
	} {
		if got := Compare(test.before, test.after); len(got) != 1 || !strings.HasPrefix(got[0], test.want) {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
