package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/mirror"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/report"
)

const sendHelp = "Remotes are in remotes/NAME.yaml of the repository admin; they are sent to by\n" +
	"themselves, too. Without REMOTE, all of them are. See docs/mirrors.md.\n" +
	"Example: repo send shop github"

func sendFlags(f *pflag.FlagSet) {
	f.Bool("force", false, "replace what the remote has instead, this once; for admins")
	f.Bool("accept-host-key", false, "the key that the remote's host shows is right from now on")
}

// sendRepo sends to the remotes of a repository now.
func sendRepo(ctx context.Context, c *call) error {
	repo, err := name.ParseRepo(c.args[0])
	if err != nil {
		return report.WithHint(err, "list the repositories: ssh HOST repo list")
	}
	if err := c.checkWhole(repo, false); err != nil {
		return err
	}
	ask := mirror.Ask{Repo: repo}
	if len(c.args) > 1 {
		ask.Remote = c.args[1]
	}
	ask.Force, _ = c.flags.GetBool("force") // the flags are those of sendFlags
	ask.AcceptHostKey, _ = c.flags.GetBool("accept-host-key")
	if ask.Force { // which the rules decide about
		if err := c.check(access.Administer, access.Subject{}); err != nil {
			return err
		}
	}
	list, err := c.Remotes.Send(ctx, ask)
	if errors.Is(err, mirror.ErrNoRemote) {
		return c.noRemote(ask)
	}
	unsent := 0
	for _, sent := range list {
		printSent(c, repo, sent)
		unsent += len(sent.Unsent)
	}
	if err == nil && unsent > 0 {
		return report.WithHint(fmt.Errorf("repository %s: %s not sent", repo, manifest.Plural(unsent, "ref")),
			"merge what is there, and push it here; or replace it: ssh HOST repo send %s --force", strings.Join(c.args, " "))
	}
	return err
}

func (c *call) noRemote(ask mirror.Ask) error {
	if names := c.Remotes.Names(ask.Repo); names != "" {
		return report.WithHint(fmt.Errorf("repository %s has no remote %q", ask.Repo, ask.Remote), "its remotes are %s", names)
	}
	return report.WithHint(fmt.Errorf("repository %s has no remotes", ask.Repo),
		"push %s to admin: git clone ssh://HOST/%s; its form: ssh HOST schema remotes/NAME.yaml", rules.RemotesFile(ask.Repo), access.AdminRepo)
}

// printSent writes what became of a sending.
func printSent(w io.Writer, repo name.Repo, sent mirror.Sent) {
	for _, one := range sent.Refs {
		from := "new"
		if !one.Old.IsZero() {
			from = one.Old.Short()
		}
		if one.Force {
			from += ", replaced"
		}
		fmt.Fprintf(w, "%s: %s has %s at %s (%s)\n", repo, sent.Remote, shortRef(one.Ref), one.New.Short(), from)
	}
	for _, ref := range slices.Sorted(maps.Keys(sent.Unsent)) {
		fmt.Fprintf(w, "%s: %s: %s: %s\n", repo, sent.Remote, shortRef(ref), manifest.Clean(sent.Unsent[ref].Why))
	}
	for _, branch := range sent.Waits {
		fmt.Fprintf(w, "%s: %s gets %s once its deploys have ended\n", repo, sent.Remote, manifest.Clean(string(branch)))
	}
	if len(sent.Refs) == 0 && len(sent.Unsent) == 0 && len(sent.Waits) == 0 {
		fmt.Fprintf(w, "%s: %s has everything\n", repo, sent.Remote)
	}
}

// shortRef is a ref as people name it.
func shortRef(ref string) string {
	for _, prefix := range []string{name.BranchPrefix, "refs/tags/", git.RecordRefs} {
		if short, ok := strings.CutPrefix(ref, prefix); ok {
			return manifest.Clean(short)
		}
	}
	return manifest.Clean(ref)
}

func remoteNames(remotes []mirror.RemoteState) string {
	names := make([]string, len(remotes))
	for i, r := range remotes {
		names[i] = r.Name
	}
	return strings.Join(names, ", ")
}

// remoteLines say what is to be known of remotes that have not all that they are to have.
func remoteLines(repo name.Repo, remotes []mirror.RemoteState, now time.Time) (lines []string) {
	for i := range remotes {
		r := &remotes[i]
		lines = append(lines, troubleLines("not sent to "+r.Name, r.Trouble, now)...)
		for _, ref := range slices.Sorted(maps.Keys(r.Unsent)) {
			one := r.Unsent[ref]
			lines = append(lines, fmt.Sprintf("%s is not sent to %s since %s: %s   (repo send %s %s)", shortRef(ref), r.Name, ago(one.Since, now), manifest.Clean(one.Why), repo, r.Name))
		}
		if r.More > 0 {
			lines = append(lines, fmt.Sprintf("and %s more to %s", manifest.Plural(r.More, "ref"), r.Name))
		}
		lines = append(lines, troubleLines("statuses of commits are not told to "+r.Name, r.Untold, now)...)
	}
	return lines
}

// printRemotes writes where a repository is sent to.
func printRemotes(w io.Writer, repo name.Repo, remotes []mirror.RemoteState, now time.Time) {
	for i := range remotes {
		r := &remotes[i]
		sent := "nothing sent yet"
		switch {
		case r.Sending:
			sent = "being sent to now"
		case !r.Sent.IsZero():
			sent = "had everything " + ago(r.Sent, now)
		}
		fmt.Fprintf(w, "sent to     %s (%s), %s\n", r.Name, manifest.Clean(r.URL), sent)
		if r.Setup != nil {
			fmt.Fprintln(w, "  gets      "+sentText(r.Setup))
		}
		if r.HostKey != nil {
			fmt.Fprintf(w, "  host key  %s %s, since %s\n", r.HostKey.Host, r.HostKey.Fingerprint, r.HostKey.Since.UTC().Format(time.DateOnly))
		}
	}
	for _, line := range remoteLines(repo, remotes, now) {
		fmt.Fprintln(w, "  "+line)
	}
}
