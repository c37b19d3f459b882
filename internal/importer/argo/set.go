package argo

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

// set is an ApplicationSet that is being read.
type set struct {
	tree   *Tree
	it     *item
	reader *meaning.Reader
	lang   language
	spec   *meaning.Map
	gits   []*looked // git generators
}

// readSet returns the Applications that an ApplicationSet makes.
func (t *Tree) readSet(it *item) []*draft {
	r := meaning.Read(it.object, t.world.Place)
	s := &set{tree: t, it: it, reader: r, spec: r.Spec()}
	s.lang = language{budget: t.budget, isGo: s.spec.Boolean("goTemplate", false), options: s.goOptions()}
	drafts := s.applications()
	s.tellEmpty()
	s.settings()
	t.problems = append(t.problems, r.Problems...)
	for _, note := range r.Notes {
		if !t.noted[note] { // a generator in a matrix is read again and again
			t.noted[note] = true
			t.others = append(t.others, note)
		}
	}
	if len(r.Problems) > 0 {
		return nil
	}
	return drafts
}

// goOptions are those of Go's templates.
func (s *set) goOptions() []string {
	var kept []string
	for i, option := range s.spec.Texts("goTemplateOptions") {
		switch option {
		case "missingkey=default", "missingkey=invalid", "missingkey=zero", "missingkey=error":
			kept = append(kept, option)
		default:
			s.reader.Add(fmt.Sprintf("spec.goTemplateOptions[%d]", i), fmt.Sprintf("unknown option %q", option), "write missingkey=error")
		}
	}
	return kept
}

// settings are those that have no effect.
func (s *set) settings() {
	for field, why := range map[string]string{
		"preservedFields": "there are no live Applications whose fields could be kept", "ignoreApplicationDifferences": "there are no live Applications that somebody could change",
		"applyNestedSelectors": "selectors of nested generators always hold",
	} {
		s.spec.Without(field, why)
	}
	s.spec.Done()
}

// applications expands the generators, and fills the template with each of their parameters.
func (s *set) applications() []*draft {
	template := s.spec.Map("template")
	if !template.There {
		s.reader.Add("spec", "spec has no template", "write spec.template with metadata and spec of an Application; a patch for a kustomization belongs into a file that it names")
		return nil
	}
	base, _ := s.spec.Raw("template").(map[string]any)
	for _, field := range template.Names() {
		if field != "metadata" && field != "spec" {
			template.Problem(field, "unknown field spec.template."+field, "known fields are metadata, spec")
		}
		template.Raw(field)
	}
	generators := s.spec.Maps("generators")
	if len(generators) == 0 {
		s.spec.Problem("generators", "spec has no generators", "write spec.generators")
	}
	patch := s.spec.Text("templatePatch")
	step := s.rollout()
	stays, preserves := s.readPolicy()
	var drafts []*draft
	for _, g := range generators {
		own := base
		if over, ok := ownTemplate(g); ok {
			own, _ = merged(base, over, true).(map[string]any)
		}
		for _, params := range s.generate(g, nil, 0) {
			o, ok := s.fill(own, patch, params)
			if !ok {
				return nil
			}
			if !preserves && len(o.GetFinalizers()) == 0 {
				o.SetFinalizers([]string{cascades}) // argo-cd, applicationset/utils, RenderTemplateParams
			}
			drafts = append(drafts, &draft{by: s.it, object: o, lines: s.lineOf, step: step(o), stays: stays})
			if len(drafts) > meaning.MaxApps {
				s.tooMany()
				return nil
			}
		}
	}
	return drafts
}

func (s *set) tooMany() {
	s.spec.Problem("generators", fmt.Sprintf("the generators make more than %d apps", meaning.MaxApps), "split the set")
}

// ownTemplate is the template of a generator, which goes over that of the set.
func ownTemplate(g *meaning.Map) (over map[string]any, ok bool) {
	for _, kind := range g.Names() {
		if inner, isMap := g.Raw(kind).(map[string]any); isMap {
			if over, ok = inner["template"].(map[string]any); ok {
				return over, true
			}
		}
	}
	return nil, false
}

// lineOf is the place of a field of an Application: that of the template.
func (s *set) lineOf(_ *manifest.Object, path string) manifest.Source {
	at := s.it.object.At
	if place := s.tree.world.Place; place != nil {
		at = func(path string) manifest.Source { return place(s.it.object, path) }
	}
	return at("spec.template." + path)
}

// fill makes an Application of the template.
func (s *set) fill(template map[string]any, patch string, params map[string]any) (*manifest.Object, bool) {
	filled, err := s.lang.fill(template, params)
	if err != nil {
		s.unfit(err)
		return nil, false
	}
	if err := s.lang.keep(meaning.Weight(filled)); err != nil {
		s.spec.Problem("template", "spec.template: "+err.Error(), "move what all have in common, such as values, to a file that they name")
		return nil, false
	}
	object, _ := plain(filled).(map[string]any)
	if patch != "" {
		text, err := s.lang.text(patch, params)
		var over map[string]any
		if err == nil {
			err = meaning.Unmarshal([]byte(text), &over)
		}
		if err != nil {
			s.spec.Problem("templatePatch", "spec.templatePatch: "+templateError(err), templateHint)
			return nil, false
		}
		if err := s.lang.keep(meaning.Weight(over)); err != nil {
			s.spec.Problem("templatePatch", "spec.templatePatch: "+err.Error(), "patch less")
			return nil, false
		}
		object, _ = merged(object, over, false).(map[string]any)
	}
	object["apiVersion"], object["kind"] = s.it.object.GetAPIVersion(), applicationKind
	o := &manifest.Object{Unstructured: &unstructured.Unstructured{Object: object}, Source: s.lineOf(nil, "metadata.name")}
	if metadata, ok := object["metadata"].(map[string]any); !ok || metadata["name"] == nil {
		s.spec.Problem("template", "spec.template has no metadata.name", "write a name with the parameters of the generator")
		return nil, false
	}
	if namespace := s.it.ref.Namespace; o.GetNamespace() == "" {
		o.SetNamespace(namespace)
	}
	return o, s.checkFilled(o, params)
}

// unfit reports a template in a field of that of the set which cannot be filled.
func (s *set) unfit(err error) {
	at, hint := "spec.template", templateHint
	if field, ok := errors.AsType[*unfit](err); ok {
		at += field.field
	}
	if strings.Contains(err.Error(), "undefined variable") {
		hint = "write {{`{{`}} for braces that stay, as those of alerts; Argo CD refuses it as well"
	}
	s.reader.Add(at, at+": "+templateError(err), hint)
}

const templateHint = "functions are those of sprig, except for those that are random, know the time, or change their arguments; with goTemplate, names begin with a dot"

func templateError(err error) string {
	return strings.TrimPrefix(strings.ReplaceAll(oneLine(err), "pushboat", ""), "template: :")
}

// merged puts one value over another: mappings are merged, all else is replaced. null takes a
// field out, or changes nothing if empty values do not count.
func merged(under, over any, keepEmpty bool) any {
	above, ok := over.(map[string]any)
	if !ok {
		return over
	}
	result := map[string]any{}
	if below, ok := under.(map[string]any); ok {
		result = maps.Clone(below)
	}
	for key, value := range above {
		switch {
		case value == nil && !keepEmpty:
			delete(result, key)
		case keepEmpty && (value == nil || value == ""):
		default:
			result[key] = merged(result[key], value, keepEmpty)
		}
	}
	return result
}

// rollout returns the step of an Application in the set's rollout, from 1; 0 for none.
func (s *set) rollout() func(o *manifest.Object) int {
	strategy := s.spec.Map("strategy")
	kind := strategy.Text("type")
	strategy.Without("deletionOrder", "what leaves is deleted when all else is applied")
	var steps []labels.Selector
	for _, m := range strategy.Map("rollingSync").Maps("steps") {
		m.Without("maxUpdate", "the apps of a step go at once")
		var expressions []any
		for _, e := range m.Maps("matchExpressions") {
			expressions = append(expressions, map[string]any{"key": e.Text("key"), "operator": e.Text("operator"), "values": e.List("values")})
		}
		steps = append(steps, s.selector(m, map[string]any{"matchExpressions": expressions}))
	}
	if kind != "" && kind != "RollingSync" && kind != "AllAtOnce" {
		strategy.Problem("type", fmt.Sprintf("spec.strategy.type: %q is no strategy", kind), "write RollingSync or AllAtOnce")
	}
	return func(o *manifest.Object) int {
		for i, step := range steps {
			if kind == "RollingSync" && step.Matches(labels.Set(o.GetLabels())) {
				return i + 1
			}
		}
		return 0
	}
}
