package command

import (
	"testing"
	"time"
)

func TestParseUntil(t *testing.T) {
	now := time.Date(2026, 1, 30, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"":                          "0001-01-01T00:00:00Z",
		"90m":                       "2026-01-30T13:30:00Z",
		"2d":                        "2026-02-01T12:00:00Z",
		"2026-01-31":                "2026-01-31T00:00:00Z",
		"2026-01-31T18:00":          "2026-01-31T18:00:00Z",
		"2026-01-31T18:00:00+02:00": "2026-01-31T16:00:00Z",
		"0m":                        "error",
		"-1h":                       "error",
		"2026-01-30":                "error", // has passed
		"9999h":                     "error",
		"999d":                      "error",
		"0d":                        "error",
		"soon":                      "error",
		"18:00":                     "error",
	} {
		got, err := parseUntil(text, now)
		if (err != nil) != (want == "error") || err == nil && got.Format(time.RFC3339) != want {
			t.Errorf("until %q: %v, %v; want %s", text, got, err, want)
		}
	}
}
