package push

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/name"
)

// noted is a trail that keeps what is noted.
type noted struct{ events []audit.Event }

func (n *noted) Write(events ...audit.Event) error {
	n.events = append(n.events, events...)
	return nil
}

func (n *noted) NoteLimited(_ string, e audit.Event) { n.events = append(n.events, e) }

// TestRatesAreOfOneRepository: each repository has its own, and without a rate there is none.
func TestRatesAreOfOneRepository(t *testing.T) {
	var all rates
	noon := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	rate := grant.Rate{Pushes: 2, Per: time.Hour}
	for i, test := range []struct {
		repo    name.Repo
		rate    grant.Rate
		at      time.Duration
		refused bool
	}{
		{"shop", rate, 0, false},
		{"shop", rate, 0, false},
		{"shop", rate, 0, true},
		{"blog", rate, 0, false},
		{"shop", rate, 29 * time.Minute, true},
		{"shop", rate, 31 * time.Minute, false},
		{"shop", rate, 31 * time.Minute, true},
		{"shop", grant.Rate{}, 31 * time.Minute, false}, // it has none now, and forgets the others
		{"shop", rate, 31 * time.Minute, false},
	} {
		if wait := all.take(test.repo, test.rate, noon.Add(test.at)); (wait > 0) != test.refused {
			t.Errorf("push %d: wait %s", i, wait)
		}
	}
	if len(all.of) != 2 {
		t.Errorf("%d repositories are counted", len(all.of))
	}
}

// TestRefusedByRate: the pusher learns when to push again, and the audit trail that somebody
// tried. The rules themselves can always be pushed.
func TestRefusedByRate(t *testing.T) {
	logger, _ := logtest.NewNullLogger()
	trail := &noted{}
	rate := grant.Rate{Pushes: 1, Per: 24 * time.Hour}
	d := &Door{
		Grants: func(name.Repo) *grant.Grant { return &grant.Grant{Rate: rate} },
		Trail:  trail, Log: logrus.NewEntry(logger),
	}
	caller := access.Caller{Operator: "ana", Fingerprint: "SHA256:x"}
	for range 3 {
		if err := d.checkRate(caller, access.AdminRepo); err != nil {
			t.Errorf("the rules: %v", err)
		}
	}
	if err := d.checkRate(caller, "shop"); err != nil || len(trail.events) > 0 {
		t.Errorf("the first: %v, %+v", err, trail.events)
	}
	err := d.checkRate(caller, "shop")
	hinted, ok := errors.AsType[interface {
		error
		Hint() string
	}](err)
	if err == nil || !strings.Contains(err.Error(), "repository shop takes at most "+rate.String()) || !ok || !strings.HasPrefix(hinted.Hint(), "push again in ") {
		t.Errorf("the second: %v", err)
	}
	if len(trail.events) != 1 {
		t.Fatalf("the trail has %+v", trail.events)
	}
	e := trail.events[0]
	if e.Kind != audit.Verb || e.Verb != "git-receive-pack" || e.Repository != "shop" || e.Operator != "ana" || e.Decision != audit.Refused || !strings.Contains(e.Reason, rate.String()) {
		t.Errorf("the trail has %+v", e)
	}
}
