package notify

import (
	"time"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/name"
)

// beginning is when there was first somebody to tell, and how far the apps were then.
type beginning struct {
	at   time.Time
	apps map[name.App]*appState
}

// begin notes how far the apps are, if the rules that have come into force have somebody told for
// the first time. The notifier looks a moment later: what ends in between is news, and what ended
// before is none, although records have their beginning in whole seconds.
func (n *Notifier) begin() {
	if !tells(n.config.Rules().Notifications()) {
		return
	}
	n.mu.Lock()
	known := !n.ledger.begun.IsZero() || n.beginning != nil
	n.mu.Unlock()
	if known {
		return
	}
	b := &beginning{at: time.Now(), apps: map[name.App]*appState{}}
	for _, app := range n.config.Engine.Apps() {
		if status, there := n.config.Engine.Status(app); there && status.Last != nil {
			b.apps[app] = &appState{Deploy: status.Last.Number}
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.beginning == nil { // else others came first
		n.beginning = b
	}
}

// firstChange is the change with which the telling begins.
func (n *Notifier) firstChange() *change {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.beginning == nil { // the server has started with such rules
		return &change{Forget: true, Begun: time.Now()}
	}
	return &change{Forget: true, Begun: n.beginning.at, Apps: n.beginning.apps}
}

// tells reports whether there is anybody to tell, and anything.
func tells(of *rules.Notifications) bool { return len(of.Receivers) > 0 && len(of.Tellings) > 0 }
