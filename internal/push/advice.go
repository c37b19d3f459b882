package push

import (
	"fmt"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/report"
)

// advise prints a hint after a push that Git itself has refused, or that its client has
// not begun, where Git's own messages give none.
func (p *push) advise(status int) {
	if p.gate.Stopped() != "" {
		return // stoppedText has the hint
	}
	p.mu.Lock()
	judged := p.judged
	p.mu.Unlock()
	full := status != 0 && !judged && p.door.Disk() != nil
	fmt.Fprint(p.session.Stderr(), report.Hints(advice(status, judged, full, p.talk)))
}

// advice returns the hint. judged says that the push reached the gate, full that the
// server's disk cannot be written to.
func advice(status int, judged, full bool, talk *git.Talk) string {
	switch {
	case judged:
		return ""
	case full:
		return "the server's disk cannot be written to: tell its operator, then push again"
	case talk.Trouble() != nil:
		return talk.Trouble().Error() + ":\npush fewer refs at once, or without --signed"
	case status != 0 && !talk.Began():
		return "repositories here are SHA-1; nothing can be pushed from one of SHA-256"
	case talk.Asks() && talk.Shallow():
		return "this clone is shallow, and the server lacks what it lacks:\n" +
			"git fetch --unshallow, then push again\n" +
			"(GitHub Actions: fetch-depth: 0; GitLab CI: GIT_DEPTH: 0)"
	}
	return ""
}
