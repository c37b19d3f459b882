package command

import (
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

func TestChanged(t *testing.T) {
	seen := map[name.App]string{}
	look := func(list ...deploy.Status) string {
		var apps []string
		for _, s := range changed(seen, list) {
			apps = append(apps, string(s.App)+" "+string(s.Sync))
		}
		return strings.Join(apps, ", ")
	}
	shop := deploy.Status{App: "shop", Sync: deploy.InSync, Health: "healthy"}
	blog := deploy.Status{App: "blog", Sync: deploy.InSync, Health: "healthy"}
	busy := shop
	busy.Sync, busy.Running = deploy.Deploying, "shop-2"
	later := busy
	later.Last = &record.Record{Seconds: 3} // a line does not show this difference
	for i, test := range []struct {
		list []deploy.Status
		want string
	}{
		{[]deploy.Status{shop, blog}, "shop in sync, blog in sync"},
		{[]deploy.Status{shop, blog}, ""},
		{[]deploy.Status{busy, blog}, "shop deploying"},
		{[]deploy.Status{later, blog}, ""},
		{[]deploy.Status{shop}, "shop in sync, blog removed"},
		{[]deploy.Status{shop}, ""},
	} {
		if got := look(test.list...); got != test.want {
			t.Errorf("look %d: got %q, want %q", i, got, test.want)
		}
	}
}

func TestInBrief(t *testing.T) {
	s := deploy.Status{
		App: "shop", Revision: name.Revision(strings.Repeat("a", 40)), Sync: deploy.Drifted, Health: "failing", Running: "shop-2",
		Suspension: &record.Suspension{By: "ana"}, Drift: []string{"x"},
		Sick: []deploy.Symptom{{Object: "Deployment shop/web", State: "0 of 1 pods ready"}, {}},
	}
	want := "aaaaaaa, drifted, failing, going on: shop-2, suspended by ana, 1 drifted; Deployment shop/web: 0 of 1 pods ready (and 1 more)"
	if got := inBrief(s); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := inBrief(deploy.Status{Sync: deploy.Pending, Health: "-"}); got != "-, pending, -" {
		t.Errorf("got %q", got)
	}
}

func TestScreenful(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	text := strings.Repeat("line\n", 30)
	for rows, want := range map[int]int{0: 31, 24: 23, 10: 9, 40: 31, 3: 31} {
		got := screenful(text, rows, now)
		if n := strings.Count(got, "\n"); n != want {
			t.Errorf("%d rows: %d lines, want %d", rows, n, want)
		}
		if !strings.HasPrefix(got, "\x1b[H12:00:00 UTC") || !strings.HasSuffix(got, "\x1b[J") {
			t.Errorf("%d rows: %q", rows, got)
		}
	}
	if got := screenful(text, 10, now); !strings.Contains(got, "... and 23 more lines") {
		t.Errorf("got %q", got)
	}
}
