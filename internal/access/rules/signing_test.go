package rules

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/name"
)

const someRules = "rules:\n- {who: [admins, ben], may: [admin]}\nrequireSigned:\n"

// signing is world with the given entries of requireSigned, one on a line.
func signing(t *testing.T, entries ...string) map[string]string {
	t.Helper()
	return map[string]string{"access.yaml": someRules + strings.Join(entries, "\n") + "\n"}
}

// pgpText returns a new armoured OpenPGP key, indented for a list in YAML.
func pgpText(t *testing.T, seconds uint32) string {
	t.Helper()
	entity, err := openpgp.NewEntity("Ana", "", "", &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, KeyLifetimeSecs: seconds, Time: func() time.Time { return noon.Add(-time.Hour) },
	})
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	w, err := armor.Encode(&text, openpgp.PublicKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := entity.Serialize(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return "- |\n  " + strings.ReplaceAll(text.String(), "\n", "\n  ") + "\n"
}

func TestSignings(t *testing.T) {
	r := parsedTree(t, world(t, signing(t,
		"- {repositories: [shop, team/**], branches: [main, release/*]}",
		"- {repositories: [shop], branches: [main], by: [shop, dora]}",
		"- {repositories: [blog], by: [everyone]}",
		"- {repositories: [admin]}")))
	for _, test := range []struct {
		repo   name.Repo
		branch name.Branch
		under  int
		counts []string // the operators whose signatures count
	}{
		{"shop", "main", 2, []string{"ben", "ci", "dora"}},
		{"shop", "release/1", 1, []string{"ana", "ben", "ci", "dora"}},
		{"shop", "draft", 0, nil},
		{"team/web", "main", 1, []string{"ana", "ben", "ci", "dora"}},
		{"blog", "any", 1, []string{"ana", "ben", "ci", "dora"}},
		{"admin", "main", 1, []string{"ana", "ben", "ci", "dora"}},
		{"other", "main", 0, nil},
	} {
		under := r.Signings(test.repo, test.branch)
		var counts []string
		for _, operator := range r.Operators() {
			if len(under) > 0 && !slices.ContainsFunc(under, func(s *Signing) bool { return !s.Counts(operator.Name) }) {
				counts = append(counts, operator.Name)
			}
		}
		if len(under) != test.under || !slices.Equal(counts, test.counts) {
			t.Errorf("%s, %s: %d entries, signatures of %q count", test.repo, test.branch, len(under), counts)
		}
	}
	// A pattern matches the repository of the rules only if it has its whole name.
	for entry, want := range map[string]int{"- {repositories: ['**']}": 0, "- {repositories: ['adm*']}": 0, "- {branches: [main]}": 1} {
		if under := parsedTree(t, world(t, signing(t, entry))).Signings(access.AdminRepo, "main"); len(under) != want {
			t.Errorf("%s: %d entries", entry, len(under))
		}
	}
}

// TestSignedAlike: a branch with a stricter rule checks commits again that come from one
// with another rule.
func TestSignedAlike(t *testing.T) {
	r := parsedTree(t, world(t, signing(t,
		"- {repositories: [shop], branches: [main, next, release/*]}",
		"- {repositories: [shop], branches: [main, hotfix], by: [dora]}")))
	for _, test := range []struct {
		from, to name.Branch
		want     bool
	}{
		{"next", "release/1", true},
		{"main", "next", true}, // main requires more
		{"next", "main", false},
		{"hotfix", "main", false},
		{"hotfix", "next", false},
		{"idea", "next", false},
		{"main", "main", true},
	} {
		if got := r.SignedAlike("shop", test.from, test.to); got != test.want {
			t.Errorf("commits of %s are signed as %s asks: %v", test.from, test.to, got)
		}
	}
}

func TestWrongSignings(t *testing.T) {
	ana := keyText(t, 0)
	key := pgpText(t, 0)
	for text, test := range map[string]struct {
		files         map[string]string
		message, hint string
		line          int
	}{
		"field": {signing(t, "- {who: [ana]}"), `unknown field "who" in an entry of requireSigned`, "known fields are", 4},
		"near":  {signing(t, "- {branch: [main]}"), `unknown field "branch"`, "did you mean branches?", 4},
		"group": {signing(t, "- {by: [shops]}"), `there is no operator or group "shops"`, "did you mean shop?", 4},
		"empty": {signing(t, "- {by: []}"), "about nobody", "name operators", 4},
		"repo":  {signing(t, "- {repositories: [a//b]}"), `repositories: "a//b" has an empty word`, "write names", 4},
		"list":  {map[string]string{"access.yaml": someRules + "  {}\n"}, "requireSigned is a mapping, not a list", "[...]", 3},
		"no key": {
			map[string]string{"operators/ana.yaml": "keys: [" + ana + "]\ngpg: [AAAA]\n"}, "no armoured OpenPGP public key", "gpg --armor --export", 2,
		},
		"twice": {
			map[string]string{"operators/ana.yaml": "keys: [" + ana + "]\ngpg:\n" + key + key}, "is ana's already", "one operator's", 0,
		},
		"private": {
			map[string]string{"operators/ana.yaml": "keys: [" + ana + "]\ngpg: ['-----BEGIN PGP PRIVATE KEY BLOCK-----']\n"}, "private key", "make a new key", 0,
		},
	} {
		_, problems := Parse(world(t, test.files))
		if len(problems) != 1 || !strings.Contains(problems[0].Message, test.message) || !strings.Contains(problems[0].Hint, test.hint) ||
			test.line > 0 && problems[0].Source.Line != test.line {
			t.Errorf("%s: %+v", text, problems)
		}
	}
}

func TestChangesOfSignings(t *testing.T) {
	key := pgpText(t, 0)
	withKey := map[string]string{"operators/ana.yaml": "keys: [" + keyText(t, 0) + "]\ngpg:\n" + key}
	for name, test := range map[string]struct {
		before, after map[string]string
		want          []string // parts of the lines, in order
	}{
		"new":             {signing(t, "- {repositories: [x]}"), signing(t, "- {repositories: [x]}", "- {repositories: [shop], by: [shop]}"), []string{"+ shop takes only commits signed by ben, ci"}},
		"gone":            {signing(t, "- {branches: [main]}"), signing(t, "- {branches: [dev]}"), []string{"+ all repositories, branches dev takes only commits signed by an operator", "- all repositories, branches main takes unsigned commits again"}},
		"others":          {signing(t, "- {by: [ana]}"), signing(t, "- {by: [ana, ben]}"), []string{"~ everything takes only commits signed by ana, ben, before by ana"}},
		"both":            {signing(t, "- {by: [ana]}"), signing(t, "- {by: [ana]}", "- {by: [ana, ben]}"), []string{"~ everything takes only commits signed by ana, and as well by ana, ben, before by ana"}},
		"by a group":      {signing(t, "- {by: [shop]}"), with(signing(t, "- {by: [shop]}"), "groups.yaml", "groups:\n  admins: [ana]\n  shop: [ben]\n"), []string{"signed by ben, before by ben, ci"}},
		"the same":        {signing(t, "- {by: [shop]}"), signing(t, "- {by: [ci, ben]}"), nil},
		"an OpenPGP key":  {nil, withKey, []string{"+ ana can sign with the OpenPGP key"}},
		"none any more":   {withKey, nil, []string{"- ana can no longer sign with the OpenPGP key"}},
		"one that stayed": {withKey, withKey, nil},
	} {
		lines := Compare(parsedTree(t, world(t, test.before)), parsedTree(t, world(t, test.after)))
		ok := len(lines) == len(test.want)
		for i := range min(len(lines), len(test.want)) {
			ok = ok && strings.Contains(lines[i], test.want[i])
		}
		if !ok {
			t.Errorf("%s: %q", name, lines)
		}
	}
}

// with returns a copy of files with one more file.
func with(files map[string]string, name, text string) map[string]string {
	files[name] = text
	return files
}

// Rules that require signatures that nobody can make, or that their author cannot make, are
// refused. A push about something else is not refused if the rules are already like that.
func TestSignaturesThatNobodyCouldMake(t *testing.T) {
	ana := access.Caller{Operator: "ana", Ruled: true, Remote: "192.0.2.7:5000"}
	ana.Fingerprint = parsed(t, "- {who: [ana], may: [admin]}").operators["ana"].Keys[0].Fingerprint()
	const expired = "keys: []\n"
	for name, test := range map[string]struct {
		before, after map[string]string
		want          string // "" for no problem
	}{
		"by all":                {nil, signing(t, "- {}"), ""},
		"by another":            {nil, signing(t, "- {repositories: [shop], by: [dora]}"), ""},
		"by nobody":             {nil, with(signing(t, "- {repositories: [shop], by: [dora]}"), "operators/dora.yaml", expired), "nobody could sign: no key of dora is good"},
		"nobody any more":       {signing(t, "- {by: [dora]}"), with(signing(t, "- {by: [dora]}"), "operators/dora.yaml", expired), "nobody could sign"},
		"by an OpenPGP key":     {nil, with(signing(t, "- {repositories: [shop], by: [dora]}"), "operators/dora.yaml", "keys: []\ngpg:\n"+pgpText(t, 0)), ""},
		"by one that expired":   {nil, with(signing(t, "- {repositories: [shop], by: [dora]}"), "operators/dora.yaml", "keys: []\ngpg:\n"+pgpText(t, 60)), "nobody could sign"},
		"the rules, by others":  {nil, signing(t, "- {repositories: [admin], by: [ben]}"), "you would lock yourself out: changes of the rules would have to be signed by ben, and ana could not"},
		"everything, by others": {nil, signing(t, "- {by: [ben]}"), "you would lock yourself out"},
		"their drafts":          {nil, signing(t, "- {repositories: [admin], branches: [draft], by: [ben]}"), ""},
		"so before":             {signing(t, "- {by: [ben]}"), signing(t, "- {by: [ben]}", "- {repositories: [shop]}"), ""},
		"so before, by nobody": {
			with(signing(t, "- {repositories: [shop], by: [dora]}"), "operators/dora.yaml", expired),
			with(signing(t, "- {repositories: [shop], by: [dora]}"), "operators/dora.yaml", expired), "",
		},
	} {
		problems := LockOut(parsedTree(t, world(t, test.before)), parsedTree(t, world(t, test.after)), ana, noon)
		switch {
		case test.want == "" && len(problems) > 0:
			t.Errorf("%s: %v", name, problems)
		case test.want != "" && (len(problems) != 1 || !strings.Contains(problems[0].Message, test.want) || problems[0].Hint == "" || problems[0].Source.Line != 4):
			t.Errorf("%s: %+v, want %q", name, problems, test.want)
		}
	}
}

func TestPushSignings(t *testing.T) {
	r := parsedTree(t, world(t, map[string]string{"access.yaml": "rules:\n- {who: [admins], may: [admin]}\n" +
		"requireSigned: [{repositories: [shop]}]\n" +
		"requireSignedPush:\n- {repositories: [shop], branches: [main]}\n- {repositories: [team/**]}\n- {repositories: [admin], by: [ana]}\n"}))
	for _, test := range []struct {
		repo  name.Repo
		ref   string
		lines []int // of the entries
	}{
		{"shop", "refs/heads/main", []int{5}},
		{"shop", "refs/heads/next", nil},
		{"shop", "refs/tags/main", nil},
		{"team/a", "refs/heads/x", []int{6}},
		{"team/a", "refs/tags/v1", []int{6}},
		{"admin", "refs/heads/main", []int{7}},
		{"blog", "refs/heads/main", nil},
	} {
		var lines []int
		for _, s := range r.PushSignings(test.repo, test.ref) {
			lines = append(lines, s.At.Line)
		}
		if !slices.Equal(lines, test.lines) {
			t.Errorf("%s, %s: the entries on the lines %v", test.repo, test.ref, lines)
		}
	}
	if under := r.Signings("team/a", "main"); len(under) > 0 {
		t.Errorf("pushes that have to be signed ask for signed commits: %v", under)
	}
	if counts := r.PushSignings("admin", "refs/heads/main")[0]; !counts.Counts("ana") || counts.Counts("ben") {
		t.Error("ana's signatures count, and ben's do not")
	}
}

// Rules about signed pushes are shown, and refused where nobody could sign, as those about
// commits are.
func TestChangesOfSignedPushes(t *testing.T) {
	before := parsedTree(t, world(t, signing(t, "- {repositories: [shop]}")))
	with := map[string]string{"access.yaml": "rules:\n- {who: [admins, ben], may: [admin]}\nrequireSigned: [{repositories: [shop]}]\nrequireSignedPush: [{repositories: [shop], by: [ben]}]\n"}
	after := parsedTree(t, world(t, with))
	if lines := strings.Join(Compare(before, after), "\n"); !strings.Contains(lines, "+ shop takes only pushes signed by ben") || strings.Contains(lines, "commits") {
		t.Errorf("says %q", lines)
	}
	if lines := strings.Join(Compare(after, before), "\n"); !strings.Contains(lines, "- shop takes unsigned pushes again") {
		t.Errorf("says %q", lines)
	}
	ana := access.Caller{Operator: "ana", Ruled: true, Remote: "192.0.2.7:5000", Fingerprint: before.operators["ana"].Keys[0].Fingerprint()}
	with["access.yaml"] = strings.Replace(with["access.yaml"], "repositories: [shop], by", "repositories: [admin], by", 1)
	problems := LockOut(before, parsedTree(t, world(t, with)), ana, noon)
	if len(problems) != 1 || !strings.Contains(problems[0].Message, "pushes of the rules would have to be signed by ben, and ana could not") {
		t.Errorf("%v", problems)
	}
}
