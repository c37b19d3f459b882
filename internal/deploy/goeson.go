package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
)

// Start is how another tool goes on with an app that was given back.
type Start struct {
	Command string // "": none is needed
	// First are apps that it would go on with as well, and that were not given back.
	First []name.App
}

// StartOf says how another tool goes on with an app. An Application that a set has made is left
// alone by that set as long as it only creates: a takeover may have had it do so.
func (e *Engine) StartOf(ctx context.Context, app name.App) Start {
	t := e.wantedOf(app)
	if t == nil {
		return Start{}
	}
	ref := t.own()
	if set, ok := e.setOf(ctx, t); ok {
		command, all := startSet(set.object.Object, e.writtenSet(t, set.id), ref)
		if !all {
			return Start{Command: command}
		}
		return Start{command, e.heldOf(t)}
	}
	if controllers[ref.Kind].start == "" {
		return Start{}
	}
	return Start{Command: strings.NewReplacer("%[1]s", ref.Name, "%[2]s", ref.Namespace, "%[3]s", ref.Source.File).Replace(controllers[ref.Kind].start)}
}

// setOf finds the set that has made the Application of an app. An account that may not read it
// has nothing to say.
func (e *Engine) setOf(ctx context.Context, t *target) (set rival, ok bool) {
	home := e.Clusters.Get(t.meansOn)
	if t.own().Kind != "Application" || home == nil {
		return set, false
	}
	ctx, cancel := context.WithTimeout(ctx, explainTimeout)
	defer cancel()
	api := e.as(t.Repo, home).api
	made, ok, err := lookFor(ctx, api, e.within(t.Repo, home), t.own())
	if err != nil || !ok {
		return set, false
	}
	for _, owner := range made.object.GetOwnerReferences() {
		if owner.Kind != applicationSet {
			continue
		}
		set, ok, err = lookFor(ctx, api, plan.Bounds{}, meaning.Ref{Kind: owner.Kind, Namespace: t.own().Namespace, Name: owner.Name})
		return set, ok && err == nil
	}
	return set, false
}

// writtenSet is a set as the revision has it; nil if that does not.
func (e *Engine) writtenSet(t *target, id manifest.ID) map[string]any {
	for _, app := range e.AppsOf(t.Repo) {
		parent := e.wantedOf(app)
		if parent == nil {
			continue
		}
		for _, o := range parent.meant {
			if o.GetKind() == id.Kind && o.GetName() == id.Name {
				return o.Object
			}
		}
	}
	return nil
}

// heldOf are the other apps of a target's set that have objects on their clusters. All that a set
// makes is at the line of its template.
func (e *Engine) heldOf(t *target) (held []name.App) {
	for _, app := range e.AppsOf(t.Repo) {
		a := e.app(app)
		other := e.wantedOf(app)
		if a == nil || other == nil || app == t.Spec.Name || other.own().Kind != t.own().Kind || other.own().Source != t.own().Source {
			continue
		}
		if a.ledger.Count() > 0 {
			held = append(held, app)
		}
	}
	return held
}

// startSet is the command by which Argo CD syncs an Application of a set again; "" if it does
// already, or never did by itself. live is the set on the cluster, and written the one in Git. all
// says that the command is for all Applications of the set.
func startSet(live, written map[string]any, ref meaning.Ref) (command string, all bool) {
	if !createsOnly(live) {
		return "", false // the set takes back what the takeover has changed
	}
	if createsOnly(written) {
		automated, found, _ := unstructured.NestedMap(written, "spec", "template", "spec", "syncPolicy", "automated")
		text, err := json.Marshal(automated)
		if !found || err != nil {
			return "", false
		}
		return fmt.Sprintf(`kubectl -n %s patch application %s --type merge -p '{"spec":{"syncPolicy":{"automated":%s}}}'`, ref.Namespace, ref.Name, text), false
	}
	policy := "null"
	if word, found, _ := unstructured.NestedString(written, "spec", "syncPolicy", "applicationsSync"); found {
		policy = fmt.Sprintf("%q", word)
	}
	set, _, _ := unstructured.NestedString(live, "metadata", "name")
	return fmt.Sprintf(`kubectl -n %s patch applicationset %s --type merge -p '{"spec":{"syncPolicy":{"applicationsSync":%s}}}'`, ref.Namespace, set, policy), true
}
