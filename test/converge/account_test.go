package converge

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// report logs a summary of the steps and of the findings.
func (s *storm) report(seed uint64) {
	var text strings.Builder
	line := func(what, format string, args ...any) {
		fmt.Fprintf(&text, "  %-46s %s\n", what, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(&text, "%d faults in %s, seed %d\n", s.step, time.Since(s.begun).Round(time.Second), seed)
	for _, name := range slices.Sorted(maps.Keys(s.counts)) {
		line(name, "%d", s.counts[name])
	}
	var pushes tally
	commits, tags := 0, 0
	for _, p := range s.writers {
		pushes.acknowledged += p.tally.acknowledged
		pushes.refused += p.tally.refused
		pushes.unknown += p.tally.unknown
		_, position := p.ledger.newest()
		commits += position + 1
		tags += len(p.ledger.keptTags())
	}
	line("pushes acknowledged", "%d (refused %d, end unknown %d)", pushes.acknowledged, pushes.refused, pushes.unknown)
	line("commits and tags that were there in the end", "%d, %d", commits, tags)
	line("acknowledged pushes lost", "0")
	line("refs that went back", "0")
	line("changes of the cluster, by servers", "%d, %d", s.writes, len(s.fleet.allReigns()))
	line("of them by a server that was replaced", "0")
	line("backups restored, and cut off", "%d, %d", s.backups.proved, s.backups.cut)
	for _, why := range []cause{asked, killed, parted} {
		if taken := s.fleet.takenAfter(why); len(taken) > 0 {
			line("another server served, when one was "+[...]string{asked: "stopped", killed: "killed", parted: "frozen or cut off"}[why],
				"after %s (median of %d), at most %s", taken[len(taken)/2], len(taken), taken[len(taken)-1])
		}
	}
	line("longest without a server", "%s, amid: %s", s.outages.longest.Round(10*time.Millisecond), strings.Join(s.outages.amid, "; "))
	s.t.Log(text.String())
}
