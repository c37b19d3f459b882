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

// backupHelp is the help text of the verb backup.
const backupHelp = "Takes the role admin on all repositories. Nobody has to wait. The backup\n" +
	"contains every push and deploy that ended before, and the server's private\n" +
	"keys: keep it as a secret, or encrypt it with --recipient, a public key of age\n" +
	"or SSH.\n" +
	"Example: ssh HOST backup --recipient age1... > pushboat.backup\n" +
	"For the changes since another one only: backup --since ID, which it prints at\n" +
	"its end. Check that it is complete: pushboat backup verify FILE. See\n" +
	"docs/backup.md, also for backups that the server keeps in a bucket by itself."

func backupFlags(f *pflag.FlagSet) {
	f.String("since", "", "leave out the content of the backup with that ID")
	f.StringArray("recipient", nil, "encrypt for a public key: age1…, \"ssh-ed25519 …\"; repeatable")
}

// backUp writes a backup to the caller.
func backUp(ctx context.Context, c *call) error {
	if err := c.check(c.right(), access.Subject{}); err != nil {
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
		raw = to.Session // its bytes must not be changed
	}
	summary, err := c.Backups.Write(ctx, raw, request)
	if err != nil {
		return report.WithHint(err, "the written file is no backup; try again")
	}
	c.Log.WithField("operator", c.Caller().Operator).Infof("backup: %s", summary)
	next := "only the changes next time: ssh HOST backup --since " + summary.ID
	if summary.NotKept != nil {
		next = fmt.Sprintf("warning: %v", summary.NotKept)
	}
	fmt.Fprintf(c.Stderr(), "%s\n%s\n", summary, next)
	return nil
}

// backupRequest returns the backup that the flags ask for.
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
