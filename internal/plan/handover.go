package plan

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// TakenOver is the note of a step for an object that nobody manages yet.
const TakenOver = "was not managed, taken over"

// owner finds the owner of the running object. It notes in the step that an object
// changes hands, and refuses an object that its owner keeps.
func (p *Planner) owner(ctx context.Context, o Placed, step *Step) *manifest.Problem {
	applied := p.Ledger.Has(o.Key)
	switch {
	case step.Entry.PartOf == SetID(p.Target.Spec.Name):
		return nil
	case step.Entry.PartOf == "" && applied:
		step.Say("had lost the label that makes it part of the app")
		return nil
	case step.Entry.PartOf == "":
		step.Say(TakenOver)
		return nil
	case applied && p.Claims.Owner(p.API.Name(), o.Key) == p.Target.Spec.Name:
		step.Say("had the label of another set than the app's")
		return nil
	case p.Disputed[o.Key]:
		return nil
	}
	holder := p.holderOf(ctx, step.Entry.PartOf)
	if p.isReleased(ctx, holder, o.Key) {
		step.Other = holder.app
		step.Say("moved from another repository, which has released it")
		return nil
	}
	if kept := holder.keeps(p.Target.Repo); kept != nil {
		if holder.app != "" && !p.Reader.Sees(p.Target.Repo, holder.repo) {
			kept = Hidden()
		}
		kept.Source, kept.Object = o.Source, o.Key.String()
		return kept
	}
	step.Other = holder.app
	step.Say("moved from app " + string(holder.app))
	return nil
}

// isOurs reports whether a running object is the app's, or that of another app which hands
// it over.
func (p *Planner) isOurs(ctx context.Context, o Placed, running live.Entry) bool {
	if p.Ledger.Has(o.Key) || running.PartOf == SetID(p.Target.Spec.Name) {
		return true
	}
	if running.PartOf == "" {
		return false
	}
	holder := p.holderOf(ctx, running.PartOf)
	return holder.keeps(p.Target.Repo) == nil || p.isReleased(ctx, holder, o.Key)
}

// isReleased reports whether an app of another repository gives the object up to that of
// the target.
func (p *Planner) isReleased(ctx context.Context, h holder, id manifest.ID) bool {
	return h.app != "" && h.err == nil && !h.unrendered && h.repo != p.Target.Repo &&
		p.Others.Released(ctx, Release{App: h.app, From: h.repo, To: p.Target.Repo, Cluster: p.API.Name(), ID: id})
}

// holder is the app whose label an object has that another app is about to take over.
type holder struct {
	set        string   // the label
	app        name.App // of this server; "" if it is none
	repo       name.Repo
	unrendered bool   // its branch could not be rendered
	why        string // why it has left objects on the cluster
	err        error  // why it is not known whose it is
}

// holderOf returns the holder of a label. It is asked for once a plan: of an app that has
// changed its repository, the cluster knows. Who asks for the same one meanwhile waits for the
// answer, and nobody else does.
func (p *Planner) holderOf(ctx context.Context, set string) holder {
	p.news.Lock()
	ask, known := p.news.holders[set]
	if !known {
		ask = sync.OnceValue(func() holder { return p.askHolder(ctx, set) })
		p.news.holders[set] = ask
	}
	p.news.Unlock()
	return ask()
}

func (p *Planner) askHolder(ctx context.Context, set string) holder {
	h := holder{set: set}
	app, of := p.Claims.AppOf(set)
	if !of {
		return h
	}
	repo, unrendered, ok, err := p.Others.Holder(ctx, app, p.API.Name())
	if h.err = err; ok {
		h.app, h.repo, h.unrendered, h.why = app, repo, unrendered, p.Others.WhyLeft(app)
	}
	return h
}

// keeps says why an object that its holder does not ask for now stays the holder's all
// the same; nil if an app of the given repository may have it. Apps of one repository
// may hand over. Another one's has left it on purpose, and of an app that
// cannot be rendered nobody knows.
func (h holder) keeps(repo name.Repo) *manifest.Problem {
	const handOver = "remove its label " + kube.PartOfLabel + " to hand it over"
	switch {
	case h.err != nil:
		return &manifest.Problem{Message: fmt.Sprintf("has the label of another app, and it cannot be told whose it is: %v", h.err), Remedy: manifest.Again("when the cluster answers")}
	case h.app == "":
		return &manifest.Problem{
			Message: fmt.Sprintf("belongs to the ApplySet %q, which is none of this server's apps", h.set), Hint: handOver,
		}
	case h.unrendered:
		return &manifest.Problem{
			Message: fmt.Sprintf("belongs to app %s of repository %s, which cannot be rendered at the moment", h.app, h.repo),
			Remedy:  manifest.Again("when it can; see the reason: ssh HOST status " + string(h.app)),
		}
	case h.repo != repo:
		return &manifest.Problem{
			Message: fmt.Sprintf("belongs to app %s of repository %s, which has left it on the cluster (%s)", h.app, h.repo, cmp.Or(h.why, appfile.PruneOff)),
			Hint:    "have it released there in pushboat.yaml, release: [{app: " + string(h.app) + ", to: " + string(repo) + ", objects: [...]}],\nor deleted with prune: true, or " + handOver,
		}
	}
	return nil
}
