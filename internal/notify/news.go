package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/access/rules"
)

// News is one thing that happened to one app, one cluster, or the server.
type News struct {
	Key      string      `json:"key"` // always the same for the same thing: by it a receiver knows what it has
	Topic    rules.Topic `json:"event"`
	Ended    bool        `json:"ended,omitempty"` // what the topic says is over
	App      string      `json:"app,omitempty"`
	Repo     string      `json:"repository,omitempty"`
	Branch   string      `json:"branch,omitempty"`
	Cluster  string      `json:"cluster,omitempty"`
	Deploy   string      `json:"deploy,omitempty"`
	Revision string      `json:"revision,omitempty"`
	Operator string      `json:"operator,omitempty"`
	Cause    string      `json:"cause,omitempty"` // of the deploy
	Title    string      `json:"title"`           // one line
	Detail   string      `json:"detail,omitempty"`
	Next     string      `json:"next,omitempty"` // the line to type next
	Page     string      `json:"page,omitempty"` // the address of the page that shows it
	Time     time.Time   `json:"time"`

	Ends  string   `json:"ends,omitempty"`  // the key of the news that this one ends
	Group string   `json:"group,omitempty"` // news of one group are one message; "": by topic
	Told  []string `json:"-"`               // the receivers of the news that this one ends
}

// group is what the news share a message by.
func (n *News) group() string {
	group := n.Group
	if group == "" {
		group = "all"
	}
	if n.Ended {
		return group + "." + string(n.Topic) + ".ended"
	}
	return group + "." + string(n.Topic)
}

// Message is what one receiver is to be told.
type Message struct {
	ID       string    `json:"id"` // unique for the receiver
	Receiver string    `json:"receiver"`
	Decided  time.Time `json:"decided"`
	Due      time.Time `json:"due,omitzero"`     // not before; zero: at once
	Rule     string    `json:"rule,omitempty"`   // of messages that wait: by which more is added
	News     []News    `json:"news"`             // at most maxNews
	More     int       `json:"more,omitempty"`   // news that had no room
	Test     bool      `json:"test,omitempty"`   // somebody asked for it
	Thread   string    `json:"thread,omitempty"` // the first news of the thing that it is about
}

// maxNews bounds the news of one message.
const maxNews = 100

// Severity is that of the worst of its news that are not over.
func (m *Message) Severity() rules.Severity {
	worst := rules.Info
	for i := range m.News {
		if n := &m.News[i]; !n.Ended {
			worst = max(worst, n.Topic.Severity())
		}
	}
	return worst
}

// newMessage makes a message of news of one group.
func newMessage(receiver string, news []News, now time.Time) *Message {
	m := &Message{Receiver: receiver, Decided: now}
	m.add(news)
	m.ID = idOf(news)
	if len(news) == 1 {
		m.Thread = news[0].Ends
	}
	if m.Thread == "" {
		m.Thread = m.ID
	}
	return m
}

func (m *Message) add(news []News) {
	room := min(maxNews-len(m.News), len(news))
	m.News = append(slices.Clone(m.News), news[:room]...)
	m.More += len(news) - room
}

// idOf names a message by its news.
func idOf(news []News) string {
	if len(news) == 1 {
		return news[0].Key
	}
	keys := make([]string, len(news))
	for i := range news {
		keys[i] = news[i].Key
	}
	slices.Sort(keys)
	sum := sha256.Sum256([]byte(strings.Join(keys, "\n")))
	return news[0].group() + "." + hex.EncodeToString(sum[:8])
}
