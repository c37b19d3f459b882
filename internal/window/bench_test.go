package window

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkNextOpen looks for a time that never comes, as far as it looks.
func BenchmarkNextOpen(b *testing.B) {
	for _, n := range []int{1, 20, 200} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var set Set
			for i := range n {
				set = append(set, parsed(b, fmt.Sprintf(`{name: w%d, deny: {schedule: "%d,15,30,45 * * * *", duration: 14m, timeZone: Europe/Berlin}}`, i, i%15)))
			}
			set = append(set, parsed(b, `{name: never, allow: {schedule: "0 * * * *", duration: 1m, timeZone: Europe/Berlin}}`))
			now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
			for b.Loop() {
				if _, opens := (Sets{set}).NextOpen(now); opens {
					b.Fatal("opens")
				}
			}
		})
	}
}
