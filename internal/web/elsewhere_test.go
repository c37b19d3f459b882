package web

import (
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/mirror"
)

func TestAwayOnTheOverview(t *testing.T) {
	trouble := &mirror.Trouble{Since: time.Unix(1, 0), Error: "the remote answers 503"}
	standings := []mirror.Standing{{Repo: "shop"}, {Repo: "shop", Remote: "copy", Trouble: trouble}, {Repo: "secret", Trouble: trouble}}
	cards := []*card{{Status: deploy.Status{App: "web", Repo: "shop"}}}
	h := newHouse(t, func(c *Config) { c.Elsewhere = func() []mirror.Standing { return standings } })
	v := &visit{door: h.Door}
	v.session = &session{}
	if away := v.awayOf(cards); len(away) != 1 || away[0].Remote != "copy" {
		t.Errorf("the overview tells of %+v", away)
	}
	before := awayText(v.awayOf(cards))
	standings[1].Trouble = &mirror.Trouble{Since: time.Unix(2, 0), Error: "the remote answers 503"}
	if awayText(v.awayOf(cards)) == before {
		t.Error("another trouble is the same page")
	}
	for range maxAway {
		standings = append(standings, standings[1])
	}
	if away := v.awayOf(cards); len(away) != maxAway {
		t.Errorf("%d of many are told", len(away))
	}
	standings = standings[:1]
	if away := v.awayOf(cards); away != nil || awayText(away) != "" {
		t.Errorf("all are there, and the overview tells of %+v", away)
	}
}
