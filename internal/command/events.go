package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/event"
	"github.com/pushboat/pushboat/internal/name"
)

func eventsFlags(f *pflag.FlagSet) {
	output(f)
	f.BoolP("follow", "f", false, "follow new events")
	f.IntP("number", "n", 20, "number of newest events to list")
	f.Uint64("after", 0, "list the events after this number, all that are kept")
}

// listEvents lists the events of the apps that the caller may see, or of one.
func listEvents(ctx context.Context, c *call) error {
	if len(c.args) == 1 {
		if _, err := c.app(c.args[0]); err != nil {
			return err
		}
	}
	number, err := c.flags.GetInt("number")
	if err != nil || number < 0 || number > maxHistory {
		return usageError{fmt.Sprintf("-n wants a number from 0 to %d", maxHistory)}
	}
	follow, _ := c.flags.GetBool("follow") // the flags are those of eventsFlags
	after, err := c.flags.GetUint64("after")
	if err != nil {
		return err
	}
	if c.flags.Changed("after") {
		number = maxHistory
	}
	past, last := c.pastEvents(after, number)
	if !follow {
		return c.print(past, func(w io.Writer) {
			for _, e := range past {
				printEvent(w, e)
			}
		})
	}
	asJSON, err := c.asJSON()
	if err != nil {
		return err
	}
	for _, e := range past {
		if err := c.tellEvent(e, asJSON); err != nil {
			return err
		}
	}
	err = c.Events.Follow(ctx, last, func(e event.Event) error {
		if !c.mayHear(e) {
			return nil
		}
		return c.tellEvent(e, asJSON)
	})
	if errors.Is(err, context.Canceled) {
		return nil // the caller has gone
	}
	return err
}

// pastEvents returns the newest events after a number that the caller may see, and the number
// of the last event of all. A number that no event has had yet is of an earlier start of the
// server: all that has happened since is after it.
func (c *call) pastEvents(after uint64, most int) (past []event.Event, last uint64) {
	past = []event.Event{}
	all, _ := c.Events.Since(0)
	if len(all) > 0 {
		last = all[len(all)-1].Number
	}
	if after > last {
		after = 0
	}
	for _, e := range all {
		if e.Number > after && c.mayHear(e) {
			past = append(past, e)
		}
	}
	return past[max(len(past)-most, 0):], last
}

// mayHear reports whether the call asks for an event, and the caller may see it. Events
// of a cluster are for everybody who sees an app there.
func (c *call) mayHear(e event.Event) bool {
	if e.Kind == event.Cluster {
		return slices.ContainsFunc(c.visible(), func(s deploy.Status) bool {
			return s.Cluster == e.Cluster && c.asksFor(s.App)
		})
	}
	return c.asksFor(e.App) && c.Policy.Allows(c.Caller(), access.ReadDeploys, access.Subject{Repo: e.Repo})
}

// asksFor reports whether the call is about an app, or about all of them.
func (c *call) asksFor(app name.App) bool { return len(c.args) == 0 || c.args[0] == string(app) }

// tellEvent writes one followed event as a line, or as a line of JSON.
func (c *call) tellEvent(e event.Event, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(c).Encode(e)
	}
	printEvent(c, e)
	return nil
}

func printEvent(w io.Writer, e event.Event) {
	about := string(e.App)
	if e.Kind == event.Cluster {
		about = "cluster " + e.Cluster
	}
	fmt.Fprintf(w, "%s  %-7s  %s: %s\n", e.Time.UTC().Format("2006-01-02 15:04:05"), e.Kind, about, e.Text)
}
