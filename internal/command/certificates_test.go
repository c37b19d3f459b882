package command

import (
	"encoding/json"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/keytest"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/rulebook"
)

// write puts files of the rules in force.
func (o office) write(t *testing.T, files map[string]string) {
	t.Helper()
	made, err := o.Book.Revise(t.Context(), rulebook.Revision{Subject: "x", By: o.ana, Edit: func(fs.FS, *rules.Rules) (map[string][]byte, error) {
		all := map[string][]byte{}
		for path, text := range files {
			all[path] = []byte(text)
		}
		return all, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Book.Publish(t.Context(), made); err != nil {
		t.Fatal(err)
	}
}

// certifying are the rules of an authority that lets in ben, and members of shop.
func certifying(t *testing.T) map[string]string {
	t.Helper()
	ca := keytest.Text(keytest.Signer(t, "ca").PublicKey())
	return map[string]string{
		"operators/ben.yaml": "kind: robot\nkeys: []\n",
		"groups.yaml":        "groups: {admins: [ana], shop: []}\n",
		"access.yaml":        "rules:\n- {who: [admins], may: [admin]}\n- {who: [ben], may: [read]}\n- {who: [shop], repositories: [shop], may: [deploy]}\n",
		"authorities.yaml":   "authorities:\n  corp:\n    keys: [{key: " + ca + ", expires: 2999-01-01}]\n    principals: {ben: ben, ci: shop}\n",
	}
}

// TestCertificatesAreListed: an admin sees authorities and principals, others what is about
// them; and each the certificate that they come with.
func TestCertificatesAreListed(t *testing.T) {
	o := newOffice(t)
	o.write(t, certifying(t))
	cert := access.Certificate{Authority: "corp", Serial: 17, KeyID: "ben's \x1b[31m", Expires: time.Now().Add(time.Hour)}
	ben := access.Caller{Operator: "ben", Fingerprint: "SHA256:x", Ruled: true, Certificate: cert}
	member := access.Caller{Operator: "ci@corp", Fingerprint: "SHA256:x", Ruled: true, Groups: "shop", Certificate: cert}
	for name, test := range map[string]struct {
		caller   access.Caller
		has, not []string
	}{
		"an admin": {o.ana, []string{
			"ana ", "corp (authority)   SHA256:", "2999-01-01 00:00 UTC", "ben                certificates of corp, principal ben",
			"shop (group)       certificates of corp, principal ci", "authorities.yaml:4",
		}, []string{"this session"}},
		"an operator": {ben, []string{"ben        certificate 17 \"ben's \\x1b[31m\" of corp", "this session", "principal ben"}, []string{"ana", "principal ci", "(authority)", "\x1b"}},
		"a member":    {member, []string{"ci@corp    certificate 17", "this session"}, []string{"principal"}},
	} {
		status, out, stderr := o.call(t, test.caller, "", "keys list")
		if status != 0 || stderr != "" {
			t.Errorf("%s: %d %s", name, status, stderr)
		}
		for _, want := range test.has {
			if !strings.Contains(out, want) {
				t.Errorf("%s: there is no %q in\n%s", name, want, out)
			}
		}
		for _, not := range test.not {
			if strings.Contains(out, not) {
				t.Errorf("%s: there is %q in\n%s", name, not, out)
			}
		}
	}
	o.write(t, map[string]string{"authorities.yaml": "authorities: {corp: {keys: [{key: " + keytest.Text(keytest.Signer(t, "ca").PublicKey()) +
		", expires: " + time.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04") + "}], principals: []}}\n"})
	if _, _, stderr := o.call(t, o.ana, "", "keys list"); !strings.Contains(stderr, "warning: corp's key SHA256:") {
		t.Errorf("an authority's key expires soon, and the warning is %q", stderr)
	}
}

// TestWhoComesByCertificate: whoami and the greeting name the certificate and its end, and
// access explain the ways in.
func TestWhoComesByCertificate(t *testing.T) {
	o := newOffice(t)
	o.write(t, certifying(t))
	cert := access.Certificate{Authority: "corp", Serial: 17, KeyID: "ci", Expires: time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC)}
	member := access.Caller{Operator: "ci@corp", Fingerprint: "SHA256:x", Ruled: true, Groups: "shop", Certificate: cert}
	_, out, _ := o.call(t, member, "", "whoami")
	if want := "comes by  certificate 17 \"ci\" of corp, until 2999-01-01 00:00 UTC\ngroups    shop\n"; !strings.HasSuffix(out, want) {
		t.Errorf("whoami: %q", out)
	}
	_, out, _ = o.call(t, member, "", "whoami -o json")
	var who struct {
		Certificate whoseCertificate `json:"certificate"`
	}
	if err := json.Unmarshal([]byte(out), &who); err != nil || who.Certificate.Serial != 17 || len(who.Certificate.Groups) != 1 || who.Certificate.Expires == nil {
		t.Errorf("whoami -o json: %v\n%s", err, out)
	}
	if _, out, _ = o.call(t, o.ana, "", "whoami -o json"); strings.Contains(out, "certificate") {
		t.Errorf("without one: %s", out)
	}
	if _, out, _ = o.call(t, member, "", ""); !strings.Contains(out, "with the certificate 17 \"ci\" of corp, until 2999") {
		t.Errorf("the greeting: %s", out)
	}
	if got := goodUntil(time.Time{}); got != "for good" {
		t.Error(got)
	}
	for name, test := range map[string]struct {
		caller access.Caller
		who    string
		status int
		want   string
	}{
		"of herself":       {member, "ci@corp", 0, "deploy           yes   a rule for shop"},
		"of a group":       {o.ana, "@shop", 0, "comes in with certificates of corp, principal ci, until 2999-01-01 00:00 UTC"},
		"of an operator":   {o.ana, "ben", 0, "comes in with certificates of corp, principal ben, until 2999"},
		"of another group": {o.ana, "@admins", 1, "there is no operator \"@admins\""},
		"of a stranger":    {o.ana, "x@corp", 1, "there is no operator \"x@corp\""},
		"of others":        {member, "@shop", 1, "not allowed to administer server"},
	} {
		status, out, stderr := o.call(t, test.caller, "", "access explain "+test.who+" shop")
		if status != test.status || !strings.Contains(out+stderr, test.want) {
			t.Errorf("%s: %d\n%s%s", name, status, out, stderr)
		}
	}
}
