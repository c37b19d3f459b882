package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/access"
)

// TestProblems tries everything that can be wrong with a revision. Each problem is reported
// with its file and line, and with the next thing to try.
func TestProblems(t *testing.T) {
	ana := keyText(t, 0)
	rule := func(text string) map[string]string {
		return map[string]string{"access.yaml": "rules:\n- {who: [admins], may: [admin]}\n" + text + "\n"}
	}
	key := func(text string) map[string]string {
		return map[string]string{"operators/eve.yaml": "keys:\n" + text + "\n"}
	}
	eve := keyText(t, 9)
	for name, test := range map[string]struct {
		files map[string]string
		want  string // file:line: message
		hint  string
	}{
		"no access.yaml":             {map[string]string{"access.yaml": ""}, "access.yaml: is missing", "may: [admin]"},
		"an empty access.yaml":       {map[string]string{"access.yaml": "# nothing\n"}, "access.yaml:1: rules is missing", "may: [admin]"},
		"rules that are no list":     {map[string]string{"access.yaml": "rules: {}\n"}, "access.yaml:1: rules is a mapping, not a list", "in brackets"},
		"a file that is no mapping":  {map[string]string{"access.yaml": "- a\n"}, "access.yaml:1: the file is a list, not a mapping", "known fields are rules"},
		"two documents":              {map[string]string{"access.yaml": "rules: []\n---\nrules: []\n"}, "access.yaml:2: there is a second document", "one document"},
		"no YAML":                    {map[string]string{"access.yaml": "rules: [\n"}, "access.yaml:", ""},
		"a file with a near name":    {map[string]string{"acess.yaml": "rules: []\n"}, "acess.yaml: this file is not read", "did you mean access.yaml?"},
		"a file with another ending": {map[string]string{"access.yml": "rules: []\n"}, "access.yml: this file is not read", "did you mean access.yaml?"},
		"a folder with a near name":  {map[string]string{"operator/eve.yaml": "keys: []\n"}, "operator: this folder is not read", "did you mean operators?"},
		"a cluster":                  {map[string]string{"clusters/eu.yaml": "servr: 1\n"}, `clusters/eu.yaml:1: unknown field "servr" in the file`, "did you mean server?"},
		"a file that is too large":   {map[string]string{"groups.yaml": strings.Repeat("#", maxFile+1)}, "groups.yaml: is larger than 1024 KiB", ""},
		"a private key":              {map[string]string{"groups.yaml": "# -----BEGIN OPENSSH PRIVATE KEY-----\n"}, "groups.yaml: that is a private key", "make a new key"},

		"an unknown group member":     {map[string]string{"groups.yaml": "groups:\n  admins: [anna]\n"}, `groups.yaml:2: group admins: there is no operator "anna"`, "did you mean ana?"},
		"a group of groups":           {map[string]string{"groups.yaml": "groups:\n  admins: [ana]\n  all: [admins]\n"}, `groups.yaml:3: group all: there is no operator "admins"`, "operators/NAME.yaml"},
		"a group with a bad name":     {map[string]string{"groups.yaml": "groups:\n  admins: [ana]\n  'a b': []\n"}, `groups.yaml:3: group "a b" is not a name`, ""},
		"a group of everyone":         {map[string]string{"groups.yaml": "groups:\n  admins: [ana]\n  everyone: []\n"}, "groups.yaml:3: everyone stands for all", "another name"},
		"a group named as somebody":   {map[string]string{"groups.yaml": "groups:\n  admins: [ana]\n  ben: []\n"}, `groups.yaml:3: group "ben" has the name of an operator`, "another name"},
		"a group twice":               {map[string]string{"groups.yaml": "groups:\n  admins: [ana]\n  admins: [ben]\n"}, "groups.yaml:3: admins is already set on line 2", "keep one"},
		"groups that are a list":      {map[string]string{"groups.yaml": "groups: [admins]\n"}, "groups.yaml:1: groups is a list, not a mapping", "admins: [ana]"},
		"too many groups":             {map[string]string{"groups.yaml": "groups:\n" + numbered(maxGroups+1, "  g%d: []\n")}, "groups.yaml:1: there are more than 1000 groups", ""},
		"an unknown field of groups":  {map[string]string{"groups.yaml": "group:\n  admins: [ana]\n"}, `groups.yaml:1: unknown field "group"`, "did you mean groups?"},
		"a member who is named twice": {map[string]string{"groups.yaml": "groups:\n  admins: [ana, ana]\n"}, `groups.yaml:2: admins names "ana" twice`, "keep one"},

		"no operator":                  {map[string]string{"operators/ana.yaml": "", "operators/ben.yaml": "", "operators/ci.yaml": "", "operators/dora.yaml": ""}, "operators: there is no operator", "operators/NAME.yaml"},
		"an operator without keys":     {map[string]string{"operators/eve.yaml": "kind: robot\n"}, "operators/eve.yaml:1: keys is missing", "keys: []"},
		"an empty operator":            {map[string]string{"operators/eve.yaml": "# eve\n"}, "operators/eve.yaml:1: keys is missing", "keys: []"},
		"an unknown kind":              {map[string]string{"operators/eve.yaml": "kind: Robot\nkeys: []\n"}, `operators/eve.yaml:1: kind: "Robot" is not known`, "did you mean robot?"},
		"an unknown field":             {map[string]string{"operators/eve.yaml": "key: []\nkeys: []\n"}, `operators/eve.yaml:1: unknown field "key" in the file`, "did you mean keys?"},
		"no address":                   {map[string]string{"operators/eve.yaml": "email: eve\nkeys: []\n"}, "operators/eve.yaml:1: email is not an address", ""},
		"an address with markup":       {map[string]string{"operators/eve.yaml": "email: <eve@x>\nkeys: []\n"}, "operators/eve.yaml:1: email is not an address", ""},
		"a bad name":                   {map[string]string{"operators/e e.yaml": "keys: []\n"}, `operators/e e.yaml: "e e" cannot be an operator's name`, "64 letters"},
		"the name of all":              {map[string]string{"operators/everyone.yaml": "keys: []\n"}, `operators/everyone.yaml: "everyone" cannot be`, ""},
		"names that differ in case":    {map[string]string{"operators/Ana.yaml": "keys: []\n"}, "operators/ana.yaml: Ana and ana differ in their capitals only", "another name"},
		"another ending":               {map[string]string{"operators/eve.yml": "keys: []\n"}, "operators/eve.yml: is not read", "rename it"},
		"a folder of operators":        {map[string]string{"operators/team/eve.yaml": "keys: []\n"}, "operators/team: is not read", "rename it"},
		"keys that are no list":        {map[string]string{"operators/eve.yaml": "keys: x\n"}, `operators/eve.yaml:1: keys is "x", not a list`, ""},
		"too many keys":                {key(numbered(maxKeys+1, "- x%d\n")), "operators/eve.yaml:1: keys has 33 elements", ""},
		"a key of somebody else":       {key("- " + ana), "operators/eve.yaml:2: the key SHA256:", "one operator's"},
		"a key twice":                  {key("- " + eve + "\n- " + eve), "operators/eve.yaml:3: the key SHA256:", "stands once"},
		"a key that is none":           {key("- ssh-ed25519 AAAA"), "operators/eve.yaml:2: the base64 is no ssh-ed25519 key", ".pub"},
		"a key that is a list":         {key("- [a]"), "operators/eve.yaml:2: a key is text", ".pub"},
		"a key without its text":       {key("- {expires: 2026-12-31}"), "operators/eve.yaml:2: the key itself is missing", "add key:"},
		"an unknown field of a key":    {key("- {key: " + eve + ", expire: 2026-12-31}"), `operators/eve.yaml:2: unknown field "expire" in a key`, "did you mean expires?"},
		"an expiry that is no time":    {key("- {key: " + eve + ", expires: soon}"), `operators/eve.yaml:2: expires: "soon" is not a day`, "2026-12-31"},
		"an expiry that is no day":     {key("- {key: " + eve + ", expires: 2026-02-30}"), `operators/eve.yaml:2: expires: "2026-02-30" is not a day`, ""},
		"an expiry that is a list":     {key("- {key: " + eve + ", expires: []}"), "operators/eve.yaml:2: expires is a list, not text", ""},
		"from nowhere":                 {key("- {key: " + eve + ", from: []}"), "operators/eve.yaml:2: from is empty", "leave from out"},
		"from a name":                  {key("- {key: " + eve + ", from: example.org}"), "operators/eve.yaml:2: from: address 1 is not an address", "192.0.2.0/24"},
		"from a mapping":               {key("- {key: " + eve + ", from: [{a: 1}]}"), "operators/eve.yaml:2: from is a mapping, not text", ""},
		"a private key of an operator": {key("- -----BEGIN OPENSSH PRIVATE KEY-----"), "operators/eve.yaml: that is a private key", ""},
		"a certificate":                {key("- ssh-ed25519-cert-v01@openssh.com AAAA"), "operators/eve.yaml:2: certificates are not accepted", ""},

		"a rule that is text":           {rule("- deploy"), `access.yaml:3: a rule is "deploy", not a mapping`, "known fields are who"},
		"a rule about nobody":           {rule("- {who: [], may: [read]}"), "access.yaml:3: the rule is about nobody", "remove the rule"},
		"a rule without who":            {rule("- {may: [read]}"), "access.yaml:3: the rule does not say who", "everyone"},
		"a rule that gives nothing":     {rule("- {who: [ben]}"), "access.yaml:3: the rule gives nothing", "may: [deploy]"},
		"a rule with an empty list":     {rule("- {who: [ben], may: []}"), "access.yaml:3: the rule gives nothing", ""},
		"an unknown operator":           {rule("- {who: [bem], may: [read]}"), `access.yaml:3: there is no operator or group "bem"`, "did you mean ben?"},
		"an unknown group":              {rule("- {who: [shops], may: [read]}"), `access.yaml:3: there is no operator or group "shops"`, "did you mean shop?"},
		"somebody quite unknown":        {rule("- {who: [xxxxxxxxxx], may: [read]}"), `access.yaml:3: there is no operator or group "xxxxxxxxxx"`, "groups.yaml"},
		"an unknown right":              {rule("- {who: [ben], may: [raed]}"), `access.yaml:3: may: "raed" is no role`, "did you mean read?"},
		"an unknown right, far off":     {rule("- {who: [ben], may: [xxxxxxxxxx]}"), `access.yaml:3: may: "xxxxxxxxxx" is no role`, "roles are read, push, deploy, admin; verbs are audit, backup"},
		"an unknown field of a rule":    {rule("- {who: [ben], may: [read], branch: [main]}"), `access.yaml:3: unknown field "branch" in a rule`, "did you mean branches?"},
		"no repository":                 {rule("- {who: [ben], may: [read], repositories: []}"), "access.yaml:3: repositories is empty", "leave repositories out"},
		"a repository that is none":     {rule("- {who: [ben], may: [read], repositories: [Shop]}"), `access.yaml:3: repositories: "Shop" fits no repository's name`, "shop, team/*"},
		"a repository with .git":        {rule("- {who: [ben], may: [read], repositories: [shop.git]}"), `access.yaml:3: repositories: "shop.git" ends in .git`, ""},
		"a pattern with an empty word":  {rule("- {who: [ben], may: [read], repositories: [team//x]}"), `access.yaml:3: repositories: "team//x" has an empty word`, ""},
		"a pattern with stars amid":     {rule("- {who: [ben], may: [read], repositories: ['team**']}"), `access.yaml:3: repositories: "team**" has ** in a longer word`, ""},
		"a branch that is a ref":        {rule("- {who: [ben], may: [push], branches: [refs/heads/main]}"), `access.yaml:3: branches: "refs/heads/main" is the name of a ref`, ""},
		"a path from the root":          {rule("- {who: [ben], may: [push], paths: [/web]}"), `access.yaml:3: paths: "/web" has an empty word`, ""},
		"a path out of the repository":  {rule("- {who: [ben], may: [push], paths: [../web]}"), `access.yaml:3: paths: "../web" has an empty word, . or ..`, ""},
		"a pattern that is too long":    {rule("- {who: [ben], may: [push], paths: [" + strings.Repeat("a", 201) + "]}"), "is longer than 200 bytes", ""},
		"an empty pattern":              {rule("- {who: [ben], may: [push], paths: ['']}"), `access.yaml:3: paths: "" is empty`, ""},
		"a pattern with a bell":         {rule("- {who: [ben], may: [push], paths: [\"a\\ab\"]}"), "has a character", ""},
		"too many patterns":             {rule("- {who: [ben], may: [push], paths: [" + numbered(maxPatterns+1, "p%d, ") + "]}"), "access.yaml:3: paths has 65 elements", ""},
		"the server's verb on a repo":   {rule("- {who: [ben], may: [backup], repositories: [shop]}"), "access.yaml:3: backup is about the server", "without repositories"},
		"the server's verb on a branch": {rule("- {who: [ben], mayNot: [drain], branches: [main]}"), "access.yaml:3: drain is about the server", ""},
		"a whole verb on a branch":      {rule("- {who: [ben], may: [repo delete], branches: [main]}"), "access.yaml:3: repo delete is about whole repositories", ""},
		"reading withheld by branch":    {rule("- {who: [ben], mayNot: [read], branches: [main]}"), "access.yaml:3: whoever may read a repository reads all of it", ""},
		"more than read on admin":       {rule("- {who: [ben], may: [push], repositories: [admin]}"), "access.yaml:3: who may change the server's own repository", "only read"},
		"a right twice":                 {rule("- {who: [ben], may: [read, read]}"), `access.yaml:3: may names "read" twice`, ""},
		"a field without a value":       {rule("- {who: [ben], may: [read], paths: }"), "access.yaml:3: paths has no value", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r, problems := Parse(world(t, test.files))
			if len(problems) == 0 || r != nil {
				t.Fatal("accepted")
			}
			found := slices.ContainsFunc(problems, func(p problem) bool {
				return strings.Contains(p.Error(), test.want) && strings.Contains(p.Hint, test.hint)
			})
			if !found {
				t.Errorf("got\n%v\nwith the hint %q; want %q with the hint %q", problems, problems[0].Hint, test.want, test.hint)
			}
		})
	}
}

// numbered repeats a format for each of the numbers 1 to n.
func numbered(n int, format string) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, format, i+1)
	}
	return text.String()
}

func TestEveryProblemIsTold(t *testing.T) {
	_, problems := Parse(world(t, map[string]string{
		"access.yaml": "rules:\n- {who: [x], may: [y]}\n", "groups.yaml": "groups: {admins: [z]}\n", "operators/eve.yaml": "keys: [k]\n",
	}))
	if len(problems) < 4 {
		t.Errorf("only %d problems:\n%v", len(problems), problems)
	}
}

// TestWhatIsRead reads every field, in every form that the field may have.
func TestWhatIsRead(t *testing.T) {
	eve, eve2 := keyText(t, 9), keyText(t, 10)
	r := parsedTree(t, world(t, map[string]string{
		"README.md": "# any", ".gitattributes": "x", "docs/a.md": "", "operators/README.md": "", "clusters/README.md": "",
		"repositories.yaml":  "# nothing\n",
		"operators/eve.yaml": "kind: robot\nemail: eve@example.org\nkeys:\n- " + eve + " eve@laptop\n- key: " + eve2 + "\n  expires: 2026-12-31T18:00\n  from: [192.0.2.7, 2001:db8::/32]\n",
	}))
	one, ok := r.Operator("eve")
	if !ok || one.Kind != Robot || one.Email != "eve@example.org" || len(one.Keys) != 2 {
		t.Fatalf("eve is %+v", one)
	}
	second := one.Keys[1]
	if second.At.String() != "operators/eve.yaml:5" || second.From != "192.0.2.7/32,2001:db8::/32" || second.Expires.Format(access.ExpiryLayout) != "2026-12-31 18:00 UTC" {
		t.Errorf("her second key is %+v", second)
	}
	op, ok := r.Lookup(public(t, 10))
	if !ok || op.Name != "eve" || !op.Ruled || op.Role != "" || op.From != second.From || !op.Expires.Equal(second.Expires) || op.Fingerprint != second.Fingerprint() {
		t.Errorf("Lookup gives %+v", op)
	}
	if _, ok := r.Lookup(public(t, 11)); ok {
		t.Error("an unknown key is known")
	}
	if got := r.Groups("ben"); !slices.Equal(got, []string{"shop"}) {
		t.Errorf("ben is in %q", got)
	}
	if got := r.Admins(noon); !slices.Equal(got, []string{"ana"}) {
		t.Errorf("admins are %q", got)
	}
	if none := None(); len(none.Operators()) != 0 || none.Decide("ana", access.ReadRepo, onRepo("shop")).Allowed || len(none.Admins(noon)) != 0 {
		t.Error("no rules know somebody")
	}
}

func TestExpiryForms(t *testing.T) {
	for text, want := range map[string]string{
		"2026-12-31": "2026-12-31 00:00 UTC", "2026-12-31T18:00": "2026-12-31 18:00 UTC", "2026-12-31 18:00": "2026-12-31 18:00 UTC",
		"2026-12-31T18:00:01": "2026-12-31 18:00 UTC", "2026-12-31T18:00:00+02:00": "2026-12-31 16:00 UTC", "2026-12-31T18:00:00Z": "2026-12-31 18:00 UTC",
	} {
		r := parsedTree(t, world(t, map[string]string{"operators/eve.yaml": "keys:\n- {key: " + keyText(t, 9) + ", expires: " + text + "}\n"}))
		eve, _ := r.Operator("eve")
		if got := eve.Keys[0].Expires.Format(access.ExpiryLayout); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// FuzzParse checks that no tree makes the parser panic, that every problem has a place, and
// that accepted rules can decide and be compared.
func FuzzParse(f *testing.F) {
	f.Add("keys: []\n", "groups: {admins: [ana]}\n", "rules:\n- {who: [admins], may: [admin], repositories: [a/*], paths: [x/**]}\n")
	f.Add("kind: robot\nkeys:\n- {key: x, expires: 2026-01-01, from: [::1]}\n", "groups: {a: &x [ana], b: *x}\n", "rules: [{who: [everyone], mayNot: [suspend]}]\n")
	f.Add("keys: [\n", "- \n", "rules: {<<: 1}\n")
	f.Fuzz(func(t *testing.T, operator, groups, rules string) {
		r, problems := Parse(fstest.MapFS{
			"operators/ana.yaml": {Data: []byte(operator)}, "groups.yaml": {Data: []byte(groups)}, "access.yaml": {Data: []byte(rules)},
		})
		if (r == nil) != (len(problems) > 0) {
			t.Fatalf("rules %v with problems %v", r != nil, problems)
		}
		for _, p := range problems {
			if p.Source.File == "" || p.Message == "" {
				t.Errorf("a problem without a place: %+v", p)
			}
		}
		if r == nil {
			return
		}
		for _, name := range []string{"ana", "", "x"} {
			r.Decide(name, access.Deploy, onBranch("shop", "main", "a/b", "."))
		}
		if lines := Compare(r, r); len(lines) > 0 {
			t.Errorf("rules differ from themselves: %q", lines)
		}
	})
}
