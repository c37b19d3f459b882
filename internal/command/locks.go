package command

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

const locksHelp = "Shows pushes between their gate and Git's move of the branch, with the names of\n" +
	"apps that they reserve; deploys that go on or wait; and apps that are suspended,\n" +
	"skipped, or kept because their branch cannot be rendered: since when, by whom,\n" +
	"and the verb that ends it. Those who may see the server see the lease by which\n" +
	"it leads. Deletions are never held: a push or sync that has to confirm some is\n" +
	"refused, and repeated with confirm-prune=N.\n" +
	"Example: locks -o json"

// Leadership is by what a server leads.
type Leadership struct {
	Lease  string // NAMESPACE/NAME; "": only the lock of its data directory
	Holder string // the process
	Since  time.Time
}

// lock is the lock of a server that leads.
func (l Leadership) lock() deploy.Lock {
	what := "Lease " + l.Lease
	if l.Lease == "" {
		what = "the data directory"
	}
	return deploy.Lock{Kind: deploy.LockLease, What: what, Since: l.Since.UTC(), By: l.Holder}
}

// locks lists what holds what now, of what the caller may see.
func locks(_ context.Context, c *call) error {
	list := []deploy.Lock{}
	for _, lock := range c.Engine.Locks() {
		if c.Policy.Allows(c.Caller(), c.right(), access.Subject{Repo: lock.Repo}) {
			list = append(list, lock)
		}
	}
	if c.Policy.Allows(c.Caller(), access.ReadServer, access.Subject{}) {
		list = append(list, c.Leads.lock())
	}
	return c.print(list, func(w io.Writer) { printLocks(w, list, time.Now()) })
}

func printLocks(w io.Writer, list []deploy.Lock, now time.Time) {
	idle := func(l deploy.Lock) bool { return l.Kind == deploy.LockLease }
	if !slices.ContainsFunc(list, func(l deploy.Lock) bool { return !idle(l) }) {
		fmt.Fprintln(w, "Nothing is held: no push, no deploy, no suspension.")
	}
	if len(list) == 0 {
		return
	}
	table := newTable(w, "HELD", "BY", "SINCE", "WHAT")
	for _, l := range list {
		since := "-"
		if !l.Since.IsZero() {
			since = ago(l.Since, now)
		}
		table.row(cmp.Or(string(l.App), string(l.Repo), "the server"), dash(l.By), since, string(l.Kind))
		note := l.What
		if len(l.Apps) > 0 {
			note += "; reserves " + name.Join(l.Apps, ", ")
		}
		if l.End != "" {
			note += "   (" + l.End + ")"
		}
		table.note(manifest.Clean(note))
	}
	table.print()
}
