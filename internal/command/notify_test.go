package command

import (
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/notify"
)

func TestReceiversAreShown(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	list := receivers{Receivers: []notify.ReceiverState{
		{Name: "ops", Kind: "slack", Address: "receivers/ops.yaml", Sent: 3, Last: now.Add(-2 * time.Minute)},
		{Name: "pager", Kind: "webhook", Address: "/etc/pushboat/notify/pager", Queued: 2, Failing: true, Tries: 4, Next: now.Add(8 * time.Second), Error: "the receiver answered 503"},
		{Name: "mail", Kind: "mail", Address: "receivers/mail.yaml", Queued: 1, Waiting: 1, Dropped: 2, Error: "the receiver answered 400"},
	}}
	var out strings.Builder
	printReceivers(&out, list, now)
	if got, want := out.String(), `RECEIVER   KIND      SENT   QUEUED   LAST        ADDRESS
ops        slack     3      0        2 min ago   receivers/ops.yaml
pager      webhook   0      2        never       /etc/pushboat/notify/pager
  failing, tried 4 times: the receiver answered 503; tried again in 8 s
mail       mail      0      1        never       receivers/mail.yaml
  gave a message up: the receiver answered 400
  2 messages given up since the server's start
  1 message waiting, for a quiet time to end or to be gathered with more
`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	out.Reset()
	printNotified(&out, list, now)
	if got, want := out.String(), `notifications: 3 receivers, 1 failing, 3 messages queued
  pager: failing, tried 4 times: the receiver answered 503; tried again in 8 s
`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	out.Reset()
	printReceivers(&out, receivers{Trouble: "the outbox cannot be used: no space left on device"}, now)
	if got := out.String(); !strings.HasPrefix(got, "nobody is told anything: the outbox cannot be used") || !strings.Contains(got, "\nno receivers\nhint: ") {
		t.Errorf("got\n%s", got)
	}
}
