package push

import (
	"context"
	"fmt"
	"strings"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/hook"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/report"
)

// Trail is the audit trail. Package audit has it.
type Trail interface {
	// Write returns when the events are on disk. With an error, nothing is accepted.
	Write(events ...audit.Event) error
	// NoteLimited has an event written soon, within a quota for its source.
	NoteLimited(source string, e audit.Event)
}

// ruling is the course of a judgement, for the audit trail.
type ruling struct {
	rules  map[string]string // by which a ref may move, by ref
	reason string            // why the push is refused; "" if it is not
}

// maxRefused bounds the lines that one refused push has on the trail.
const maxRefused = 10

// checkOpen decides about a whole repository before a program of Git's begins, and puts a
// refusal on the audit trail. What is allowed is judged ref by ref.
func (d *Door) checkOpen(caller access.Caller, right access.Right, repo name.Repo, service git.Service) (access.Decision, error) {
	decision, err := d.Policy.Judge(caller, right, access.Subject{Repo: repo})
	if err != nil {
		e := audit.Of(audit.Verb, caller)
		e.Verb, e.Repository, e.Rule = string(service), string(repo), decision.Rule
		e.Decision, e.Reason = audit.Refused, err.Error()
		d.Trail.NoteLimited(e.Operator, e)
	}
	return decision, err
}

// create makes a repository for a push, which is on the audit trail before.
func (d *Door) create(ctx context.Context, caller access.Caller, repo name.Repo, rule string) (*git.Repository, error) {
	e := audit.Of(audit.Verb, caller)
	e.Verb, e.Arguments, e.Repository = "repo create", []string{string(repo)}, string(repo)
	e.Rule, e.Decision, e.Reason = rule, audit.Allowed, "by a push"
	if err := d.Trail.Write(e); err != nil {
		return nil, err
	}
	d.Log.WithField("repository", string(repo)).WithField("operator", caller.Operator).Info("repository created by push")
	return d.Repos.Create(ctx, repo)
}

// noteRule remembers by which rule a ref may move.
func (p *push) noteRule(ref, rule string) {
	if p.ruling.rules == nil {
		p.ruling.rules = map[string]string{}
	}
	p.ruling.rules[ref] = rule
}

// noteReason remembers the first reason for which the push is refused. Of a problem in a
// file it names the place only: the text is for those who may read the repository.
func (p *push) noteReason(problems manifest.Problems) {
	if len(problems) == 0 || p.ruling.reason != "" {
		return
	}
	first := problems[0]
	p.ruling.reason, _, _ = strings.Cut(first.Message, ":\n") // what follows quotes the pusher's text
	if place := first.Source.String(); place != "" {
		p.ruling.reason = "problem at " + place
	} else if first.Object != "" {
		p.ruling.reason = "problem with " + first.Object
	}
	if len(problems) > 1 {
		p.ruling.reason += fmt.Sprintf(", and %d more", len(problems)-1)
	}
}

// trailAccepted has the audit trail say that the push is accepted, before anything of it
// is done.
func (p *push) trailAccepted(updates []hook.RefUpdate) manifest.Problems {
	events := p.events(updates)
	for i := range events {
		events[i].Decision, events[i].Rule = audit.Allowed, p.ruling.rules[events[i].Ref]
		events[i].SignedBy, events[i].PushBy = p.signersAt(events[i].Ref).String(), p.certified.by.String()
		if reason := p.overridden(events[i].Ref); reason != "" {
			events[i].Reason = fmt.Sprintf("windows overridden: %q", reason)
		}
	}
	if err := p.door.Trail.Write(events...); err != nil {
		return manifest.Problems{report.AsProblem(fmt.Errorf("%w; nothing was changed", err))}
	}
	return nil
}

// overridden is the reason for which the change of a ref overrides windows; "" if it
// overrides none.
func (p *push) overridden(ref string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if proposed, ok := p.proposals[ref]; ok {
		return proposed.proposal.Overridden()
	}
	return ""
}

// trailRefused has the audit trail say that the refs do not move.
func (p *push) trailRefused(ctx context.Context, updates []hook.RefUpdate) {
	decision, reason := audit.Refused, p.ruling.reason
	switch {
	case reason == "" && p.options.Plan:
		decision = audit.Planned
	case reason == "" && ctx.Err() != nil:
		reason = "the server stops"
	case reason == "":
		reason = "the pusher went away"
	}
	for i, e := range p.events(updates) {
		if i == maxRefused {
			break
		}
		e.Decision, e.Reason = decision, reason
		if more := len(updates) - maxRefused; i == 0 && more > 0 {
			e.Reason += fmt.Sprintf("; and so are %d more refs of the push", more)
		}
		p.door.Trail.NoteLimited(e.Operator, e)
	}
}

// events begins an event for each ref of the push.
func (p *push) events(updates []hook.RefUpdate) []audit.Event {
	begun := audit.Of(audit.Push, p.session.Caller())
	begun.Repository = string(p.repo.Name())
	events := make([]audit.Event, len(updates))
	for i, update := range updates {
		events[i] = begun
		events[i].Ref, events[i].Old, events[i].New = update.Ref, hashOf(update.Old), hashOf(update.New)
	}
	return events
}

// hashOf is "" for no commit.
func hashOf(hash git.Hash) string {
	if hash.IsZero() {
		return ""
	}
	return hash.String()
}
