package deploy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/render/generated"
	"github.com/pushboat/pushboat/internal/sealed"
)

// A chart's value that pushboat.yaml declares as generated is generated once, when a
// push is accepted, and kept in the sealed store: every later rendering has the same. A
// plan, or a push that is refused, keeps nothing. A kept value that is lost is never
// regenerated without a request, because running objects depend on it.

// provision are the generated values of an app as a revision of it is rendered.
type provision struct {
	set     generated.Set     // all values of the app, with new ones
	texts   map[string]string // of the declared paths; nil: placeholders
	fates   []plan.Fate       // of the declared paths, in their order
	former  string            // digest of the kept values when they were read
	changed bool              // set has something that is not kept yet
	print   string            // keyed fingerprint of the texts; "" if there are none
}

// The fates. A value that was found names its Secret as well.
const (
	fateKept    = "kept"
	fateNew     = "new"
	fateRotated = "rotated"
	fateSet     = "set"
	fateHidden  = "not used here"
)

// provisioning holds the facts that decide the generated values of an app.
type provisioning struct {
	app      name.App
	declared []appfile.Generated
	kept     generated.Set
	from     name.App // the app from which kept is taken over; "" for its own
	damaged  error    // the reason why kept values cannot be read
	had      []string // the paths of which the app's newest record says that it had a value
	renewal  Renewal
	mayMake  bool // values that are missing
	by       string
	now      time.Time
}

// decide says which values an app is rendered with. It makes those that are new.
func (p provisioning) decide() (provision, manifest.Problems) {
	if problems := p.check(); len(problems) > 0 {
		return provision{}, problems
	}
	is := provision{set: maps.Clone(p.kept), former: digestOf(p.kept), changed: p.damaged != nil || p.from != ""}
	if is.set == nil {
		is.set = generated.Set{}
	}
	var problems manifest.Problems
	for _, g := range p.declared {
		value, becomes := p.valueOf(g)
		switch {
		case becomes == fateKept && p.from != "":
			becomes = "kept from app " + string(p.from)
		case becomes == "":
			problems = append(problems, p.missing(g))
			continue
		case becomes != fateKept:
			is.set[g.Path], is.changed = value, true
		}
		is.fates = append(is.fates, plan.Fate{Path: g.Path, Is: becomes})
	}
	is.texts = is.set.Texts(p.declared)
	return is, problems
}

// valueOf returns a value and its fate; "" if it is missing.
func (p provisioning) valueOf(g appfile.Generated) (generated.Value, string) {
	value, ok := p.kept[g.Path]
	given, isGiven := p.renewal.Given[g.Path]
	made := func(fate string) (generated.Value, string) {
		return generated.Value{Text: generated.Make(g), Made: p.now, By: p.by, From: generated.FromChance}, fate
	}
	switch {
	case isGiven:
		return generated.Value{Text: given, Made: p.now, By: p.by, From: generated.FromOperator}, fateSet
	case p.renewal.renews(g.Path):
		return made(fateRotated)
	case ok:
		return value, fateKept
	case slices.Contains(p.had, g.Path) || !p.mayMake:
		return value, ""
	}
	return made(fateNew)
}

// check returns the problems with the kept values, or with the request.
func (p provisioning) check() manifest.Problems {
	var problems manifest.Problems
	for _, path := range p.renewal.paths() {
		if !slices.ContainsFunc(p.declared, func(g appfile.Generated) bool { return g.Path == path }) {
			problems = append(problems, manifest.Problem{
				App: p.app, Message: fmt.Sprintf("app %s does not declare %s as generated", p.app, path), Hint: p.declaredHint(),
			})
		}
	}
	if len(p.declared) == 0 && p.renewal.All {
		problems = append(problems, manifest.Problem{App: p.app, Message: fmt.Sprintf("app %s declares no generated values", p.app), Hint: p.declaredHint()})
	}
	if p.damaged == nil || len(problems) > 0 {
		return problems
	}
	for _, g := range p.declared {
		if _, given := p.renewal.Given[g.Path]; !given && !p.renewal.renews(g.Path) {
			return manifest.Problems{{
				App: p.app, Source: manifest.Source{File: appfile.Name, Line: g.Line},
				Message: fmt.Sprintf("the generated values of app %s cannot be read: %v", p.app, p.damaged),
				Hint:    "restore the server's data directory; or " + p.wayOut(p.declared),
			}}
		}
	}
	return nil
}

func (p provisioning) declaredHint() string {
	if len(p.declared) == 0 {
		return "declare them in pushboat.yaml, such as helm: {generated: [auth.password]}, and push it"
	}
	var paths []string
	for _, g := range p.declared {
		paths = append(paths, g.Path)
	}
	return "it declares " + strings.Join(paths, ", ")
}

// missing is the problem of a value that an app had, and that is not kept any more.
func (p provisioning) missing(g appfile.Generated) manifest.Problem {
	return manifest.Problem{
		App: p.app, Source: manifest.Source{File: appfile.Name, Line: g.Line},
		Message: fmt.Sprintf("the generated value %s of app %s is not kept any more", g.Path, p.app),
		Hint:    p.wayOut([]appfile.Generated{g}),
	}
}

// wayOut says how values are given or made that are lost.
func (p provisioning) wayOut(lost []appfile.Generated) string {
	var paths []string
	for _, g := range lost {
		paths = append(paths, g.Path)
	}
	all := strings.Join(paths, " ")
	return fmt.Sprintf("give the running values: ssh HOST secrets set %s %s, a line of input each; or make it anew: ssh HOST secrets rotate %s %s", p.app, all, p.app, all)
}

// provide reads and decides the generated values with which an app of a revision is
// rendered.
func (e *Engine) provide(r reading, spec appfile.App) (provision, manifest.Problems) {
	declared := spec.Helm.Generated
	renewal := r.renewal(spec.Name)
	if len(declared) == 0 && renewal.isZero() {
		return provision{}, nil
	}
	if r.blind {
		var is provision
		for _, g := range declared {
			is.fates = append(is.fates, plan.Fate{Path: g.Path, Is: fateHidden})
		}
		return is, nil
	}
	p := provisioning{
		app: spec.Name, declared: declared, had: e.hadGenerated(r, spec.Name), renewal: renewal,
		mayMake: !r.earlier, by: r.operator, now: time.Now(),
	}
	if p.kept, p.damaged = e.keptValues(r.repo, spec.Name); p.kept == nil && p.damaged == nil && !r.earlier {
		p.kept, p.from = e.inherited(r, spec)
	}
	is, problems := p.decide()
	is.print = e.printOf(is.texts)
	return is, problems
}

// printOf is the keyed fingerprint of texts, by their paths.
func (e *Engine) printOf(texts map[string]string) string {
	if len(texts) == 0 {
		return ""
	}
	return e.Masker.Seal(digestOf(texts))
}

// digestOf is the digest of something that has a JSON.
func digestOf(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// keptValues reads the generated values that are kept of an app; nil if there are none.
func (e *Engine) keptValues(repo name.Repo, app name.App) (generated.Set, error) {
	text, err := e.Sealed.Unseal(sealed.Name{Repository: repo, App: app, Kind: sealed.Generated})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	set := generated.Set{}
	if errors.Is(err, sealed.ErrDamaged) || err == nil && json.Unmarshal(text.Data, &set) != nil {
		err = sealed.ErrDamaged // the owner is named elsewhere
	}
	return set, err
}

// hadGenerated lists the generated values that an app's newest record names; none if it
// was removed since.
func (e *Engine) hadGenerated(r reading, app name.App) []string {
	var last *record.Record
	if saved, ok := r.records[app]; ok {
		last = &saved.Record
	} else if a := e.app(app); a != nil {
		last = a.lastRecord()
	}
	if last == nil || last.Result == record.Removed || last.Repo != r.repo || e.Sealed == nil {
		return nil
	}
	return last.Generated
}

// inherited returns the values of an app that leaves the branch with this revision and
// had the folder of a new one: it is the same app by another name.
func (e *Engine) inherited(r reading, spec appfile.App) (generated.Set, name.App) {
	if a := e.app(spec.Name); a != nil && !a.removed() {
		return nil, ""
	}
	var found []name.App
	for _, a := range e.appsOn(r.repo, spec.Branch) {
		was := a.wanted()
		stays := slices.ContainsFunc(r.specs, func(other appfile.App) bool { return other.Name == a.name })
		if stays || was == nil || was.Gone {
			continue
		}
		if sameSource(was.Spec, spec) && was.Spec.Cluster == spec.Cluster && len(was.Spec.Helm.Generated) > 0 {
			found = append(found, a.name)
		}
	}
	if len(found) != 1 {
		return nil, ""
	}
	set, err := e.keptValues(r.repo, found[0])
	if err != nil || len(set) == 0 {
		return nil, ""
	}
	return set, found[0]
}

// sameSource reports whether two apps are rendered from one folder, of this repository or of an
// artifact, with a chart of one name.
func sameSource(a, b appfile.App) bool {
	return a.Path == b.Path && a.Helm.Chart == b.Helm.Chart && a.Artifact.URL == b.Artifact.URL && a.Artifact.Path == b.Artifact.Path
}

// errValuesMoved says that two have changed the values of one app at once.
var errValuesMoved = errors.New("its generated values were changed meanwhile")

// sealGenerated keeps the generated values of targets that are new, unless others were
// kept since they were read. When it returns, they are on disk.
func (e *Engine) sealGenerated(targets ...*target) error {
	e.values.Lock()
	defer e.values.Unlock()
	var texts []sealed.Text
	for _, t := range targets {
		if !t.given.changed {
			continue
		}
		kept, err := e.keptValues(t.Repo, t.Spec.Name)
		if now := digestOf(kept); err == nil && kept != nil && now != t.given.former {
			return fmt.Errorf("app %s: %w", t.Spec.Name, errValuesMoved)
		}
		data, err := json.Marshal(t.given.set)
		if err != nil {
			return err
		}
		texts = append(texts, sealed.Text{Name: sealed.Name{Repository: t.Repo, App: t.Spec.Name, Kind: sealed.Generated}, Data: data})
	}
	if err := e.Sealed.Seal(texts...); err != nil {
		return err
	}
	for _, t := range targets {
		t.given.changed = false
	}
	return nil
}
