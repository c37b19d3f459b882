package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/name"
)

func TestMirrors(t *testing.T) {
	hostKey := "SHA256:" + strings.Repeat("A", 43)
	r := parsedTree(t, world(t, map[string]string{
		"mirrors/team/shop.yaml": "url: git@example.org:team/shop.git\nbranches: [main, release-*]\nschedule: '@every 1m'\nrewrites: follow\n" +
			"keyFile: /etc/pushboat/mirrors/key\nhookFile: /etc/pushboat/mirrors/hook\nhostKeys: ['" + hostKey + "']\nusedBy: [fleet, 'team/**']\n",
		"mirrors/blog.yaml": "url: https://example.org/blog.git\nuser: x-access-token\ntokenFile: /etc/pushboat/mirrors/token\nstatusFile: /etc/pushboat/mirrors/status\nforge: gitlab\nwriteBack: branch\n",
		"mirrors/docs.yaml": "url: https://github.com/team/docs\npath: clusters/prod\ntags: ['v1.*', '>=2.0.0 <3']\nstatusFile: /etc/pushboat/mirrors/status\n",
		"mirrors/none.yaml": "url: https://example.org/none.git\ntags: []\n",
		"mirrors/README.md": "Where we come from.\n",
	}))
	if r.Mirror("shop") != nil || r.Mirror("team") != nil || len(r.Mirrors()) != 4 || r.Mirror("docs").Forge != GitHub || r.Mirror("blog").Forge != GitLab {
		t.Fatalf("mirrors: %+v", r.Mirrors())
	}
	shop, blog := r.Mirror("team/shop"), r.Mirror("blog")
	if shop == nil || !shop.Follow || !slices.Equal(shop.Branches, []pattern{"main", "release-*"}) || shop.Schedule != "@every 1m" || shop.HookFile == "" || shop.HostKeys[0] != hostKey {
		t.Errorf("team/shop is %+v", shop)
	}
	if at := r.Addresses("team/shop"); !slices.Equal(at, []string{"git@example.org:team/shop.git"}) || r.Addresses("shop") != nil {
		t.Errorf("team/shop lives at %q", at)
	}
	for user, want := range map[name.Repo]name.Repo{"fleet": "team/shop", "team/a/b": "team/shop", "other": "", "team/shop": ""} {
		if got := r.Elsewhere(user, func(url string) bool { return url == shop.URL }, "shop"); got != want {
			t.Errorf("for %s it is %q", user, got)
		}
	}
	if r.Elsewhere("fleet", func(url string) bool { return url == blog.URL }, "blog") != "" {
		t.Error("a mirror that is for nobody was used")
	}
	if r.FolderOf("docs") != "clusters/prod" || r.FolderOf("blog") != "" || r.FolderOf("none") != "" {
		t.Errorf("docs is deployed from %q", r.FolderOf("docs"))
	}
	tags := []name.Tag{"v1.2.0", "v2.0.0", "2.1", "v3.0.0", "latest"}
	for repo, want := range map[name.Repo][]name.Tag{
		"docs": {"v1.2.0", "v2.0.0", "2.1"}, "blog": nil, "none": {}, "team/shop": {"v3.0.0", "2.1", "v2.0.0", "v1.2.0"},
	} {
		if got, limited := r.Mirror(repo).TagsOf(tags); !slices.Equal(got, want) || limited {
			t.Errorf("%s takes the tags %v", repo, got)
		}
	}
	var many []name.Tag
	for i := range maxNewest + 1 {
		many = append(many, name.Tag(fmt.Sprintf("v1.0.%d", i)))
	}
	if got, limited := shop.TagsOf(many); len(got) != maxNewest || !limited || got[0] != "v1.0.200" {
		t.Errorf("of many, it takes %d, the first of them %s", len(got), got[0])
	}
	if address := shop.Address(); address.String() != "ssh://git@example.org/team/shop.git" {
		t.Errorf("team/shop is at %s", address)
	}
	if blog == nil || blog.Follow || blog.Branches != nil || blog.TokenFile != "/etc/pushboat/mirrors/token" || blog.Address().Scheme != "https" {
		t.Errorf("blog is %+v", blog)
	}
	if shop.WriteBack || !blog.WriteBack {
		t.Errorf("writes back: team/shop %t, blog %t", shop.WriteBack, blog.WriteBack)
	}
	for _, m := range r.Mirrors() { // as a file, each is the same again
		again := parsedTree(t, world(t, map[string]string{MirrorFile(m.Repo): string(m.File())}))
		if got := again.Mirror(m.Repo); got == nil || got.print() != m.print() {
			t.Errorf("%s written and read: %+v\n%s", m.Repo, got, m.File())
		}
	}
}

func TestMirrorProblems(t *testing.T) {
	for text, want := range map[string]string{
		"branches: [main]\n":                                         "url is missing",
		"url: ext::sh -c touch% x\n":                                 "is no address",
		"url: 'file:///etc'\n":                                       "is no address",
		"url: -oProxyCommand=x\n":                                    "is no address",
		"url: git://example.org/x.git\n":                             "is no address",
		"url: /srv/git/x.git\n":                                      "is no address",
		"url: ssh://-oProxyCommand=x/y\nkeyFile: /k\n":               "names no host",
		"url: https://ana:hunter2@example.org/x\n":                   "has a password",
		"url: https:///x\n":                                          "names no host",
		"url: https://" + strings.Repeat("a", 254) + "/x\n":          "names no host",
		"url: https://example.org:123456/x\n":                        "names no host",
		"url: https://" + strings.Repeat("u", 101) + "@h.org/x\n":    "names no user",
		"url: https://example.org\n":                                 "has no path",
		"url: https://example.org/x?y\n":                             "has no path",
		"url: https://example.org/x/../y\n":                          "has no path",
		"url: ssh://git@example.org/-x\nkeyFile: /k\n":               "has no path",
		"url: 'git@example.org:x;y'\nkeyFile: /k\n":                  "has no path",
		"url: https://" + strings.Repeat("a", maxMirrorURL) + "/x\n": "is longer than",
		"url: git@example.org:x\n":                                   "comes without keyFile",
		"url: https://example.org/x\nkeyFile: /k\n":                  "keyFile is for addresses of ssh",
		"url: https://example.org/x\nhostKeys: [SHA256:" + strings.Repeat("A", 43) + "]\n":          "hostKeys is for addresses of ssh",
		"url: git@example.org:x\nkeyFile: /k\ntokenFile: /t\n":                                      "tokenFile is for addresses of https",
		"url: http://example.org/x\ntokenFile: /t\n":                                                "tokenFile is for addresses of https",
		"url: https://example.org/x\ntokenFile: ../t\n":                                             "tokenFile is no path from the root",
		"url: https://example.org/x\npath: ../y\n":                                                  `path: "../y" is no folder of a repository`,
		"url: https://example.org/x\nrewrites: perhaps\n":                                           `rewrites: "perhaps" is not known`,
		"url: https://example.org/x\nuser: 'a b'\n":                                                 "user:",
		"url: https://example.org/x\nbranches: []\n":                                                "branches is empty",
		"url: https://example.org/x\ntags: ['v 1']\n":                                               `tags: "v 1" is no range of versions`,
		"url: https://example.org/x\ntags: ['a..b']\n":                                              `tags: "a..b"`,
		"url: https://example.org/x\ntags: v1\n":                                                    "tags",
		"url: git@example.org:x\nkeyFile: /k\nhostKeys: [MD5:aa]\n":                                 "is no fingerprint",
		"url: https://example.org/x\nstatusFile: /s\n":                                              "statusFile comes without forge",
		"url: https://example.org/x\nforge: gitea\n":                                                "forge goes with statusFile",
		"url: https://example.org/x\nwriteBack: main\n":                                             `writeBack: "main" is not known`,
		"url: https://example.org/x\nwriteBack: branch\n":                                           "writeBack comes without tokenFile",
		"url: https://example.org/x\nusedBy: [y]\ntokenFile: /t\nwriteBack: branch\n":               "writeBack does nothing with usedBy",
		"url: https://example.org/x\nstatusFile: /s\nforge: bitbucket\n":                            "are told to github, gitlab and gitea alone",
		"url: https://bitbucket.org/x/y\nstatusFile: /s\n":                                          "statusFile comes without forge",
		"url: https://example.org/x\nstatusFile: /s\nforge: cvs\n":                                  "cvs",
		"url: git@example.org:x\nkeyFile: /k\nhostKeys: []\n":                                       "hostKeys is empty",
		"url: https://example.org/x\n" + "# " + strings.Repeat("x", maxMirrorFile) + "\n":           "is larger than",
		"url: https://example.org/x\ntokenFile: |\n  -----BEGIN OPENSSH PRIVATE KEY-----\n  b3Bl\n": "private key",
	} {
		_, problems := Parse(world(t, map[string]string{"mirrors/shop.yaml": text}))
		if len(problems) == 0 || !strings.Contains(problems.Error(), want) || problems[0].Source.File != "mirrors/shop.yaml" {
			t.Errorf("%.80q: %v\nwant: %s", text, problems, want)
		}
		if strings.Contains(problems.Error(), "hunter2") {
			t.Errorf("the password is in the problem: %v", problems)
		}
	}
	for file, want := range map[string]string{
		"mirrors/admin.yaml": "is no name of a repository", "mirrors/Shop.yaml": "is no name of a repository",
		"mirrors/shop.yml": "this file is not read", "mirrors/a/b/c/d.yaml": "this folder is not read",
	} {
		_, problems := Parse(world(t, map[string]string{file: "url: https://example.org/x\n"}))
		if len(problems) != 1 || !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: %v", file, problems)
		}
	}
	many := world(t, nil).(fstest.MapFS)
	for i := range maxMirrors + 1 {
		many["mirrors/r"+strings.Repeat("x", i%20)+string(rune('a'+i%26))+string(rune('a'+i/26%26))+string(rune('a'+i/676))+".yaml"] = &fstest.MapFile{Data: []byte("url: https://example.org/x\n")}
	}
	if _, problems := Parse(many); !strings.Contains(problems.Error(), "there are more than") {
		t.Errorf("with too many: %v", problems)
	}
}

func TestMirrorsAreCompared(t *testing.T) {
	none := parsedTree(t, world(t, nil))
	one := parsedTree(t, world(t, map[string]string{"mirrors/shop.yaml": "url: https://example.org/x\nbranches: [main]\nschedule: '@hourly'\n"}))
	other := parsedTree(t, world(t, map[string]string{"mirrors/shop.yaml": "url: https://example.org/x\nbranches: [main]\nschedule: '@hourly'\nrewrites: follow\n"}))
	back := parsedTree(t, world(t, map[string]string{"mirrors/shop.yaml": "url: git@bitbucket.org:a/x\nkeyFile: /k\nwriteBack: branch\n"}))
	if forge := back.Mirror("shop").Forge; forge != Bitbucket {
		t.Errorf("the forge of bitbucket.org is %q", forge)
	}
	tagged := parsedTree(t, world(t, map[string]string{"mirrors/shop.yaml": "url: https://example.org/x\nbranches: [main]\nschedule: '@hourly'\ntags: [v*, '>=1']\n"}))
	secret := parsedTree(t, world(t, map[string]string{"mirrors/shop.yaml": "url: https://example.org/x\nbranches: [main]\nschedule: '@hourly'\nhookFile: /h\n"}))
	for _, test := range []struct {
		before, after *Rules
		want          string
	}{
		{none, back, "  + repository shop is fetched from git@bitbucket.org:a/x, and gets what is set here as branches; it takes no pushes"},
		{none, one, "  + repository shop is fetched from https://example.org/x, branches main, @hourly; it takes no pushes"},
		{one, other, "  ~ repository shop is fetched from https://example.org/x, branches main, @hourly, and follows a rewritten history; it takes no pushes, before: is fetched"},
		{none, tagged, "  + repository shop is fetched from https://example.org/x, branches main, tags v*, >=1, @hourly; it takes no pushes"},
		{one, secret, "  ~ repository shop is another than before"},
		{one, none, "  - repository shop is no mirror any more, and takes pushes"},
	} {
		if got := Compare(test.before, test.after); len(got) != 1 || !strings.HasPrefix(got[0], test.want) {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
