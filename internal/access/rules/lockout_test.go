package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/access"
)

func TestLockOut(t *testing.T) {
	before := parsed(t, "- {who: [admins, ben], may: [admin]}")
	ana := access.Caller{Operator: "ana", Ruled: true, Remote: "192.0.2.7:5000"}
	ana.Fingerprint = before.operators["ana"].Keys[0].Fingerprint()
	byFile := access.Caller{Operator: "root", Role: access.RoleAdmin, Fingerprint: "SHA256:other", Remote: "192.0.2.7:5000"}
	dora := access.Caller{Operator: "dora", Role: access.RoleAdmin, Ruled: true, Fingerprint: before.operators["dora"].Keys[0].Fingerprint()}
	key := func(rest string) string { return "keys:\n- {key: " + keyText(t, 0) + rest + "}\n" }
	both := "rules:\n- {who: [ana, ben], may: [admin]}\n"
	for name, test := range map[string]struct {
		author access.Caller
		files  map[string]string
		want   string // "" for no problem
	}{
		"the same":                     {ana, map[string]string{"access.yaml": both}, ""},
		"nobody":                       {ana, map[string]string{"access.yaml": "rules:\n- {who: [ana], may: [deploy]}\n"}, "no person would be an admin"},
		"an admin of repositories":     {ana, map[string]string{"access.yaml": "rules:\n- {who: [ana], repositories: ['**'], may: [admin]}\n"}, "no person would be an admin"},
		"a robot alone":                {ana, map[string]string{"access.yaml": "rules:\n- {who: [ci], may: [admin]}\n"}, "no person would be an admin"},
		"nobody, by a key file":        {byFile, map[string]string{"access.yaml": "rules: []\n"}, "no person would be an admin"},
		"an admin without a key":       {byFile, map[string]string{"access.yaml": "rules:\n- {who: [ana], may: [admin]}\n", "operators/ana.yaml": "keys: []\n"}, "no person would be an admin"},
		"an admin whose key expired":   {byFile, map[string]string{"access.yaml": "rules:\n- {who: [ana], may: [admin]}\n", "operators/ana.yaml": key(", expires: 2026-11-28")}, "no person would be an admin"},
		"withheld from all":            {ana, map[string]string{"access.yaml": both + "- {who: [everyone], mayNot: [admin]}\n"}, "no person would be an admin"},
		"only another one":             {ana, map[string]string{"access.yaml": "rules:\n- {who: [ben], may: [admin]}\n"}, "you would lock yourself out: ana would not be an admin"},
		"withheld from the author":     {ana, map[string]string{"access.yaml": both + "- {who: [ana], mayNot: [admin]}\n"}, "ana would not be an admin"},
		"the author's key is gone":     {ana, map[string]string{"access.yaml": both, "operators/ana.yaml": "keys: []\n"}, "your key " + ana.Fingerprint + " would be gone"},
		"the author's key expires now": {ana, map[string]string{"access.yaml": both, "operators/ana.yaml": key(", expires: 2026-11-28T12:00")}, "would have expired"},
		"it expires later":             {ana, map[string]string{"access.yaml": both, "operators/ana.yaml": key(", expires: 2026-11-28T12:01")}, ""},
		"it is for elsewhere":          {ana, map[string]string{"access.yaml": both, "operators/ana.yaml": key(", from: 198.51.100.0/24")}, "could not be used from your address"},
		"it is for here":               {ana, map[string]string{"access.yaml": both, "operators/ana.yaml": key(", from: 192.0.2.0/24")}, ""},
		"it is somebody else's":        {ana, map[string]string{"access.yaml": both, "operators/ana.yaml": "keys: []\n", "operators/eve.yaml": key("")}, "eve would not be an admin"},
		"by a key file alone":          {byFile, map[string]string{"access.yaml": "rules:\n- {who: [ben], may: [admin]}\n"}, ""},
		"by a key file, no admin here": {dora, map[string]string{"access.yaml": "rules:\n- {who: [ben], may: [admin]}\n", "operators/dora.yaml": "keys: []\n"}, ""},
	} {
		problems := LockOut(before, parsedTree(t, world(t, test.files)), test.author, noon)
		switch {
		case test.want == "" && len(problems) > 0:
			t.Errorf("%s: %v", name, problems)
		case test.want != "" && (len(problems) != 1 || !strings.Contains(problems[0].Message, test.want) || problems[0].Hint == "" || problems[0].Source.File == ""):
			t.Errorf("%s: %v, want %q", name, problems, test.want)
		}
	}
	first := parsed(t, "- {who: [ana], may: [admin]}")
	if problems := LockOut(None(), first, ana, noon); len(problems) > 0 {
		t.Errorf("the first rules: %v", problems)
	}
	if problems := LockOut(before, first, access.Caller{}, noon.Add(time.Hour)); len(problems) > 0 {
		t.Errorf("nobody's push: %v", problems)
	}
}
