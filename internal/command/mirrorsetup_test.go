package command

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/mirror"
)

func TestSetupLines(t *testing.T) {
	for _, test := range []struct {
		setup *mirror.Setup
		want  string
	}{
		{nil, ""},
		{&mirror.Setup{Schedule: "@every 5m", Rewrites: "refuse"}, "fetched     @every 5m, the branch that HEAD names, no tags, a history that is rewritten: refuse"},
		{
			&mirror.Setup{
				Schedule: "@hourly", Rewrites: "follow", Branches: []string{"main", "x-*"}, Tags: []string{"v*"}, Path: "prod", UsedBy: []string{"fleet"}, User: "robot",
				Credentials: []string{"hookFile", "statusToken", "token"}, Forge: "gitea", Comments: "problems", WriteBack: "branch",
			},
			"fetched     @hourly, branches main x-*, tags v*, a history that is rewritten: follow|deployed    from the folder prod|used by     fleet|with        hookFile, statusToken, token, as robot|" +
				"gets back   statuses of commits, comments on refused commits, what set-image and set commit, as branches",
		},
		{&mirror.Setup{Schedule: "x", Rewrites: "refuse", UsedBy: []string{"a"}, Credentials: []string{"statusFile"}, Comments: "always"}, "fetched     x, the branch that HEAD names, the highest versions of tags, a history that is rewritten: refuse|used by     a|with        statusFile|gets back   statuses of commits, comments on refused and on deployed commits"},
	} {
		if got := strings.Join(setupLines(test.setup), "|"); got != test.want {
			t.Errorf("got  %q\nwant %q", got, test.want)
		}
	}
	for want, setup := range map[string]mirror.SentSetup{
		"the branches that feed apps, all tags":                                      {},
		"branches main, tags v* x, the records, and what it has instead is replaced": {Branches: []string{"main"}, Tags: []string{"v*", "x"}, Records: true, Force: true},
		"branches a": {Branches: []string{"a"}, Tags: []string{}},
	} {
		if got := sentText(&setup); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
