package deploy

import (
	"slices"
	"testing"

	"github.com/pushboat/pushboat/internal/name"
)

// TestSchedulesAreTold: an app's target changes while its schedules are being reported. The
// newest schedules are reported last, and no lock is held during the report.
func TestSchedulesAreTold(t *testing.T) {
	every := func(schedule string) *target {
		return shop(func(t *target) { t.Spec.Schedule, t.Spec.FullSchedule = schedule, "full "+schedule })
	}
	for about, test := range map[string]struct {
		first     *target
		meanwhile []*target
		told      []string
	}{
		"nothing is wanted":      {nil, nil, []string{""}},
		"with a schedule":        {every("1"), nil, []string{"1 full 1"}},
		"without one":            {shop(), nil, []string{" "}},
		"another one meanwhile":  {every("1"), []*target{every("2")}, []string{"1 full 1", "2 full 2"}},
		"it leaves meanwhile":    {every("1"), []*target{nil}, []string{"1 full 1", ""}},
		"others again and again": {nil, []*target{every("1"), every("2")}, []string{"", "1 full 1", "2 full 2"}},
	} {
		t.Run(about, func(t *testing.T) {
			w := newWorked(t, test.first)
			var told []string
			w.engine.OnWanted(func(app name.App, schedule, full string) {
				text := schedule + " " + full
				if app != "shop" {
					t.Errorf("schedules of %s", app)
				}
				if w.wanted() == nil {
					text = schedule + full
				}
				if told = append(told, text); len(told) <= len(test.meanwhile) {
					w.setWant(test.meanwhile[len(told)-1])
				}
			})
			if w.tellSchedules(); !slices.Equal(told, test.told) {
				t.Errorf("reported %q", told)
			}
		})
	}
}
