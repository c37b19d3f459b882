package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/backup"
	"github.com/pushboat/pushboat/internal/report"
)

// backupHelp says what a backup is good for.
const backupHelp = "Takes the role admin on all repositories. Nobody has to wait: what was pushed and\n" +
	"deployed before is in it, whole. It has the server's private keys: keep it as\n" +
	"a secret, or encrypt it with --recipient, a public key of age or SSH.\n" +
	"Example: ssh HOST backup --recipient age1... > pushboat.backup\n" +
	"Only what is new since another one: backup --since ID, which is told at its end.\n" +
	"Look whether it is whole: pushboat backup verify FILE. See docs/backup.md."

func backupFlags(f *pflag.FlagSet) {
	f.String("since", "", "leave out what the backup of that name has")
	f.StringArray("recipient", nil, "encrypt for a public key: age1…, \"ssh-ed25519 …\"; repeatable")
}

// backUp writes a backup to the caller.
func backUp(ctx context.Context, c *call) error {
	if err := c.Policy.Check(c.Caller(), access.Administer, ""); err != nil {
		return err
	}
	if c.Terminal() {
		return report.WithHint(errors.New("a backup is no text for a terminal"), "write it to a file: ssh HOST backup > FILE")
	}
	request, err := c.backupRequest()
	if err != nil {
		return err
	}
	raw := c.Session
	if to, ok := raw.(addressed); ok {
		raw = to.Session // whose bytes stay as they are
	}
	summary, err := c.Backups.Write(ctx, raw, request)
	if err != nil {
		return report.WithHint(err, "what was written is no backup; try again")
	}
	c.Log.WithField("operator", c.Caller().Operator).Infof("backup: %s", summary)
	next := "only what is new next time: ssh HOST backup --since " + summary.ID
	if summary.NotKept != nil {
		next = fmt.Sprintf("warning: %v", summary.NotKept)
	}
	fmt.Fprintf(c.Stderr(), "%s\n%s\n", summary, next)
	return nil
}

// backupRequest is the backup that the flags ask for.
func (c *call) backupRequest() (request backup.Request, err error) {
	keys, err := c.flags.GetStringArray("recipient")
	if err != nil {
		return request, err
	}
	if request.Recipients, err = backup.ParseRecipients(keys); err != nil {
		return request, usageError{err.Error()}
	}
	id, err := c.flags.GetString("since")
	if err != nil || id == "" {
		return request, err
	}
	request.Since, err = c.Backups.Kept(id)
	if unknown := (*backup.UnknownError)(nil); errors.As(err, &unknown) {
		return request, report.WithHint(err, "%s", unknown.Next("ssh HOST backup"))
	}
	return request, err
}
