package push

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/keytest"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/hook"
)

const (
	zero40 = git.Hash("0000000000000000000000000000000000000000")
	one40  = git.Hash("1111111111111111111111111111111111111111")
	two40  = git.Hash("2222222222222222222222222222222222222222")
)

// rulesWith are rules with the operators ana and ben, and more lines of access.yaml. without
// leaves an operator out.
func rulesWith(t *testing.T, lines, without string) *rules.Rules {
	t.Helper()
	tree := fstest.MapFS{"access.yaml": {Data: []byte("rules: [{who: [everyone], may: [push]}, {who: [cora], may: [admin]}]\n" + lines)}}
	for _, operator := range []string{"ana", "ben", "cora"} {
		if operator != without {
			tree["operators/"+operator+".yaml"] = &fstest.MapFile{Data: []byte("keys:\n- " + keytest.Text(keyOf(t, operator).PublicKey()) + "\n")}
		}
	}
	parsed, problems := rules.Parse(tree)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return parsed
}

func keyOf(t *testing.T, operator string) ssh.Signer { return keytest.Signer(t, operator) }

// moves is a push of the branch main.
func moves() hook.Request {
	return hook.Request{Updates: []hook.RefUpdate{{Old: one40, New: two40, Ref: "refs/heads/main"}}, Options: []string{"detach"}}
}

func TestMatches(t *testing.T) {
	named := func() *git.Certificate {
		return &git.Certificate{Nonce: "N", Options: []string{"detach"}, Commands: []string{
			string(one40 + " " + two40 + " refs/heads/main"), string(zero40 + " " + two40 + " refs/secret/x"),
		}}
	}
	if err := matches(named(), "N", moves()); err != nil {
		t.Error(err)
	}
	made := moves()
	made.Updates[0].Old = zero40
	for name, test := range map[string]struct {
		change func(c *git.Certificate)
		nonce  string
		asked  hook.Request
		want   string
	}{
		"of another push":    {nil, "M", moves(), "nonce"},
		"not offered":        {func(c *git.Certificate) { c.Nonce = "" }, "", moves(), "nonce"},
		"without the option": {func(c *git.Certificate) { c.Options = nil }, "N", moves(), "push options"},
		"another option":     {func(c *git.Certificate) { c.Options[0] = "force" }, "N", moves(), "push options"},
		"one option more":    {func(c *git.Certificate) { c.Options = append(c.Options, "force") }, "N", moves(), "push options"},
		"another ref":        {func(c *git.Certificate) { c.Commands = c.Commands[1:] }, "N", moves(), "refs/heads/main moves from 1111111 to 2222222"},
		"the ref twice":      {func(c *git.Certificate) { c.Commands = append(c.Commands, c.Commands[0]) }, "N", moves(), "does not say once"},
		"from elsewhere":     {nil, "N", made, "moves from 0000000"},
	} {
		c := named()
		if test.change != nil {
			test.change(c)
		}
		if err := matches(c, test.nonce, test.asked); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// signedBy is a push whose client has signed its certificate; "" signs nothing.
func signedBy(t *testing.T, operator string, in *rules.Rules) (*push, *fakeRules) {
	t.Helper()
	now := &fakeRules{now: in}
	p := &push{
		door: &Door{Rules: now, KeyFiles: func() *access.Directory { return &access.Directory{} }}, session: ruled{},
		repo: newRepository(t), talk: &git.Talk{Nonce: "N"},
	}
	p.judgedBy = in
	if operator == "" {
		return p, now
	}
	payload := "certificate version 0.1\npusher x 1 +0000\nnonce N\npush-option detach\n\n" + string(one40+" "+two40) + " refs/heads/main\n"
	certificate := &git.Certificate{
		Payload: []byte(payload), Nonce: "N", Options: []string{"detach"}, Commands: []string{string(one40 + " " + two40 + " refs/heads/main")},
		Signature: []byte(keytest.Sign(t, keyOf(t, operator), payload)),
	}
	p.talk.Note(certificate)
	return p, now
}

func TestSignedPushes(t *testing.T) {
	const main = "requireSignedPush: [{repositories: [shop], branches: [main], by: [ana]}]\n"
	for name, test := range map[string]struct {
		by, rules, ref string
		want           string // a part of the refusal; "" for none
		printed        string
	}{
		"nothing asked, nothing signed": {"", "", "refs/heads/main", "", ""},
		"nothing asked, signed":         {"ben", "", "refs/heads/main", "", "push signed by ben (SHA256:"},
		"nothing asked, by a stranger":  {"eve", "", "refs/heads/main", "", "counts for nobody: the push\n  is signed with the key SHA256:"},
		"by the right one":              {"ana", main, "refs/heads/main", "", "push signed by ana (SHA256:"},
		"by another":                    {"ben", main, "refs/heads/main", `branch "main" takes only signed pushes, and the push is signed by ben, and not by ana`, "signed by ben"},
		"by a stranger":                 {"eve", main, "refs/heads/main", "and the push is signed with the key SHA256:", "for nobody"},
		"by nobody":                     {"", main, "refs/heads/main", "and the push is not signed", ""},
		"to another branch":             {"", main, "refs/heads/next", "", ""},
		"a tag":                         {"", main, "refs/tags/v1", "", ""},
		"a tag, everything":             {"", "requireSignedPush: [{}]\n", "refs/tags/v1", `tag "v1" takes only signed pushes`, ""},
		"a note, everything":            {"", "requireSignedPush: [{}]\n", "refs/notes/x", `ref "refs/notes/x" takes only signed pushes`, ""},
		"two entries":                   {"ana", main[:len(main)-2] + ", {by: [ben]}]\n", "refs/heads/main", "signed by ana, and not by ben", "signed by ana"},
		"commits alone":                 {"", "requireSigned: [{}]\n", "refs/heads/main", "", ""},
	} {
		p, _ := signedBy(t, test.by, rulesWith(t, test.rules, ""))
		if problems := p.certify(moves()); len(problems) > 0 {
			t.Fatalf("%s: %v", name, problems)
		}
		problems := p.judgeSignedPush(hook.RefUpdate{Old: one40, New: two40, Ref: test.ref})
		if (len(problems) > 0) != (test.want != "") || len(problems) > 0 && (!strings.Contains(problems[0].Message, test.want) || !strings.Contains(problems[0].Hint, "git push --signed")) {
			t.Errorf("%s: %v, want %q", name, problems, test.want)
		}
		var out bytes.Buffer
		if p.printCertified(&out); !strings.Contains(out.String(), test.printed) || (out.Len() > 0) != (test.printed != "") {
			t.Errorf("%s: says %q, want %q", name, out.String(), test.printed)
		}
	}
}

// TestCertificateOfAnotherPush: it is refused, also where nobody asks for one.
func TestCertificateOfAnotherPush(t *testing.T) {
	p, _ := signedBy(t, "ana", rulesWith(t, "", ""))
	p.talk.Nonce = "M"
	if problems := p.certify(moves()); len(problems) != 1 || !strings.Contains(problems[0].Message, "is not of this push: its nonce is another") {
		t.Errorf("%v", problems)
	}
	p, _ = signedBy(t, "ana", rulesWith(t, "", ""))
	p.talk.Certificate().Payload = bytes.Replace(p.talk.Certificate().Payload, []byte("main"), []byte("next"), 1)
	if problems := p.certify(moves()); len(problems) > 0 || p.certified.by != nil || !strings.Contains(p.certified.why, "changed after it was signed") {
		t.Errorf("%v, %+v", problems, p.certified)
	}
}

// TestSignaturesAreJudgedAgain: rules that change while the gate plans decide about the
// signatures of the push, of its commits and of itself.
func TestSignaturesAreJudgedAgain(t *testing.T) {
	before := rulesWith(t, "", "")
	for name, test := range map[string]struct {
		after  *rules.Rules
		want   []string // parts of the problems
		signer string
	}{
		"the same rules":        {before, nil, "ana"},
		"other rules, as good":  {rulesWith(t, "requireSignedPush: [{by: [ana]}]\n", ""), nil, "ana"},
		"the key is gone":       {rulesWith(t, "", "ana"), nil, ""},
		"gone, and asked for":   {rulesWith(t, "requireSignedPush: [{}]\n", "ana"), []string{"takes only signed pushes"}, ""},
		"of somebody else":      {rulesWith(t, "requireSignedPush: [{by: [ben]}]\n", ""), []string{"signed by ana, and not by ben"}, "ana"},
		"commits, as of now":    {rulesWith(t, "requireSigned: [{branches: [main]}]\n", ""), []string{"takes only signed commits"}, "ana"},
		"commits and the push":  {rulesWith(t, "requireSigned: [{branches: [main]}]\nrequireSignedPush: [{by: [ben]}]\n", ""), []string{"only signed commits", "only signed pushes"}, "ana"},
		"commits, elsewhere":    {rulesWith(t, "requireSigned: [{branches: [next]}]\n", ""), nil, "ana"},
		"commits, of all repos": {rulesWith(t, "requireSigned: [{repositories: [blog]}]\n", ""), nil, "ana"},
	} {
		p, now := signedBy(t, "ana", before)
		commit, err := p.repo.Append(t.Context(), "refs/heads/side", "", git.NewCommit{Message: "unsigned", Files: map[string][]byte{"n": nil}})
		if err != nil {
			t.Fatal(err)
		}
		asked := moves()
		asked.Updates[0] = hook.RefUpdate{New: commit, Ref: "refs/heads/main"}
		certificate := p.talk.Certificate()
		text := strings.Replace(string(certificate.Payload), string(one40+" "+two40), string(zero40+" "+commit), 1)
		certificate.Payload, certificate.Signature = []byte(text), []byte(keytest.Sign(t, keyOf(t, "ana"), text))
		certificate.Commands[0] = string(zero40 + " " + commit + " refs/heads/main")
		asked.Updates[0].Old = zero40
		if problems := p.certify(asked); len(problems) > 0 || p.certified.by == nil {
			t.Fatal(problems, p.certified)
		}
		now.now = test.after
		problems := p.mayStill(t.Context(), asked.Updates, asked)
		if len(problems) != len(test.want) {
			t.Errorf("%s: %v", name, problems)
			continue
		}
		for i, want := range test.want {
			if !strings.Contains(problems[i].Message, want) {
				t.Errorf("%s: %v, want %q", name, problems[i], want)
			}
		}
		if got := p.certified.by; (got == nil) != (test.signer == "") {
			t.Errorf("%s: signed by %s", name, got)
		}
	}
}
