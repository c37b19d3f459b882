package notify

import (
	"slices"
	"time"

	"github.com/pushboat/pushboat/internal/access/rules"
)

// timing is when a receiver is told of news.
type timing struct {
	rule string    // that has them wait; "": they do not
	due  time.Time // zero: at once
}

// timingOf decides whether and when a receiver is told of news. Of several rules the one
// that tells it first counts. News that something is over go to whoever was told that it is.
func timingOf(n *rules.Notifications, receiver string, news *News, now time.Time) (when timing, tells bool) {
	for _, t := range n.Tellings {
		if !slices.Contains(t.To, receiver) || !t.Covers(news.Topic, news.App, news.Repo, news.Cluster) {
			continue
		}
		at := timing{}
		if t.Digest > 0 {
			at = timing{t.Name, now.Add(t.Digest)}
		}
		if t.Quiet != nil {
			begin := now
			if !at.due.IsZero() {
				begin = at.due
			}
			if over := t.Quiet.Over(begin); !over.IsZero() {
				at = timing{t.Name, over}
			}
		}
		if !tells || at.due.Before(when.due) {
			when, tells = at, true
		}
	}
	told := slices.Contains(news.Told, receiver)
	if news.Ended {
		return when, told
	}
	return when, tells || told
}

// deal makes the messages of news: one for each receiver and group. waiting are messages that
// are not due, to which news of the same rule are added. told has the receivers of each, by
// the key of the news.
func deal(n *rules.Notifications, news []News, waiting []*Message, now time.Time) (messages []*Message, told map[string][]string) {
	told = map[string][]string{}
	for _, receiver := range n.Receivers {
		type heap struct {
			timing
			group string
			news  []News
		}
		var heaps []*heap
		for i := range news {
			when, tells := timingOf(n, receiver.Name, &news[i], now)
			if !tells {
				continue
			}
			told[news[i].Key] = union(told[news[i].Key], []string{receiver.Name})
			group := news[i].group()
			if when.rule != "" {
				group = ""
			}
			at := slices.IndexFunc(heaps, func(h *heap) bool { return h.group == group && h.rule == when.rule })
			if at < 0 {
				at = len(heaps)
				heaps = append(heaps, &heap{timing: when, group: group})
			}
			heaps[at].news = append(heaps[at].news, news[i])
		}
		for _, h := range heaps {
			messages = append(messages, gathered(receiver.Name, h.timing, h.news, waiting, now))
		}
	}
	return messages, told
}

// gathered is a message of news, or one that waits already, with them.
func gathered(receiver string, when timing, news []News, waiting []*Message, now time.Time) *Message {
	if when.rule != "" {
		at := slices.IndexFunc(waiting, func(m *Message) bool {
			return m.Receiver == receiver && m.Rule == when.rule && m.Due.After(now)
		})
		if at >= 0 {
			m := *waiting[at]
			m.add(news)
			return &m
		}
	}
	m := newMessage(receiver, news, now)
	m.Rule, m.Due = when.rule, when.due
	return m
}
