package live

import (
	"testing"

	"github.com/pushboat/pushboat/internal/kube/health"
)

// TestRulesAreAppliedToWhatRuns sets, changes and removes the rules of an ApplySet after
// its object was seen. The object is a ConfigMap, of which the watch gets only metadata
// until there is a rule.
func TestRulesAreAppliedToWhatRuns(t *testing.T) {
	f := newFixture(t, "live-rules")
	f.apply("1")
	f.await("the object is made", func(e Event) bool { return e.Entry.Health.Status == health.Healthy })

	rules := func(current string) *health.Rules {
		rules, problems := health.NewCompiler().Compile([]health.Rule{{Kind: "ConfigMap", Current: current, Message: "data.a"}})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return rules
	}
	f.index.SetRules("set-live-rules", rules("data.a == '2'"))
	f.await("a rule says that it is not healthy", func(e Event) bool {
		return e.Entry.Health == health.Health{Status: health.Progressing, Message: "1"}
	})
	f.apply("2")
	f.await("it becomes healthy", func(e Event) bool { return e.Entry.Health == health.Health{Status: health.Healthy, Message: "2"} })

	f.index.SetRules("set-live-rules", rules("data.a == '3'"))
	f.await("another rule says that it is not", func(e Event) bool { return e.Entry.Health.Status == health.Progressing })
	f.index.SetRules("set-live-rules", nil)
	f.await("without rules it is", func(e Event) bool { return e.Entry.Health == health.Health{Status: health.Healthy} })
}
