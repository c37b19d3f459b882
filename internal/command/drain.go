package command

import (
	"context"
	"fmt"

	"github.com/pushboat/pushboat/internal/access"
)

const drainHelp = "As SIGTERM does: the server takes no new sessions, and running pushes and\n" +
	"applies come to their end. With the setting lease, a standby server takes over\n" +
	"at once, and continues deploys that wait for health. Without it, they have 20\n" +
	"s, and continue at the next start."

// drain makes the server stop.
func drain(_ context.Context, c *call) error {
	if err := c.check(c.right(), access.Subject{}); err != nil {
		return err
	}
	next := "whoever has started the server may start it again; until then nothing is served"
	if lease := c.Drain(c.Caller().Operator); lease != "" {
		next = "a server that stands by takes its place by the lease " + lease
	}
	_, err := fmt.Fprintf(c, "draining: no session begins any more; pushes that are under way come to their end\n%s\n", next)
	return err
}
