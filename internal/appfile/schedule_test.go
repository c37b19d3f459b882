package appfile

import (
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
)

func TestParseSchedule(t *testing.T) {
	from := time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC)
	for spec, want := range map[string]time.Time{
		"@every 5m":                 time.Date(2026, 3, 1, 12, 5, 0, 0, time.UTC),
		" @every 90s ":              time.Date(2026, 3, 1, 12, 1, 30, 0, time.UTC),
		"@every 1500ms":             time.Date(2026, 3, 1, 12, 0, 31, 0, time.UTC),
		"CRON_TZ=UTC @hourly":       time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC),
		"TZ=UTC 0 3 * * *":          time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC),
		"CRON_TZ=UTC 30 1 * * MON":  time.Date(2026, 3, 2, 1, 30, 0, 0, time.UTC),
		"CRON_TZ=UTC 45 0 12 * * *": time.Date(2026, 3, 1, 12, 0, 45, 0, time.UTC),
		"CRON_TZ=UTC 0 0 29 2 *":    time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC),
	} {
		schedule, err := ParseSchedule(spec)
		if err != nil {
			t.Errorf("%q: %v", spec, err)
			continue
		}
		if got := schedule.Next(from); !got.Equal(want) {
			t.Errorf("%q comes at %v, want %v", spec, got, want)
		}
	}
}

func TestParseScheduleErrors(t *testing.T) {
	for spec, want := range map[string]string{
		"":                       "empty",
		"x":                      "expected 5 to 6 fields",
		"61 * * * *":             "above maximum",
		"@sometimes":             "unrecognized descriptor",
		"@every":                 "unrecognized descriptor",
		"@every x":               "failed to parse duration",
		"@every 500ms":           "comes every 500ms; at least 1s",
		"@every -1h":             "comes every -1h0m0s; at least 1s",
		"0 0 31 2 *":             "never comes",
		"TZ=UTC":                 "no schedule after it",
		"CRON_TZ=Nowhere * *":    "bad location",
		"CRON_TZ=../x 0 0 * * *": "bad location",
	} {
		if _, err := ParseSchedule(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", spec, err, want)
		}
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{10 * time.Second: "10s", 5 * time.Minute: "5m", 24 * time.Hour: "24h", 90 * time.Minute: "1h30m", 61 * time.Second: "1m1s"} {
		if got := manifest.AsSetting(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
