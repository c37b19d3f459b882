package helm

import (
	"context"
	"fmt"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/engine"

	"github.com/pushboat/pushboat/internal/manifest"
)

// A template may use chance without effect: for a default that is not taken, for a
// comment, for the name of a test. So a chart that uses chance is rendered twice, and
// refused only if an object that a deploy applies differs.

// execute renders the templates, and once more if they use chance. Each time has values
// of its own: templates may write into them, as charts do that remember a password they
// have made up.
func (r *renderer) execute(ctx context.Context, top common.Values) (files, again map[string]string) {
	first := &chance{}
	files, err := r.renderOnce(ctx, top, first)
	if err == nil && len(first.used) > 0 {
		again, err = r.renderOnce(ctx, top, &chance{later: true})
	}
	if err != nil {
		r.templateProblem(err)
		return nil, nil
	}
	r.top, r.chance = top, first
	return files, again
}

// renderOnce renders the templates once, unless its caller has given up.
func (r *renderer) renderOnce(ctx context.Context, top common.Values, c *chance) (map[string]string, error) {
	if err := ctx.Err(); err != nil { // Helm's engine checks the context only in lookups
		return nil, err
	}
	own, _ := ownValues(top).(common.Values)
	return engine.Engine{CustomTemplateFuncs: c.functions()}.RenderWithContext(ctx, r.chart, own)
}

// ownValues copies the mappings and lists of values, which templates can write into.
func ownValues(value any) any {
	switch v := value.(type) {
	case common.Values:
		return common.Values(ownMapping(v))
	case map[string]any:
		return ownMapping(v)
	case []any:
		own := make([]any, len(v))
		for i, child := range v {
			own[i] = ownValues(child)
		}
		return own
	}
	return value
}

func ownMapping(mapping map[string]any) map[string]any {
	own := make(map[string]any, len(mapping))
	for name, child := range mapping {
		own[name] = ownValues(child)
	}
	return own
}

// compare compares the objects of a template with those of its second rendering. It
// returns the differing fields of objects that a deploy applies, each with its object.
// Other objects that differ are marked as random; tests are not compared.
func compare(objects, again []*manifest.Object) (differing []string) {
	first, others := applied(objects)
	second, othersAgain := applied(again)
	for i, o := range others {
		if i >= len(othersAgain) || manifest.Digest(o.Unstructured) != manifest.Digest(othersAgain[i].Unstructured) {
			o.Random = true
		}
	}
	if len(first) != len(second) {
		return []string{fmt.Sprintf("the number of objects, %d or %d", len(first), len(second))}
	}
	for i, o := range first {
		if o.ID() != second[i].ID() {
			differing = append(differing, "the name of a "+o.GetKind())
			continue
		}
		for _, change := range manifest.Diff(o.Object, second[i].Object, manifest.Masker{}) {
			differing = append(differing, fmt.Sprintf("%s of %s", change.Path, o.ID()))
		}
	}
	return differing
}

// applied separates the objects that take part in deploys from the others.
func applied(objects []*manifest.Object) (applied, others []*manifest.Object) {
	for _, o := range objects {
		if policy, _ := manifest.PolicyOf(o.Unstructured); policy.Phase == 0 || policy.Phase.Runs() {
			applied = append(applied, o)
		} else {
			others = append(others, o)
		}
	}
	return applied, others
}

// isNotes reports whether a template is for the reader of helm install.
func isNotes(name string) bool { return strings.HasSuffix(name, "NOTES.txt") }
