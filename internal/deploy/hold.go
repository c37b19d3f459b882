package deploy

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	k8sjson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/sealed"
)

// Everything that a record names stays its app's, whatever else fails. If an app's
// branch cannot be rendered when its repository is read (a value, a registry or a key
// is away, pushboat.yaml is damaged, the branch is gone), the app is held: it keeps its
// name and its objects, which are watched and kept as last applied.

// hold registers an app whose branch's wish is unknown, with its last applied state as
// the target. why gives the reason.
func (l *loading) hold(app name.App, saved *record.Saved, why string) {
	e := l.engine
	var t *target
	if a := e.app(app); a != nil && a.repository() == l.repo {
		t = a.wanted() // as before the branch moved
	}
	if t == nil || t.Gone {
		t = e.lastApplied(l.repo, app, saved, l.at)
	}
	a := l.restore(app, t.Spec.Branch, saved, t, why)
	if a == nil {
		return
	}
	if !e.claims.Has(app) {
		e.claims.Set(app, t.Spec.Cluster, a.withNoted(nil))
	}
}

// earlier renders an app at an earlier revision of a branch; nil if that fails.
type earlier func(branch name.Branch, revision name.Revision, app name.App) *target

// lastApplied finds the last applied state of an app: from the sealed store, by
// rendering its revision again, or from the unmasked part of its newest record.
func (e *Engine) lastApplied(repo name.Repo, app name.App, saved *record.Saved, at earlier) *target {
	var found []*target
	for _, kind := range []sealed.Kind{sealed.Accepted, sealed.Applied} {
		if t := e.unseal(repo, app, kind); t != nil {
			found = append(found, t)
		}
	}
	rec := saved.Record
	for _, t := range found {
		if rec.Digest == e.Masker.Seal(t.Digest) {
			return t
		}
	}
	if t := at(rec.Branch, cmp.Or(rec.Held, rec.Revision), app); t != nil {
		return t
	}
	if len(found) > 0 {
		return found[0]
	}
	return e.remnantOf(repo, app, rec)
}

// remnantOf is a target of the objects that an app's newest record has in the clear.
// It leaves all others of the app as they are, and deletes nothing. Its record has the charts of
// that one again: only newest records are noted at a start, see noteCharts.
func (e *Engine) remnantOf(repo name.Repo, app name.App, rec record.Record) *target {
	t := &target{
		Target: plan.Target{
			Spec: appfile.App{
				Name: app, Branch: rec.Branch, Cluster: cmp.Or(rec.Cluster, appfile.DefaultCluster),
				Schedule: appfile.DefaultSchedule, Drift: appfile.DriftCorrect, Timeout: appfile.DefaultTimeout,
			},
			Repo: repo, Revision: rec.Revision, Digest: "remnant", Seal: e.Masker.Seal,
		}, origin: fromRecord, charts: rec.Charts,
	}
	manifests, err := e.Recorder.Manifests(e.ctx, repo, app)
	if err != nil {
		e.Log.WithField("app", app).Warnf("read its newest record: %v", err)
	}
	for _, text := range manifests {
		if o := inTheClear(text); o != nil {
			t.Objects = append(t.Objects, o)
		}
	}
	t.Special = manifest.SpecialOf(t.Objects)
	t.Scalers = plan.ScalersOf("", t.Special)
	return t
}

// masks finds the values that records have in the place of secret ones, see
// manifest.Masker.
var masks = regexp.MustCompile(`\(secret( [0-9a-f]{12})?\)`)

// inTheClear reads an object from a record; nil if part of it is masked.
func inTheClear(text []byte) *manifest.Object {
	var fields map[string]any
	written, err := yaml.YAMLToJSON(text)
	if err != nil || masks.Match(text) || k8sjson.Unmarshal(written, &fields) != nil {
		return nil
	}
	u := &unstructured.Unstructured{Object: fields}
	if u.GetKind() == "" || u.GetKind() == manifest.SecretKind.Kind || u.GetName() == "" {
		return nil
	}
	labels := u.GetLabels()
	delete(labels, kube.PartOfLabel)
	u.SetLabels(labels)
	return &manifest.Object{Unstructured: u, Source: manifest.Source{File: "the newest record"}}
}

// withNoted adds the objects that the app is known to own to those that were found: if
// the app's wish is unknown, it claims its former objects.
func (a *app) withNoted(found []plan.Placed) []plan.Placed {
	seen := make(map[manifest.ID]bool, len(found))
	for _, o := range found {
		seen[o.Key] = true
	}
	for id := range a.ledger.Each {
		if !seen[id] {
			found = append(found, plan.Placed{Key: id})
		}
	}
	return found
}

// claimAll enters an app's claims: the objects that were found, and all its former ones
// if some could not be found, or if its wish is unknown.
func (e *Engine) claimAll(a *app, t *target, found []plan.Placed, problems manifest.Problems) {
	if len(problems) > 0 || t.origin == fromRecord || a.unrenderedWhy() != "" {
		found = a.withNoted(slices.Clip(found))
	}
	e.claim(a, t, found)
}

// setUnrendered notes the reason why the branch's wish for the app is unknown; "" if it
// is known.
func (a *app) setUnrendered(why string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.unrendered, a.unselected = why, false
}

// setUnselected notes that the reason is one of labels: the branch itself can be rendered.
func (a *app) setUnselected() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.unselected = true
}

// isUnselected reports whether the app is held because its cluster is no longer selected.
func (a *app) isUnselected() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.unselected
}

func (a *app) unrenderedWhy() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.unrendered
}

// whyUnread says in one line why a branch cannot be rendered.
func whyUnread(problems manifest.Problems) string {
	first, _, _ := strings.Cut(problems[0].Error(), "\n")
	if more := len(problems) - 1; more > 0 {
		return fmt.Sprintf("%s (and %d more)", first, more)
	}
	return first
}

// sound reports whether an app's target can be used: no problem is the app's, or
// that of the whole revision.
func (t *target) sound(problems manifest.Problems) bool {
	for _, problem := range problems {
		if problem.App == "" || problem.App == t.Spec.Name {
			return false
		}
	}
	return true
}
