package view

import (
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/refusal"
)

func TestSeesRefusal(t *testing.T) {
	policy := access.NewPolicy(logrus.NewEntry(logrus.New()), nil, nil)
	b := refusal.Brief{Repo: "team/shop", Operator: "ana", Key: "SHA256:a"}
	for name, test := range map[string]struct {
		caller access.Caller
		sees   bool
	}{
		"nobody":                     {access.Caller{}, false},
		"a stranger":                 {access.Caller{Operator: "eve", Fingerprint: "SHA256:e"}, false},
		"a reader":                   {access.Caller{Operator: "rea", Role: access.RoleRead}, true},
		"a reader of another":        {access.Caller{Operator: "rea", Role: access.RoleRead, Repos: "blog"}, false},
		"a reader of the team":       {access.Caller{Operator: "rea", Role: access.RoleRead, Repos: "team/*"}, true},
		"an admin of another":        {access.Caller{Operator: "ada", Role: access.RoleAdmin, Repos: "blog"}, false},
		"the pusher":                 {access.Caller{Operator: "ana", Fingerprint: "SHA256:a"}, true},
		"the pusher's other key":     {access.Caller{Operator: "ana", Fingerprint: "SHA256:b", Role: access.RoleAdmin, Repos: "blog"}, false},
		"the pusher's, for another":  {access.Caller{Operator: "ana", Fingerprint: "SHA256:a", Repos: "blog"}, false},
		"another one with the key":   {access.Caller{Operator: "ben", Fingerprint: "SHA256:a"}, false},
		"the pusher without any key": {access.Caller{Operator: "ana"}, false},
	} {
		if got := SeesRefusal(policy, test.caller, b); got != test.sees {
			t.Errorf("%s: %v", name, got)
		}
	}
}
