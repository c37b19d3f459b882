package main

import (
	"testing"
	"time"
)

func TestParseAt(t *testing.T) {
	now := time.Date(2026, 11, 28, 15, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"":                          {},
		"1h":                        now.Add(-time.Hour),
		"90m":                       now.Add(-90 * time.Minute),
		"2d":                        now.AddDate(0, 0, -2),
		"2026-11-27":                time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC),
		"2026-11-28T14:30":          now.Add(-30 * time.Minute),
		"2026-11-28T14:30:10":       now.Add(-30*time.Minute + 10*time.Second),
		"2026-11-28T16:30:00+02:00": now.Add(-30 * time.Minute),
	} {
		if got, err := parseAt("--at", text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"soon", "-1h", "-2d", "d", "1x", "2026-11-28T15:01", "2026-13-01", "99999999d"} {
		if got, err := parseAt("--at", text, now); err == nil {
			t.Errorf("%q is %s", text, got)
		}
	}
}
