package push

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

func TestPlansOfRules(t *testing.T) {
	for name, test := range map[string]struct {
		plan       *rulesPlan
		text, last string
	}{
		"a push of something else": {nil, "", "plan only: this push deploys nothing; nothing was changed"},
		"no change":                {&rulesPlan{to: "3f2c1ab000000000000000000000000000000000"}, "admin: plan, 3f2c1ab\n  nobody gains or loses anything\n", "plan only: nothing was changed"},
		"changes": {
			&rulesPlan{to: "3f2c1ab000000000000000000000000000000000", changes: []string{"  + ben may push on a\x1b[1m", "  - eve is gone"}},
			"admin: plan, 3f2c1ab\n  + ben may push on a\\x1b[1m\n  - eve is gone\n", "plan only: nothing was changed",
		},
	} {
		var out bytes.Buffer
		test.plan.print(&out)
		if out.String() != test.text || test.plan.planOnly() != test.last {
			t.Errorf("%s: %q, %q", name, out.String(), test.plan.planOnly())
		}
	}
}

// fakeRules accept any rules, after a given number of failures.
type fakeRules struct {
	failures, taken int
	now             *rules.Rules // nil: none
}

func (f *fakeRules) Propose(fs.FS, access.Caller, int) ([]string, []name.App, manifest.Problems) {
	return nil, nil, nil
}

func (f *fakeRules) Current() *rules.Rules {
	if f.now == nil {
		return rules.None()
	}
	return f.now
}

func (f *fakeRules) Take(context.Context, access.Caller, ...name.App) error {
	if f.failures > 0 {
		f.failures--
		return errors.New("the disk")
	}
	f.taken++
	return nil
}

// TestRulesAreTakenOnce: the hook puts pushed rules in force, or the end of the session
// does if the hook failed or never ran.
func TestRulesAreTakenOnce(t *testing.T) {
	logger := logrus.New()
	logger.SetOutput(&bytes.Buffer{})
	for name, test := range map[string]struct {
		plan     *rulesPlan
		failures int
		taken    int
		first    string
		failed   bool
	}{
		"a push of something else": {nil, 0, 0, "", false},
		"a push of rules":          {&rulesPlan{}, 0, 1, "admin: in force\n", false},
		"a disk that fails once":   {&rulesPlan{}, 1, 1, "error: the rules are pushed, but not in force: the former ones stay\nhint: the server's log says why; they are tried again by the next push, or when the server starts\n", true},
	} {
		rules := &fakeRules{failures: test.failures}
		p := &push{door: &Door{Rules: rules, Log: logrus.NewEntry(logger)}, session: nobody{}, rules: test.plan}
		var first, second bytes.Buffer
		p.takeRules(t.Context(), &first)
		p.takeRules(t.Context(), &second)
		if rules.taken != test.taken || first.String() != test.first || p.unsuccessful() != test.failed {
			t.Errorf("%s: taken %d times, %q, failed: %v", name, rules.taken, first.String(), p.unsuccessful())
		}
	}
}

// nobody is a session of the zero caller.
type nobody struct{ Session }

func (nobody) Caller() access.Caller { return access.Caller{} }
