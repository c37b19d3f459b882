package deploy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	k8sjson "k8s.io/apimachinery/pkg/util/json"

	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/datadir"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/render"
	"github.com/pushboat/pushboat/internal/render/charts"
	"github.com/pushboat/pushboat/internal/sealed"
)

// The gate's rendering is what is applied, even after a restart: another rendering may
// differ, or fail, if a chart uses chance, a registry is away or a key was removed. So
// targets are kept in the sealed store, except those that the revision alone
// reproduces: plain manifests of its own without Secrets.

// sealedTarget is the sealed form of a target.
type sealedTarget struct {
	Spec     json.RawMessage `json:"spec"` // an appfile.App
	Digest   string          `json:"digest"`
	Content  string          `json:"content,omitempty"` // "" of a target that an older server has sealed
	Objects  []sealedObject  `json:"objects"`
	Meant    []sealedObject  `json:"meant,omitempty"` // that are read as apps
	Inputs   render.Inputs   `json:"inputs"`
	Charts   []charts.Chart  `json:"charts,omitempty"`
	Sources  string          `json:"sources,omitempty"` // render.Taken's Values
	Cluster  string          `json:"cluster,omitempty"` // render.Taken's Cluster
	Chosen   string          `json:"chosen,omitempty"`  // render.Taken's Charts
	Computed bool            `json:"computed,omitempty"`
	Used     *grant.Used     `json:"used,omitempty"`
	Given    string          `json:"given,omitempty"` // keyed fingerprint of the generated values
}

// sealedObject is an object of a sealed target.
type sealedObject struct {
	Source    manifest.Source `json:"source"`
	Object    map[string]any  `json:"object"`
	Hidden    []string        `json:"hidden,omitempty"`    // see manifest.Object.Hide
	Concealed []string        `json:"concealed,omitempty"` // see manifest.Object.Conceal
}

// sealable reports whether another rendering of the revision may give other objects,
// or none, and records do not have them in the clear.
func (t *target) sealable() bool {
	if t.Gone || t.origin == fromRecord || t.Blind {
		return false
	}
	return t.computed || t.taken.Any() || len(t.charts) > 0 || slices.ContainsFunc(t.SpecialOnes(), func(o *manifest.Object) bool {
		return o.GetKind() == manifest.SecretKind.Kind || o.Conceals()
	})
}

// encode writes the sealed form of the target.
func (t *target) encode() ([]byte, error) {
	spec, err := json.Marshal(t.Spec)
	if err != nil {
		return nil, err
	}
	written := sealedTarget{
		Spec: spec, Digest: t.Digest, Content: t.content, Inputs: t.inputs, Charts: t.charts, Sources: t.taken.Values, Cluster: t.taken.Cluster, Chosen: t.taken.Charts, Computed: t.computed, Used: t.used,
		Given: t.given.print, Objects: make([]sealedObject, 0, len(t.Objects)),
	}
	for _, o := range t.Objects {
		written.Objects = append(written.Objects, sealedObject{o.Source, o.Object, o.Hidden(), o.Concealed()})
	}
	for _, o := range t.meant {
		written.Meant = append(written.Meant, sealedObject{o.Source, o.Object, o.Hidden(), o.Concealed()})
	}
	return json.Marshal(written)
}

// decodeTarget reads a sealed target of a revision.
func decodeTarget(text sealed.Text) (*target, error) {
	var read sealedTarget
	decoder := json.NewDecoder(bytes.NewReader(text.Data))
	decoder.UseNumber() // an integer is no float
	if err := decoder.Decode(&read); err != nil {
		return nil, err
	}
	t := &target{
		Target:  plan.Target{Repo: text.Repository, Revision: text.Revision, Digest: read.Digest},
		content: read.Content,
		inputs:  read.Inputs, charts: read.Charts, taken: render.Taken{Values: read.Sources, Cluster: read.Cluster, Charts: read.Chosen}, computed: read.Computed, used: read.Used, specText: read.Spec,
	}
	t.given.print = read.Given
	if err := json.Unmarshal(read.Spec, &t.Spec); err != nil {
		return nil, err
	}
	var err error
	if t.Objects, err = decodeObjects(read.Objects); err != nil {
		return nil, err
	}
	if t.meant, err = decodeObjects(read.Meant); err != nil {
		return nil, err
	}
	t.Special = manifest.SpecialOf(t.Objects)
	t.Scalers = plan.ScalersOf(t.Spec.Namespace, t.Special)
	t.Hidden, t.Telling = plan.HiddenIn(t.Special, nil), plan.TellingIn(t.Special)
	return t, nil
}

// decodeObjects reads objects of a sealed target.
func decodeObjects(sealed []sealedObject) ([]*manifest.Object, error) {
	var objects []*manifest.Object
	for _, o := range sealed {
		if err := k8sjson.ConvertMapNumbers(o.Object, 0); err != nil {
			return nil, err
		}
		object := &manifest.Object{Unstructured: &unstructured.Unstructured{Object: o.Object}, Source: o.Source}
		object.Hide(o.Hidden...)
		object.Conceal(o.Concealed...)
		objects = append(objects, object)
	}
	return objects, nil
}

// unsealedAs returns the sealed target of an app if a revision would render to the
// same: its settings and inputs are unchanged. nil if there is none.
func (e *Engine) unsealedAs(spec appfile.App, tree fs.FS, repo name.Repo) *target {
	text, err := json.Marshal(spec)
	if err != nil {
		return nil
	}
	for _, kind := range []sealed.Kind{sealed.Accepted, sealed.Applied} {
		t := e.unseal(repo, spec.Name, kind)
		if t != nil && bytes.Equal(t.specText, text) && t.inputs.Hold(tree) {
			t.Spec = spec // with the types that JSON does not have
			return t
		}
	}
	return nil
}

// unseal reads a sealed target of an app; nil if there is none that can be read.
func (e *Engine) unseal(repo name.Repo, app name.App, kind sealed.Kind) *target {
	text, err := e.Sealed.Unseal(sealed.Name{Repository: repo, App: app, Kind: kind})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var t *target
	if err == nil {
		t, err = decodeTarget(text)
	}
	if err != nil {
		e.Log.WithField("app", app).Warnf("read its rendered objects: %v; it is rendered again", err)
		return nil
	}
	t.Seal = e.Masker.Seal
	t.rules, _ = newRuleReader().read(t.Spec) // which the gate has found sound
	return t
}

// sealTargets keeps targets until they are asked for again. When it returns, they
// are on disk.
func (e *Engine) sealTargets(kind sealed.Kind, targets ...*target) error {
	var texts []sealed.Text
	for _, t := range targets {
		if !t.sealable() {
			continue
		}
		data, err := t.encode()
		if err != nil {
			return fmt.Errorf("seal the rendered objects of app %s: %w", t.Spec.Name, err)
		}
		texts = append(texts, sealed.Text{
			Name:     sealed.Name{Repository: t.Repo, App: t.Spec.Name, Kind: kind},
			Revision: t.Revision, Data: data,
		})
	}
	return e.Sealed.Seal(texts...)
}

// seal keeps the gate's rendering, before Git moves the branch, so that a server that
// is killed then deploys the same at its next start.
func (p *Proposal) seal() manifest.Problems {
	var fresh []*target
	for _, t := range p.targets {
		if !p.stays[t.Spec.Name] && (p.Only == "" || p.Only == t.Spec.Name) {
			fresh = append(fresh, t)
		}
	}
	err := p.engine.sealGenerated(fresh...)
	if errors.Is(err, errValuesMoved) {
		return manifest.Problems{{Message: err.Error(), Remedy: manifest.Again("for a plan with the new values")}}
	}
	if err == nil {
		err = p.engine.sealTargets(sealed.Accepted, fresh...)
	}
	return unsealed(err)
}

// unsealed says why what the gate has rendered cannot be kept.
func unsealed(err error) manifest.Problems {
	if err == nil {
		return nil
	}
	if stale, ok := errors.AsType[*datadir.StaleError](err); ok {
		return manifest.Problems{{Message: stale.Error(), Hint: stale.Hint()}}
	}
	return manifest.Problems{{Message: err.Error(), Remedy: manifest.Again("when the server's disk has room")}}
}

// sealApplied keeps the target that was applied, or removes the sealed data of a
// removed app. If that fails, the deploy still stands: the next start renders again.
func (a *app) sealApplied(t *target, rec record.Record) {
	var err error
	switch {
	case rec.Result == record.Removed && a.isGone():
		err = a.engine.Sealed.ForgetApp(a.repository(), a.name)
	case t != nil && rec.Digest != "" && rec.Digest == a.engine.Masker.Seal(t.Digest) && rec.Result.Applied() && a.newlyApplied(t):
		err = a.engine.sealTargets(sealed.Applied, t)
	}
	if err != nil {
		a.engine.Log.WithField("app", a.name).Warn(err)
	}
}

// isGone reports whether nothing is wanted of the app: it may have come back while it
// was removed.
func (a *app) isGone() bool {
	t := a.wanted()
	return t == nil || t.Gone
}

// newlyApplied reports whether the target is another than was sealed as applied last.
func (a *app) newlyApplied(t *target) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.appliedDigest == t.Digest {
		return false
	}
	a.appliedDigest = t.Digest
	return true
}
