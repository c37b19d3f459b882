package access

import (
	"testing"
	"time"
)

var distant = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

func TestLostRights(t *testing.T) {
	began := Operator{Name: "ana", Role: RoleDeploy, Repos: "shop*", Ruled: true, Expires: distant, From: "192.0.2.0/24"}
	for name, test := range map[string]struct {
		now  func(*Operator)
		want string
	}{
		"nothing":            {func(*Operator) {}, ""},
		"a higher role":      {func(o *Operator) { o.Role = RoleAdmin }, ""},
		"other limits":       {func(o *Operator) { o.From, o.Expires = "", distant.AddDate(0, 0, 1) }, ""},
		"a lower role":       {func(o *Operator) { o.Role = RolePush }, `the key no longer has the role "deploy"`},
		"no role":            {func(o *Operator) { o.Role = "" }, `the key no longer has the role "deploy"`},
		"other repositories": {func(o *Operator) { o.Repos = "shop" }, "the key is for other repositories now"},
		"not in the rules":   {func(o *Operator) { o.Ruled = false }, "the key is no longer in the rules of this server"},
		"another's":          {func(o *Operator) { o.Name = "ben" }, `the key is of "ben" now`},
	} {
		now := began
		test.now(&now)
		got := ""
		if err := began.Lost(now); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	ruled := Operator{Name: "ana", Ruled: true}
	if err := ruled.Lost(Operator{Name: "ana", Role: RoleRead, Ruled: true}); err != nil {
		t.Errorf("a role was given: %v", err)
	}
}
