// Package notify tells people and programs what happens: deploys, apps that fail, drift,
// clusters that are away. Who is told what are rules of admin.git.
//
// It is level-triggered: events only say where to look. What is found is compared with what
// is known to have been told (decide.go), and the difference, with the messages that follow
// from it, is one change of a journal on disk (journal.go). So a server that is killed tells
// nothing twice and forgets nothing. Each receiver has a line of its own (line.go).
package notify

import (
	"context"
	"slices"
	"sync"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/backup/offsite"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/event"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/notify/reach"
	"github.com/pushboat/pushboat/internal/outgoing"
	"github.com/pushboat/pushboat/internal/push"
	"github.com/pushboat/pushboat/internal/record"
)

// Engine is what the notifier looks at. deploy.Engine is one.
type Engine interface {
	Apps() []name.App
	Status(app name.App) (deploy.Status, bool)
	// Explain fills in the causes of what is not healthy.
	Explain(ctx context.Context, s *deploy.Status)
	// Seen reports whether all objects of an app are seen, or known to be gone.
	Seen(app name.App) bool
	// AtWork reports whether a deploy of a push goes on, or is to come.
	AtWork(push string) bool
	Outages() []deploy.Outage
}

// Settings are those of the section notify. A reload changes them.
type Settings struct {
	Files    string // the directory with addresses; "": none
	Reach    reach.Reach
	Outgoing outgoing.Config // of the way in Reach, for another process
}

// Config holds the parts of a Notifier. Every field is required.
type Config struct {
	Dir     string // of the outbox
	Engine  Engine
	Events  *event.Bus
	Records func(ctx context.Context, repo name.Repo, app name.App, before, most int) ([]record.Record, error) // newest first
	Rules   func() *rules.Rules                                                                                // in force
	Backups func() *offsite.State
	Silent  func() []Silent
	Keys    Keys
	Fence   func() error        // an error once another server has this one's place
	Server  string              // its id
	Fill    func(string) string // puts the server's address in the place of HOST
	Program []string            // that speaks to services
	Log     *logrus.Entry
}

// Notifier decides who is told what, and tells them. Use New.
type Notifier struct {
	config  Config
	changed chan struct{} // has one when the rules are others
	refused chan push.Refusal
	stop    context.CancelFunc
	ended   chan struct{}
	begun   bool // Start was called

	mu        sync.Mutex
	set       Settings
	journal   *journal
	ledger    *ledger
	beginning *beginning // nil: nobody was ever told anything, or since the start
	broken    error      // why there is no journal
	lines     map[string]*line

	look look // of the goroutine that decides
}

// maxRefusals bounds the refusals that wait to be told.
const maxRefusals = 256

// New opens the outbox. Without one, because a disk is full, nobody is told anything, and
// list says so.
func New(config Config, settings Settings) *Notifier {
	n := &Notifier{
		config: config, set: settings, changed: make(chan struct{}, 1), refused: make(chan push.Refusal, maxRefusals),
		stop: func() {}, ended: make(chan struct{}), ledger: newLedger(), lines: map[string]*line{}, look: newLook(),
	}
	j, l, lost, err := openJournal(config.Dir, config.Fence)
	if lost != nil {
		config.Log.Errorf("notify: the outbox is damaged: %v; what follows there is lost: messages may be missing, or come twice", lost)
	}
	if err != nil {
		config.Log.Errorf("notify: %v; nobody is told anything until the next start", err)
		n.broken = err
		return n
	}
	n.journal, n.ledger = j, l
	return n
}

// Configure gives the notifier its settings from now on.
func (n *Notifier) Configure(settings Settings) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.set = settings
	for _, l := range n.lines {
		l.again()
	}
}

func (n *Notifier) settings() Settings {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.set
}

// RulesMoved says that other rules may be in force.
func (n *Notifier) RulesMoved() {
	n.begin()
	select {
	case n.changed <- struct{}{}:
	default:
	}
}

// Refused tells of a refused push. It waits for nothing; of too many at once some are not told.
func (n *Notifier) Refused(r push.Refusal) {
	select {
	case n.refused <- r:
	default:
	}
}

// Start begins.
func (n *Notifier) Start() {
	if n.broken != nil {
		return
	}
	var ctx context.Context
	ctx, n.stop = context.WithCancel(context.Background())
	n.begun = true
	go n.run(ctx)
}

// Stop ends the work. What was decided and not sent is sent at the next start.
func (n *Notifier) Stop() {
	n.stop()
	if n.begun {
		<-n.ended
	}
	n.mu.Lock()
	lines := n.lines
	n.lines = map[string]*line{}
	n.mu.Unlock()
	for _, l := range lines {
		l.stop()
	}
	for _, l := range lines {
		<-l.ended // what it is sending may take stopWithin
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.journal != nil {
		n.journal.close()
	}
}

// commit makes a change of the journal. With an error, nothing has changed.
func (n *Notifier) commit(c *change) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.commitLocked(c)
}

func (n *Notifier) commitLocked(c *change) error {
	if n.journal == nil {
		return n.broken
	}
	return n.journal.write(n.ledger, c)
}

// queue returns the messages to a receiver, oldest first.
func (n *Notifier) queue(receiver string) []*Message {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.ledger.queues[receiver])
}

// setLines has a line for each receiver of other rules than before, and none for others, whose
// messages are dropped.
func (n *Notifier) setLines(current *rules.Notifications) {
	if n.look.rules == current {
		return
	}
	n.look.rules = current
	receivers := current.Receivers
	n.mu.Lock()
	var gone []*line
	for name, l := range n.lines {
		if !slices.ContainsFunc(receivers, func(r *rules.Receiver) bool { return r.Name == name }) {
			gone = append(gone, l)
			delete(n.lines, name)
		}
	}
	for _, r := range receivers {
		if l := n.lines[r.Name]; l != nil {
			l.again()
			continue
		}
		n.lines[r.Name] = newLine(n, r.Name)
	}
	c := &change{}
	for name, queue := range n.ledger.queues {
		if n.lines[name] == nil {
			for _, m := range queue {
				c.Done = append(c.Done, ref{name, m.ID})
			}
		}
	}
	n.mu.Unlock()
	for _, l := range gone {
		l.stop()
	}
	if !c.isEmpty() {
		_ = n.commit(c) // else they are dropped at the next change of the rules
	}
}

// ring wakes the lines that have messages.
func (n *Notifier) ring(messages []*Message) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, m := range messages {
		if l := n.lines[m.Receiver]; l != nil {
			l.ring()
		}
	}
}
