package deploy

import (
	"cmp"
	"slices"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// What an app leaves behind: its objects stay on the cluster when it is removed if its last
// setting was so (onRemove, or else prune), or if the object that meant it would have stayed with
// the tool that it is of.

// keeping has the objects of an app that is gone stay on the cluster, for a reason; "" has them
// deleted. Where they stay, no hook of its removal runs.
func (t *target) keeping(why string) *target {
	t.Spec.Prune, t.Stays = why == "", why
	if why != "" {
		t.LastHooks = nil
	}
	return t
}

// whyKept says why the objects of the target's app stay when it is removed, or have stayed; "" if
// they are deleted.
func (t *target) whyKept() string {
	switch {
	case t.Gone && t.Spec.Prune:
		return ""
	case t.Gone: // without a reason, it is released
		return cmp.Or(t.Stays, appfile.PruneOff)
	}
	return t.Spec.Keeps()
}

// whyStays says why the objects of an app stay that leaves with a change, whose target was t; ""
// if they are deleted.
func (p *Proposal) whyStays(a *app, t *target) string {
	switch {
	case t == nil || t.origin == fromRecord:
		return a.stays()
	case t.Gone && !t.Spec.Prune:
		return cmp.Or(t.Stays, appfile.PruneOff)
	case t.Gone:
		return ""
	}
	return t.Spec.KeptBy(p.succession())
}

// succession is what the change has of the apps that there were.
func (p *Proposal) succession() appfile.Succession {
	return appfile.Succession{
		Has: func(app name.App) *appfile.App {
			if spec, has := p.after[app]; has {
				return &spec
			}
			for _, t := range p.targets {
				if t.Spec.Name == app && !t.Gone {
					return &t.Spec
				}
			}
			return nil
		},
		Had: func(app name.App) *appfile.App {
			if t := p.engine.wantedOf(app); t != nil && !t.Gone && t.Repo == p.Repo && t.Spec.Branch == p.Branch {
				return &t.Spec
			}
			return nil
		},
		Set: func(set string) bool { return p.imports != nil && p.imports.HasSet(set) },
	}
}

// staying lists the apps that leave with the change, and whose objects stay.
func (p *Proposal) staying() (apps []name.App) {
	for _, t := range p.targets {
		if t.Gone && t.Stays != "" && (p.Only == "" || p.Only == t.Spec.Name) {
			apps = append(apps, t.Spec.Name)
		}
	}
	return apps
}

// stays says why the app's objects stay when it is removed, by its newest record; "" if they are
// deleted. Of an app without one, nothing is known, and nothing is deleted.
func (a *app) stays() string {
	last := a.lastRecord()
	if last == nil {
		return appfile.PruneOff
	}
	return last.Stays()
}

// leavesDefinitions reports whether definitions of kinds stay when an app is removed: neither Argo
// CD nor Helm deletes them with an Application or a release, and all objects of their kinds with
// them.
func leavesDefinitions(spec appfile.App) bool {
	return spec.Imported == "Application" || spec.Imported == "HelmRelease"
}

// WhyLeft says why an app has left objects on its cluster, or would leave them when it is removed.
func (o others) WhyLeft(app name.App) string {
	a := o.engine.app(app)
	if a == nil {
		return ""
	}
	if last := a.lastRecord(); last != nil {
		return last.Stays()
	}
	return ""
}

// keptByPush is why objects stay that a push has let stay, where the record does not say it: a
// server that was killed before it could carry the push out.
const keptByPush = "as the push that removed it has shown"

// whyStaying says why the objects of an app stay that is gone from its branch; "" if they are
// deleted. last is its target before that, nil if it is not known.
func (l *loading) whyStaying(d desire, rec record.Record, last *target) string {
	if why := rec.Stays(); why != "" {
		return why
	}
	if last != nil && !last.Gone {
		why := last.Spec.KeptBy(appfile.Succession{
			Has: func(app name.App) *appfile.App { return specOf(l.targets[app]) },
			Had: func(app name.App) *appfile.App { return specOf(l.at(d.branch, last.Revision, app)) },
			Set: func(string) bool { return true },
		})
		if why != "" {
			return why
		}
	}
	if d.keeps {
		return keptByPush
	}
	return ""
}

// specOf are the settings of a target; nil of none.
func specOf(t *target) *appfile.App {
	if t == nil {
		return nil
	}
	return &t.Spec
}

// keeps reports whether the push of the branch's newest revision lets the objects of an app stay
// that it has removed.
func (b branchRead) keeps(app name.App) bool {
	return b.asked.Revision == b.head && slices.Contains(b.asked.Keeping, app)
}
