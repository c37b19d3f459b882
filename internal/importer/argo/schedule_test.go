package argo

import (
	"testing"
	"time"
)

func TestFewerBeginnings(t *testing.T) {
	for _, test := range []struct {
		schedule, lasts, want, length string
	}{
		{"* * * * *", "24h", "0 * * * *", "24h59m"},
		{"* 22 * * *", "1h", "0 22 * * *", "1h59m"},
		{"*/5 8-17 * * 1-5", "5m", "0 8-17 * * 1-5", "1h0m"},
		{"5-30/5,40/2 1 * * *", "10m", "5 1 * * *", "1h3m"},
		{"*/5 8 * * *", "4m", "*/5 8 * * *", "4m"},
		{"0,15,30,45 8 * * *", "1h", "0,15,30,45 8 * * *", "1h"},
		{"0 22 * * *", "1h", "0 22 * * *", "1h"},
		{"*/0 22 * * *", "1h", "*/0 22 * * *", "1h"},
		{"0-99 22 * * *", "1h", "0-99 22 * * *", "1h"},
		{"a-b 22 * * *", "1h", "a-b 22 * * *", "1h"},
		{"@daily", "1h", "@daily", "1h"},
	} {
		lasts, err := time.ParseDuration(test.lasts)
		if err != nil {
			t.Fatal(err)
		}
		want, err := time.ParseDuration(test.length)
		if err != nil {
			t.Fatal(err)
		}
		if got, last := fewer(test.schedule, lasts); got != test.want || last != want {
			t.Errorf("%s for %s: %q for %s, want %q for %s", test.schedule, test.lasts, got, last, test.want, want)
		}
	}
}
