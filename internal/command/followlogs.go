package command

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/view"
)

// followLogs prints the logs of an app's containers as they come. there is the number of
// containers that there are at first. It ends with the caller's right to read them.
func (c *call) followLogs(ctx context.Context, status deploy.Status, request kube.LogRequest, there int) error {
	follow := deploy.LogRequest{Each: request}
	follow.Container, _ = c.flags.GetString("container") // the flags are those of logsFlags
	if len(c.args) > 1 {
		follow.Object = c.args[1]
	}
	allowed, end := c.whileAllowed(ctx, status, access.ReadLogs)
	defer end()
	marks := c.marks(there > 1 || follow.Object == "")
	err := c.Engine.FollowLogs(allowed, status.App, follow, deploy.LogReader{
		Line: marks.print,
		Note: func(text string) { fmt.Fprintln(c.Stderr(), manifest.Clean(text)) },
	})
	if err != nil {
		return noLog(err, status.App)
	}
	if ctx.Err() == nil && allowed.Err() != nil {
		return context.Cause(allowed)
	}
	return nil
}

// rightCheck is how often a verb that runs for long asks whether its caller still has the
// right that it takes.
const rightCheck = time.Second

// whileAllowed returns a context that ends with ctx, or when the caller loses a right on an
// app; its cause is the refusal then. end has to be called.
func (c *call) whileAllowed(ctx context.Context, status deploy.Status, right access.Right) (allowed context.Context, end func()) {
	allowed, cancel := context.WithCancelCause(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		ticker := time.NewTicker(rightCheck)
		defer ticker.Stop()
		for {
			select {
			case <-allowed.Done():
				return
			case <-ticker.C:
			}
			if err := c.stillAllowed(status, right); err != nil {
				cancel(err)
				return
			}
		}
	}()
	return allowed, func() {
		cancel(nil)
		<-over
	}
}

// stillAllowed is the refusal of a right that the caller has lost on an app. It writes an
// audit line for that only.
func (c *call) stillAllowed(status deploy.Status, right access.Right) error {
	now, ok := c.Engine.Status(status.App)
	if ok && c.Policy.Allows(c.Caller(), right, view.SubjectOf(now)) {
		return nil
	}
	_, err := c.appFor(right, string(status.App))
	return err
}

// The colours of pods, of which each has the next (ECMA-48).
var podColours = []string{other, good, heed, "\x1b[35m", "\x1b[34m", "\x1b[96m", "\x1b[92m", "\x1b[95m"}

// marks prints lines of logs with the names of their containers, each pod in a colour.
type marks struct {
	to     io.Writer
	marked bool // from the second container on in any case
	colour bool
	first  deploy.Container
	pods   map[string]string // the colours, by namespace and pod
}

func (c *call) marks(marked bool) *marks {
	return &marks{to: c, marked: marked, colour: c.colour, pods: map[string]string{}}
}

// maxMarked bounds the pods whose colours are known at a time.
const maxMarked = 1000

func (m *marks) print(of deploy.Container, line string) {
	if m.first == (deploy.Container{}) {
		m.first = of
	}
	m.marked = m.marked || of != m.first
	if m.marked {
		line = m.mark(of) + " " + line
	}
	fmt.Fprintln(m.to, line)
}

func (m *marks) mark(of deploy.Container) string {
	text := "[" + of.Pod + "/" + of.Name + "]"
	if !m.colour {
		return text
	}
	pod := of.Namespace + "/" + of.Pod
	if len(m.pods) > maxMarked {
		clear(m.pods)
	}
	if m.pods[pod] == "" {
		m.pods[pod] = podColours[len(m.pods)%len(podColours)]
	}
	return painted(m.pods[pod], text)
}
