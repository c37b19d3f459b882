package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"time"

	"github.com/pushboat/pushboat/internal/notify/reach"
	"github.com/pushboat/pushboat/internal/notify/shout"
	"github.com/pushboat/pushboat/internal/outgoing"
)

// program runs the program that speaks to services: the server's own, with a word.
type program struct {
	command  []string
	outgoing outgoing.Config
}

// dieWithin is how long the program may take to end when it is killed.
const dieWithin = 2 * time.Second

// send has the program send a message. Its environment is empty, and its messages are dropped:
// they may have the address.
func (p program) send(ctx context.Context, by reach.Reach, t *target, w words) error {
	order, err := json.Marshal(shout.Order{
		Kind: t.kind, Address: t.address.String(), Title: w.title, Text: orText(w.text, w.title), Outgoing: p.outgoing, Networks: by.Networks,
	})
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, p.command[0], p.command[1:]...)
	cmd.Env, cmd.Dir, cmd.WaitDelay = []string{"GOTRACEBACK=none"}, "/", dieWithin
	cmd.Stdin = bytes.NewReader(order)
	answer, err := cmd.Output()
	if ctx.Err() != nil {
		return context.DeadlineExceeded
	}
	if err != nil {
		return &reach.SaidError{Text: fmt.Sprintf("the program that speaks to %s did not run: %v", t.kind, err)}
	}
	var report shout.Report
	if err := json.Unmarshal(answer, &report); err != nil || !report.Taken && report.Error == "" {
		return &reach.SaidError{Text: "the program that speaks to services ended without a report"}
	}
	switch {
	case report.Taken:
		return nil
	case report.Setup:
		return reach.Setup("%s", report.Error)
	case report.Status >= 300:
		return &reach.AnswerError{Status: report.Status, Wait: report.Wait}
	}
	return &reach.SaidError{Text: report.Error}
}
