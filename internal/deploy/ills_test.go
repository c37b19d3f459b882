package deploy

import (
	"slices"
	"testing"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
)

func TestConditionOf(t *testing.T) {
	entry := func(status health.Status) live.Entry { return live.Entry{Health: health.Health{Status: status}} }
	dying := entry(health.Failed)
	dying.Terminating = true
	for name, test := range map[string]struct {
		entry   live.Entry
		deleted bool
		want    condition
	}{
		"healthy":                        {entry(health.Healthy), false, healthy},
		"progressing":                    {entry(health.Progressing), false, ailing},
		"failed":                         {entry(health.Failed), false, failed},
		"failed and being deleted":       {dying, false, healthy},
		"failed and deleted":             {entry(health.Failed), true, deleted},
		"healthy until it was deleted":   {entry(health.Healthy), true, deleted},
		"being deleted until it was not": {dying, true, deleted},
	} {
		if got := conditionOf(test.entry, test.deleted); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// TestWhenAnIllnessIsTold has an object pass through conditions, each of which is reported
// once. The last one shows whether it is.
func TestWhenAnIllnessIsTold(t *testing.T) {
	for name, test := range map[string]struct {
		seen []condition
		want []telling
	}{
		"healthy all the time":    {[]condition{healthy, healthy}, []telling{tellNever, tellNever}},
		"ailing":                  {[]condition{ailing, ailing}, []telling{tellLater, tellNever}},
		"ailing for a moment":     {[]condition{ailing, healthy, ailing}, []telling{tellLater, tellNever, tellLater}},
		"failed":                  {[]condition{failed, failed}, []telling{tellNow, tellNever}},
		"ailing, then failed":     {[]condition{ailing, failed, ailing}, []telling{tellLater, tellNow, tellNever}},
		"failed, then healthy":    {[]condition{failed, healthy, healthy}, []telling{tellNow, tellNow, tellNever}},
		"failed twice":            {[]condition{failed, healthy, failed}, []telling{tellNow, tellNow, tellNow}},
		"failed, then deleted":    {[]condition{failed, deleted, healthy}, []telling{tellNow, tellNever, tellNever}},
		"failed, then made again": {[]condition{failed, deleted, failed}, []telling{tellNow, tellNever, tellNow}},
	} {
		var s ills
		var got []telling
		for _, c := range test.seen {
			got = append(got, s.see(manifest.ID{Name: "web"}, c))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestSecondLookAtAnIllness(t *testing.T) {
	web := manifest.ID{Name: "web"}
	for name, test := range map[string]struct {
		seen  []condition
		isIll bool
		tells bool
		next  condition
		then  telling
	}{
		"still ailing":                {[]condition{ailing}, true, true, healthy, tellNow},
		"still ailing, told once":     {[]condition{ailing}, true, true, ailing, tellNever},
		"healthy, or deployed":        {[]condition{ailing}, false, false, ailing, tellLater},
		"failed meanwhile":            {[]condition{ailing, failed}, true, false, healthy, tellNow},
		"failed, and deployed now":    {[]condition{ailing, failed}, false, false, healthy, tellNow},
		"healthy again before it":     {[]condition{ailing, healthy}, true, false, healthy, tellNever},
		"deleted before it":           {[]condition{ailing, deleted}, false, false, healthy, tellNever},
		"an object that was never so": {nil, true, false, healthy, tellNever},
	} {
		var s ills
		for _, c := range test.seen {
			s.see(web, c)
		}
		if got := s.stillIll(web, test.isIll); got != test.tells {
			t.Errorf("%s: told: %v", name, got)
		}
		if got := s.see(web, test.next); got != test.then {
			t.Errorf("%s: then %v, want %v", name, got, test.then)
		}
	}
}
