package command

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/backup/offsite"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/report"
)

const backupNowHelp = "Takes the role admin on all repositories, and the setting backup.bucket. It is\n" +
	"made as one that is due: with only what is new if the last is known, and old\n" +
	"ones go after it. status --server shows how backups stand. See docs/backup.md."

// backUpNow makes a backup in the bucket.
func backUpNow(ctx context.Context, c *call) error {
	if err := c.check(c.right(), access.Subject{}); err != nil {
		return err
	}
	if c.Offsite.State() == nil {
		return report.WithHint(offsite.ErrNone, "set backup.bucket and backup.recipients, and send SIGHUP; or take one here: ssh HOST backup > FILE")
	}
	made, err := c.Offsite.Now(ctx)
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	_, err = fmt.Fprintf(c, "%s\n", made)
	return err
}

// printBackups tells how backups in the bucket stand.
func printBackups(w io.Writer, s *offsite.State, now time.Time) {
	fmt.Fprintf(w, "backups: %s\n", backupsLine(s, now))
	if s.Failure != nil {
		fmt.Fprintf(w, "  failing for %s, %s\n  %s\n  (%s)\n", manifest.Roughly(now.Sub(s.Failure.Since)),
			times(s.Failure.Tries), manifest.Clean(s.Failure.Error), manifest.Clean(s.Failure.Hint))
	}
	if s.Left != "" {
		fmt.Fprintf(w, "  old ones are not deleted: %s\n", manifest.Clean(s.Left))
	}
}

// backupsLine describes on a line the backups, and the time of the next.
func backupsLine(s *offsite.State, now time.Time) string {
	line := "none known in " + s.To
	if s.Newest != nil {
		line = fmt.Sprintf("%d in %s, the newest of %s", s.Backups, s.To, ago(s.Made, now))
	}
	switch {
	case s.Running:
		return line + ", one is being made"
	case s.Next.IsZero():
		return line + ", none is due"
	case s.Failure != nil:
		return line + ", tried again in " + manifest.Roughly(s.Next.Sub(now))
	}
	return line + ", the next in " + manifest.Roughly(s.Next.Sub(now))
}

// times counts tries for people.
func times(n int) string {
	if n == 1 {
		return "tried once"
	}
	return fmt.Sprintf("tried %d times", n)
}
