package notify

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access/keytest"
	"github.com/pushboat/pushboat/internal/access/rules"
)

// told are rules with the receivers ops and ben, and the given entries of rules.
func told(t testing.TB, entries ...string) *rules.Notifications {
	t.Helper()
	return rulesOf(t, "rules:\n"+strings.Join(entries, "\n")+"\n").Notifications()
}

// rulesOf are rules whose notifications.yaml has the receivers ops and ben, whose addresses
// are /receivers/NAME, and more.
func rulesOf(t testing.TB, more string) *rules.Rules {
	t.Helper()
	key := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(keytest.Signer(t, "a").PublicKey())))
	r, problems := rules.Parse(fstest.MapFS{
		"operators/ana.yaml": {Data: []byte("keys: [" + key + "]\n")},
		"access.yaml":        {Data: []byte("rules: [{who: [ana], may: [admin]}]\n")},
		"notifications.yaml": {Data: []byte(`receivers:
- {name: ops, kind: webhook, address: {file: /receivers/ops}}
- {name: ben, kind: webhook, address: {file: /receivers/ben}}
` + more)},
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return r
}

func newsOf(key string, topic rules.Topic) News {
	return News{Key: key, Topic: topic, App: "shop", Repo: "shop", Cluster: "default", Title: key, Time: noon}
}

// dealt writes messages as text: receiver, news, and when it is due if not at once.
func dealt(messages []*Message) string {
	var texts []string
	for _, m := range messages {
		text := m.Receiver + ":" + keysOf(m.News)
		if !m.Due.IsZero() {
			text += "@" + m.Due.Sub(noon).String()
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "; ")
}

func TestWhoIsTold(t *testing.T) {
	failed, ended := newsOf("a", rules.DeployFailed), newsOf("b", rules.AppFailing)
	ended.Ended, ended.Ends, ended.Told = true, "a", []string{"ben"}
	cluster := News{Key: "c", Topic: rules.ClusterAway, Cluster: "prod", Time: noon}
	for name, test := range map[string]struct {
		rules []string
		news  []News
		want  string
	}{
		"nobody":                   {[]string{"- {name: a, tell: [ops], events: [pushRefused]}"}, []News{failed}, ""},
		"one":                      {[]string{"- {name: a, tell: [ops]}"}, []News{failed}, "ops:a"},
		"two":                      {[]string{"- {name: a, tell: [ops, ben]}"}, []News{failed}, "ops:a; ben:a"},
		"once by two rules":        {[]string{"- {name: a, tell: [ops]}", "- {name: b, tell: [ops]}"}, []News{failed}, "ops:a"},
		"by severity":              {[]string{"- {name: a, tell: [ops], severity: critical}", "- {name: b, tell: [ben], severity: warning}"}, []News{newsOf("a", rules.DriftFound)}, "ben:a"},
		"by app":                   {[]string{"- {name: a, tell: [ops], apps: [blog]}", "- {name: b, tell: [ben], apps: [sh*]}"}, []News{failed}, "ben:a"},
		"by repository":            {[]string{"- {name: a, tell: [ops], repositories: [team/*]}", "- {name: b, tell: [ben], repositories: [shop]}"}, []News{failed}, "ben:a"},
		"by cluster":               {[]string{"- {name: a, tell: [ops], clusters: [prod]}"}, []News{failed, cluster}, "ops:c"},
		"of apps only":             {[]string{"- {name: a, tell: [ops], apps: ['*']}"}, []News{failed, cluster}, "ops:a"},
		"an end, who was told":     {[]string{"- {name: a, tell: [ops]}"}, []News{ended}, "ben:b<a"},
		"at once if one rule says": {[]string{"- {name: a, tell: [ops], digest: 1h}", "- {name: b, tell: [ops]}"}, []News{failed}, "ops:a"},
		"the digest that is first": {[]string{"- {name: a, tell: [ops], digest: 1h}", "- {name: b, tell: [ops], digest: 5m}"}, []News{failed}, "ops:a@5m0s"},
		"after a quiet time":       {[]string{"- {name: a, tell: [ops], quiet: {schedule: '0 8 * * *', duration: 10h}}"}, []News{failed}, "ops:a@6h0m0s"},
		"outside of a quiet time":  {[]string{"- {name: a, tell: [ops], quiet: {schedule: '0 22 * * *', duration: 8h}}"}, []News{failed}, "ops:a"},
		"a digest that would be due in a quiet time": {
			[]string{"- {name: a, tell: [ops], digest: 2h, quiet: {schedule: '0 13 * * *', duration: 8h}}"}, []News{failed}, "ops:a@9h0m0s",
		},
		"a digest has all sorts": {[]string{"- {name: a, tell: [ops], digest: 1h}"}, []News{failed, newsOf("b", rules.DriftFound)}, "ops:a b@1h0m0s"},
		"other sorts, else":      {[]string{"- {name: a, tell: [ops]}"}, []News{failed, newsOf("b", rules.DriftFound)}, "ops:a; ops:b"},
	} {
		messages, _ := deal(told(t, test.rules...), test.news, nil, noon)
		if got := dealt(messages); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

// A thousand apps that fail are one message, with its first hundred; nothing is lost count of.
func TestStormIsOneMessage(t *testing.T) {
	news := make([]News, 1000)
	for i := range news {
		news[i] = newsOf(fmt.Sprintf("app-%d.appFailing.1", i), rules.AppFailing)
	}
	current := told(t, "- {name: a, tell: [ops, ben]}")
	messages, who := deal(current, news, nil, noon)
	if len(messages) != 2 || len(messages[0].News) != maxNews || messages[0].More != 1000-maxNews || len(who) != 1000 {
		t.Fatalf("%d messages, told %d", len(messages), len(who))
	}
	w := wordsOf(messages[0], current, plain)
	if w.title != "1000 apps: not healthy" || !strings.Contains(w.text, fmt.Sprintf("and %d more", 1000-maxItems)) {
		t.Errorf("it says %q:\n%s", w.title, w.text)
	}
}

// plain leaves HOST in texts.
func plain(text string) string { return text }

// News of a rule that gathers are added to its message that waits, and to none that is due.
func TestDigestGrows(t *testing.T) {
	current := told(t, "- {name: a, tell: [ops], digest: 1h}")
	first, _ := deal(current, []News{newsOf("a", rules.DeployFailed)}, nil, noon)
	second, _ := deal(current, []News{newsOf("b", rules.DriftFound)}, first, noon.Add(30*time.Minute))
	if dealt(second) != "ops:a b@1h0m0s" || second[0].ID != first[0].ID || len(first[0].News) != 1 {
		t.Errorf("then: %q, %+v", dealt(second), first[0])
	}
	third, _ := deal(current, []News{newsOf("c", rules.DriftFound)}, second, noon.Add(time.Hour))
	if dealt(third) != "ops:c@2h0m0s" {
		t.Errorf("once it is due: %q", dealt(third))
	}
	other := told(t, "- {name: b, tell: [ops], digest: 1h}")
	if fourth, _ := deal(other, []News{newsOf("c", rules.DriftFound)}, first, noon); dealt(fourth) != "ops:c@1h0m0s" {
		t.Errorf("of another rule: %q", dealt(fourth))
	}
}

// The id of a message depends on its news alone, in whatever order they were found.
func TestIDs(t *testing.T) {
	a, b := newsOf("shop-1.deployFailed", rules.DeployFailed), newsOf("blog-1.deployFailed", rules.DeployFailed)
	if id := newMessage("ops", []News{a}, noon).ID; id != a.Key {
		t.Errorf("of one: %q", id)
	}
	both := newMessage("ops", []News{a, b}, noon).ID
	if both != newMessage("ben", []News{b, a}, noon.Add(time.Hour)).ID || both == a.Key || both == newMessage("ops", []News{a, a}, noon).ID {
		t.Errorf("of two: %q", both)
	}
	end := a
	end.Key, end.Ends, end.Ended = a.Key+".ended", a.Key, true
	if m := newMessage("ops", []News{end}, noon); m.Thread != a.Key || m.Severity() != rules.Info {
		t.Errorf("the end is in thread %q, %s", m.Thread, m.Severity())
	}
	if m := newMessage("ops", []News{end, b}, noon); m.Severity() != rules.Critical {
		t.Errorf("an end and a failure are %s", m.Severity())
	}
}
