package notify

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access/rules"
)

func TestWordsOfOne(t *testing.T) {
	none := &rules.Notifications{}
	n := sample(rules.DeployFailed)
	fill := func(text string) string { return strings.ReplaceAll(text, "HOST", "git.example.org") }
	w := wordsOf(newMessage("ops", []News{n}, noon), none, fill)
	if w.title != "shop: failed to deploy" || !strings.HasSuffix(w.text, `
revision 3f2c1ab, by ana, cause push, repository shop, branch main, cluster default
next: ssh git.example.org status shop`) {
		t.Errorf("%q\n%s", w.title, w.text)
	}
	for _, topic := range rules.Topics {
		if w := wordsOf(newMessage("ops", []News{sample(topic)}, noon), none, plain); w.title == "" || !strings.Contains(w.text, "next: ") {
			t.Errorf("%s: %q\n%s", topic, w.title, w.text)
		}
	}
}

func TestWordsOfSeveral(t *testing.T) {
	none := &rules.Notifications{}
	a, b := sample(rules.DeployFailed), sample(rules.DeployFailed)
	a.Group, b.Group, b.Key, b.App, b.Title = "push-7", "push-7", "blog-1.deployFailed", "blog", "blog: failed to deploy"
	w := wordsOf(newMessage("ops", []News{a, b}, noon), none, plain)
	if w.title != "2 apps: failed to deploy, by the push of ana" || w.text != `shop: failed to deploy
blog: failed to deploy
revision 3f2c1ab, by ana, repository shop, branch main
next: ssh HOST status` {
		t.Errorf("of a push: %q\n%s", w.title, w.text)
	}
	c := sample(rules.ClusterAway)
	c.Ended, c.Title = true, "cluster prod answers again"
	w = wordsOf(newMessage("ops", []News{a, b, c}, noon), none, plain)
	if w.title != "3 notifications" || !strings.Contains(w.text, "by the push of ana") || !strings.Contains(w.text, "\n\ncluster prod answers again") {
		t.Errorf("a digest: %q\n%s", w.title, w.text)
	}
}

// A refused push leads to its page, also among others; without one, nothing is said of it.
func TestWordsLeadToPages(t *testing.T) {
	none := &rules.Notifications{}
	a, b := sample(rules.PushRefused), sample(rules.PushRefused)
	if w := wordsOf(newMessage("ops", []News{a}, noon), none, plain); strings.Contains(w.text, "see it") {
		t.Errorf("without a page: %s", w.text)
	}
	a.Page = "https://pushboat.example.org/refused/X"
	if w := wordsOf(newMessage("ops", []News{a}, noon), none, plain); !strings.Contains(w.text, "\nsee it in full: "+a.Page+"\nnext: ") {
		t.Errorf("of one: %s", w.text)
	}
	if w := wordsOf(newMessage("ops", []News{a, b}, noon), none, plain); w.title != "2 pushes: refused" || !strings.HasPrefix(w.text, a.Title+" "+a.Page+"\n"+b.Title+"\n") {
		t.Errorf("of two: %q\n%s", w.title, w.text)
	}
	own := &rules.Notifications{Templates: []*rules.Template{{Topic: rules.PushRefused, Text: "refused\n{{.Page}}"}}}
	if w := wordsOf(newMessage("ops", []News{a}, noon), own, plain); w.text != a.Page {
		t.Errorf("by a template: %q", w.text)
	}
}

// What a cluster says cannot bring more than printable text, nor more of it than is taken.
func TestWordsAreCleanAndBounded(t *testing.T) {
	n := sample(rules.AppFailing)
	n.Title, n.Detail = "shop:\x1b[31m red\n\x00"+strings.Repeat("é", 400), "a\x1b[2Jb\nc"+strings.Repeat("ü", 4000)
	w := wordsOf(newMessage("ops", []News{n}, noon), &rules.Notifications{}, plain)
	if strings.ContainsAny(w.title+w.text, "\x1b\x00") || strings.Contains(w.title, "\n") || !strings.Contains(w.text, "b\nc") {
		t.Errorf("%q\n%q", w.title, w.text)
	}
	if len(w.title) > maxTitle || len(w.text) > maxText || !strings.HasSuffix(w.title, "…") {
		t.Errorf("%d and %d bytes", len(w.title), len(w.text))
	}
}

func TestTemplates(t *testing.T) {
	const text = "{{.App}} {{short .Revision}} {{upper .Severity}}{{if and .Operator (ne .Operator \"ben\")}} by {{.Operator}}{{end}}\n" +
		"{{range .Items}}{{.Title}}, {{.Next}}\n{{else}}none{{end}}{{with .Detail}}{{.}}{{end}}{{if gt0 .More}}{{end}}"
	if err := CheckTemplate(text); err == nil {
		t.Error("an unknown function is allowed")
	}
	good := strings.TrimSuffix(text, "{{if gt0 .More}}{{end}}")
	if err := CheckTemplate(good); err != nil {
		t.Fatal(err)
	}
	n := sample(rules.DeployFailed)
	current := &rules.Notifications{Templates: []*rules.Template{{Topic: rules.DeployFailed, Text: good}}}
	w := wordsOf(newMessage("ops", []News{n}, noon), current, plain)
	if w.title != "shop 3f2c1ab CRITICAL by ana" || !strings.HasPrefix(w.text, "shop: failed to deploy, ssh HOST status shop\n") {
		t.Errorf("%q\n%s", w.title, w.text)
	}
	current.Templates[0].Text = "{{/* nothing */}}  \n"
	if w := wordsOf(newMessage("ops", []News{n}, noon), current, plain); w.title != n.Title {
		t.Errorf("a template of nothing: %q", w.title)
	}
}

func TestTemplatesThatAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"not closed":                    "{{if .App}}",
		"an unknown field":              "{{.Password}}",
		"a method's result":             "{{.App.Foo}}",
		"a function that is not listed": `{{printf "%99999999d" 1}}`,
		"another":                       `{{html .App}}`,
		"a call":                        "{{call .App}}",
		"a loop over a number":          "{{range 1000000000}}x{{end}}",
		"a loop in a loop":              "{{range .Items}}{{range $.Items}}x{{end}}{{end}}",
		"a loop in a branch of a loop":  "{{range .Items}}{{if .App}}{{range $.Items}}x{{end}}{{end}}{{end}}",
		"a definition":                  `{{define "x"}}{{template "x"}}{{end}}{{template "x"}}`,
		"an unknown template":           `{{template "x"}}`,
		"a chain":                       `{{(index .Items 0).App}}`,
		"nothing":                       "",
	} {
		if err := CheckTemplate(text); err == nil {
			t.Errorf("%s is allowed: %s", name, text)
		} else if strings.HasPrefix(err.Error(), "template: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A text has at most maxOutput bytes, however many news there are.
func TestTemplatesAreBounded(t *testing.T) {
	news := make([]News, maxNews)
	for i := range news {
		news[i] = sample(rules.AppFailing)
		news[i].Detail = strings.Repeat("x", maxDetail)
	}
	text, err := render("{{range .Items}}"+strings.Repeat("{{.Detail}}", 300)+"{{end}}", dataOf(news, 0, plain))
	if err != nil || len(text) != maxOutput {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}
