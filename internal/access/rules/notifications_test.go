package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// sealedFile is as SOPS writes it, as far as anybody looks who does not open it.
const sealedFile = "address: ENC[AES256_GCM,data:abc,iv:abc,tag:abc,type:str]\nsops:\n    mac: ENC[AES256_GCM,data:abc,iv:abc,tag:abc,type:str]\n    version: 3.10.2\n"

const (
	receiverOps = "receivers:\n- {name: ops, kind: webhook, address: {file: /etc/pushboat/notify/ops}}\n"
	ruleOps     = "rules:\n- {name: a, tell: [ops]}\n"
)

func TestNotifications(t *testing.T) {
	r := parsedTree(t, world(t, map[string]string{
		"receivers/chat.yaml": sealedFile, "receivers/README.md": "Addresses.\n",
		"notifications.yaml": receiverOps + `- {name: chat, kind: slack, address: {sops: chat.yaml}}
rules:
- name: team
  tell: [ops, chat]
  events: [deployFailed, grantHolds]
  severity: critical
  apps: [shop-*]
  repositories: [team/**]
  clusters: [prod]
  quiet: {schedule: "0 22 * * *", duration: 8h, timeZone: Europe/Berlin}
  digest: 15m
texts: {deployFailed: "{{.Title}}"}
`,
	}))
	n := r.Notifications()
	if chat := n.Receiver("chat"); chat == nil || chat.Kind != "slack" || chat.Sealed != "receivers/chat.yaml" || string(chat.Text) != sealedFile || n.Receiver("nobody") != nil {
		t.Errorf("chat is %+v", chat)
	}
	if text := n.Template(DeployFailed); text == nil || text.Text != "{{.Title}}" || n.Template(AppFailing) != nil {
		t.Errorf("the text is %+v", text)
	}
	team := n.Tellings[0]
	if !slices.Equal(team.To, []string{"ops", "chat"}) || team.Severity != Critical || team.Digest != 15*time.Minute || team.Quiet == nil {
		t.Errorf("the rule is %+v", team)
	}
	if over := team.Quiet.Over(time.Date(2026, 1, 31, 22, 0, 0, 0, time.UTC)); !over.Equal(time.Date(2026, 2, 1, 5, 0, 0, 0, time.UTC)) {
		t.Errorf("the quiet time is over at %s", over)
	}
	for _, test := range []struct {
		topic              Topic
		app, repo, cluster string
		want               bool
	}{
		{DeployFailed, "shop-eu", "team/shop", "prod", true},
		{DeployFailed, "blog", "team/shop", "prod", false},
		{DeployFailed, "shop-eu", "shop", "prod", false},
		{DeployFailed, "shop-eu", "team/shop", "default", false},
		{AppFailing, "shop-eu", "team/shop", "prod", false},
		{ClusterAway, "", "", "prod", false},
	} {
		if got := team.Covers(test.topic, test.app, test.repo, test.cluster); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
	if none := None().Notifications(); len(none.Receivers)+len(none.Tellings) > 0 {
		t.Errorf("missing rules have %+v", none)
	}
}

func TestNotificationProblems(t *testing.T) {
	const canary = "hunter2"
	for name, test := range map[string]struct {
		text, want string
		files      map[string]string
	}{
		"an unknown field":         {"rule: []", `unknown field "rule"`, nil},
		"a receiver without name":  {"receivers: [{kind: webhook, address: {file: /x}}]", "the receiver has no name", nil},
		"without kind":             {"receivers: [{name: a, address: {file: /x}}]", "the receiver has no kind", nil},
		"without address":          {"receivers: [{name: a, kind: mail}]", "the receiver has no address", nil},
		"an unknown kind":          {"receivers: [{name: a, kind: pigeon, address: {file: /x}}]", `"pigeon"`, nil},
		"a bad name":               {"receivers: [{name: A b, kind: mail, address: {file: /x}}]", `"A b" is not a name`, nil},
		"a name twice":             {receiverOps + "- {name: ops, kind: mail, address: {file: /x}}", "there is a receiver ops already on line 2", nil},
		"the address itself":       {"receivers: [{name: a, kind: webhook, address: 'https://x.org/" + canary + "'}]", "address says the address itself", nil},
		"no way to the address":    {"receivers: [{name: a, kind: webhook, address: {}}]", "not exactly one of sops and file", nil},
		"two ways":                 {"receivers: [{name: a, kind: webhook, address: {file: /x, sops: a.yaml}}]", "not exactly one of sops and file", nil},
		"a relative file":          {"receivers: [{name: a, kind: webhook, address: {file: x}}]", "file is no path from the root", nil},
		"a file that leads out":    {"receivers: [{name: a, kind: webhook, address: {file: /etc/x/../../" + canary + "}}]", "file is no path from the root", nil},
		"a path for a sealed file": {"receivers: [{name: a, kind: webhook, address: {sops: ../" + canary + ".yaml}}]", "sops names no file of receivers", nil},
		"a sealed file that is not there": {
			"receivers: [{name: a, kind: webhook, address: {sops: a.yaml}}]", "receivers/a.yaml is not there", nil,
		},
		"a file that nobody has sealed": {"", "is not encrypted", map[string]string{"receivers/a.yaml": "address: https://x.org/" + canary}},
		"a large file":                  {"", "receivers/a.yaml", map[string]string{"receivers/a.yaml": strings.Repeat(canary, maxReceiverFile)}},
		"a rule without name":           {receiverOps + "rules: [{tell: [ops]}]", "the rule has no name", nil},
		"a rule twice":                  {receiverOps + ruleOps + "- {name: a, tell: [ops]}", "there is a rule a already on line 4", nil},
		"a rule that tells nobody":      {receiverOps + "rules: [{name: a}]", "the rule tells nobody", nil},
		"nobody in a list":              {receiverOps + "rules: [{name: a, tell: []}]", "the rule tells nobody", nil},
		"an unknown receiver":           {receiverOps + "rules: [{name: a, tell: [opss]}]", `there is no receiver "opss"`, nil},
		"an unknown event":              {receiverOps + "rules: [{name: a, tell: [ops], events: [deployFaild]}]", `"deployFaild" is not known`, nil},
		"no event":                      {receiverOps + "rules: [{name: a, tell: [ops], events: []}]", "the rule is about nothing", nil},
		"an event that is too light":    {receiverOps + "rules: [{name: a, tell: [ops], events: [driftFound], severity: critical}]", "driftFound is warning", nil},
		"an event of no app":            {receiverOps + "rules: [{name: a, tell: [ops], events: [pushRefused], apps: [shop]}]", "pushRefused is about no apps", nil},
		"an event of no cluster":        {receiverOps + "rules: [{name: a, tell: [ops], events: [backupFailed], clusters: [prod]}]", "backupFailed is about no clusters", nil},
		"an unknown severity":           {receiverOps + "rules: [{name: a, tell: [ops], severity: bad}]", `"bad"`, nil},
		"a bad repository":              {receiverOps + "rules: [{name: a, tell: [ops], repositories: [Shop]}]", "fits no repository's name", nil},
		"a digest that is too short":    {receiverOps + "rules: [{name: a, tell: [ops], digest: 1s}]", `"1s" is no duration from 1m0s to 24h0m0s`, nil},
		"a digest that is too long":     {receiverOps + "rules: [{name: a, tell: [ops], digest: 25h}]", `"25h" is no duration`, nil},
		"quiet for ever":                {receiverOps + "rules: [{name: a, tell: [ops], quiet: {schedule: '0 * * * *', duration: 2h}}]", "quiet is never over", nil},
		"a text of an unknown event":    {"texts: {deployed: x}", `"deployed" is no event`, nil},
		"a long text":                   {"texts: {deployFailed: '" + strings.Repeat("x", maxTemplate+1) + "'}", "has more than 4096 bytes", nil},
		"too many receivers":            {"receivers: [" + strings.Repeat("{}, ", maxReceivers+1) + "]", "receivers has 101 elements", nil},
		"too many rules":                {"rules: [" + strings.Repeat("{}, ", maxTellings+1) + "]", "rules has 201 elements", nil},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"notifications.yaml": test.text}
			maps.Copy(files, test.files)
			_, problems := Parse(world(t, files))
			if !slices.ContainsFunc(problems, func(p problem) bool { return strings.Contains(p.Error(), test.want) }) {
				t.Errorf("got %v; want %q", problems, test.want)
			}
			if strings.Contains(fmt.Sprint(problems), canary) {
				t.Errorf("a problem repeats what may be an address: %v", problems)
			}
		})
	}
}

func TestTooManyReceiverFiles(t *testing.T) {
	files := map[string]string{}
	for i := range maxReceivers + 1 {
		files[fmt.Sprintf("receivers/%d.yaml", i)] = sealedFile
	}
	if _, problems := Parse(world(t, files)); len(problems) != 1 || !strings.Contains(problems[0].Message, "more than 100 files") {
		t.Errorf("problems %v", problems)
	}
}

func TestCompareNotifications(t *testing.T) {
	with := func(text string) *Rules {
		return parsedTree(t, world(t, map[string]string{"notifications.yaml": text}))
	}
	for name, test := range map[string]struct{ before, after, want string }{
		"new": {
			"", receiverOps + "rules:\n- {name: a, tell: [ops], events: [deployFailed], apps: [shop], digest: 5m}\n",
			"  + notification a tells ops of deployFailed, apps shop, gathered for 5m0s\n  + receiver ops is told by webhook, at the address in a file of the server",
		},
		"gone": {
			receiverOps + ruleOps, "",
			"  - notification a is no more: it tells ops of everything\n  - receiver ops is no more: it is told by webhook, at the address in a file of the server",
		},
		"another rule":    {receiverOps + ruleOps, receiverOps + "rules:\n- {name: a, tell: [ops], severity: warning}\n", "  ~ notification a tells ops of everything that is warning or worse, before: tells ops of everything"},
		"another address": {receiverOps, strings.ReplaceAll(receiverOps, "notify/ops", "notify/others"), "  ~ receiver ops is another than before"},
		"the same":        {receiverOps + ruleOps, receiverOps + ruleOps, ""},
		"a text":          {receiverOps, receiverOps + "texts: {deployFailed: x}", "  + text of deployFailed is as notifications.yaml says"},
	} {
		if got := strings.Join(Compare(with(test.before), with(test.after)), "\n"); got != test.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, test.want)
		}
	}
}

func TestTopics(t *testing.T) {
	if len(severities) != len(Topics) {
		t.Errorf("%d topics have a severity, there are %d", len(severities), len(Topics))
	}
	for _, topic := range Topics {
		if got, err := ParseTopic(string(topic)); err != nil || got != topic {
			t.Errorf("%s: %q, %v", topic, got, err)
		}
	}
	if _, err := ParseTopic("deployFaild"); err == nil || err.Error() != `"deployFaild" is no event: did you mean deployFailed?` {
		t.Errorf("an unknown one: %v", err)
	}
	var s Severity
	if err := s.UnmarshalText([]byte("critical")); err != nil || s != Critical || s.UnmarshalText([]byte("bad")) == nil {
		t.Errorf("read %v, %v", s, err)
	}
}
