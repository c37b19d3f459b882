package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

const (
	// watchRest is the minimum time between two looks: a rollout has many events in a
	// second.
	watchRest = 500 * time.Millisecond
	// watchAge is the interval at which the screen is redrawn without an event, because
	// it shows ages.
	watchAge = 30 * time.Second
)

// watch shows statuses until the caller leaves: it redraws on a terminal, and otherwise
// prints a line for each change. It looks when something has happened.
func (c *call) watch(ctx context.Context) error {
	asJSON, err := c.asJSON()
	if err != nil {
		return err
	}
	news, stop := c.Engine.Listen()
	defer stop()
	view := c.newView(asJSON)
	for {
		list, err := c.statuses()
		if err != nil {
			return err
		}
		if err := view(ctx, list); err != nil {
			return err
		}
		if !sleep(ctx, watchRest) {
			return nil // the caller has gone
		}
		select {
		case <-news:
		case <-age(c.Terminal() && !asJSON):
		case <-ctx.Done():
			return nil
		}
	}
}

// sleep returns after d; false if ctx ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// age fires when the screen is too old; never, if nothing is drawn.
func age(drawn bool) <-chan time.Time {
	if !drawn {
		return nil
	}
	return time.After(watchAge)
}

// newView returns the function that shows one look after another.
func (c *call) newView(asJSON bool) func(context.Context, []deploy.Status) error {
	if c.Terminal() && !asJSON {
		return c.draw
	}
	seen := map[name.App]string{}
	return func(_ context.Context, list []deploy.Status) error {
		for _, s := range changed(seen, list) {
			if asJSON {
				if err := json.NewEncoder(c).Encode(s); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(c, "%s  %s: %s\n", time.Now().UTC().Format("15:04:05"), s.App, manifest.Clean(inBrief(s)))
		}
		return nil
	}
}

// changed lists the statuses that differ from the ones seen before, and notes them.
// Apps that are gone count as removed.
func changed(seen map[name.App]string, list []deploy.Status) []deploy.Status {
	var news []deploy.Status
	there := map[name.App]bool{}
	for _, s := range list {
		there[s.App] = true
		if brief := inBrief(s); seen[s.App] != brief {
			seen[s.App] = brief
			news = append(news, s)
		}
	}
	for app := range seen {
		if !there[app] {
			delete(seen, app)
			news = append(news, deploy.Status{App: app, Sync: deploy.Gone, Health: "-"})
		}
	}
	return news
}

// inBrief is a status in one line, without the parts that change with time alone.
func inBrief(s deploy.Status) string {
	text := fmt.Sprintf("%s, %s, %s", dash(s.Revision.Short()), s.Sync, s.Health)
	if s.Running != "" {
		text += ", going on: " + s.Running
	}
	if s.Suspension != nil {
		text += ", suspended by " + s.Suspension.By
	}
	if len(s.Drift) > 0 {
		text += fmt.Sprintf(", %d drifted", len(s.Drift))
	}
	if len(s.Sick) > 0 {
		text += "; " + s.Sick[0].Object + ": " + s.Sick[0].State
	}
	if more := len(s.Sick) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}

// Control sequences of a terminal (ECMA-48).
const (
	toTop     = "\x1b[H"
	clearLine = "\x1b[K"
	clearRest = "\x1b[J"
)

// draw draws statuses over the previous ones.
func (c *call) draw(ctx context.Context, list []deploy.Status) error {
	for i := range list {
		c.Engine.Explain(ctx, &list[i])
	}
	var text strings.Builder
	on := c.page()
	on.Writer = &text
	printStatus(on, list, time.Now())
	if len(c.args) == 1 && len(list) == 1 {
		c.overview(on, list[0].App)
	}
	_, rows := c.Size()
	_, err := io.WriteString(c, screenful(text.String(), rows, time.Now()))
	return err
}

// screenful cuts a text to the rows of a terminal; 0 rows means any number.
func screenful(text string, rows int, now time.Time) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	head := now.UTC().Format("15:04:05 UTC") + ", Ctrl-C ends"
	if most := rows - 2; rows > 4 && len(lines) > most {
		more := len(lines) - most + 1
		lines = append(lines[:most-1], fmt.Sprintf("... and %d more lines", more))
	}
	var out strings.Builder
	out.WriteString(toTop + head + clearLine + "\n")
	for _, line := range lines {
		out.WriteString(line + clearLine + "\n")
	}
	return out.String() + clearRest
}

// statuses returns those that the call asks for: of its app, or of all that the caller
// may see.
func (c *call) statuses() ([]deploy.Status, error) {
	if len(c.args) == 0 {
		return c.visible(), nil
	}
	one, err := c.app(c.args[0])
	return []deploy.Status{one}, err
}
