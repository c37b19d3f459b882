package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/report"
)

const (
	auditHelp = "Every decision and every change of state, oldest first: who, with which key,\n" +
		"from where, by which rule. Takes the role admin, or a rule that gives audit.\n" +
		"With -o json, each is an object as docs/audit.md describes it.\n" +
		"Example: audit --since 2d --operator ben --app shop"
	verifyHelp = "Reads the whole trail, and names each line that was removed, changed or moved.\n" +
		"Exits 1 if there is one. Note the last line's hash somewhere else: who can write\n" +
		"the server's files can write a whole trail anew, and only that shows it.\n" +
		"Example: audit verify"
)

// maxAudit bounds the lines that one call lists.
const maxAudit = 100_000

func auditFlags(f *pflag.FlagSet) {
	output(f)
	f.String("since", "", "the first moment: a duration back, or a time (2d, 2026-01-31T18:00)")
	f.String("until", "", "the first moment that is not listed, in the same forms")
	f.Uint64("before", 0, "only lines with a lower number (seq): what comes before a list")
	f.String("event", "", "only lines of this kind: push, verb, login, deploy-ended, ...")
	f.String("decision", "", "only what was allowed, refused or planned")
	f.String("repository", "", "only what is about this repository")
	f.String("operator", "", "only what this operator did")
	f.String("app", "", "only what is about this app")
	f.IntP("number", "n", 100, "how many lines to list, the newest")
}

// listAudit lists lines of the audit trail.
func listAudit(_ context.Context, c *call) error {
	if err := c.check(c.right(), access.Subject{}); err != nil {
		return err
	}
	query, err := c.auditQuery(time.Now())
	if err != nil {
		return err
	}
	events, unread, err := c.Trail.Read(query)
	if err != nil {
		return err
	}
	if unread > 0 {
		fmt.Fprintf(c.Stderr(), "warning: lines that cannot be read: %d\n%s", unread, report.Hints("see which: ssh HOST audit verify"))
	}
	return c.print(listed(events), func(w io.Writer) { printAudit(w, events) })
}

// auditQuery reads the flags of the call.
func (c *call) auditQuery(now time.Time) (q audit.Query, err error) {
	since, _ := c.flags.GetString("since") // the flags are those of auditFlags
	if q.Since, err = parseSince("since", since, now); err != nil {
		return q, err
	}
	until, _ := c.flags.GetString("until")
	if q.Until, err = parseSince("until", until, now); err != nil {
		return q, err
	}
	if q.Kind, err = oneOf(c.flags, "event", audit.Kinds); err != nil {
		return q, err
	}
	if q.Decision, err = oneOf(c.flags, "decision", audit.Decisions); err != nil {
		return q, err
	}
	q.Before, _ = c.flags.GetUint64("before")
	q.Repository, _ = c.flags.GetString("repository")
	q.Operator, _ = c.flags.GetString("operator")
	q.App, _ = c.flags.GetString("app")
	q.Most, _ = c.flags.GetInt("number")
	if q.Most < 1 || q.Most > maxAudit {
		return q, usageError{fmt.Sprintf("-n wants a number from 1 to %d", maxAudit)}
	}
	for _, app := range c.Engine.Apps() {
		if string(app) == q.App && q.Repository == "" {
			status, _ := c.Engine.Status(app)
			q.Repository, q.Ref = string(status.Repo), status.Branch.Ref()
		}
	}
	return q, nil
}

// oneOf returns the value of a flag, which is one of a list or "".
func oneOf[T ~string](flags *pflag.FlagSet, name string, list []T) (T, error) {
	text, err := flags.GetString(name)
	if err != nil || text == "" || slices.Contains(list, T(text)) {
		return T(text), err
	}
	words := make([]string, len(list))
	for i, word := range list {
		words[i] = string(word)
	}
	return "", usageError{fmt.Sprintf("--%s %q: it is one of %s", name, manifest.Clean(text), strings.Join(words, ", "))}
}

// parseSince parses a moment in the past, the value of a flag; the zero time if text is
// empty.
func parseSince(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if then, ok := fromNow(text, now); ok {
		return now.Add(-then.Sub(now)), nil
	}
	for _, form := range moments {
		if moment, err := time.Parse(form, text); err == nil {
			return moment, nil
		}
	}
	return time.Time{}, usageError{fmt.Sprintf("--%s %q is no time; write 90m, 8h, 2d, 2026-01-31 or 2026-01-31T18:00 (UTC)", flag, text)}
}

// printAudit writes a line or two for each event.
func printAudit(w io.Writer, events []audit.Event) {
	if len(events) == 0 {
		fmt.Fprintln(w, "No line matches.")
		return
	}
	for _, e := range events {
		fmt.Fprintf(w, "%s  %s\n", e.Time.UTC().Format("2006-01-02 15:04:05"), manifest.Clean(auditLine(e)))
		if more := auditMore(e); more != "" {
			fmt.Fprintf(w, "    %s\n", manifest.Clean(more))
		}
	}
}

// auditLine says who did what: "ben push allowed: shop refs/heads/main 3f2c1ab..a1b2c3d".
func auditLine(e audit.Event) string {
	words := []string{dash(e.Operator), string(e.Kind)}
	if e.Decision != "" {
		words = append(words, string(e.Decision))
	}
	about := []string{e.Verb}
	about = append(about, e.Arguments...)
	if e.Verb == "" {
		about = append(about, e.Repository, e.App, e.Ref)
	}
	if e.Old != "" || e.New != "" {
		about = append(about, short(e.Old)+".."+short(e.New))
	}
	text := strings.Join(words, " ")
	if about := strings.Join(strings.Fields(strings.Join(about, " ")), " "); about != "" {
		text += ": " + about
	}
	return text
}

// auditMore says by which key and rule, from where, and why.
func auditMore(e audit.Event) string {
	var parts []string
	add := func(text string) {
		if text != "" {
			parts = append(parts, text)
		}
	}
	add(e.Reason)
	if e.Count > 0 {
		add(fmt.Sprintf("(and %d more like it)", e.Count))
	}
	if e.Rule != "" {
		add("by " + e.Rule)
	}
	if e.Address != "" {
		add("from " + e.Address)
	}
	if e.Door != "" {
		add("by the door " + e.Door)
	}
	if e.Token != "" {
		add("token " + e.Token)
	}
	add(e.Key)
	add(access.Certificate{Authority: e.Authority, Serial: e.Serial, KeyID: e.KeyID}.String())
	return strings.Join(parts, ", ")
}

// short is the beginning of a commit's hash; "none" where there is no commit.
func short(hash string) string {
	if hash == "" {
		return "none"
	}
	return hash[:min(len(hash), 7)]
}

// verifyAudit verifies the audit trail.
func verifyAudit(_ context.Context, c *call) error {
	if err := c.check(c.right(), access.Subject{}); err != nil {
		return err
	}
	verdict, err := c.Trail.Verify()
	if err != nil {
		return err
	}
	if err := c.print(verdict, func(w io.Writer) { printVerdict(w, verdict) }); err != nil {
		return err
	}
	if len(verdict.Faults) > 0 {
		return report.WithHint(errors.New("the audit trail is not as the server wrote it"),
			"keep the files as they are, in the folder audit of the data directory; compare them with a backup or with what was shipped")
	}
	return nil
}

func printVerdict(w io.Writer, v audit.Verdict) {
	for _, fault := range v.Faults {
		fmt.Fprintln(w, manifest.Clean(fault.String()))
	}
	if v.More > 0 {
		fmt.Fprintf(w, "and %d more\n", v.More)
	}
	state := "complete"
	if len(v.Faults) > 0 {
		state = "damaged"
	}
	fmt.Fprintf(w, "%s: lines %d to %d, in files: %d\nthe last line's hash: %s\n", state, v.First, v.Last, v.Files, v.Hash)
}
