package substitute

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/fluxcd/pkg/envsubst"
	k8sjson "k8s.io/apimachinery/pkg/util/json"
	k8syaml "sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/manifest"
)

// PostBuild is what is done to objects in the end, as Flux's kustomize-controller does it
// (fluxcd/pkg/kustomize, SubstituteVariables): the YAML of each object is a text in which
// names are replaced, with the defaults and functions of shells, so that a value may become
// structure. nil does nothing.
type PostBuild struct {
	Values map[string]string // none: no name is replaced
	Secret map[string]bool   // names whose values must not be shown
	// Unread replaces other names, where it is not known which there are; "": they have no
	// value.
	Unread string

	Labels, Annotations map[string]string // that every object gets
}

// maxExpressions bounds the expressions of one object: the library parses each by a call
// inside the last.
const maxExpressions = 20_000

// errTooMany is the error for more.
var errTooMany = fmt.Errorf("the object has more than %d ${…}", maxExpressions)

// apply does it to objects, in place, and returns those without a problem.
func (p *PostBuild) apply(objects []*manifest.Object) ([]*manifest.Object, manifest.Problems) {
	if p == nil {
		return objects, nil
	}
	var problems manifest.Problems
	sound := make([]*manifest.Object, 0, len(objects))
	grown := 0
	for _, o := range objects {
		used, err := p.object(o, &grown)
		switch wrong := o.Check(); {
		case err != nil:
			problems = append(problems, manifest.Problem{
				Source: o.Source, Object: o.ID().String(), Message: "replace names: " + manifest.Clean(err.Error()),
				Hint: "write $${ for a ${ that stays; kustomize.toolkit.fluxcd.io/substitute: disabled on the object leaves all as written",
			})
		case used && len(wrong) > 0:
			problems = append(problems, wrong...)
		default:
			sound = append(sound, o)
		}
	}
	return sound, problems
}

// object replaces names in an object, and adds labels and annotations. It reports whether it
// has replaced any.
func (p *PostBuild) object(o *manifest.Object, grown *int) (used bool, err error) {
	if (len(p.Values) > 0 || p.Unread != "") && !excepted(o) {
		if used, err = p.replace(o, grown); err != nil {
			return false, err
		}
	}
	if len(p.Labels) > 0 {
		o.SetLabels(joined(o.GetLabels(), p.Labels))
	}
	if len(p.Annotations) > 0 {
		o.SetAnnotations(joined(o.GetAnnotations(), p.Annotations))
	}
	return used, nil
}

func joined(own, more map[string]string) map[string]string {
	all := maps.Clone(own)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, more)
	return all
}

// replace replaces names in the YAML of an object.
func (p *PostBuild) replace(o *manifest.Object, grown *int) (used bool, err error) {
	text, err := k8syaml.Marshal(o.Object)
	if err != nil {
		return false, err
	}
	if !strings.Contains(string(text), "$") {
		return false, nil
	}
	if strings.Count(string(text), "${") > maxExpressions {
		return false, errTooMany
	}
	var hidden []string
	made, err := evaluate(string(text), func(name string) (string, bool) {
		value, known := p.Values[name]
		if !known {
			value = p.Unread
		}
		if p.Secret[name] {
			hidden = append(hidden, value)
		}
		*grown += len(value)
		return value, *grown <= MaxGrowth
	})
	switch {
	case *grown > MaxGrowth:
		return false, fmt.Errorf("the values add more than %d MiB to the objects", MaxGrowth>>20)
	case err != nil:
		return false, err
	}
	asJSON, err := k8syaml.YAMLToJSONStrict([]byte(made))
	if err != nil {
		return false, fmt.Errorf("with the values, the object is no YAML any more: %w", withoutValues(err, hidden))
	}
	fields := map[string]any{}
	if err := k8sjson.Unmarshal(asJSON, &fields); err != nil {
		return false, fmt.Errorf("with the values, the object is no mapping any more: %w", withoutValues(err, hidden))
	}
	o.Object = fields
	o.Hide(hidden...)
	return true, nil
}

// withoutValues is an error without the values that must not be shown.
func withoutValues(err error, hidden []string) error {
	return errors.New(manifest.NewRedacter(hidden)(err.Error()))
}

// evaluate replaces names in a text. The library panics on some wrong expressions.
func evaluate(text string, value func(string) (string, bool)) (made string, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("an expression cannot be read")
		}
	}()
	return envsubst.Eval(text, value)
}
