package rules

import (
	"slices"
	"strings"
	"testing"
)

// enc is a value as SOPS encrypts it, as far as anybody looks who does not open it.
func enc(text string) string { return "ENC[AES256_GCM,data:" + text + ",iv:abc,tag:abc,type:str]" }

var sopsEnd = "sops:\n    mac: " + enc("mac") + "\n    version: 3.10.2\n"

func TestSealedCredentials(t *testing.T) {
	r := parsedTree(t, world(t, map[string]string{
		"mirrors/shop.yaml": "url: git@example.org:shop.git\nkey: " + enc("key") + "\nhookSecret: " + enc("hook") + "\nstatusToken: " + enc("status") + "\nforge: gitea\ncomments: problems\n" + sopsEnd,
		"mirrors/blog.yaml": "url: https://github.com/team/blog\ntoken: " + enc("token") + "\nstatusFile: /etc/s\ncomments: always\nwriteBack: branch\n" + sopsEnd,
		"mirrors/docs.yaml": "url: https://github.com/team/docs\nstatusFile: /etc/s\ncomments: never\n",
		"remotes/shop.yaml": "remotes:\n  - {name: a, url: 'https://example.org/a', tokenFile: /etc/t}\n  - name: b\n    url: git@example.org:b\n    key: " + enc("b") + "\n" + sopsEnd,
	}))
	shop, blog, docs := r.Mirror("shop"), r.Mirror("blog"), r.Mirror("docs")
	if got := shop.Sealed.Names(); !slices.Equal(got, []string{HookSecret, PrivateKey, StatusToken}) || !shop.HasKey() || !shop.Hears() || !shop.Tells() || shop.HasToken() || shop.Comments != CommentProblems {
		t.Errorf("shop has %q: %+v", got, shop)
	}
	if at := shop.Sealed.At(HookSecret); at.File != "mirrors/shop.yaml" || at.Line != 3 || shop.Sealed.Remote != -1 || !strings.Contains(string(shop.Sealed.Text), enc("hook")) {
		t.Errorf("its hookSecret is at %v: %+v", at, shop.Sealed)
	}
	if !blog.HasToken() || blog.HasKey() || blog.Hears() || !blog.Tells() || blog.Comments != CommentAlways || blog.Forge != GitHub || !blog.WriteBack {
		t.Errorf("blog is %+v", blog)
	}
	if docs.Comments != "" || docs.Sealed != nil || docs.Sealed.Has(Token) || docs.Sealed.Names() != nil {
		t.Errorf("docs is %+v", docs)
	}
	remotes := r.RemotesOf("shop")
	if remotes[0].Sealed != nil || !remotes[0].HasToken() || remotes[1].Sealed.Remote != 1 || !remotes[1].HasKey() || remotes[1].Sealed.At(PrivateKey).Line != 5 {
		t.Errorf("the remotes are %+v and %+v", remotes[0], remotes[1])
	}
}

func TestSealedProblems(t *testing.T) {
	const https, ssh = "url: https://example.org/x\n", "url: git@example.org:x\n"
	for text, want := range map[string]string{
		https + "token: hunter2-hunter2\n":                                        "2: token is not encrypted: whoever reads admin would have it",
		https + "token: hunter2-hunter2\nhookSecret: " + enc("h") + sopsLine():    "2: token is not encrypted",
		https + "token: " + enc("t") + "\n":                                       "2: token is not encrypted",
		https + "tokenFile: /t\ntoken: " + enc("t") + sopsLine():                  "2: tokenFile is there as well as token",
		https + "key: " + enc("k") + sopsLine():                                   "2: key is for addresses of ssh",
		ssh + "keyFile: /k\ntoken: " + enc("t") + sopsLine():                      "3: token is for addresses of https",
		ssh + "token: " + enc("t") + sopsLine():                                   "comes without keyFile",
		"url: " + enc("u") + "\nschedule: " + enc("s") + sopsLine():               "1: url is encrypted, and only credentials may be",
		https + "branches: ['" + enc("b") + "']\ntoken: " + enc("t") + sopsLine(): "2: branches is encrypted",
		https + "token: [hunter2-hunter2]\n":                                      "2: token is a list, not text",
		https + "statusToken: " + enc("t") + sopsLine():                           "2: statusToken comes without forge",
		https + "sops: {}\n":                                                      `unknown field "sops"`,
		https + "comments: problems\n":                                            "2: comments comes without statusFile",
		https + "comments: often\nstatusFile: /s\nforge: gitea\n":                 `comments: "often" is not known`,
	} {
		_, problems := Parse(world(t, map[string]string{"mirrors/shop.yaml": text}))
		if len(problems) == 0 || !strings.Contains(problems.Error(), want) || problems[0].Source.File != "mirrors/shop.yaml" {
			t.Errorf("%.80q: %v\nwant: %s", text, problems, want)
		}
		if strings.Contains(problems.Error(), "hunter2") {
			t.Errorf("the token is in the problem: %v", problems)
		}
	}
	for text, want := range map[string]string{
		"remotes: [{name: x, url: 'https://example.org/x', token: hunter2-hunter2}]\n":                                          "token is not encrypted",
		"remotes:\n- {name: x, url: 'https://example.org/x', token: '" + enc("t") + "', user: '" + enc("u") + "'}" + sopsLine(): "remotes is encrypted, and only credentials may be",
		"remotes: [{name: x, url: 'https://example.org/x', hookSecret: '" + enc("h") + "'}]" + sopsLine():                       `unknown field "hookSecret"`,
	} {
		_, problems := Parse(world(t, map[string]string{"remotes/shop.yaml": text}))
		if len(problems) == 0 || !strings.Contains(problems.Error(), want) || strings.Contains(problems.Error(), "hunter2") {
			t.Errorf("%.80q: %v\nwant: %s", text, problems, want)
		}
	}
}

func sopsLine() string { return "\n" + sopsEnd }

// What SOPS has encrypted is compared by its own values: those of other fields and of other remotes
// change with each encryption.
func TestSealedCredentialsAreCompared(t *testing.T) {
	mirror := func(token, mac string) *Rules {
		return parsedTree(t, world(t, map[string]string{"mirrors/shop.yaml": "url: https://example.org/x\ntoken: " + enc(token) + "\nsops:\n    mac: " + enc(mac) + "\n"}))
	}
	remotes := func(a, b string) *Rules {
		return parsedTree(t, world(t, map[string]string{"remotes/shop.yaml": "remotes:\n- {name: a, url: 'https://example.org/a', token: '" + enc(a) + "'}\n- {name: b, url: 'https://example.org/b', token: '" + enc(b) + "'}" + sopsLine()}))
	}
	for _, test := range []struct {
		before, after *Rules
		want          string
	}{
		{mirror("t", "m"), mirror("t", "n"), ""},
		{mirror("t", "m"), mirror("u", "m"), "  ~ repository shop is another than before"},
		{remotes("t", "m"), remotes("t", "n"), "  ~ remote b of shop is another than before"},
	} {
		if got := strings.Join(Compare(test.before, test.after), "|"); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
