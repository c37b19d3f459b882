package command

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/mirror"
	"github.com/pushboat/pushboat/internal/name"
)

const mirroredHelp = "Of a mirror, the commit goes upstream, as a branch pushboat/APP-... to be merged\n" +
	"there, if its file in admin has writeBack: branch. See docs/ci.md.\n"

// amendUpstream offers an amendment to the upstream of a mirror, as a branch of its own there for
// whoever merges it. Here nothing changes until what was merged is fetched.
func (c *call) amendUpstream(ctx context.Context, a amendment, m *rules.Mirror) error {
	if !m.WriteBack {
		return mirror.KeepsOut(m)
	}
	over, err := c.benches.take(ctx, a.status.Repo, a.status.Branch) // the same change twice is one branch
	if err != nil {
		return err
	}
	defer over()
	if planOnly, _ := c.flags.GetBool("plan"); !planOnly { // the flags are those of amendFlags
		if err := c.Mirrors.Refresh(ctx, m.Repo); err != nil {
			return err
		}
	}
	repo, err := c.Repos.Open(a.status.Repo)
	if err != nil {
		return err
	}
	made, err := c.draft(ctx, repo, a)
	if err != nil {
		return err
	}
	made.upstream = !made.options.Plan
	if len(made.changes) == 0 {
		fmt.Fprintf(c, "%s: %s; nothing was changed\n", a.status.App, a.so)
		return c.settled(ctx, a.status)
	}
	c.printAmended(a, made)
	if err := c.mayAmend(a.status, made); err != nil {
		return err
	}
	if err := made.commit(ctx, repo); err != nil {
		return err
	}
	made.options.Plan = true // the gate judges it now, and again once it is merged
	if _, err := c.propose(ctx, repo, a.status, made); err != nil || !made.upstream {
		return err
	}
	return c.offer(ctx, a, m, made)
}

// offer sends a commit upstream.
func (c *call) offer(ctx context.Context, a amendment, m *rules.Mirror, made *amended) error {
	o := mirror.Offer{Repo: m.Repo, Base: made.from, Commit: made.to, Onto: a.status.Branch, Branch: branchFor(a.status.App, a.status.Branch, made)}
	e := audit.Of(audit.Push, c.Caller())
	e.Repository, e.Ref, e.Decision, e.Rule = string(m.Repo), o.Branch.Ref(), audit.Allowed, made.rule
	e.Old, e.New, e.Reason = git.Hash("").String(), made.to.String(), "by "+c.verb.words+", to "+m.URL
	if err := c.Trail.Write(e); err != nil {
		return fmt.Errorf("%w; nothing was changed", err)
	}
	done, err := c.Mirrors.Offer(ctx, o)
	if err != nil {
		return err
	}
	a.result.Upstream = &amendedUpstream{URL: m.URL, Branch: o.Branch, Onto: o.Onto, Commit: done.Commit, Known: done.Known, Link: done.Link}
	c.printOffered(a.status.App, o, done)
	return nil
}

// printOffered says where upstream has a change, and what becomes of it.
func (c *call) printOffered(app name.App, o mirror.Offer, done mirror.Offered) {
	onto, how := manifest.Clean(string(o.Onto)), "is"
	if done.Known {
		how = "is already"
	}
	fmt.Fprintf(c, "%s: branch %s %s at %s upstream; it is deployed once it is merged into %s there\n", app, o.Branch, how, done.Commit.Short(), onto)
	if done.Newer != "" {
		fmt.Fprintf(c, "%s: %s is at %s upstream, which is not deployed here\n", app, onto, done.Newer.Short())
	}
	if done.Link == "" {
		fmt.Fprintf(c, "%s: ask for that on the page of the repository: from %s into %s\n", app, o.Branch, onto)
		return
	}
	fmt.Fprintf(c, "%s: ask for that: %s\n", app, manifest.Clean(done.Link))
}

// branchFor names the branch that upstream gets: the same change has the same name, also where
// lines have come before it.
func branchFor(app name.App, onto name.Branch, made *amended) name.Branch {
	var changes []string
	for _, change := range made.changes {
		line, before := at(made.before[change.File], change.Line)
		changes = append(changes, fmt.Sprintf("%q %q %d %q %q", change.File, line, before, change.From, change.To))
	}
	slices.Sort(changes)
	sum := sha256.Sum256([]byte(fmt.Sprintf("%q %q\n%s", app, onto, strings.Join(changes, "\n"))))
	return name.Branch(fmt.Sprintf("%s%s-%x", mirror.OfferPrefix, app, sum[:5]))
}
