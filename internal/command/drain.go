package command

import (
	"context"
	"fmt"

	"github.com/pushboat/pushboat/internal/access"
)

const drainHelp = "As SIGTERM does: it takes no new session; pushes that are under way, and what is\n" +
	"being applied, come to their end. With the setting lease, a server that stands by\n" +
	"takes its place at once, and goes on with deploys that wait for health. Without,\n" +
	"they have 20 s, and go on at the next start."

// drain has the server stop.
func drain(_ context.Context, c *call) error {
	if err := c.Policy.Check(c.Caller(), access.Administer, ""); err != nil {
		return err
	}
	next := "whoever has started the server may start it again; until then nothing is served"
	if lease := c.Drain(c.Caller().Operator); lease != "" {
		next = "a server that stands by takes its place by the lease " + lease
	}
	_, err := fmt.Fprintf(c, "draining: no session begins any more; pushes that are under way come to their end\n%s\n", next)
	return err
}

// endWithServer ends what is followed, by cancel, when the server is about to end.
func (d *Desk) endWithServer(ctx context.Context, cancel context.CancelFunc) (stop func()) {
	done := make(chan struct{})
	go func() {
		select {
		case <-d.Leaving:
			cancel()
		case <-ctx.Done():
		case <-done:
		}
	}()
	return func() { close(done) }
}
