package deploy

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/kube"
)

// TestWhyAClusterIsAway: an outage has the reason alone, since the cluster's name stands
// beside it.
func TestWhyAClusterIsAway(t *testing.T) {
	since := time.Now()
	for _, test := range []struct {
		err  error
		want Outage
	}{
		{fmt.Errorf("open: %w", &kube.UnreachableError{Cluster: "other", Err: errors.New("connection refused")}), Outage{Unreachable: true, Error: "connection refused"}},
		{errors.New("it does not answer: no"), Outage{Error: "it does not answer: no"}},
	} {
		test.want.Cluster, test.want.Since = "default", since
		if got := newOutage("default", test.err, since); *got != test.want {
			t.Errorf("%v: %+v, want %+v", test.err, *got, test.want)
		}
	}
}

// TestAnOutageIsToldOnce: a cluster becomes unreachable and comes back, and many watches
// and apps report it.
func TestAnOutageIsToldOnce(t *testing.T) {
	var s sightings
	start := time.Now()
	away := &Outage{Unreachable: true, Since: start}
	begun, ended, later := s.notice(away, start)
	if begun != nil || ended != nil || !later {
		t.Fatalf("at once: %v %v %v; want a second look later", begun, ended, later)
	}
	if _, _, later := s.notice(away, start); later {
		t.Error("a second watch asks for a second look")
	}
	s.waited()
	if begun, _, _ := s.notice(away, start.Add(awayAfter)); begun != away {
		t.Error("the outage is not reported after awayAfter")
	}
	for range 3 {
		if begun, ended, later := s.notice(away, start.Add(time.Minute)); begun != nil || ended != nil || later {
			t.Error("the outage is reported again")
		}
	}
	if _, ended, _ := s.notice(nil, start.Add(time.Minute)); ended != away {
		t.Error("the end of the outage is not reported")
	}
	if _, ended, _ := s.notice(nil, start.Add(time.Minute)); ended != nil {
		t.Error("the end of the outage is reported again")
	}
}

func TestShortOutagesAreNotTold(t *testing.T) {
	var s sightings
	start := time.Now()
	if _, _, later := s.notice(&Outage{Unreachable: true, Since: start}, start); !later {
		t.Fatal("no second look is asked for")
	}
	s.waited()
	if begun, ended, later := s.notice(nil, start.Add(awayAfter)); begun != nil || ended != nil || later {
		t.Errorf("told: %v %v %v", begun, ended, later)
	}
}

// TestAPartIsNoOutage: an extension API that does not answer is shown by status alone.
func TestAPartIsNoOutage(t *testing.T) {
	var s sightings
	start := time.Now()
	if begun, _, later := s.notice(&Outage{Since: start}, start.Add(time.Hour)); begun != nil || later {
		t.Error("the outage of an extension API is reported as one of the cluster")
	}
}
