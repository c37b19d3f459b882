package rules

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/window"
)

// Limits of notifications.
const (
	maxReceivers    = 100
	maxReceiverFile = 16 << 10 // bytes
	maxTellings     = 200
	maxTemplate     = 4 << 10 // bytes
	minDigest       = time.Minute
	maxDigest       = 24 * time.Hour
)

// The fields of the file and of its parts.
var (
	notificationsFields = []string{"receivers", "rules", "texts"}
	receiverFields      = []string{"name", "kind", "address"}
	addressFields       = []string{"sops", "file"}
	tellingFields       = []string{"name", "tell", "events", "severity", "apps", "repositories", "clusters", "quiet", "digest"}
)

// Webhook and Mail are the kinds of receivers that are no service of others.
const (
	Webhook = "webhook"
	Mail    = "mail"
)

// Services are the other kinds of receivers. Package notify speaks to them.
var Services = []string{
	"bark", "discord", "googlechat", "gotify", "ifttt", "join", "lark", "matrix", "mattermost", "notifiarr", "ntfy", "opsgenie", "pagerduty",
	"pushbullet", "pushover", "rocketchat", "signal", "slack", "teams", "telegram", "wecom", "zulip",
}

// readNotifications reads notifications.yaml, and the files of receivers/; both may be missing.
func (p *parser) readNotifications() {
	p.checkReceiverFiles()
	data, ok := p.read(notificationsFile, maxFile)
	if !ok {
		return
	}
	r, fields := p.document(notificationsFile, data, notificationsFields...)
	n := &p.rules.notifications
	if receivers, ok := fields["receivers"]; ok {
		for _, element := range r.List(receivers, maxReceivers) {
			p.readReceiver(r, n, element)
		}
	}
	if tellings, ok := fields["rules"]; ok {
		for _, element := range r.List(tellings, maxTellings) {
			readTelling(r, n, element)
		}
	}
	if texts, ok := fields["texts"]; ok {
		for _, entry := range r.Entries(texts.Value, "texts", "write it like texts: {deployFailed: \"{{.Title}}\"}") {
			readTemplate(r, n, entry)
		}
	}
	p.problems = append(p.problems, r.Problems...)
}

// checkReceiverFiles refuses files with addresses that nobody has encrypted.
func (p *parser) checkReceiverFiles() {
	entries, err := fs.ReadDir(p.tree, receiversDir)
	if err != nil {
		return // it is no folder, or not there
	}
	if len(entries) > maxReceivers {
		p.add(receiversDir, 0, fmt.Sprintf("there are more than %d files", maxReceivers), "keep only addresses of receivers here")
		return
	}
	for _, entry := range entries {
		file := path.Join(receiversDir, entry.Name())
		if path.Ext(file) == ".md" {
			continue
		}
		if data, ok := p.read(file, maxReceiverFile); ok && !isSealed(data) {
			p.add(file, 0, "is not encrypted: whoever reads admin would have the address", hintSeal(file, ""))
		}
	}
}

func (p *parser) readReceiver(r *form.Reader, n *Notifications, element form.Field) {
	fields := r.Fields(element.Value, "a receiver", receiverFields)
	if element.Value.Kind != yaml.MappingNode {
		return
	}
	receiver := &Receiver{At: manifest.Source{File: r.File, Line: element.Line}}
	receiver.Name = readEntryName(r, element.Line, fields, "receiver")
	if f, ok := fields["kind"]; ok {
		receiver.Kind, _ = r.OneOf(f, append([]string{Webhook, Mail}, Services...)...)
	} else {
		r.Add(element.Line, "the receiver has no kind", "add kind: webhook, mail, slack or another service")
	}
	if f, ok := fields["address"]; ok {
		p.readAddress(r, receiver, f)
	} else {
		r.Add(element.Line, "the receiver has no address", "add address: {sops: NAME.yaml}, a file of receivers/ that is encrypted")
	}
	if n.Receiver(receiver.Name) != nil {
		r.Add(element.Line, fmt.Sprintf("there is a receiver %s already on line %d", receiver.Name, n.Receiver(receiver.Name).At.Line), "give it another name")
	}
	n.Receivers = append(n.Receivers, receiver) // with its problems, else rules that name it have one more
}

// readEntryName reads the name of a receiver or a rule.
func readEntryName(r *form.Reader, line int, fields map[string]form.Field, what string) string {
	f, ok := fields["name"]
	if !ok {
		r.Add(line, "the "+what+" has no name", "add name: ops; messages call it so")
		return ""
	}
	name, ok := r.Text(f)
	if ok && !isLabel(name) {
		r.Add(f.Line, fmt.Sprintf("name: %q is not a name", manifest.Clean(name)), "use small letters, digits and dashes")
	}
	return name
}

// readAddress reads where a receiver's address is. What somebody wrote in its place is not
// repeated: it may be the address.
func (p *parser) readAddress(r *form.Reader, receiver *Receiver, f form.Field) {
	const hint = "an address is a secret: encrypt it in a file of receivers/, address: {sops: NAME.yaml}, or name a file on the server's disk, address: {file: /etc/pushboat/notify/NAME}"
	if f.Value.Kind != yaml.MappingNode {
		r.Add(f.Line, "address says the address itself: whoever reads admin would have it", hint)
		return
	}
	given := r.Fields(f.Value, "address", addressFields)
	sops, sealed := given["sops"]
	file, plain := given["file"]
	switch {
	case sealed == plain:
		r.Add(f.Line, "address names not exactly one of sops and file", hint)
	case sealed:
		p.readSealed(r, receiver, sops)
	default:
		name, ok := r.Text(file)
		if receiver.File = name; ok && (!filepath.IsAbs(name) || filepath.Clean(name) != name) {
			r.Add(file.Line, "file is no path from the root", "write it in full, in the directory of the server's setting notify.files")
		}
	}
}

func (p *parser) readSealed(r *form.Reader, receiver *Receiver, f form.Field) {
	name, ok := r.Text(f)
	if !ok {
		return
	}
	if !fs.ValidPath(name) || strings.Contains(name, "/") || !isYAML(name) {
		r.Add(f.Line, "sops names no file of "+receiversDir, "write sops: NAME.yaml for "+receiversDir+"/NAME.yaml")
		return
	}
	receiver.Sealed = path.Join(receiversDir, name)
	data, err := readFile(p.tree, receiver.Sealed, maxReceiverFile)
	if err != nil {
		r.Add(f.Line, fmt.Sprintf("%s is not there, or no plain file of at most %d KiB", receiver.Sealed, maxReceiverFile>>10),
			"make it: echo 'address: https://...' > "+receiver.Sealed+" && sops encrypt -i --age \"$(ssh HOST secrets recipient)\" "+receiver.Sealed)
		return
	}
	receiver.Text = bytes.Clone(data)
}

func readTelling(r *form.Reader, n *Notifications, element form.Field) {
	before := len(r.Problems)
	fields := r.Fields(element.Value, "a rule", tellingFields)
	if element.Value.Kind != yaml.MappingNode {
		return
	}
	t := &Telling{At: manifest.Source{File: r.File, Line: element.Line}}
	t.Name = readEntryName(r, element.Line, fields, "rule")
	t.To = readTo(r, n, element.Line, fields)
	t.Topics = readTopics(r, fields)
	if f, ok := fields["severity"]; ok {
		if word, ok := r.OneOf(f, severityWords...); ok {
			t.Severity = Severity(slices.Index(severityWords, word))
		}
	}
	anything := func(pattern) error { return nil }
	t.Apps, t.Clusters = readPatterns(r, fields, "apps", anything), readPatterns(r, fields, "clusters", anything)
	t.Repos = readPatterns(r, fields, "repositories", checkRepo)
	if f, ok := fields["quiet"]; ok {
		if times, ok := window.ReadTimes(r, f); ok {
			t.Quiet = &times
		}
	}
	if f, ok := fields["digest"]; ok {
		t.Digest = readDigest(r, f)
	}
	if at := slices.IndexFunc(n.Tellings, func(of *Telling) bool { return of.Name == t.Name }); at >= 0 {
		r.Add(element.Line, fmt.Sprintf("there is a rule %s already on line %d", t.Name, n.Tellings[at].At.Line), "give it another name")
	}
	if len(r.Problems) > before {
		return
	}
	t.checkTopics(r)
	n.Tellings = append(n.Tellings, t)
}

// checkTopics refuses events that the rule names and would never tell of.
func (t *Telling) checkTopics(r *form.Reader) {
	for _, topic := range t.Topics {
		for _, of := range []struct {
			field string
			given bool
		}{{"apps", t.Apps != nil}, {"repositories", t.Repos != nil}, {"clusters", t.Clusters != nil}} {
			if of.given && !slices.Contains(topic.about(), of.field) {
				r.Add(t.At.Line, fmt.Sprintf("%s is about no %s, and the rule has some", topic, of.field), "tell of it in a rule without "+of.field)
			}
		}
		if topic.Severity() < t.Severity {
			r.Add(t.At.Line, fmt.Sprintf("%s is %s, and the rule tells what is %s or worse", topic, topic.Severity(), t.Severity), "take it out, or lower severity")
		}
	}
}

func readTo(r *form.Reader, n *Notifications, line int, fields map[string]form.Field) (to []string) {
	f, ok := fields["tell"]
	if !ok {
		r.Add(line, "the rule tells nobody", "add tell: [RECEIVER]")
		return nil
	}
	for _, word := range r.Texts(f, maxReceivers) {
		name := word.Value.Value
		if n.Receiver(name) == nil {
			known := make([]string, len(n.Receivers))
			for i, receiver := range n.Receivers {
				known[i] = receiver.Name
			}
			hint := "add it to receivers"
			if near := manifest.Closest(name, known); near != "" {
				hint = "did you mean " + near + "?"
			}
			r.Add(word.Line, fmt.Sprintf("there is no receiver %q", manifest.Clean(name)), hint)
			continue
		}
		to = append(to, name)
	}
	if f.Value.Kind == yaml.SequenceNode && len(f.Value.Content) == 0 {
		r.Add(f.Line, "the rule tells nobody", "name receivers, or remove the rule")
	}
	return to
}

func readTopics(r *form.Reader, fields map[string]form.Field) (topics []Topic) {
	f, ok := fields["events"]
	if !ok {
		return nil
	}
	for _, word := range r.Texts(f, len(Topics)) {
		if topic := Topic(word.Value.Value); slices.Contains(Topics, topic) {
			topics = append(topics, topic)
			continue
		}
		r.Add(word.Line, fmt.Sprintf("events: %q is not known", manifest.Clean(word.Value.Value)), hintTopic(word.Value.Value))
	}
	if f.Value.Kind == yaml.SequenceNode && len(f.Value.Content) == 0 {
		r.Add(f.Line, "events is empty: the rule is about nothing", "leave events out for all of them")
	}
	return topics
}

func hintTopic(word string) string { return form.Hint(word, topicWords()) }

func topicWords() []string {
	words := make([]string, len(Topics))
	for i, topic := range Topics {
		words[i] = string(topic)
	}
	return words
}

func readDigest(r *form.Reader, f form.Field) time.Duration {
	text, ok := r.Text(f)
	if !ok {
		return 0
	}
	digest, err := time.ParseDuration(text)
	if err != nil || digest < minDigest || digest > maxDigest {
		r.Add(f.Line, fmt.Sprintf("digest: %q is no duration from %s to %s", manifest.Clean(text), minDigest, maxDigest), "write digest: 1h")
	}
	return digest
}

func readTemplate(r *form.Reader, n *Notifications, entry form.Field) {
	topic := Topic(entry.Name)
	if !slices.Contains(Topics, topic) {
		r.Add(entry.Line, fmt.Sprintf("texts: %q is no event", manifest.Clean(entry.Name)), hintTopic(entry.Name))
		return
	}
	text, ok := r.Text(entry)
	switch {
	case !ok:
		return
	case len(text) > maxTemplate:
		r.Add(entry.Line, fmt.Sprintf("the text of %s has more than %d bytes", topic, maxTemplate), "shorten it")
		return
	}
	n.Templates = append(n.Templates, &Template{Topic: topic, Text: text, At: manifest.Source{File: r.File, Line: entry.Line}})
}
