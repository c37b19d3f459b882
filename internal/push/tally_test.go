package push

import "testing"

func TestOutcomesOfPushes(t *testing.T) {
	for _, c := range []struct {
		accepted, hasReason, plan bool
		want                      Outcome
	}{
		{accepted: true, want: Accepted},
		{hasReason: true, want: Refused},
		{hasReason: true, plan: true, want: Refused},
		{plan: true, want: Planned},
		{want: Abandoned},
	} {
		if is := outcomeOf(c.accepted, c.hasReason, c.plan); is != c.want {
			t.Errorf("%+v is %s", c, is)
		}
	}
}
