package apply

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
)

// TestHooksAreSeenToTheirEnd: events arrive about a hook's object. Its newest state is the
// one before its deletion began, since a Job that is being deleted does not report how it
// ended.
func TestHooksAreSeenToTheirEnd(t *testing.T) {
	at := func(status health.Status) live.Entry {
		return live.Entry{UID: "u", Health: health.Health{Status: status}}
	}
	going := at(health.Terminating)
	going.Terminating = true
	other := at(health.Failed)
	other.UID = "another"
	made := at(health.Progressing)
	for name, test := range map[string]struct {
		events []live.Event
		want   health.Status
		gone   bool
	}{
		"not seen yet":              {nil, health.Progressing, false},
		"another is seen":           {[]live.Event{{Entry: other}}, health.Progressing, false},
		"succeeded":                 {[]live.Event{{Entry: at(health.Healthy)}}, health.Healthy, false},
		"failed, and goes":          {[]live.Event{{Entry: at(health.Failed)}, {Entry: going}}, health.Failed, false},
		"failed, and is gone":       {[]live.Event{{Entry: at(health.Failed)}, {Entry: going}, {Entry: going, Deleted: true}}, health.Failed, true},
		"gone at once":              {[]live.Event{{Entry: at(health.Healthy), Deleted: true}}, health.Healthy, true},
		"only seen going":           {[]live.Event{{Entry: going}}, health.Progressing, false},
		"only seen going, and gone": {[]live.Event{{Entry: going}, {Entry: going, Deleted: true}}, health.Progressing, true},
	} {
		s := NewHooks()
		for _, event := range test.events {
			s.See(event)
		}
		if now, gone := s.of(made); now.Health.Status != test.want || gone != test.gone || now.UID != types.UID("u") {
			t.Errorf("%s: %s, gone: %v", name, now.Health.Status, gone)
		}
		if got := len(s.changed); got != min(len(test.events), 1) {
			t.Errorf("%s: %d signals", name, got)
		}
		if s.reset(); len(test.events) > 0 {
			if now, gone := s.of(made); now.Health.Status != health.Progressing || gone {
				t.Errorf("%s: %s, gone: %v after a reset", name, now.Health.Status, gone)
			}
		}
	}
}
