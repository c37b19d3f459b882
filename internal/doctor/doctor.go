// Package doctor examines a server: it asks for facts about the machine, the clusters, the
// rules and what the server keeps, and judges each. Judging is a function of data.
package doctor

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/access/token"
	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/backup/offsite"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/mirror"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/notify"
)

// Level is how a finding is.
type Level string

// The levels.
const (
	OK      Level = "ok"
	Warning Level = "warning" // it works, and will not for ever
	Problem Level = "problem" // something does not work, or is about to fail
)

// Finding is the answer to one question. Its fields are for programs, and stay.
type Finding struct {
	Check string `json:"check"`           // git, disk, inodes, fsync, clock, rights, cluster, grants, shared, keys, tokens, signers, certificates, backups, audit, notifications, mirrors, settings
	About string `json:"about,omitempty"` // the cluster; "": the server
	Level Level  `json:"level"`
	Says  string `json:"says"`           // a sentence, or a value
	Hint  string `json:"hint,omitempty"` // the next thing to try, in one or more lines; "" where all is well
}

// Doctor knows where to ask. Every field is required.
type Doctor struct {
	Data     string // the data directory
	Git      func(ctx context.Context) (version string, err error)
	Clusters func() []Cluster                     // in the order in which they are shown
	Rules    func() *rules.Rules                  // in force
	KeyFiles func() *access.Directory             // of the moment
	Tokens   func() []token.Token                 // of the API, that are good
	Repos    func() ([]name.Repo, error)          // that are there
	Names    func() []Named                       // of the server's keys and credentials
	Backups  func() *offsite.State                // nil: to no bucket
	ByHand   func() (newest time.Time, err error) // the newest backup that was made, wherever to; zero: none is known
	Trail    func() (audit.Verdict, error)        // verifies the audit trail
	Told     func() (receivers []notify.ReceiverState, trouble string)
	Mirrors  func() []mirror.Standing
	Settings func() (changed []Setting, err error) // read anew
}

// Setting is a setting that is not as it was given to the running server.
type Setting struct {
	Name, Where string
	Reload      bool // a reload takes it up
}

// patience bounds the examination of one cluster.
const patience = 10 * time.Second

// Examine answers all questions, in an order that is always the same.
func (d *Doctor) Examine(ctx context.Context) []Finding {
	now := time.Now()
	var wait sync.WaitGroup
	clusters := d.Clusters()
	ofCluster := make([][]Finding, len(clusters))
	for i, cluster := range clusters {
		wait.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			ofCluster[i] = d.examineCluster(ctx, cluster, now)
		})
	}
	findings := d.examineMachine(ctx)
	wait.Wait()
	for _, found := range ofCluster {
		findings = append(findings, found...)
	}
	return append(append(findings, d.examineAccess(now)...), d.examineKeeping(now)...)
}

// Count counts the findings of a level.
func Count(findings []Finding, level Level) int {
	n := 0
	for _, f := range findings {
		if f.Level == level {
			n++
		}
	}
	return n
}

// examineKeeping is about what the server keeps.
func (d *Doctor) examineKeeping(now time.Time) []Finding {
	verdict, err := d.Trail()
	changed, wrong := d.Settings()
	receivers, trouble := d.Told()
	return []Finding{d.examineBackups(now), judgeTrail(verdict, err), judgeTold(receivers, trouble, now), judgeMirrors(d.Mirrors(), now), judgeSettings(changed, wrong)}
}

// staleBackup is the age from which the newest backup is too old.
const staleBackup = 7 * 24 * time.Hour

// hintByHand is the hint where backups are made by hand, or by nobody.
const hintByHand = "set backup.bucket and backup.recipients, or have a timer call: ssh HOST backup > FILE"

func (d *Doctor) examineBackups(now time.Time) Finding {
	if s := d.Backups(); s != nil {
		return judgeBackups(s, now)
	}
	newest, err := d.ByHand()
	return judgeByHand(newest, err, now)
}

// judgeByHand judges the backups of a server that makes none by itself. Where they went, and
// whether they are still there, it cannot know.
func judgeByHand(newest time.Time, err error, now time.Time) Finding {
	f := Finding{Check: "backups", Level: Warning, Hint: hintByHand}
	switch {
	case err != nil:
		f.Says = "the server makes none by itself, and what others made cannot be read: " + err.Error()
	case newest.IsZero():
		f.Says = "the server makes none by itself, and nobody has made one"
	case now.Sub(newest) > staleBackup:
		f.Says = "the server makes none by itself, and the last one was taken on " + day(newest)
	default:
		f.Level, f.Says, f.Hint = OK, "the last one was taken on "+day(newest)+"; the server makes none by itself", ""
	}
	return f
}

// judgeBackups judges the backups in the bucket.
func judgeBackups(s *offsite.State, now time.Time) Finding {
	f := Finding{Check: "backups", Level: Warning}
	switch {
	case s.Failure != nil:
		f.Level, f.Says, f.Hint = Problem, fmt.Sprintf("fail since %s: %s", day(s.Failure.Since), s.Failure.Error), s.Failure.Hint
	case s.Newest == nil:
		f.Says, f.Hint = "there is none yet in "+s.To, "make one: ssh HOST backup now"
	case now.Sub(s.Made) > staleBackup:
		f.Says, f.Hint = fmt.Sprintf("the newest in %s is of %s", s.To, day(s.Made)), "make one: ssh HOST backup now; and look at backup.schedule"
	default:
		f.Level, f.Says = OK, fmt.Sprintf("%d in %s, the newest of %s", s.Backups, s.To, day(s.Made))
	}
	return f
}

func judgeTrail(v audit.Verdict, err error) Finding {
	f := Finding{Check: "audit", Level: Problem, Hint: "see which lines: ssh HOST audit verify"}
	switch {
	case err != nil:
		f.Says, f.Hint = "the trail cannot be read: "+err.Error(), "see whether DATA/audit can be read by the server's user"
	case len(v.Faults) > 0:
		f.Says = fmt.Sprintf("lines of the trail are not as they were written: %d", len(v.Faults)+v.More)
	default:
		f.Level, f.Says, f.Hint = OK, manifest.Plural(v.Lines, "line")+", all as they were written", ""
	}
	return f
}

func judgeSettings(changed []Setting, err error) Finding {
	f := Finding{Check: "settings", Level: OK, Says: "are in force as they are given"}
	if err != nil {
		return Finding{Check: "settings", Level: Problem, Says: "the server would not start again: " + err.Error(), Hint: "mend them, and try: pushboat config check"}
	}
	for _, s := range changed {
		if f.Level == OK {
			f.Level, f.Says, f.Hint = Warning, "", "send the server SIGHUP"
		} else {
			f.Says += "; "
		}
		f.Says += fmt.Sprintf("%s has changed (%s)", s.Name, s.Where)
		if !s.Reload {
			f.Says, f.Hint = f.Says+", which takes a restart", "restart the server: ssh HOST drain"
		}
	}
	return f
}

// day is a moment for people.
func day(t time.Time) string { return t.UTC().Format(access.ExpiryLayout) }
