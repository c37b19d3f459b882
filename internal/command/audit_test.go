package command

import (
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/deploy"
)

// TestAuditAsksForWhatItsFlagsSay: each flag narrows the query.
func TestAuditAsksForWhatItsFlagsSay(t *testing.T) {
	engine := deploy.New(deploy.Config{})
	engine.Stop(t.Context()) // it has no apps, and waits for none
	now := time.Date(2026, 1, 31, 18, 0, 0, 0, time.UTC)
	usual := audit.Query{Most: 100}
	for flag, want := range map[string]func(q *audit.Query){
		"--since=2h":        func(q *audit.Query) { q.Since = now.Add(-2 * time.Hour) },
		"--until=2h":        func(q *audit.Query) { q.Until = now.Add(-2 * time.Hour) },
		"--before=4":        func(q *audit.Query) { q.Before = 4 },
		"--event=push":      func(q *audit.Query) { q.Kind = audit.Push },
		"--decision=denied": nil,
		"--repository=shop": func(q *audit.Query) { q.Repository = "shop" },
		"--operator=ana":    func(q *audit.Query) { q.Operator = "ana" },
		"--app=web":         func(q *audit.Query) { q.App = "web" },
		"--number=7":        func(q *audit.Query) { q.Most = 7 },
		"--number=0":        nil,
	} {
		c := &call{Desk: &Desk{Engine: engine}, flags: pflag.NewFlagSet("audit", pflag.ContinueOnError)}
		auditFlags(c.flags)
		if err := c.flags.Parse([]string{flag}); err != nil {
			t.Fatal(err)
		}
		got, err := c.auditQuery(now)
		if want == nil {
			if err == nil {
				t.Errorf("%s is taken: %+v", flag, got)
			}
			continue
		}
		wanted := usual
		want(&wanted)
		if err != nil || got != wanted {
			t.Errorf("%s asks for %+v, %v; want %+v", flag, got, err, wanted)
		}
	}
	count := 0
	all := pflag.NewFlagSet("audit", pflag.ContinueOnError)
	auditFlags(all)
	all.VisitAll(func(*pflag.Flag) { count++ })
	if count != 10 { // with those of output
		t.Errorf("there are %d flags: those above, and of the output", count)
	}
}
