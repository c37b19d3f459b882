package apply

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
)

// testLog is a Log that keeps its lines.
type testLog struct {
	mu    sync.Mutex
	lines []string
	waits []string
}

func (l *testLog) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
}

func (l *testLog) Printf(format string, args ...any) { l.add(fmt.Sprintf(format, args...)) }

func (l *testLog) Event(word string, id manifest.ID, detail string) {
	l.add(strings.TrimRight(word+" "+id.String()+" "+detail, " "))
}

func (l *testLog) Warn(warnings manifest.Problems) {
	for _, w := range warnings {
		l.add("warning: " + w.Message)
	}
}

func (l *testLog) WaitsFor(what string, _ time.Duration) { l.StillWaitsFor(what) }

func (l *testLog) StillWaitsFor(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waits = append(l.waits, what)
}

// countWaits returns how often the log has reported what the deploy waits for.
func (l *testLog) countWaits() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waits)
}

// String returns all lines.
func (l *testLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}
