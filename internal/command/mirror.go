package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/mirror"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/rulebook"
)

const (
	mirrorHelp = "It is committed to the file mirrors/NAME.yaml of the repository admin, goes\n" +
		"through the gate like a push, and is in force at once. What is new upstream is\n" +
		"deployed if the gate accepts it; the repository takes no pushes then. Files are\n" +
		"on the server's disk, in the directory of its setting mirror.files. See\n" +
		"docs/mirrors.md.\n" +
		"Example: repo mirror shop https://example.org/team/shop.git --branch main"
	fetchHelp = "Asks upstream now, shows what a pusher would see, and waits for the deploys.\n" +
		"Example: repo fetch shop --confirm-prune 3"
)

func mirrorFlags(f *pflag.FlagSet) {
	f.Bool("stop", false, "it is no mirror any more, and takes pushes")
	f.StringSlice("branch", nil, "the branches, with * for any letters; by default the one of HEAD")
	f.StringArray("tags", nil, "the tags, such as v1.* or '>=1.2'; by default none,\nor with --used-by the highest versions")
	f.StringSlice("used-by", nil, "repositories whose apps come from it; it deploys nothing itself")
	f.String("path", "", "the folder that is deployed, without a pushboat.yaml; by default all")
	f.String("schedule", "", "when upstream is asked; by default "+rules.DefaultMirrorSchedule)
	f.Bool("follow", false, "take over a history that was rewritten upstream")
	f.String("key-file", "", "a private key, for ssh")
	f.String("token-file", "", "a token, for https")
	f.String("user", "", "the user who goes with the token; by default git")
	f.String("hook-file", "", "the secret of webhooks")
	f.String("status-file", "", "a token to tell the forge how commits do")
	f.String("forge", "", "its kind: github, gitlab, gitea or bitbucket")
	f.String("comments", "", "what is commented on commits there: problems, or always")
	f.Bool("write-back", false, "what set-image and set commit goes there as branches")
	reviseFlags(f)
}

func fetchFlags(f *pflag.FlagSet) {
	f.Bool("plan", false, "only show what would change")
	f.Bool("detach", false, "do not wait for the deploys")
	f.Bool("force", false, "recreate objects whose immutable fields changed")
	f.Bool("plain-secrets", false, "take Secrets whose values are not encrypted")
	f.Int("confirm-prune", -1, "the number of deletions to confirm")
	f.String("override", "", "deploy although a window is closed, and record this reason")
	f.Bool("rewrite", false, "take over a history that was rewritten upstream")
	f.Bool("accept-host-key", false, "the key that upstream's host shows is right from now on")
}

// revisedMirror is a change of a mirror, as JSON.
type revisedMirror struct {
	Repo     name.Repo `json:"repository"`
	URL      string    `json:"url,omitempty"` // omitted with --stop
	Revision git.Hash  `json:"revision"`      // the commit on admin, or with --plan one on no branch
	Changes  []string  `json:"changes"`       // in words
	InForce  bool      `json:"inForce"`       // false with --plan
}

func (r *revisedMirror) made(by rulebook.Revised) {
	r.Revision, r.Changes = by.Commit, append([]string{}, by.Changes...)
}
func (r *revisedMirror) begun()        { r.InForce = true }
func (r *revisedMirror) about() string { return "mirror " + string(r.Repo) }

// mirrorRepo makes a repository a mirror, or ends that.
func mirrorRepo(ctx context.Context, c *call) error {
	if err := c.check(c.right(), access.Subject{}); err != nil {
		return err
	}
	repo, err := name.ParseRepo(c.args[0])
	if err != nil {
		return report.WithHint(err, "choose a name such as shop or team/shop")
	}
	stop, _ := c.flags.GetBool("stop") // the flags are those of mirrorFlags
	result := &revisedMirror{Repo: repo}
	if stop {
		if len(c.args) > 1 {
			return usageError{"--stop takes no address"}
		}
		return c.revise(ctx, result, rulebook.Revision{
			Subject: fmt.Sprintf("Have %s take pushes again", repo), By: c.Caller(),
			Edit: func(_ fs.FS, now *rules.Rules) (map[string][]byte, error) { return withoutMirror(now, repo) },
		})
	}
	if len(c.args) < 2 {
		return usageError{"URL is missing"}
	}
	m, err := c.readMirror(repo, c.args[1])
	if err != nil {
		return err
	}
	result.URL = m.URL
	return c.revise(ctx, result, rulebook.Revision{
		Subject: fmt.Sprintf("Fetch %s from elsewhere", repo), By: c.Caller(),
		Edit: func(_ fs.FS, now *rules.Rules) (map[string][]byte, error) { return withMirror(now, m) },
	})
}

// readMirror reads a mirror from the flags. What is wrong with them, the gate says.
func (c *call) readMirror(repo name.Repo, url string) (*rules.Mirror, error) {
	m := &rules.Mirror{Repo: repo, Far: rules.Far{URL: url}}
	branches, _ := c.flags.GetStringSlice("branch") // the flags are those of mirrorFlags
	for _, branch := range branches {
		m.Branches = append(m.Branches, glob.Pattern(branch))
	}
	if c.flags.Changed("tags") {
		m.Tags, _ = c.flags.GetStringArray("tags")
		m.Tags = slices.DeleteFunc(m.Tags, func(tag string) bool { return tag == "" }) // "" is none
	}
	usedBy, _ := c.flags.GetStringSlice("used-by")
	for _, repo := range usedBy {
		m.UsedBy = append(m.UsedBy, glob.Pattern(repo))
	}
	m.Follow, _ = c.flags.GetBool("follow")
	m.WriteBack, _ = c.flags.GetBool("write-back")
	texts := map[string]*string{"path": &m.Path, "schedule": &m.Schedule, "key-file": &m.KeyFile, "token-file": &m.TokenFile, "user": &m.User, "hook-file": &m.HookFile, "status-file": &m.StatusFile, "forge": &m.Forge, "comments": &m.Comments}
	for flag, to := range texts {
		*to, _ = c.flags.GetString(flag)
	}
	for _, text := range append([]string{m.URL, m.Path, m.Schedule, m.KeyFile, m.TokenFile, m.User, m.HookFile, m.StatusFile, m.Forge, m.Comments}, slices.Concat(branches, usedBy, m.Tags)...) {
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return nil, usageError{"a control character is in the way"}
		}
	}
	return m, nil
}

func withMirror(now *rules.Rules, m *rules.Mirror) (map[string][]byte, error) {
	file := rules.MirrorFile(m.Repo)
	if was := now.Mirror(m.Repo); was != nil {
		return nil, report.WithHint(fmt.Errorf("repository %s is a mirror of %s already", m.Repo, was.URL),
			"change %s in a clone of admin, and push it: git clone ssh://HOST/%s\nor begin anew: ssh HOST repo mirror %s --stop", file, access.AdminRepo, m.Repo)
	}
	return map[string][]byte{file: m.File()}, nil
}

func withoutMirror(now *rules.Rules, repo name.Repo) (map[string][]byte, error) {
	if now.Mirror(repo) == nil {
		return nil, noMirror(repo)
	}
	return map[string][]byte{rules.MirrorFile(repo): nil}, nil
}

func noMirror(repo name.Repo) error {
	return report.WithHint(fmt.Errorf("repository %s is no mirror", repo), "list the repositories: ssh HOST repo list\nto make it one: ssh HOST repo mirror %s URL", repo)
}

// fetchRepo asks the upstream of a mirror now.
func fetchRepo(ctx context.Context, c *call) error {
	repo, err := name.ParseRepo(c.args[0])
	if err != nil {
		return report.WithHint(err, "list the repositories: ssh HOST repo list")
	}
	_, mirrors := c.Mirrors.State(repo)
	if err := c.checkWhole(repo, mirrors); err != nil {
		return err
	}
	if !mirrors {
		return noMirror(repo)
	}
	ask := mirror.Asking{Repo: repo, Caller: c.Caller(), Options: c.fetchOptions(), Gone: c.Gone(), Fill: c.Fill}
	ask.Rewrite, _ = c.flags.GetBool("rewrite") // the flags are those of fetchFlags
	ask.AcceptHostKey, _ = c.flags.GetBool("accept-host-key")
	done, err := c.Mirrors.Fetch(ctx, ask, c)
	switch {
	case errors.Is(err, mirror.ErrNoMirror):
		return noMirror(repo)
	case err != nil:
		return err
	case len(done.Refused) > 0 && slices.Contains(ask.Options, "plan"):
		return nil
	case len(done.Refused) > 0:
		return report.WithHint(fmt.Errorf("repository %s: what upstream has of %s is not taken", repo, name.Join(done.Refused, ", ")),
			"the lines above say why; what was deployed last stays")
	case done.Failed:
		return report.WithHint(fmt.Errorf("repository %s: the branch has moved, and a deploy did not end well", repo), "see what happened: ssh HOST status")
	case len(done.Moved)+len(done.Tags) == 0:
		fmt.Fprintf(c, "%s: nothing new upstream\n", repo)
	}
	return nil
}

// checkWhole asks for the right of the call on a repository as a whole: who may deploy a branch
// or folder alone may not have all of them fetched or sent. unborn says that the repository
// may be none yet.
func (c *call) checkWhole(repo name.Repo, unborn bool) error {
	main := name.Branch(appfile.DefaultBranch)
	switch repository, err := c.Repos.Open(repo); {
	case !c.Policy.Allows(c.Caller(), access.ReadRepo, access.Subject{Repo: repo}):
		return missingRepo(repo)
	case errors.Is(err, git.ErrNotExist) && !unborn:
		return missingRepo(repo)
	case errors.Is(err, git.ErrNotExist): // its first fetch makes it
	case err != nil:
		return err
	default:
		if main, err = repository.MainBranch(); err != nil {
			return err
		}
	}
	return c.check(c.right(), access.Subject{Repo: repo, Ref: main.Ref(), Paths: []string{"."}})
}

// fetchOptions are the flags of fetchFlags as options of a push.
func (c *call) fetchOptions() (options []string) {
	for _, flag := range []string{"plan", "detach", "force", "plain-secrets"} {
		if set, _ := c.flags.GetBool(flag); set { // the flags are those of fetchFlags
			options = append(options, flag)
		}
	}
	if n, _ := c.flags.GetInt("confirm-prune"); c.flags.Changed("confirm-prune") {
		options = append(options, "confirm-prune="+strconv.Itoa(n))
	}
	if reason, _ := c.flags.GetString("override"); c.flags.Changed("override") {
		options = append(options, "override="+reason)
	}
	return options
}

// mirrorOf is how a repository's mirror does; nil if it is none.
func (c *call) mirrorOf(repo name.Repo) *mirror.State {
	state, ok := c.Mirrors.State(repo)
	if !ok {
		return nil
	}
	return &state
}

// mirrorLines say what is to be known of a mirror that is not as its upstream.
func mirrorLines(repo name.Repo, s *mirror.State, now time.Time) []string {
	var lines []string
	lines = append(lines, troubleLines("not fetched", s.Trouble, now)...)
	lines = append(lines, troubleLines("tags not fetched", s.Untagged, now)...)
	for _, branch := range slices.Sorted(maps.Keys(s.Refused)) {
		r := s.Refused[branch]
		more := "repo fetch " + string(repo)
		if r.Refusal != "" {
			more = "refused " + r.Refusal
		}
		lines = append(lines, fmt.Sprintf("%s: %s of upstream is refused since %s: %s   (%s)", refusedRef(branch), r.Revision.Short(), ago(r.Since, now), manifest.Clean(r.Reason), more))
	}
	for _, branch := range slices.Sorted(maps.Keys(s.Gone)) {
		lines = append(lines, fmt.Sprintf("branch %s: gone upstream since %s; here it stays, and so does what it deploys", manifest.Clean(string(branch)), ago(s.Gone[branch], now)))
	}
	if len(s.GoneTags) > 0 {
		lines = append(lines, fmt.Sprintf("tags gone upstream: %s; here they stay   (repo fetch %s --rewrite)", manifest.Clean(name.Join(s.GoneTags, ", ")), repo))
	}
	lines = append(lines, troubleLines("statuses of commits are not told", s.Untold, now)...)
	lines = append(lines, troubleLines("commits are not commented", s.Uncommented, now)...)
	for _, branch := range s.Left {
		lines = append(lines, fmt.Sprintf("branch %s: not fetched any more, since HEAD names another upstream; name it in branches of %s to go on", manifest.Clean(string(branch)), rules.MirrorFile(repo)))
	}
	return lines
}

// refusedRef names a branch or a tag that is refused.
func refusedRef(branch name.Branch) string {
	if tag, is := name.TagOf(string(branch)); is {
		return "tag " + manifest.Clean(string(tag))
	}
	return "branch " + manifest.Clean(string(branch))
}

// troubleLines say since when something is not done, and why.
func troubleLines(what string, t *mirror.Trouble, now time.Time) []string {
	if t == nil {
		return nil
	}
	lines := []string{fmt.Sprintf("%s since %s (%s): %s", what, t.Since.UTC().Format("2006-01-02 15:04 UTC"), manifest.Roughly(now.Sub(t.Since)), manifest.Clean(t.Error))}
	for line := range strings.Lines(t.Hint) {
		lines = append(lines, "  "+manifest.Clean(strings.TrimSuffix(line, "\n")))
	}
	return lines
}

// printMirrors names the mirrors of apps that are not as their upstreams, above everything else.
func (c *call) printMirrors(w io.Writer, repos []name.Repo, now time.Time) {
	say := func(heading string, lines []string) {
		if len(lines) > 0 {
			fmt.Fprintf(w, "%s:\n  %s\n\n", heading, strings.Join(lines, "\n  "))
		}
	}
	for _, repo := range repos {
		if s := c.mirrorOf(repo); s != nil {
			say(fmt.Sprintf("repository %s, a mirror of %s", repo, manifest.Clean(s.URL)), mirrorLines(repo, s, now))
		}
		say(fmt.Sprintf("repository %s, which is sent elsewhere", repo), remoteLines(repo, c.Remotes.States(repo), now))
	}
}
