package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/window"
)

// Topic is what a notification is about, by the word of notifications.yaml.
type Topic string

// The topics.
const (
	DeploySucceeded Topic = "deploySucceeded"
	DeployFailed    Topic = "deployFailed"
	DeployHeld      Topic = "deployHeld"  // it waits for a window, or for the end of a suspension
	PushRefused     Topic = "pushRefused" // to a deployed branch
	AppFailing      Topic = "appFailing"  // after its deploy
	DriftFound      Topic = "driftFound"  // and not taken back
	DriftFight      Topic = "driftFight"  // somebody changes an object again after each correction
	ClusterAway     Topic = "clusterAway"
	BackupFailed    Topic = "backupFailed"
	MirrorAway      Topic = "mirrorAway"  // an upstream or a remote
	KeyExpiring     Topic = "keyExpiring" // of an operator, or of an authority for certificates
	GrantHolds      Topic = "grantHolds"  // an app is neither deployed nor corrected
)

// Severity says how bad something is.
type Severity int

// The severities, least first.
const (
	Info Severity = iota
	Warning
	Critical
)

var severityWords = []string{"info", "warning", "critical"}

// String returns the word of notifications.yaml.
func (s Severity) String() string { return severityWords[s] }

// MarshalText writes the word.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *Severity) UnmarshalText(text []byte) error {
	at := slices.Index(severityWords, string(text))
	if at < 0 {
		return fmt.Errorf("%q is no severity", text)
	}
	*s = Severity(at)
	return nil
}

// severities has every topic, with its severity.
var severities = map[Topic]Severity{
	DeploySucceeded: Info, DeployFailed: Critical, DeployHeld: Warning, PushRefused: Warning,
	AppFailing: Critical, DriftFound: Warning, DriftFight: Warning, ClusterAway: Critical,
	BackupFailed: Critical, MirrorAway: Warning, KeyExpiring: Warning, GrantHolds: Critical,
}

// Topics are all topics, in the order of the documentation.
var Topics = []Topic{
	DeploySucceeded, DeployFailed, DeployHeld, PushRefused, AppFailing, DriftFound, DriftFight, ClusterAway, BackupFailed, MirrorAway, KeyExpiring, GrantHolds,
}

// ParseTopic reads the word of a topic. Its error ends with the next thing to try.
func ParseTopic(word string) (Topic, error) {
	if topic := Topic(word); slices.Contains(Topics, topic) {
		return topic, nil
	}
	return "", fmt.Errorf("%q is no event: %s", manifest.Clean(word), hintTopic(word))
}

// Severity is how bad news of the topic is.
func (t Topic) Severity() Severity { return severities[t] }

// about lists the fields of a rule that can say what of the topic it is about.
func (t Topic) about() []string {
	switch t {
	case PushRefused, MirrorAway:
		return []string{"repositories"}
	case ClusterAway:
		return []string{"clusters"}
	case BackupFailed, KeyExpiring:
		return nil
	}
	return []string{"apps", "repositories", "clusters"}
}

// Receiver is somebody or something that is told. Its address is a secret, and not here: it
// is in a file of admin.git that SOPS has encrypted, or in one on the server's disk.
type Receiver struct {
	Name   string
	Kind   string // "webhook", "mail", or a service: "slack"
	Sealed string // the path of the encrypted file in admin.git; "": none
	Text   []byte // of that file
	File   string // on the server's disk; "": none
	At     manifest.Source
}

// Telling is a rule of notifications.yaml: who is told of what, and when. A list that is nil
// does not restrict it.
type Telling struct {
	Name     string
	To       []string // receivers
	Topics   []Topic
	Severity Severity // the least
	Apps     []pattern
	Repos    []pattern
	Clusters []pattern
	Quiet    *window.Times // messages wait for its end; nil: none
	Digest   time.Duration // messages are gathered for so long; 0: they are not
	At       manifest.Source
}

// Template is a text that takes the place of the server's own.
type Template struct {
	Topic Topic
	Text  string
	At    manifest.Source
}

// Notifications are what notifications.yaml says. The zero Notifications tell nobody.
type Notifications struct {
	Receivers []*Receiver // in the file's order
	Tellings  []*Telling
	Templates []*Template
}

// Notifications returns who is told what.
func (r *Rules) Notifications() *Notifications { return &r.notifications }

// Receiver returns the receiver of a name; nil if there is none.
func (n *Notifications) Receiver(name string) *Receiver {
	at := slices.IndexFunc(n.Receivers, func(r *Receiver) bool { return r.Name == name })
	if at < 0 {
		return nil
	}
	return n.Receivers[at]
}

// Template returns the text that takes the place of the server's own for a topic; nil for none.
func (n *Notifications) Template(t Topic) *Template {
	at := slices.IndexFunc(n.Templates, func(of *Template) bool { return of.Topic == t })
	if at < 0 {
		return nil
	}
	return n.Templates[at]
}

// Covers reports whether the rule is about news: where they are from is "" if they are of no
// app, no repository or no cluster. A rule for some apps is about news of apps only.
func (t *Telling) Covers(topic Topic, app, repo, cluster string) bool {
	return (t.Topics == nil || slices.Contains(t.Topics, topic)) && topic.Severity() >= t.Severity &&
		fits(t.Apps, app) && fits(t.Repos, repo) && fits(t.Clusters, cluster)
}

func fits(patterns []pattern, name string) bool {
	return patterns == nil || name != "" && glob.Fit(patterns, name)
}

// text says in words what the rule tells, and to whom.
func (t *Telling) text() string {
	text := "tells " + strings.Join(t.To, ", ") + " of "
	switch {
	case t.Topics == nil && t.Severity > Info:
		text += "everything that is " + t.Severity.String() + " or worse"
	case t.Topics == nil:
		text += "everything"
	default:
		words := make([]string, len(t.Topics))
		for i, topic := range t.Topics {
			words[i] = string(topic)
		}
		text += strings.Join(words, ", ")
		if t.Severity > Info {
			text += " that is " + t.Severity.String() + " or worse"
		}
	}
	text += among("apps", t.Apps) + among("repositories", t.Repos) + among("clusters", t.Clusters)
	if t.Quiet != nil {
		text += ", quiet " + t.Quiet.Text()
	}
	if t.Digest > 0 {
		text += ", gathered for " + t.Digest.String()
	}
	return text
}

// notifications compares who is told what.
func (c *comparison) notifications() {
	was, is := &c.before.notifications, &c.after.notifications
	compareNamed(c, "receiver ", was.Receivers, is.Receivers)
	compareNamed(c, "notification ", was.Tellings, is.Tellings)
	compareNamed(c, "text of ", was.Templates, is.Templates)
}

func (r *Receiver) name() string { return r.Name }
func (t *Telling) name() string  { return t.Name }
func (t *Template) name() string { return string(t.Topic) }

// text says what a receiver is; the address is a secret.
func (r *Receiver) text() string {
	if r.File != "" {
		return "is told by " + r.Kind + ", at the address in a file of the server"
	}
	return "is told by " + r.Kind + ", at the address in " + r.Sealed
}

func (t *Template) text() string { return "is as notifications.yaml says" }

func (r *Receiver) print() string { return r.text() + r.File + string(r.Text) }
func (t *Telling) print() string  { return t.text() }
func (t *Template) print() string { return t.Text }

func (r *Receiver) gone() string { return "is no more: it " + r.text() }
func (t *Telling) gone() string  { return "is no more: it " + t.text() }
func (t *Template) gone() string { return "is the server's own again" }

// named is an entry of notifications.yaml.
type named interface {
	name() string
	text() string  // what it does, in words
	print() string // tells one version of it from another
	gone() string  // says that it was removed
}

func compareNamed[T named](c *comparison, what string, was, is []T) {
	find := func(all []T, name string) int {
		return slices.IndexFunc(all, func(one T) bool { return one.name() == name })
	}
	for _, one := range is {
		whose, at := what+one.name(), find(was, one.name())
		switch {
		case at < 0:
			c.say(whose, gains, "%s", one.text())
		case was[at].print() == one.print():
		case was[at].text() == one.text():
			c.say(whose, changes, "is another than before")
		default:
			c.say(whose, changes, "%s, before: %s", one.text(), was[at].text())
		}
	}
	for _, one := range was {
		if find(is, one.name()) < 0 {
			c.say(what+one.name(), loses, "%s", one.gone())
		}
	}
}

// among writes what a rule is only about; "" if it is about all.
func among(what string, patterns []pattern) string {
	if patterns == nil {
		return ""
	}
	return ", " + what + " " + list(patterns)
}
