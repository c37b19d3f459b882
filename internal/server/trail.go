package server

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/backup"
	"github.com/pushboat/pushboat/internal/settings"
)

// openTrail makes the audit trail ready. The first line says who writes it from now on.
func (s *server) openTrail() {
	s.trail = audit.New(audit.Config{Data: s.config.Data, Fence: s.fence.Check, Limits: trailLimits(s.config), Log: s.log})
	begin := audit.Of(audit.ServerStarted, access.System("start"))
	begin.Reason = fmt.Sprintf("pushboat %s, %s, epoch %d", s.version, holder(), s.fence.Epoch())
	s.trail.Note(begin)
	s.ship(s.config)
}

// closeTrail writes what waits.
func (s *server) closeTrail() {
	if s.trail == nil {
		return
	}
	s.trail.Note(audit.Of(audit.ServerStopped, access.System("stop")))
	s.trail.Close()
}

// ship sends the trail where the settings say, which have been checked.
func (s *server) ship(c settings.Config) {
	targets, err := audit.ParseTargets(c.Audit.Ship)
	if err != nil {
		s.log.Errorf("audit.ship: %v", err) // never, see above
	}
	s.trail.Ship(targets)
}

func trailLimits(c settings.Config) audit.Limits {
	return audit.Limits{Size: int64(c.Audit.FileSize), Keep: c.Audit.Keep}
}

// trailed is a source of backups that puts each on the audit trail, when the server makes
// it by itself.
type trailed struct {
	backup.Source
	trail *audit.Trail
}

// Write writes a backup, see backup.Source.
func (t trailed) Write(ctx context.Context, w io.Writer, req backup.Request) (backup.Summary, error) {
	summary, err := t.Source.Write(ctx, w, req)
	e := audit.Of(audit.BackupMade, access.System("backup"))
	e.Reason = summary.String()
	if err != nil {
		e.Reason = fmt.Sprintf("backup %s failed", req.ID)
	}
	t.trail.Note(e)
	return summary, err
}

// expiryEvery is how often the server looks for keys whose time has come.
const expiryEvery = time.Minute

// noteExpired returns a chore that puts keys on the audit trail whose time has come since
// it was done last.
func (s *server) noteExpired() func(context.Context) {
	before := time.Now()
	return func(context.Context) {
		now := time.Now()
		s.trail.Note(expired(s.rules.Current(), before, now)...)
		before = now
	}
}

// expired makes an event of each key, of operators and of authorities, whose time comes
// after one moment, and not after another.
func expired(now *rules.Rules, after, until time.Time) (events []audit.Event) {
	note := func(e audit.Event, keys []rules.Key) {
		for _, key := range keys {
			if key.Expires.After(after) && !key.Expires.After(until) {
				e.Key, e.Rule = key.Fingerprint(), key.At.String()
				events = append(events, e)
			}
		}
	}
	for _, operator := range now.Operators() {
		note(audit.Event{Kind: audit.KeyExpired, Operator: operator.Name}, operator.Keys)
	}
	for _, authority := range now.Authorities() {
		note(audit.Event{Kind: audit.KeyExpired, Authority: authority.Name}, authority.Keys)
	}
	return events
}
