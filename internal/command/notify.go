package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/notify"
	"github.com/pushboat/pushboat/internal/report"
)

const (
	listReceiversHelp = "Who is told is in notifications.yaml of the repository admin; addresses are not\n" +
		"shown. Takes the role read on all repositories. See docs/notifications.md.\n" +
		"Example: notify list -o json"
	testReceiverHelp = "Sends a message as it would come, past the queue. Exits 1 if the receiver does\n" +
		"not take it. --event says what it is about: deployFailed if left out.\n" +
		"Takes the role admin on all repositories.\n" +
		"Example: notify test ops --event appFailing"
)

// receivers is the output of notify list.
type receivers struct {
	Trouble   string                 `json:"trouble,omitempty"` // why nobody is told anything
	Receivers []notify.ReceiverState `json:"receivers"`
}

// listReceivers shows how the receivers of notifications do.
func listReceivers(_ context.Context, c *call) error {
	if err := c.check(c.right(), access.Subject{}); err != nil {
		return err
	}
	var list receivers
	list.Receivers, list.Trouble = c.Notifier.State()
	return c.print(list, func(w io.Writer) { printReceivers(w, list, time.Now()) })
}

func printReceivers(w io.Writer, list receivers, now time.Time) {
	if list.Trouble != "" {
		fmt.Fprintf(w, "nobody is told anything: %s\n", manifest.Clean(list.Trouble))
	}
	if len(list.Receivers) == 0 {
		fmt.Fprint(w, "no receivers\n"+report.Hints("name some in notifications.yaml of the repository admin, see docs/notifications.md"))
		return
	}
	table := newTable(w, "RECEIVER", "KIND", "SENT", "QUEUED", "LAST", "ADDRESS")
	for _, r := range list.Receivers {
		last := "never"
		if !r.Last.IsZero() {
			last = ago(r.Last, now)
		}
		table.row(r.Name, r.Kind, fmt.Sprint(r.Sent), fmt.Sprint(r.Queued), last, manifest.Clean(r.Address))
		for _, note := range receiverNotes(r, now) {
			table.note(note)
		}
	}
	table.print()
}

// receiverNotes say what is wrong with a receiver, or waits for it.
func receiverNotes(r notify.ReceiverState, now time.Time) (notes []string) {
	if r.Failing {
		notes = append(notes, fmt.Sprintf("failing, %s: %s; tried again in %s", times(r.Tries), r.Error, manifest.Roughly(max(r.Next.Sub(now), 0))))
	} else if r.Error != "" {
		notes = append(notes, "gave a message up: "+r.Error)
	}
	if r.Dropped > 0 {
		notes = append(notes, manifest.Plural(r.Dropped, "message")+" given up since the server's start")
	}
	if r.Waiting > 0 {
		notes = append(notes, manifest.Plural(r.Waiting, "message")+" waiting, for a quiet time to end or to be gathered with more")
	}
	return notes
}

// printNotified tells on a line how notifications stand, and of each receiver that does not
// take them.
func printNotified(w io.Writer, list receivers, now time.Time) {
	if list.Trouble != "" {
		fmt.Fprintf(w, "notifications: nobody is told anything: %s\n", manifest.Clean(list.Trouble))
		return
	}
	failing, queued := 0, 0
	for _, r := range list.Receivers {
		queued += r.Queued
		if r.Failing {
			failing++
		}
	}
	line := "notifications: " + manifest.Plural(len(list.Receivers), "receiver")
	if failing > 0 {
		line += fmt.Sprintf(", %d failing", failing)
	}
	if queued > 0 {
		line += fmt.Sprintf(", %s queued", manifest.Plural(queued, "message"))
	}
	fmt.Fprintln(w, line)
	for _, r := range list.Receivers {
		if r.Failing {
			fmt.Fprintf(w, "  %s: %s\n", r.Name, manifest.Clean(receiverNotes(r, now)[0]))
		}
	}
}

func testReceiverFlags(f *pflag.FlagSet) {
	output(f)
	f.String("event", string(rules.DeployFailed), "what the message is about")
}

// testReceiver sends a receiver a message.
func testReceiver(ctx context.Context, c *call) error {
	if err := c.check(c.right(), access.Subject{}); err != nil {
		return err
	}
	event, _ := c.flags.GetString("event") // the flags are those of testReceiverFlags
	topic, err := rules.ParseTopic(event)
	if err != nil {
		return err
	}
	tried, err := c.Notifier.Test(ctx, c.args[0], topic)
	if errors.Is(err, notify.ErrNoReceiver) {
		return c.noReceiver()
	}
	if err != nil {
		return err
	}
	if err := c.print(tried, func(w io.Writer) { printTried(w, tried) }); err != nil || tried.Sent {
		return err
	}
	return report.WithHint(fmt.Errorf("%s did not take it: %s", tried.Receiver, tried.Error), "mend its address, or what is there: see docs/notifications.md")
}

func printTried(w io.Writer, t notify.Tried) {
	if t.Sent {
		fmt.Fprintf(w, "%s took it within %s:\n", t.Receiver, manifest.Took(t.Took))
	}
	for line := range strings.Lines(manifest.Clean(t.Title) + "\n" + t.Text + "\n") {
		fmt.Fprintf(w, "  %s\n", manifest.Clean(strings.TrimSuffix(line, "\n")))
	}
}

// noReceiver says that there is no receiver of the name.
func (c *call) noReceiver() error {
	err := fmt.Errorf("receiver %q %w", manifest.Clean(c.args[0]), ErrNotFound)
	states, _ := c.Notifier.State()
	names := make([]string, len(states))
	for i, s := range states {
		names[i] = s.Name
	}
	if near := manifest.Closest(c.args[0], names); near != "" {
		return report.WithHint(err, "did you mean %s?", near)
	}
	return report.WithHint(err, "list the receivers: ssh HOST notify list")
}
