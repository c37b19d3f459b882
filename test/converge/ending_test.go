package converge

import (
	"fmt"
	"regexp"
	"strings"
)

// cause is the reason why a server ends.
type cause int

const (
	none   cause = iota
	asked        // by SIGTERM or a drain
	killed       // by SIGKILL
	parted       // cut off from its cluster, or frozen, until another server took its place
)

// ending is how a server has ended.
type ending struct {
	why    cause
	paired bool
	status int // -1: a signal ended it
	log    string
}

var (
	saysStale = regexp.MustCompile(`another server has taken this one's place`)
	saysFull  = regexp.MustCompile(`no space left on device`)
)

// wrong describes what is wrong with an ending; "" means nothing.
func (e ending) wrong() string {
	staleness := e.status == 1 && saysStale.MatchString(e.log)
	switch {
	case e.why == killed && e.status == -1, e.why == asked && e.status == 0:
		return ""
	case e.why == asked && e.status == -1 && e.log == "": // the signal ended a server that had hardly begun
		return ""
	case e.paired && staleness: // the server may have lost its lease without a fault
		return ""
	case e.paired && e.why != parted && e.status == 1 && saysFull.MatchString(e.log): // see docs/high-availability.md
		return ""
	}
	return fmt.Sprintf("ended with status %d (%s)", e.status, [...]string{"by itself", "asked to stop", "killed", "after another one had its place"}[e.why])
}

// lastLines is the end of a log, without the lines about the questions of the probe.
func lastLines(log string) string {
	var lines []string
	for line := range strings.Lines(log) {
		if !strings.Contains(line, "command=version") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-40):], "")
}
