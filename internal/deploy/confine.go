package deploy

import (
	"context"
	"fmt"
	"sync"

	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
)

// A grant may become narrower than an app that it has let through. Such an app is held: it
// is not deployed, its drift is not corrected, and its status says why, until its
// repository has a wider grant, or a revision within this one.

// confinement is how a target was judged by a grant. Both never change, so that the
// judgement holds while they are the same, unless labels of namespaces decide.
type confinement struct {
	mu     sync.Mutex
	target *target
	grant  *grant.Grant
	why    string
}

// of returns the judgement of a target by a grant. ok is false if there is none that holds.
func (c *confinement) of(t *target, g *grant.Grant) (why string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.why, c.target == t && c.grant == g && len(g.Namespaces.Selectors) == 0
}

func (c *confinement) set(t *target, g *grant.Grant, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.target, c.grant, c.why = t, g, why
}

// reason says why the app is held; "" if it is not.
func (c *confinement) reason() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.why
}

// confine judges a target by the grant of its repository, and says why the app is held; ""
// if it is not, or its cluster cannot tell: then nothing is applied there either.
func (a *app) confine(t *target) string {
	e := a.engine
	g := e.grantOf(t.Repo)
	if g == nil || t.Gone {
		a.confined.set(t, g, "")
		return ""
	}
	why, known := a.confined.of(t, g)
	if known {
		return why
	}
	ctx, cancel := context.WithTimeout(e.ctx, checkTimeout)
	defer cancel()
	why, judged := e.outsideOf(ctx, t, g)
	if judged {
		a.confined.set(t, g, why)
	}
	return why
}

// outsideOf says what a grant does not give of a target; "" if it gives all. judged is
// false if the cluster cannot tell now.
func (e *Engine) outsideOf(ctx context.Context, t *target, g *grant.Grant) (why string, judged bool) {
	if refusal := g.JudgeCluster(t.Spec.Cluster); refusal != nil {
		message, _ := refusal.Tell(g, t.Repo, false)
		return message, true
	}
	if refusal := g.JudgeUsed(t.used); refusal != nil {
		message, _ := refusal.Tell(g, t.Repo, false)
		return message, true
	}
	cluster := e.Clusters.Get(t.Spec.Cluster)
	if cluster == nil || !cluster.isOpen() {
		return "", false
	}
	within := e.within(t.Repo, cluster)
	within.Grant = g
	with := plan.NewCompanions([]*plan.Target{&t.Target}, e.knows)
	outside, err := plan.Outside(ctx, e.lookerOf(t).api, &t.Target, with, within)
	return confinedBy(outside), err == nil
}

// isOpen reports whether the cluster has answered since the server started.
func (c *Cluster) isOpen() bool {
	select {
	case <-c.opened:
		return true
	default:
		return false
	}
}

// confinedBy says in one line why an app is held.
func confinedBy(outside manifest.Problems) string {
	if len(outside) == 0 {
		return ""
	}
	outside.Sort()
	first := outside[0]
	text := first.Object + ": " + first.Message
	if more := len(outside) - 1; more > 0 {
		text += fmt.Sprintf(" (and %s more)", manifest.Plural(more, "object"))
	}
	return text
}
