package notify

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

// settle is how long something must stand before it is told: pods are replaced, drift is
// taken back, and API servers restart all the time.
const settle = 10 * time.Second

// open is something that was told and is not over.
type open struct {
	Key      string    `json:"key"`
	Since    time.Time `json:"since"`
	Revision string    `json:"revision,omitempty"` // of the deploy, if it is about one
	Told     []string  `json:"told,omitempty"`     // receivers
}

// appState is what is known to have been told of an app.
type appState struct {
	Deploy int                   `json:"deploy"`         // the newest record that needs no telling any more
	Begun  int                   `json:"begun"`          // how many things began
	Open   map[rules.Topic]*open `json:"open,omitempty"` // what stands

	first map[rules.Topic]time.Time // when something was seen first that was not told
}

func (s appState) clone() appState {
	stands := make(map[rules.Topic]*open, len(s.Open))
	for topic, o := range s.Open {
		copied := *o
		stands[topic] = &copied
	}
	s.Open, s.first = stands, maps.Clone(s.first)
	if s.first == nil {
		s.first = map[rules.Topic]time.Time{}
	}
	return s
}

// sight is how an app is, and what has become of it.
type sight struct {
	status  deploy.Status
	there   bool            // false: there is no such app any more
	seen    bool            // all of its objects are: it is as the status says
	records []record.Record // newer than the state has, oldest first
}

// decision is the outcome of a look at one app.
type decision struct {
	news  []News
	state appState
	again time.Duration // look again then; 0: when something happens
}

// deciding is a look at one app.
type deciding struct {
	decision
	sight
	now time.Time
}

// decide says what is news about an app since its state. A record that ended before begun is
// none, see endedBefore.
func decide(was appState, saw sight, begun, now time.Time) decision {
	d := &deciding{decision: decision{state: was.clone()}, sight: saw, now: now}
	if !saw.there {
		d.leave("is no app any more")
		d.state = appState{}
		return d.decision
	}
	if last := saw.status.Last; last != nil && last.Number < d.state.Deploy {
		d.state.Deploy = last.Number // its deploys are counted anew
	}
	for _, r := range saw.records {
		if r.Number > d.state.Deploy {
			d.state.Deploy = r.Number
			if !endedBefore(r, begun) {
				d.record(r)
			}
		}
	}
	if saw.status.Last != nil && saw.status.Last.Result == record.Removed {
		d.leave("was removed")
		return d.decision
	}
	d.grant()
	if d.isVisible() {
		d.health()
		d.drift()
	}
	return d.decision
}

// isVisible reports whether the app's objects are as its status says, and nothing is under way
// that would change them.
func (d *deciding) isVisible() bool {
	s := &d.status
	return d.seen && s.Running == "" && (s.Outage == nil || !s.Outage.Unreachable)
}

// leave ends everything that stands.
func (d *deciding) leave(why string) {
	for _, topic := range slices.Sorted(maps.Keys(d.state.Open)) {
		d.ended(topic, why)
	}
}

// about begins news about the app.
func (d *deciding) about(topic rules.Topic) News {
	s := &d.status
	return News{
		Topic: topic, App: string(s.App), Repo: string(s.Repo), Branch: string(s.Branch), Cluster: s.Cluster,
		Revision: string(s.Revision), Time: d.now,
	}
}

// record tells how a deploy ended.
func (d *deciding) record(r record.Record) {
	topic, ok := topicOf(r)
	if !ok {
		return
	}
	stands := d.state.Open[topic]
	if stands != nil && stands.Revision == string(r.Revision) && r.Cause.Checks() {
		return // the server has tried again by itself, and it goes on
	}
	n := d.about(topic)
	n.Key = r.ID() + "." + string(topic)
	n.Deploy, n.Revision, n.Operator, n.Cause = r.ID(), string(r.Revision), r.Operator, string(r.Cause)
	n.Branch, n.Cluster = string(r.Branch), r.Cluster
	if r.Push != "" {
		n.Group = "push-" + r.Push
	}
	said, next := report.Told(r)
	n.Title, n.Detail, _ = strings.Cut(said, "\n")
	n.Detail, n.Next = shorten(n.Detail), firstLine(next)
	n.Time = r.Started.Add(time.Duration(r.Seconds * float64(time.Second)))
	if topic == rules.DeploySucceeded {
		for _, over := range []rules.Topic{rules.DeployFailed, rules.DeployHeld, rules.AppFailing} {
			if was := d.state.Open[over]; was != nil {
				n.Ends, n.Told = was.Key, union(n.Told, was.Told)
				delete(d.state.Open, over)
			}
		}
	} else if stands == nil {
		d.state.Open[topic] = &open{Key: n.Key, Since: n.Time, Revision: n.Revision}
	} else {
		n.Ends, stands.Revision = stands.Key, n.Revision // another deploy, the same thing
	}
	d.news = append(d.news, n)
}

// topicOf is what a record is news about. One that only says that an app was suspended,
// resumed, restarted or corrected, or that another came before it, is none.
func topicOf(r record.Record) (topic rules.Topic, ok bool) {
	switch {
	case r.Result == record.Deployed:
		return rules.DeploySucceeded, true
	case r.Result == record.Failed, r.Result == record.Unhealthy:
		return rules.DeployFailed, true
	case r.Result == record.Waiting, r.Result == record.Suspended && r.Cause != record.CauseSuspend:
		return rules.DeployHeld, true
	}
	return "", false
}

// stands notes whether something stands: it is told when it has for a while, and when it is
// over.
func (d *deciding) stands(topic rules.Topic, is bool, tell func(n *News)) {
	first, waits := d.state.first[topic]
	switch was := d.state.Open[topic]; {
	case is && was != nil:
		return
	case is && !waits:
		first, d.state.first[topic] = d.now, d.now
		fallthrough
	case is:
		if left := settle - d.now.Sub(first); left > 0 && topic != rules.GrantHolds {
			if d.again == 0 || left < d.again {
				d.again = left
			}
			return
		}
		delete(d.state.first, topic)
		d.state.Begun++
		n := d.about(topic)
		n.Key = fmt.Sprintf("%s.%s.%d", n.App, topic, d.state.Begun)
		tell(&n)
		n.Detail = shorten(n.Detail)
		d.state.Open[topic] = &open{Key: n.Key, Since: d.now}
		d.news = append(d.news, n)
	case was != nil:
		d.ended(topic, "")
	default:
		delete(d.state.first, topic)
	}
}

// ended tells that something is over.
func (d *deciding) ended(topic rules.Topic, why string) {
	was := d.state.Open[topic]
	delete(d.state.Open, topic)
	n := d.about(topic)
	n.Ended, n.Key, n.Ends, n.Told = true, was.Key+".ended", was.Key, was.Told
	n.Title = n.App + ": " + orText(why, overWords[topic])
	d.news = append(d.news, n)
}

// overWords say that something is over.
var overWords = map[rules.Topic]string{
	rules.AppFailing: "healthy again", rules.DriftFound: "in sync again", rules.DriftFight: "nobody changes it again any more",
	rules.GrantHolds: "no longer held by the grant of its repository", rules.DeployFailed: "the failed deploy is over",
	rules.DeployHeld: "not held any more",
}

func orText(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// health tells that objects are not healthy, after a deploy that was.
func (d *deciding) health() {
	s := &d.status
	if d.state.Open[rules.DeployFailed] != nil && s.Last != nil && !s.Last.Stands().OK() {
		delete(d.state.first, rules.AppFailing)
		return // which was told
	}
	d.stands(rules.AppFailing, len(s.Sick) > 0, func(n *News) {
		var lines []string
		for _, sick := range s.Sick {
			line := sick.Object + ": " + sick.State
			if sick.Cause != "" {
				line += ": " + sick.Cause
			}
			lines = append(lines, manifest.OneLine(line))
		}
		n.Title, n.Detail = n.App+": not healthy: "+lines[0], strings.Join(lines[1:], "\n")
		n.Next = "ssh HOST status " + n.App
	})
}

// drift tells of differences that are not taken back, and of somebody who makes them again.
func (d *deciding) drift() {
	s := &d.status
	fights := len(s.Fights) > 0
	d.stands(rules.DriftFight, fights, func(n *News) {
		var lines []string
		for _, f := range s.Fights {
			lines = append(lines, manifest.OneLine(fmt.Sprintf("%s is changed again by %s after each correction, %d times", f.Object, f.With, f.Times)))
		}
		n.Title, n.Detail = n.App+": "+lines[0], strings.Join(lines[1:], "\n")
		n.Next = "ssh HOST drift " + n.App
	})
	d.stands(rules.DriftFound, s.Sync == deploy.Drifted && !fights, func(n *News) {
		var lines []string
		for _, found := range s.Found {
			lines = append(lines, manifest.OneLine(found.Object+" "+found.What))
		}
		if len(lines) == 0 {
			lines = []string{"differs from its revision"}
		}
		n.Title, n.Detail = n.App+": drifted, and not corrected: "+lines[0], strings.Join(lines[1:], "\n")
		n.Next = "ssh HOST drift " + n.App
	})
}

// grant tells that the app is held by what its repository may deploy.
func (d *deciding) grant() {
	d.stands(rules.GrantHolds, d.status.Forbidden != "", func(n *News) {
		n.Title, n.Detail = n.App+": held by the grant of its repository: neither deployed nor corrected", d.status.Forbidden
		n.Next = "ssh HOST status " + n.App
	})
}

// Limits of the words of one piece of news.
const (
	maxDetail = 2000 // bytes
	maxTitle  = 300
)

// shorten bounds a detail.
func shorten(text string) string {
	if len(text) <= maxDetail {
		return text
	}
	return strings.ToValidUTF8(text[:maxDetail], "") + "…"
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// union has the words of both lists, each once.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// maxRecords bounds the deploys of one app that one look tells of.
const maxRecords = 50
