package rules

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access/keytest"
)

// TestTouchIsRequired: operators of whom rules require FIDO keys can use no other key, be
// it in their file or in a certificate.
func TestTouchIsRequired(t *testing.T) {
	const admins = "rules:\n- {who: [admins, ben], may: [admin]}\n"
	fido := keytest.NewFIDO(t, ssh.KeyAlgoSKED25519).PublicKey()
	anas := map[string]string{"operators/ana.yaml": "keys:\n- " + keytest.Text(fido) + "\n"}
	demand := func(who string) map[string]string {
		return map[string]string{"access.yaml": admins + "requireTouch: " + who + "\n"}
	}
	for who, want := range map[string]string{
		"[admins]":   "",
		"[ana]":      "",
		"[ben]":      "operators/ben.yaml:3: the key " + ssh.FingerprintSHA256(public(t, seeds["ben"])) + " is no FIDO key, which access.yaml:3 demands of ben",
		"[shop]":     "which access.yaml:3 demands of ci",
		"[everyone]": "which access.yaml:3 demands of dora",
		"[anna]":     `access.yaml:3: there is no operator or group "anna"`,
		"[]":         "access.yaml:3:",
		"true":       `access.yaml:3: requireTouch is "true", not a list`,
	} {
		_, problems := Parse(world(t, merged(anas, demand(who))))
		if (want == "") != (len(problems) == 0) || !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: %v, want %q", who, problems, want)
		}
	}

	const principals = "    principals: {ana: ana, ops: admins, shop: shop}"
	r := parsedTree(t, world(t, merged(anas, demand("[admins]"), corp(t, principals))))
	for name, test := range map[string]struct {
		key       ssh.PublicKey
		principal string
		err       string
	}{
		"hers on a token":      {fido, "ana", ""},
		"hers on a disk":       {public(t, 9), "ana", "is of a key that is no FIDO key, which access.yaml:3 demands of ana"},
		"a member's on a disk": {public(t, 9), "ops", "demands of certified members of admins"},
		"another group's":      {public(t, 9), "shop", ""},
	} {
		cert := keytest.Certify(t, keytest.Signer(t, "ca"), test.key, noon, of(test.principal))
		_, err := r.Certified(cert, noon)
		if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: %v, want %q", name, err, test.err)
		}
	}

	without := parsedTree(t, world(t, merged(anas, map[string]string{"access.yaml": admins}, corp(t, principals))))
	if got, want := Compare(without, r), "  ~ ana, certified members of admins can only come in with FIDO keys, which have to be touched"; !slices.Equal(got, []string{want}) {
		t.Errorf("the plan is %q", got)
	}
	if got, want := Compare(r, without), "  ~ ana, certified members of admins can come in with keys that are no FIDO keys"; !slices.Equal(got, []string{want}) {
		t.Errorf("the plan of the way back is %q", got)
	}
}
