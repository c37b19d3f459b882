package record

import (
	"testing"
	"time"
)

func TestSuspensionDescribesItself(t *testing.T) {
	until := time.Date(2026, 1, 2, 5, 4, 0, 0, time.FixedZone("", 2*60*60))
	for want, s := range map[string]Suspension{
		"suspended by ben":                                          {By: "ben"},
		"suspended by ben: moving house":                            {By: "ben", Reason: "moving house"},
		"suspended by ben until 2026-01-02 03:04 UTC":               {By: "ben", Until: until},
		"suspended by ben until 2026-01-02 03:04 UTC: moving house": {By: "ben", Until: until, Reason: "moving house"},
	} {
		if got := s.Describe(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
