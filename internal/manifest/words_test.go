package manifest

import (
	"testing"
	"time"
)

func TestDurationsInWords(t *testing.T) {
	for d, want := range map[time.Duration]struct{ took, waited, roughly, setting string }{
		0:                                 {"0.0 s", "0 s", "0 s", "0s"},
		-time.Second:                      {"-1.0 s", "-1 s", "0 s", "-1s"},
		1500*time.Millisecond + 300:       {"1.5 s", "1 s", "1 s", "1.5s"},
		45 * time.Second:                  {"45.0 s", "45 s", "45 s", "45s"},
		5 * time.Minute:                   {"5 min 0 s", "5 min", "5 min", "5m"},
		125 * time.Second:                 {"2 min 5 s", "2 min 5 s", "2 min", "2m5s"},
		time.Hour:                         {"60 min 0 s", "60 min", "1 h", "1h"},
		time.Hour + time.Second:           {"60 min 1 s", "60 min 1 s", "1 h", "1h0m1s"},
		90 * time.Minute:                  {"90 min 0 s", "90 min", "1 h", "1h30m"},
		75*time.Hour + 2*time.Millisecond: {"4500 min 0 s", "4500 min", "3 d", "75h0m0.002s"},
	} {
		if got := Took(d); got != want.took {
			t.Errorf("%v took %q, want %q", d, got, want.took)
		}
		if got := Waited(d); got != want.waited {
			t.Errorf("%v waited %q, want %q", d, got, want.waited)
		}
		if got := Roughly(d); got != want.roughly {
			t.Errorf("%v roughly %q, want %q", d, got, want.roughly)
		}
		if got := AsSetting(d); got != want.setting {
			t.Errorf("%v as a setting %q, want %q", d, got, want.setting)
		}
	}
}

func TestPlural(t *testing.T) {
	for n, want := range map[int]string{0: "0 objects", 1: "1 object", 2: "2 objects"} {
		if got := Plural(n, "object"); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
}
