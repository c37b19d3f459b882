package notify

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/notify/reach"
)

// ReceiverState is how a receiver does. It has nothing of its address.
type ReceiverState struct {
	Name    string    `json:"name"`
	Kind    string    `json:"kind"`
	Address string    `json:"address"` // where it is kept: "receivers/ops.yaml", or a file of the server
	Queued  int       `json:"queued"`
	Waiting int       `json:"waiting"` // of these, for quiet times to end, or to be gathered
	Sent    int       `json:"sent"`    // since the server's start
	Failed  int       `json:"failed"`  // tries that failed, since then
	Dropped int       `json:"dropped"` // given up, since then
	Last    time.Time `json:"last,omitzero"`
	Failing bool      `json:"failing"`        // the last try failed
	Since   time.Time `json:"since,omitzero"` // the first failure after the last message that it took
	Tries   int       `json:"tries,omitempty"`
	Next    time.Time `json:"next,omitzero"`
	Error   string    `json:"error,omitempty"` // of the last that failed
}

// State tells how receivers do, in the order of the rules. trouble is why nobody is told
// anything; "" if somebody is.
func (n *Notifier) State() (receivers []ReceiverState, trouble string) {
	current := n.config.Rules().Notifications()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.broken != nil {
		trouble = "the outbox cannot be used: " + manifest.OneLine(n.broken.Error())
	}
	now := time.Now()
	receivers = []ReceiverState{}
	for _, r := range current.Receivers {
		s := ReceiverState{Name: r.Name, Kind: r.Kind, Address: orText(r.Sealed, r.File)}
		for _, m := range n.ledger.queues[r.Name] {
			s.Queued++
			if m.Due.After(now) {
				s.Waiting++
			}
		}
		if l := n.lines[r.Name]; l != nil {
			of := l.snapshot()
			s.Sent, s.Failed, s.Dropped, s.Last, s.Failing, s.Tries = of.sent, of.failed, of.dropped, of.last, of.failures > 0, of.failures
			s.Since, s.Error = of.since, of.err
			if s.Failing {
				s.Next = of.next
			}
		}
		receivers = append(receivers, s)
	}
	return receivers, trouble
}

// Tried is what became of a test.
type Tried struct {
	Receiver string        `json:"receiver"`
	Kind     string        `json:"kind"`
	ID       string        `json:"id"`
	Title    string        `json:"title"`
	Text     string        `json:"text"`
	Sent     bool          `json:"sent"`
	Took     time.Duration `json:"nanoseconds"`
	Error    string        `json:"error,omitempty"`
}

// ErrNoReceiver says that there is no receiver of a name.
var ErrNoReceiver = errors.New("there is no such receiver")

// Test sends a receiver a message as it would be told of a topic, at once and past its queue.
func (n *Notifier) Test(ctx context.Context, receiver string, topic rules.Topic) (Tried, error) {
	current := n.config.Rules().Notifications()
	r := current.Receiver(receiver)
	if r == nil {
		return Tried{}, ErrNoReceiver
	}
	news := sample(topic)
	news.Key = "test-" + rand.Text()
	m := newMessage(receiver, []News{news}, time.Now())
	m.Test = true
	w := wordsOf(m, current, n.config.Fill)
	begun := time.Now()
	err := n.deliver(ctx, receiver, m)
	return Tried{
		Receiver: receiver, Kind: r.Kind, ID: m.ID, Title: w.title, Text: w.text, Sent: err == nil, Took: time.Since(begun), Error: reach.Explain(err),
	}, nil
}

// sample is news of a topic as they might be.
func sample(topic rules.Topic) News {
	n := News{
		Key: "shop-42." + string(topic), Topic: topic, App: "shop", Repo: "shop", Branch: "main", Cluster: "default", Operator: "ana",
		Revision: "3f2c1ab3f2c1ab3f2c1ab3f2c1ab3f2c1ab3f2c1", Deploy: "shop-42", Cause: "push", Time: time.Date(2026, 1, 31, 18, 0, 0, 0, time.UTC),
		Title: "shop: " + topicWords[topic], Detail: "this is what news of the event " + string(topic) + " look like", Next: "ssh HOST status shop",
	}
	switch topic {
	case rules.ClusterAway, rules.BackupFailed, rules.KeyExpiring:
		n.App, n.Repo, n.Branch, n.Revision, n.Deploy, n.Cause = "", "", "", "", "", ""
		n.Title, n.Next = string(topic), "ssh HOST status --server"
	case rules.PushRefused:
		n.App, n.Deploy, n.Cause = "", "", ""
		n.Title, n.Next = "a push of ana to main of shop was refused", "git push -o plan"
	case rules.MirrorAway:
		n.App, n.Branch, n.Cluster, n.Revision, n.Deploy, n.Cause = "", "", "", "", "", ""
		n.Title, n.Next = "the upstream of shop does not answer", "ssh HOST repo info shop"
	}
	return n
}

// Propose says what is wrong with notifications to come: addresses that cannot be read, and
// texts that cannot be written.
func (n *Notifier) Propose(ctx context.Context, next *rules.Notifications) (problems manifest.Problems) {
	ctx, cancel := context.WithTimeout(ctx, reach.Within)
	defer cancel()
	former := n.config.Rules().Notifications()
	settings := n.settings()
	for _, r := range next.Receivers {
		if old := former.Receiver(r.Name); old != nil && old.Kind == r.Kind && old.File == r.File && string(old.Text) == string(r.Text) {
			continue // what was wrong with it since is no fault of this change
		}
		if _, err := (addresses{n.config.Keys, settings.Files}).of(ctx, r); err != nil {
			problems = append(problems, problemOf(r, err))
		}
	}
	for _, t := range next.Templates {
		if err := CheckTemplate(t.Text); err != nil {
			problems = append(problems, manifest.Problem{
				Source: t.At, Message: "the text of " + string(t.Topic) + " cannot be used: " + manifest.OneLine(err.Error()),
				Hint: "see docs/notifications.md for what a text can have",
			})
		}
	}
	return problems
}
