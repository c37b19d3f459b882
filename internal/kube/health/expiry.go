package health

import (
	"strconv"
	"time"
)

// expiryLayouts are the forms of a time in the annotation of kube-janitor and the label
// of Kyverno, which cannot contain colons.
var expiryLayouts = []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02T150405Z", "2006-01-02"}

// Expiry returns the time when an object should be deleted, by its metadata for
// kube-janitor (janitor/ttl, janitor/expires) and Kyverno (cleanup.kyverno.io/ttl);
// zero if there is none that can be read.
func Expiry(created time.Time, annotations, labels map[string]string) time.Time {
	for _, text := range []string{annotations["janitor/ttl"], annotations["janitor/expires"], labels["cleanup.kyverno.io/ttl"]} {
		if text == "" {
			continue
		}
		if span, ok := lifetime(text); ok {
			return created.Add(span)
		}
		for _, layout := range expiryLayouts {
			if at, err := time.Parse(layout, text); err == nil {
				return at
			}
		}
	}
	return time.Time{}
}

// lifetime parses a duration in Go's notation, or in days or weeks: "7d".
func lifetime(text string) (time.Duration, bool) {
	if span, err := time.ParseDuration(text); err == nil && span > 0 {
		return span, true
	}
	units := map[byte]time.Duration{'d': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
	unit, known := units[text[len(text)-1]]
	n, err := strconv.ParseUint(text[:len(text)-1], 10, 16) // more days than anybody waits
	return time.Duration(n) * unit, known && err == nil && n > 0
}
