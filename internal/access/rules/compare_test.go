package rules

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access"
)

func TestCompareRights(t *testing.T) {
	rules := func(lines ...string) map[string]string {
		return map[string]string{"access.yaml": "rules:\n- {who: [admins], may: [admin]}\n" + strings.Join(lines, "\n") + "\n"}
	}
	for name, test := range map[string]struct {
		before, after map[string]string
		want          []string
	}{
		"nothing":              {rules("- {who: [ben], may: [push]}"), rules("- {may: [push], who: [ben]} # by another line"), nil},
		"a right comes":        {rules(), rules("- {who: [ben], repositories: [shop], branches: [main], paths: [web], may: [deploy]}"), []string{"+ ben may deploy on shop, branches main, paths web"}},
		"a right goes":         {rules("- {who: [ben], repositories: [shop], may: [deploy]}"), rules(), []string{"- ben may no longer deploy on shop"}},
		"a role becomes less":  {rules("- {who: [ben], may: [deploy]}"), rules("- {who: [ben], may: [push]}"), []string{"- ben may no longer deploy on everything, only push"}},
		"a role becomes more":  {rules("- {who: [ben], may: [push]}"), rules("- {who: [ben], may: [deploy]}"), []string{"+ ben may deploy on everything"}},
		"an admin comes":       {rules(), rules("- {who: [ben], may: [admin]}"), []string{"+ ben is an admin of the server"}},
		"an admin goes":        {rules("- {who: [ben], may: [admin]}"), rules("- {who: [ben], may: [read]}"), []string{"- ben is no admin of the server any more, only read"}},
		"a verb comes":         {rules("- {who: [ben], may: [read]}"), rules("- {who: [ben], may: [read, rollback]}"), []string{"+ ben may rollback on everything"}},
		"a backup":             {rules("- {who: [ben], may: [read]}"), rules("- {who: [ben], may: [read, backup]}"), []string{"+ ben may backup on everything: a backup holds all repositories, and the server's private keys"}},
		"a verb that was had":  {rules("- {who: [ben], may: [deploy]}"), rules("- {who: [ben], may: [deploy, rollback]}"), nil},
		"a verb is withheld":   {rules("- {who: [ben], may: [deploy]}"), rules("- {who: [ben], may: [deploy], mayNot: [suspend]}"), []string{"- ben may not suspend on everything, whatever else is given"}},
		"one no longer":        {rules("- {who: [ben], may: [deploy], mayNot: [suspend]}"), rules("- {who: [ben], may: [deploy]}"), []string{"+ ben is not kept from suspend on everything any more"}},
		"within what was had":  {rules("- {who: [ben], repositories: ['team/**'], may: [deploy]}"), rules("- {who: [ben], repositories: ['team/**'], may: [deploy]}", "- {who: [ben], repositories: [team/web], may: [push]}"), nil},
		"still had by another": {rules("- {who: [ben], may: [deploy]}", "- {who: [ben], repositories: [shop], may: [deploy]}"), rules("- {who: [ben], may: [deploy]}"), nil},
		"less in one place":    {rules("- {who: [ben], may: [deploy]}"), rules("- {who: [ben], repositories: [shop], may: [deploy]}"), []string{"- ben may no longer deploy on everything, only on shop"}},
		"from a group":         {rules("- {who: [shop], may: [push]}"), rules("- {who: [ben, ci], may: [push]}"), nil},
		"by a group":           {rules(), rules("- {who: [shop], may: [push]}"), []string{"+ ben, ci may push on everything"}},
		"by all":               {rules(), rules("- {who: [everyone], may: [read]}"), []string{"+ ben, ci, dora may read on everything"}},
		"twice the same":       {rules(), rules("- {who: [ben], may: [push]}", "- {who: [ben], may: [push]}"), []string{"+ ben may push on everything"}},
		"branches of all":      {rules(), rules("- {who: [ben], branches: [x], may: [push]}"), []string{"+ ben may push on all repositories, branches x"}},
		"out of a group": {
			map[string]string{"access.yaml": "rules:\n- {who: [admins], may: [admin]}\n- {who: [shop], may: [push]}\n"},
			map[string]string{"access.yaml": "rules:\n- {who: [admins], may: [admin]}\n- {who: [shop], may: [push]}\n", "groups.yaml": "groups: {admins: [ana], shop: [ci]}\n"},
			[]string{"- ben may no longer push on everything"},
		},
	} {
		got := Compare(parsedTree(t, world(t, test.before)), parsedTree(t, world(t, test.after)))
		if want := indented(test.want); !slices.Equal(got, want) {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, want)
		}
	}
}

// indented returns the lines of a comparison as a plan shows them.
func indented(lines []string) []string {
	var all []string
	for _, line := range lines {
		all = append(all, "  "+line)
	}
	return all
}

func TestCompareOperators(t *testing.T) {
	one := parsedTree(t, world(t, nil)).keyOf("ben")
	eve := "keys:\n- {key: " + keyText(t, 9) + "%s}\n"
	fingerprint := parsedTree(t, world(t, map[string]string{"operators/eve.yaml": fmt.Sprintf(eve, "")})).keyOf("eve")
	with := func(text string) map[string]string { return map[string]string{"operators/eve.yaml": text} }
	for name, test := range map[string]struct {
		before, after map[string]string
		want          []string
	}{
		"somebody comes": {nil, with(fmt.Sprintf(eve, "")), []string{"+ eve (person) becomes an operator", "+ eve can log in with " + fingerprint + " for good"}},
		"a robot comes":  {nil, with("kind: robot\nkeys: []\n"), []string{"+ eve (robot) becomes an operator"}},
		"somebody goes":  {with(fmt.Sprintf(eve, "")), nil, []string{"- eve can no longer log in with " + fingerprint, "- eve is no operator any more"}},
		"a key comes":    {with("keys: []\n"), with(fmt.Sprintf(eve, ", expires: 2026-12-31, from: 192.0.2.7")), []string{"+ eve can log in with " + fingerprint + " until 2026-12-31 00:00 UTC, from 192.0.2.7/32"}},
		"a key expires":  {with(fmt.Sprintf(eve, "")), with(fmt.Sprintf(eve, ", expires: 2026-12-31")), []string{"~ eve can use " + fingerprint + " until 2026-12-31 00:00 UTC, before for good"}},
		"another kind":   {with(fmt.Sprintf(eve, "")), with("kind: robot\n" + fmt.Sprintf(eve, "")), []string{"~ eve is a robot now, was a person"}},
		"an address":     {with(fmt.Sprintf(eve, "")), with("email: eve@example.org\n" + fmt.Sprintf(eve, "")), []string{"~ eve has the address eve@example.org now"}},
		"no address":     {with("email: eve@example.org\n" + fmt.Sprintf(eve, "")), with(fmt.Sprintf(eve, "")), []string{"~ eve has the address of none now"}},
		"a key moves": {
			with("keys: []\n"),
			map[string]string{"operators/ben.yaml": "keys: []\n", "operators/eve.yaml": "keys: [" + keyText(t, 1) + "]\n"},
			[]string{"+ eve can log in with " + one + " for good", "- ben can no longer log in with " + one},
		},
	} {
		got := Compare(parsedTree(t, world(t, test.before)), parsedTree(t, world(t, test.after)))
		if want := indented(test.want); !slices.Equal(got, want) {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, want)
		}
	}
}

func (r *Rules) keyOf(operator string) string { return r.operators[operator].Keys[0].Fingerprint() }

func TestComparisonsAreBounded(t *testing.T) {
	files := map[string]string{}
	for i := range 300 {
		name := fmt.Sprintf("o%03d", i)
		files["operators/"+name+".yaml"] = fmt.Sprintf("email: %s@example.org\nkeys: []\n", name)
	}
	before := parsedTree(t, world(t, files))
	for name := range files {
		files[name] = strings.Replace(files[name], "@example.org", "@example.com", 1)
	}
	files["access.yaml"] = "rules:\n- {who: [admins], may: [admin]}\n- {who: [everyone], may: [read]}\n"
	lines := Compare(before, parsedTree(t, world(t, files)))
	if len(lines) != maxLines+1 || lines[maxLines] != "  and 101 changes more" {
		t.Errorf("%d lines, the last is %q", len(lines), lines[len(lines)-1])
	}
	if want := "  + ben, ci, dora, o000, o001, o002, o003, o004 and 295 more may read on everything"; lines[0] != want {
		t.Errorf("got %q, want %q", lines[0], want)
	}
}

func TestExplain(t *testing.T) {
	r := parsed(t, "- {who: [shop], repositories: [shop], may: [deploy], mayNot: [suspend]}")
	answers := r.Explain("ben", onBranch("shop", "main"), func(right right) decision { return r.Decide("ben", right, onBranch("shop", "main")) })
	got := map[string]Answer{}
	for _, answer := range answers {
		answer.rule, answer.except = nil, nil
		got[answer.Word] = answer
	}
	says := "shop may deploy may not suspend on shop"
	for _, want := range []Answer{
		{Word: "read", Allowed: true, Rule: "access.yaml:2", Says: says},
		{Word: "push", Allowed: true, Rule: "access.yaml:2", Says: says},
		{Word: "deploy", Allowed: true, Rule: "access.yaml:2", Says: says},
		{Word: "rollback", Allowed: true, Rule: "access.yaml:2", Says: says},
		{Word: "suspend", Allowed: false, Rule: "access.yaml:2", Says: says},
		{Word: "repo delete", Allowed: false, Rule: "", Says: ""},
		{Word: "admin", Allowed: false, Rule: "", Says: ""},
	} {
		if !reflect.DeepEqual(got[want.Word], want) {
			t.Errorf("got %+v, want %+v", got[want.Word], want)
		}
	}
	if _, there := got["backup"]; there {
		t.Error("a verb about the server is explained for a repository")
	}
}

// TestExplainSaysWhereNot: a yes for any branch or path names the rules that withhold it on
// some.
func TestExplainSaysWhereNot(t *testing.T) {
	r := parsed(t,
		"- {who: [ben], repositories: [shop], may: [deploy]}",
		"- {who: [ben], repositories: [shop], paths: ['web/**'], mayNot: [logs]}",
		"- {who: [ben], branches: [main], mayNot: [suspend]}",
		"- {who: [ben], repositories: [blog], paths: ['web/**'], mayNot: [logs]}",
		"- {who: [ben], branches: [other], paths: ['web/**'], mayNot: [logs]}",
	)
	of := func(on access.Subject, word string) Answer {
		for _, answer := range r.Explain("ben", on, func(right right) decision { return r.Decide("ben", right, on) }) {
			if answer.Word == word {
				return answer
			}
		}
		t.Fatalf("no answer for %q", word)
		return Answer{}
	}
	inWeb := "access.yaml:3: ben may not logs on shop, paths web/**"
	onMain := "access.yaml:4: ben may not suspend on all repositories, branches main"
	onOther := "access.yaml:6: ben may not logs on all repositories, branches other, paths web/**"
	anywhere := access.Subject{Repo: "shop"}
	for _, test := range []struct {
		on      access.Subject
		word    string
		allowed bool
		except  []string
	}{
		{onBranch("shop", "main"), "logs", true, []string{inWeb}},
		{anywhere, "logs", true, []string{inWeb, onOther}},
		{anywhere, "suspend", true, []string{onMain}},
		{onBranch("shop", "main"), "suspend", false, nil}, // the rule itself decides
		{onBranch("shop", "dev"), "suspend", true, nil},
		{anywhere, "deploy", true, nil},
	} {
		got := of(test.on, test.word)
		if got.Allowed != test.allowed || !slices.Equal(got.Except, test.except) {
			t.Errorf("%s on %v: %t, except %q; want %t, except %q", test.word, test.on, got.Allowed, got.Except, test.allowed, test.except)
		}
	}
	if got := of(anywhere, "logs").WithoutRule("ben", nil); !slices.Equal(got.Except, []string{"a rule for ben"}) {
		t.Errorf("without the rules it says %q", got.Except)
	}
}

// TestExplainWithoutRules: for somebody who may not read the rules, an explanation names no
// rule's place and no other operator.
func TestExplainWithoutRules(t *testing.T) {
	r := parsed(t, "- {who: [dora, shop], repositories: [shop], may: [push]}", "- {who: [everyone], may: [read]}", "- {who: [ben, ci], repositories: [shop], mayNot: [suspend]}")
	got := map[string]Answer{}
	for _, answer := range r.Explain("ben", onBranch("shop", "main"), func(right right) decision { return r.Decide("ben", right, onBranch("shop", "main")) }) {
		got[answer.Word] = answer.WithoutRule("ben", r.Groups("ben"))
	}
	for _, want := range []Answer{
		{Word: "push", Allowed: true, Rule: "", Says: "a rule for shop"},
		{Word: "suspend", Allowed: false, Rule: "", Says: "a rule for ben"},
		{Word: "deploy", Allowed: false, Rule: "", Says: ""},
	} {
		if !reflect.DeepEqual(got[want.Word], want) {
			t.Errorf("got %+v, want %+v", got[want.Word], want)
		}
	}
}
