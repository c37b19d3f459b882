package converge

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// outcome is the result of a push for its client, for one ref.
type outcome int

const (
	unknown      outcome = iota // the client got no answer: the ref may have moved or not
	acknowledged                // the client was told that the server has the commit
	refused                     // the client was told that the server does not have the commit
)

// readOutcomes reads the result of each ref from the output of git push --porcelain. A ref
// that is missing from the output has an unknown result.
func readOutcomes(porcelain string) map[string]outcome {
	told := map[string]outcome{}
	for line := range strings.Lines(porcelain) {
		flag, rest, ok := strings.Cut(line, "\t")
		refs, summary, complete := strings.Cut(rest, "\t")
		_, ref, pair := strings.Cut(refs, ":")
		if !ok || !complete || !pair || len(flag) != 1 {
			continue
		}
		switch {
		case flag != "!":
			told[ref] = acknowledged
		case strings.HasPrefix(summary, "[remote rejected]"), strings.HasPrefix(summary, "[rejected]"):
			told[ref] = refused
		}
	}
	return told
}

// ledger records the pushes to one branch, where each commit is on top of the one before.
// It may be used by any goroutine.
type ledger struct {
	mu      sync.Mutex
	kept    []string        // the acknowledged commits, oldest first
	open    map[string]int  // commits on top of the last kept one: how many of their pushes may have succeeded
	refused map[string]bool // commits whose every push was refused
	tags    map[string]string
}

func newLedger(first string) *ledger {
	return &ledger{kept: []string{first}, open: map[string]int{}, refused: map[string]bool{}, tags: map[string]string{}}
}

// newest returns the last acknowledged commit, and the number of those before it.
func (l *ledger) newest() (commit string, position int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept[len(l.kept)-1], len(l.kept) - 1
}

// begin notes that the push of a commit has begun.
func (l *ledger) begin(commit string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[commit]++
	delete(l.refused, commit)
}

// end notes the result of the push of a commit.
func (l *ledger) end(commit string, how outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch how {
	case acknowledged:
		l.keep(commit)
	case refused:
		if l.open[commit]--; l.open[commit] <= 0 {
			delete(l.open, commit)
			l.refused[commit] = true
		}
	}
}

// keep notes that the server has a commit. Other commits on the same parent can no longer
// get to the branch. l.mu is held.
func (l *ledger) keep(commit string) {
	if l.kept[len(l.kept)-1] != commit {
		l.kept = append(l.kept, commit)
	}
	clear(l.open)
}

// keepTag notes that the push of a tag was acknowledged.
func (l *ledger) keepTag(tag, commit string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tags[tag] = commit
}

// keptTags are the tags that were acknowledged so far.
func (l *ledger) keptTags() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.tags)
}

// settle notes that the branch was seen at a commit. It returns an error if the branch
// cannot be at that commit: an acknowledged push is lost, or somebody has moved the branch.
func (l *ledger) settle(head string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.holds(head, len(l.kept)-1); err != nil {
		return err
	}
	l.keep(head)
	return nil
}

// includes returns an error if a branch at the given commit lacks one of the first commits
// that were acknowledged, up to a position.
func (l *ledger) includes(head string, position int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.holds(head, position)
}

func (l *ledger) holds(head string, position int) error {
	at := slices.Index(l.kept, head)
	switch {
	case at >= position, l.open[head] > 0:
		return nil
	case at >= 0:
		return fmt.Errorf("is at %.9s: %d acknowledged pushes are lost, the first of them %.9s", head, position-at, l.kept[at+1])
	case l.refused[head]:
		return fmt.Errorf("is at %.9s, of which every push was refused", head)
	}
	return fmt.Errorf("is at %q, which nobody has pushed", head)
}

// rewound returns an error if the moves of the branch, oldest first, lead back behind an
// acknowledged commit. A commit whose push failed may be among the moves: Git notes a move
// before it makes it.
func (l *ledger) rewound(moves []string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	positions := map[string]int{}
	for i, commit := range l.kept {
		positions[commit] = i
	}
	most := -1
	for _, commit := range moves {
		at, ok := positions[commit]
		switch {
		case ok && at < most:
			return fmt.Errorf("went back from %.9s to %.9s", l.kept[most], commit)
		case ok:
			most = at
		}
	}
	return nil
}
