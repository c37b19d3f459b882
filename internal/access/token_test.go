package access

import (
	"errors"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
)

// TestTokensNarrow: a token leaves of its bearer's rights those that it has itself.
func TestTokensNarrow(t *testing.T) {
	policy, _ := newPolicy(t, nil)
	admin := Caller{Operator: "ana", Role: RoleAdmin}
	for _, test := range []struct {
		caller Caller
		token  Token
		right  Right
		on     Subject
		want   string // of the refusal; "": it is allowed
	}{
		{admin, Token{}, Administer, Subject{}, ""},
		{admin, Token{ID: "1", Role: RoleAdmin}, Administer, Subject{}, ""},
		{admin, Token{ID: "1", Role: RoleAdmin}, ReadRepo, Subject{Repo: AdminRepo}, ""},
		{admin, Token{ID: "1", Role: RoleDeploy}, Administer, Subject{}, `it takes the role "admin", and the token 1 has "deploy"`},
		{admin, Token{ID: "1", Role: RoleDeploy}, ReadRepo, Subject{Repo: AdminRepo}, "the token 1 has"},
		{admin, Token{ID: "1", Role: RoleDeploy}, Sync, Subject{Repo: "shop"}, ""},
		{admin, Token{ID: "1", Role: RoleRead}, ReadDeploys, Subject{Repo: "shop"}, ""},
		{admin, Token{ID: "1", Role: RoleRead}, ReadServer, Subject{}, ""},
		{admin, Token{ID: "1", Role: RoleRead}, ReadLogs, Subject{Repo: "shop"}, `the token 1 has "read"`},
		{admin, Token{ID: "1", Role: RoleRead}, Sync, Subject{Repo: "shop"}, `the token 1 has "read"`},
		{admin, Token{ID: "1"}, ReadRepo, Subject{Repo: "shop"}, "the token 1 has"},
		{admin, Token{ID: "1", Role: RoleAdmin, Repos: "shop*"}, DeleteRepo, Subject{Repo: "shop-x"}, ""},
		{admin, Token{ID: "1", Role: RoleAdmin, Repos: "shop*"}, ReadRepo, Subject{Repo: "blog"}, `for repositories "shop*" only`},
		{admin, Token{ID: "1", Role: RoleAdmin, Repos: "*"}, ReadServer, Subject{}, `for repositories "*" only`},
		{admin, Token{ID: "1", Role: RoleAdmin, Repos: "admin"}, ReadRepo, Subject{Repo: AdminRepo}, `for repositories "admin" only`},
		{Caller{Operator: "ben", Role: RoleRead}, Token{ID: "1", Role: RoleAdmin}, Deploy, Subject{Repo: "shop"}, `the key of "ben" has "read"`},
		{Caller{Operator: "ben", Role: RoleDeploy, Repos: "shop"}, Token{ID: "1", Role: RoleDeploy, Repos: "*"}, Deploy, Subject{Repo: "blog"}, `the key of "ben" is for`},
		{Caller{}, Token{ID: "1", Role: RoleAdmin}, ReadRepo, Subject{Repo: "shop"}, "it takes the role"},
		{admin, Token{ID: "1", Role: RoleAdmin}, MakeTokens, Subject{}, "a token makes no others"},
	} {
		test.caller.Token = test.token
		err := policy.Check(test.caller, test.right, test.on)
		if test.want == "" && err != nil || test.want != "" && (!errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%q on %+v with %+v of %q: %v, want %q", test.right, test.on, test.token, test.caller.Role, err, test.want)
		}
	}
}

// withholding are rules that give nothing, and withhold one right from ben.
type withholding struct {
	Rules
	right Right
}

func (w withholding) Decide(operator string, right Right, _ Subject) Decision {
	if operator == "ben" && right == w.right {
		return Decision{Rule: "access.yaml:3", Withheld: true}
	}
	return Decision{}
}

// TestEverybodyMakesTokensForThemselves: unless a rule withholds it.
func TestEverybodyMakesTokensForThemselves(t *testing.T) {
	policy := NewPolicy(logrus.NewEntry(logrus.New()), nil, func() Rules { return withholding{right: MakeTokens} })
	for _, test := range []struct {
		caller Caller
		want   bool
	}{
		{Caller{Operator: "ana", Role: RoleRead}, true},
		{Caller{Operator: "ana", Role: RoleRead, Repos: "shop"}, true},
		{Caller{Operator: "cem", Ruled: true}, true},
		{Caller{Operator: "runner@corp", Ruled: true, Groups: "ci"}, true},
		{Caller{Operator: "ben", Ruled: true}, false},
		{Caller{Operator: "ben", Ruled: true, Role: RoleRead}, true}, // no rule takes what a key file gives
		{Caller{Operator: "nobody"}, false},
		{Caller{}, false},
	} {
		if got := policy.Allows(test.caller, MakeTokens, Subject{}); got != test.want {
			t.Errorf("%+v: %v", test.caller, got)
		}
	}
	if !MakeTokens.Changes() || !MakeTokens.OnServer() || !MakeTokens.OnSelf() || ReadServer.OnSelf() {
		t.Error("the right to make tokens is of another kind")
	}
}
