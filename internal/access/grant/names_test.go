package grant

import (
	"strings"
	"testing"
)

// TestShare: a key that one grant names is nobody else's, unless theirs names it too.
func TestShare(t *testing.T) {
	a, b, all := &Grant{Keys: Names{Given: []Name{"a.age", "arn:x:*"}}}, &Grant{}, &Grant{Keys: Names{Given: []Name{"*"}}}
	Share([]*Grant{a, b, all})
	for _, test := range []struct {
		grant *Grant
		key   string
		want  bool
	}{
		{a, "a.age", true},
		{a, "arn:x:1", true},
		{a, "arn:x:", true},
		{a, "arn:y:1", false},
		{a, "b.age", false},
		{a, "server", false},
		{b, "a.age", false},
		{b, "arn:x:1", false},
		{b, "arn:y:1", true},
		{b, "b.age", true},
		{b, "server", true},
		{all, "a.age", true},
		{all, "server", true},
		{open, "a.age", true},
		{missing, "a.age", false},
		{missing, "server", false},
	} {
		if got := test.grant.Keys.Has(test.key); got != test.want {
			t.Errorf("%s: %q is given: %v", test.grant.Keys, test.key, got)
		}
	}
	if a.Keys.All() || b.Keys.All() || missing.Keys.All() || !all.Keys.All() || !open.Keys.All() || !b.Credentials.All() {
		t.Error("a grant gives all keys, or does not")
	}
	alone := &Grant{}
	if Share([]*Grant{alone, all}); !alone.Keys.All() || !alone.Equal(&Grant{}) {
		t.Error("who names all keys takes them from others")
	}
	if alone.Equal(b) {
		t.Error("grants with other keys are equal")
	}
}

// TestJudgeUsed: what was made with keys and credentials that are not given is refused, and
// the refusal names none of them.
func TestJudgeUsed(t *testing.T) {
	file := func(needs int, openers ...[]string) *Used {
		return &Used{Files: []UsedFile{{File: "login.yaml", Openers: openers, Needs: needs}}}
	}
	chart := &Used{Charts: []UsedChart{{Chart: "web 1.0.0", Credential: "oci://x/a"}}}
	some := &Grant{Keys: Names{Given: []Name{"a.age"}}, Credentials: Names{Taken: []Name{"oci://x/a"}}}
	const noKey, noCredential = "gives no key that opens login.yaml", "gives no credentials for web 1.0.0 of a registry"
	for what, test := range map[string]struct {
		grant *Grant
		used  *Used
		want  string
	}{
		"nothing":                       {some, &Used{}, ""},
		"it is not known":               {some, nil, ""},
		"its key":                       {some, file(1, []string{"b.age", "a.age"}), ""},
		"another key":                   {some, file(1, []string{"b.age"}), noKey},
		"one of two groups":             {some, file(2, []string{"a.age"}, []string{"b.age"}), noKey},
		"one of two groups, one needed": {some, file(1, []string{"b.age"}, []string{"a.age"}), ""},
		"both groups":                   {some, file(2, []string{"a.age"}, []string{"a.age", "b.age"}), ""},
		"no key at all":                 {some, file(1), noKey},
		"all keys":                      {open, file(1, []string{"b.age"}), ""},
		"no grant":                      {missing, file(1, []string{"a.age"}), noKey},
		"a chart":                       {some, chart, noCredential},
		"a chart, and all credentials":  {open, chart, ""},
		"a chart of another":            {some, &Used{Charts: []UsedChart{{Chart: "web 1.0.0", Credential: "oci://x/b"}}}, ""},
	} {
		refusal := test.grant.JudgeUsed(test.used)
		switch {
		case test.want == "" && refusal != nil, test.want != "" && refusal == nil:
			t.Errorf("%s: %+v", what, refusal)
		case refusal != nil && (refusal.Message != test.want || strings.Contains(refusal.Message+refusal.Hint, "a.age")):
			t.Errorf("%s: %+v", what, refusal)
		}
	}
}
