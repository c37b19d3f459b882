package push

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/hook"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/report"
)

// Landing is a change of branches that nobody has pushed: their new commits are in the
// repository already, and no branch leads to them yet.
type Landing struct {
	Repo    *git.Repository
	Updates []hook.RefUpdate
	Options []string // as of git push -o
	Caller  access.Caller
	Why     string // for the reflog
	// Problems refuse the landing before the gate judges it; nil: it does.
	Problems manifest.Problems
	// Rewrites allows that the history of a branch that deploys is another than before.
	Rewrites bool
	// Spelling spells the remedies of problems.
	Spelling report.Door
	// Known reports whether a refusal for a reason is known already: then nobody is told
	// again, and nothing is kept. nil: none is.
	Known func(reason string) bool
	// Fill replaces HOST in what is written; nil: it stays.
	Fill func(text string) string
}

// Landed is what became of a landing.
type Landed struct {
	Accepted bool
	Failed   bool   // a deploy that was waited for did not end well
	Reason   string // why it was refused, without anything of the files
	Refusal  string // by which the refusal is kept; "" if it is not
}

// Land judges branches as if they were pushed, moves them if the gate accepts them, and
// begins their deploys. It writes what a pusher would see. Deploys are waited for unless the
// options say detach. ctx is the server's; the caller is away when gone is closed.
func (d *Door) Land(ctx context.Context, l Landing, gone <-chan struct{}, out io.Writer) Landed {
	if l.Fill == nil {
		l.Fill = func(text string) string { return text }
	}
	p := newPush(d, &landing{l, landingID(), gone}, l.Repo)
	p.spelling, p.rewrites = l.Spelling, l.Rewrites
	req := hook.Request{Updates: l.Updates, Options: l.Options}
	accepted := p.judgeLanding(ctx, &l, req, out)
	if accepted {
		req.Updates = p.moveLanding(ctx, &l, req.Updates, out)
		p.PostReceive(ctx, req, out)
		accepted = len(req.Updates) > 0
	}
	p.endTurns()
	p.settle(ctx)
	return Landed{Accepted: accepted, Failed: p.unsuccessful(), Reason: p.ruling.reason, Refusal: p.kept}
}

// judgeLanding is PreReceive, but for refusals that are known.
func (p *push) judgeLanding(ctx context.Context, l *Landing, req hook.Request, out io.Writer) bool {
	if !p.begin() {
		return false
	}
	p.began = time.Now()
	p.patience = newPatience(filled{out, p.session.Fill}, "reading what was fetched")
	defer p.patience.end()
	accepted := p.decideLanding(ctx, l.Problems, req)
	p.note(accepted)
	if !accepted && (l.Known == nil || !l.Known(p.ruling.reason)) {
		p.keepRefusal(ctx, req, p.patience)
		p.trailRefused(ctx, req.Updates)
		p.tellRefused(req.Updates)
	}
	return accepted
}

func (p *push) decideLanding(ctx context.Context, problems manifest.Problems, req hook.Request) bool {
	if len(problems) > 0 {
		return p.refuse(p.patience, problems)
	}
	return p.decide(ctx, req, p.patience)
}

// moveLanding moves the branches, and returns those that it could move.
func (p *push) moveLanding(ctx context.Context, l *Landing, updates []hook.RefUpdate, out io.Writer) (moved []hook.RefUpdate) {
	for _, update := range updates {
		err := p.repo.MoveBranch(context.WithoutCancel(ctx), update.Ref, update.Old, update.New, git.Note{Who: l.Caller.Operator, Why: l.Why})
		if err != nil {
			p.refuse(filled{out, p.session.Fill}, manifest.Problems{{Message: err.Error(), Remedy: manifest.Again("")}})
			continue
		}
		moved = append(moved, update)
	}
	return moved
}

// landing is the session of a landing: nobody is at its other end.
type landing struct {
	of   Landing
	id   string
	gone <-chan struct{}
}

func landingID() string {
	var b [5]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Read has nothing.
func (l *landing) Read([]byte) (int, error) { return 0, io.EOF }

// Write forgets everything: what is to be seen goes elsewhere.
func (l *landing) Write(b []byte) (int, error) { return len(b), nil }

// Stderr forgets everything.
func (l *landing) Stderr() io.Writer { return io.Discard }

// Caller returns who has asked for the landing.
func (l *landing) Caller() access.Caller { return l.of.Caller }

// ID names the landing in logs and records.
func (l *landing) ID() string { return l.id }

// Gone is closed when its caller is away.
func (l *landing) Gone() <-chan struct{} { return l.gone }

// Fill replaces HOST in a text.
func (l *landing) Fill(text string) string { return l.of.Fill(text) }

// GitProtocol is none.
func (l *landing) GitProtocol() string { return "" }
