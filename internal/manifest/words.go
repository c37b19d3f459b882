package manifest

import (
	"fmt"
	"strings"
	"time"
)

// Numbers and durations in words. People read durations with units apart ("2 min 5 s");
// settings are written as Go does ("2m5s").

// Plural writes a number with its noun: "1 problem", "2 problems".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// PluralDoes writes a number with its noun and what they do: "1 object stays", "2 objects
// stay".
func PluralDoes(n int, noun, one, many string) string {
	if n == 1 {
		return "1 " + noun + " " + one
	}
	return Plural(n, noun) + " " + many
}

// Took writes how long something took: "4.3 s", "2 min 5 s".
func Took(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}

// Waited writes a wait, or its limit, in whole seconds: "45 s", "5 min", "2 min 5 s".
func Waited(d time.Duration) string {
	minutes, rest := int(d.Minutes()), int(d.Seconds())%60
	switch {
	case minutes == 0:
		return fmt.Sprintf("%d s", rest)
	case rest == 0:
		return fmt.Sprintf("%d min", minutes)
	}
	return fmt.Sprintf("%d min %d s", minutes, rest)
}

// Roughly writes a duration in its largest unit, rounded down: "2 min", "3 d". One that
// is negative is "0 s".
func Roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(int(d.Seconds()), 0))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}

// AsSetting writes a duration as a setting has it, to the millisecond and without units
// that are zero at its end: 5m, not 5m0s.
func AsSetting(d time.Duration) string {
	text := d.Round(time.Millisecond).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
