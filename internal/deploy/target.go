package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"reflect"
	"slices"

	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/render"
	"github.com/pushboat/pushboat/internal/render/charts"
	"github.com/pushboat/pushboat/internal/render/plain"
	"github.com/pushboat/pushboat/internal/render/secrets"
)

// target is the desired state of an app: a revision of its branch, rendered.
type target struct {
	plan.Target
	rules    *health.Rules // of the app's own; nil if it has none
	content  string        // see contentDigest
	inputs   render.Inputs // read from the revision
	read     *plain.Read   // plain manifests, so that the next target reads only the changes
	forced   bool          // objects that cannot change in place are recreated, until the target is reached
	signed   record.Signed // who signed its push, if the server was started since
	override string        // why it is deployed although a window may be closed; "" to wait for it
	origin   origin
	plain    []secrets.Plain
	charts   []charts.Chart // of registries, that it was rendered from
	taken    render.Taken   // of elsewhere than the revision
	used     *grant.Used    // of the server's keys and credentials; nil if that is not known

	computed bool               // by a worker, of more than the revision perhaps
	specText []byte             // of a target that was sealed: the spec as it was written then
	given    provision          // its generated values
	others   []followed         // branches of other repositories that its revision reads
	meant    []*manifest.Object // that are read as apps, see package importer; they are not applied
	means    []meaning.Ref      // the objects of another tool that mean the app: that of the root of its tree first, its own last
	meansOn  string             // the cluster on which that tool has them
	had      name.Revision      // of an app that is gone: the last revision that has it; "" if that is unknown
}

// origin is where the objects of a target come from.
type origin int

// The origins.
const (
	fromRevision origin = iota // rendered; or none, of an app that is gone
	fromBefore                 // those of the target before it, whose inputs the revision has unchanged
	fromRecord                 // only the unmasked part of the app's newest record is known
)

// planned returns the part of a target for plans; nil of a nil target.
func (t *target) planned() *plan.Target {
	if t == nil {
		return nil
	}
	return &t.Target
}

// planned returns the parts of targets for plans.
func planned(targets []*target) []*plan.Target {
	list := make([]*plan.Target, len(targets))
	for i, t := range targets {
		list[i] = t.planned()
	}
	return list
}

// Shown is Target.Shown; a target that is nil hides nothing.
func (t *target) Shown(text string) string { return t.planned().Shown(text) }

// AsksFor is Target.AsksFor; a target that is nil asks for nothing.
func (t *target) AsksFor(cluster string, id manifest.ID) bool {
	return t.planned().AsksFor(cluster, id)
}

// readAs reports whether a revision would make the same target.
func (t *target) readAs(spec appfile.App, tree fs.FS) bool {
	if t == nil || t.Gone {
		return false
	}
	if spec.Imported != "" {
		spec.DependsOn = t.Spec.DependsOn // which is known when all apps are
	}
	return reflect.DeepEqual(t.Spec, spec) && t.inputs.Hold(tree)
}

// readBefore returns the files read for the target, which may be nil.
func (t *target) readBefore() *plain.Read {
	if t == nil {
		return nil
	}
	return t.read
}

// at is the target as of another revision that makes the same of it.
func (t *target) at(revision name.Revision) *target {
	same := *t
	same.Revision, same.origin, same.given.changed = revision, fromBefore, false
	return &same
}

// reading is a request to read apps of a revision that its pushboat.yaml names.
type reading struct {
	specs    []appfile.App
	tree     fs.FS
	repo     name.Repo
	revision name.Revision
	blind    bool // without keys and values of clusters, see Change.Unaccepted

	earlier    bool                      // an old revision: nothing new is generated for it
	records    map[name.App]record.Saved // of apps that are not registered yet
	renewedApp name.App                  // the app whose generated values are replaced
	renewed    Renewal

	imports  *importer.Tree    // grows the apps from the specs; nil: the specs are all
	operator string            // who asked; "": the server itself
	tell     func(line string) // reports waits; may be nil
}

// renderer returns the renderer for the revision.
func (r reading) renderer(e *Engine) *render.Renderer {
	if r.blind {
		return e.Renderer.For(r.repo).Blind()
	}
	return e.Renderer.For(r.repo)
}

// readTargets renders apps of a revision, except those whose target the revision
// already gives. It returns all problems; the targets must then not be used.
func (e *Engine) readTargets(r reading) ([]*target, manifest.Problems) {
	if r.imports != nil {
		return e.growTargets(r)
	}
	return e.readLevel(r)
}

// readLevel is readTargets for apps that are all known.
func (e *Engine) readLevel(r reading) ([]*target, manifest.Problems) {
	var targets []*target
	var problems manifest.Problems
	reader := newRuleReader()
	session := r.renderer(e).SessionFor(r.tree, r.operator, r.tell)
	defer session.Close()
	for _, spec := range r.specs {
		old := e.wantedOf(spec.Name)
		given, wrong := e.provide(r, spec)
		if len(wrong) > 0 {
			problems = append(problems, wrong...)
			targets = append(targets, &target{Target: plan.Target{Spec: spec, Repo: r.repo, Revision: r.revision, Seal: e.Masker.Seal, Blind: r.blind}})
			continue
		}
		if !r.blind && old.readAs(spec, r.tree) && old.Repo == r.repo && old.given.print == given.print && e.mayUse(old) && old.takenStands(e.ctx, session) {
			same := old.at(r.revision)
			same.given, same.others = given, follows(r.tree)
			targets = append(targets, same)
			continue
		}
		if old == nil && !r.blind {
			if kept := e.unsealedAs(spec, r.tree, r.repo); kept != nil && kept.given.print == given.print && e.mayUse(kept) && kept.takenStands(e.ctx, session) {
				kept.Revision, kept.given, kept.others = r.revision, given, follows(r.tree)
				targets = append(targets, kept)
				continue
			}
		}
		rules, wrong := reader.read(spec)
		problems = append(problems, wrong...)
		t, found := e.readTarget(r, session, spec, given, old)
		problems = append(problems, found...)
		t.rules = rules
		targets = append(targets, t)
	}
	return targets, problems
}

// readTarget renders an app of a revision with its generated values. old is the target
// before, nil if there is none.
func (e *Engine) readTarget(r reading, session *render.Session, spec appfile.App, given provision, old *target) (*target, manifest.Problems) {
	result, problems := e.renderWith(r, session, spec, &given, old)
	made, digest, meant := result.Objects, result.Digest, []*manifest.Object(nil)
	found := specialOf(result)
	if spec.Imported != "" {
		made, meant = importer.Applied(spec, result.Objects)
		digest, found = render.DigestOf(made), manifest.SpecialOf(made)
	} else if len(spec.LeaveOut) > 0 {
		made = importer.Without(spec.LeaveOut, result.Objects)
		digest, found = render.DigestOf(made), manifest.SpecialOf(made)
	}
	objects, special := plan.WithNamespace(spec, made, found)
	scalers := plan.ScalersOf(spec.Namespace, special)
	return &target{
		Target: plan.Target{
			Spec:     spec,
			Repo:     r.repo,
			Revision: r.revision,
			Objects:  objects,
			Scalers:  scalers,
			Places:   plan.PlacesAfter(old.planned(), plan.PlaceRule{Namespace: spec.Namespace, Ignore: spec.Ignore, Scalers: scalers}),
			Digest:   targetDigest(spec, digest),
			Seal:     e.Masker.Seal,
			Special:  special,
			Hidden:   e.hiddenIn(special, old),
			Telling:  plan.TellingIn(special),
			Blind:    r.blind,
			Took:     result.Took,
		},
		meant:    meant,
		content:  contentDigest(spec, digest),
		inputs:   result.Inputs,
		read:     result.Read,
		plain:    result.Plain,
		charts:   result.Charts,
		taken:    result.Taken,
		used:     &result.Used,
		computed: result.Computed,
		given:    given,
		others:   follows(r.tree),
	}, problems
}

// maxCarried bounds the values that are hidden beyond the next revision, in bytes: each of many
// revisions that are stored, and not applied, may bring others.
const maxCarried = 4 << 20

// hiddenIn are the values that objects have out of Secrets, and those of the target before. As
// long as that is not applied, what runs has those from before it.
func (e *Engine) hiddenIn(special []*manifest.Object, old *target) []string {
	hidden := plan.HiddenIn(special, old.planned())
	if old == nil {
		return hidden
	}
	size := 0
	for _, value := range old.Hidden {
		size += len(value)
	}
	if a := e.app(old.Spec.Name); a == nil || a.runs(old) || size > maxCarried {
		return hidden
	}
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(hidden, old.Hidden))))
}

// specialOf are the special ones of the objects that were rendered.
func specialOf(result render.Result) []*manifest.Object {
	if result.Read != nil {
		return result.Read.Special
	}
	return manifest.SpecialOf(result.Objects)
}

// renderWith renders an app with its generated values, and again if one of those that are
// new runs on the cluster with another value.
func (e *Engine) renderWith(r reading, session *render.Session, spec appfile.App, given *provision, old *target) (render.Result, manifest.Problems) {
	if len(spec.Helm.Generated) == 0 {
		return session.Again(e.ctx, spec, old.readBefore())
	}
	result, problems := session.AppWith(e.ctx, spec, given.texts)
	if len(problems) > 0 || r.blind {
		return result, problems
	}
	found, wrong := e.findRunning(e.ctx, r.repo, spec, given, result.Objects)
	switch {
	case wrong != nil:
		return result, manifest.Problems{*wrong}
	case found:
		return session.AppWith(e.ctx, spec, given.texts)
	}
	return result, nil
}

// takenStands reports whether the inputs that the target took from the cluster are
// unchanged, and nobody has found a newer version in its ranges of charts since. It costs a
// request only if the target took any from the cluster. Values that cannot be read
// count as changed; a cluster that does not describe itself counts as unchanged.
func (t *target) takenStands(ctx context.Context, session *render.Session) bool {
	stands, _ := session.Stands(ctx, t.Spec, t.taken) // a rendering reports the error
	return stands
}

// masker returns a masker for the secrets of the target's objects. A revision that
// nobody has accepted is masked without the key: with it, the author could find a value
// by comparing masks.
func (e *Engine) masker(t *target) manifest.Masker {
	if t.Blind {
		return manifest.Masker{}.Hiding(t.Hidden)
	}
	return e.Masker.Hiding(t.Hidden)
}

// wantedOf returns the target of an app; nil if there is none.
func (e *Engine) wantedOf(app name.App) *target {
	if a := e.app(app); a != nil {
		return a.wanted()
	}
	return nil
}

// targetDigest changes whenever the app has to be deployed again. It does not cover
// settings that only say when and how to look (schedule, drift, timeout, health).
func targetDigest(spec appfile.App, rendered string) string {
	shapes := []any{rendered, spec.Cluster, spec.Namespace, spec.CreateNamespace, spec.Prune, spec.Ignore}
	if len(spec.Released) > 0 { // what is not released any more is deleted
		shapes = append(shapes, spec.Released)
	}
	shape, err := json.Marshal(shapes)
	if err != nil {
		return rendered
	}
	sum := sha256.Sum256(shape)
	return hex.EncodeToString(sum[:])
}
