package kube

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	metavalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Schemas validates custom resources against the CustomResourceDefinitions of the same
// push, which the cluster does not know yet. The dry run of a definition finds its own
// mistakes; resources are then not checked against it. Its methods are safe for
// concurrent use, once Vet has returned.
type Schemas struct {
	definitions map[apischema.GroupKind]*definition
	left        map[apischema.GroupKind]string // why a definition does not count
}

// NewSchemas reads definitions. It leaves out those that define nothing, because they
// are never applied, or because the API server would refuse their names. It ignores
// objects that are not definitions.
func NewSchemas(crds []*manifest.Object) *Schemas {
	s := &Schemas{definitions: map[apischema.GroupKind]*definition{}, left: map[apischema.GroupKind]string{}}
	for _, crd := range crds {
		d, ok := readDefinition(crd)
		if !ok {
			continue
		}
		switch why := d.faults(); {
		case !d.policy.Applies():
			s.left[d.kind] = "its CustomResourceDefinition at " + crd.Source.String() + " is not applied before it"
		case why != "":
			s.left[d.kind] = "fix its CustomResourceDefinition at " + crd.Source.String() + ": " + why
		default:
			s.definitions[d.kind] = d
		}
	}
	return s
}

// LeaveOut has definitions not count for which why returns a reason, which is not "".
func (s *Schemas) LeaveOut(why func(definition *manifest.Object) string) {
	for gk, d := range s.definitions {
		if reason := why(d.object); reason != "" {
			delete(s.definitions, gk)
			s.left[gk] = reason
		}
	}
}

// Left returns the reason why the push's definition of a kind does not count; "" if
// there is none.
func (s *Schemas) Left(gk apischema.GroupKind) string { return s.left[gk] }

// Kind returns how the cluster will serve a kind once its definition is applied. The
// error is an *UnknownKindError if the push does not define the kind, or not in that
// version.
func (s *Schemas) Kind(gvk apischema.GroupVersionKind) (Kind, error) {
	d := s.definitions[gvk.GroupKind()]
	if d == nil {
		return Kind{}, &UnknownKindError{GVK: gvk}
	}
	if v := d.versions[gvk.Version]; v == nil || !v.served {
		return Kind{}, &UnknownKindError{GVK: gvk, Versions: d.served()}
	}
	return Kind{
		GVK:        gvk,
		Resource:   gvk.GroupVersion().WithResource(d.plural),
		Namespaced: d.namespaced,
		Verbs:      []string{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"},
	}, nil
}

// Has reports whether the push defines a kind.
func (s *Schemas) Has(gk apischema.GroupKind) bool { return s.definitions[gk] != nil }

// Empty reports whether the push defines nothing.
func (s *Schemas) Empty() bool { return len(s.definitions) == 0 }

// Validate checks a custom resource as the API server would on creation: names, unknown
// fields, defaults, types and limits, and the rules in CEL within the server's own cost
// budget. It leaves out rules that compare with the live object. An object whose kind
// the push does not define has no problems.
func (s *Schemas) Validate(ctx context.Context, obj *manifest.Object) manifest.Problems {
	gvk := obj.GroupVersionKind()
	d := s.definitions[gvk.GroupKind()]
	if d == nil {
		return nil
	}
	e := explainer{cluster: &Cluster{}, obj: obj}
	if _, err := s.Kind(gvk); err != nil {
		e.explain(ctx, err)
		return e.problems
	}
	v := d.versions[gvk.Version]
	if v.compile(); v.structural == nil {
		return nil
	}
	e.causes(causesOf(statusOfErrors(v.validate(ctx, obj, d.namespaced, &e))))
	return e.told()
}

// definition is the known part of a CustomResourceDefinition.
type definition struct {
	object     *manifest.Object
	policy     manifest.Policy
	scope      string
	kind       apischema.GroupKind
	plural     string
	namespaced bool
	order      []string // versions as written
	versions   map[string]*definedVersion
}

// definedVersion is one version of a definition; its schema is compiled on first use.
type definedVersion struct {
	served     bool
	schema     any
	once       sync.Once
	structural *schema.Structural
	validator  validation.SchemaValidator
	rules      *cel.Validator
}

func readDefinition(crd *manifest.Object) (*definition, bool) {
	if crd.GroupVersionKind().GroupKind() != (apischema.GroupKind{Group: apiextensions.GroupName, Kind: "CustomResourceDefinition"}) {
		return nil, false
	}
	text := func(path ...string) string {
		s, _, _ := unstructured.NestedString(crd.Object, path...)
		return s
	}
	policy, _ := manifest.PolicyOf(crd.Unstructured)
	d := &definition{
		object: crd, policy: policy, scope: text("spec", "scope"),
		kind:       apischema.GroupKind{Group: text("spec", "group"), Kind: text("spec", "names", "kind")},
		plural:     text("spec", "names", "plural"),
		namespaced: text("spec", "scope") == string(apiextensionsv1.NamespaceScoped),
		versions:   map[string]*definedVersion{},
	}
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	for _, item := range versions {
		fields, _ := item.(map[string]any)
		name, _ := fields["name"].(string)
		served, _ := fields["served"].(bool)
		props, _, _ := unstructured.NestedFieldNoCopy(fields, "schema", "openAPIV3Schema")
		d.order = append(d.order, name)
		d.versions[name] = &definedVersion{served: served, schema: props}
	}
	return d, d.kind.Kind != "" && d.plural != "" && len(d.versions) > 0
}

func (d *definition) served() []string {
	return slices.DeleteFunc(slices.Clone(d.order), func(name string) bool { return !d.versions[name].served })
}

// compile leaves structural nil if the schema cannot be used.
func (v *definedVersion) compile() {
	v.once.Do(func() {
		data, err := json.Marshal(v.schema)
		if err != nil || v.schema == nil {
			return
		}
		var external apiextensionsv1.JSONSchemaProps
		var internal apiextensions.JSONSchemaProps
		if json.Unmarshal(data, &external) != nil ||
			apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&external, &internal, nil) != nil {
			return
		}
		structural, err := schema.NewStructural(&internal)
		if err != nil || len(schema.ValidateStructural(nil, structural)) > 0 {
			return
		}
		validator, _, err := validation.NewSchemaValidator(&internal)
		if err != nil {
			return
		}
		v.validator, v.structural = validator, structural
		v.rules = cel.NewValidator(structural, true, celconfig.PerCallLimit)
	})
}

// validate does the API server's steps for a new custom resource, in its order. Unknown
// fields go to e at once.
func (v *definedVersion) validate(ctx context.Context, obj *manifest.Object, namespaced bool, e *explainer) field.ErrorList {
	content := obj.DeepCopy().Object
	v.unknownFields(content, e)
	meta, errs := v.metadata(content, namespaced, e)
	if meta == nil {
		return errs
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(content, v.structural)
	defaulting.Default(content, v.structural)
	errs = append(errs, validation.ValidateCustomResource(nil, content, v.validator)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, v.structural, content)...)
	errs = append(errs, objectmeta.Validate(ctx, nil, content, v.structural, true)...)
	if v.rules == nil || len(errs) > 0 {
		return errs // rules may rely on the schema
	}
	broken, _ := v.rules.Validate(ctx, nil, v.structural, content, nil, celconfig.RuntimeCELCostBudget)
	for _, err := range broken {
		if !strings.HasPrefix(err.Detail, "rule compile error: ") {
			errs = append(errs, err)
		}
	}
	return errs
}

// unknownFields drops the fields that are not in the schema, and notes them.
func (v *definedVersion) unknownFields(content map[string]any, e *explainer) {
	options := schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	for _, unknown := range pruning.PruneWithOptions(content, v.structural, true, options) {
		path := parsePath(unknown, e.obj.Unstructured)
		hint := ""
		if meant := manifest.Closest(path.last(), v.fieldsAt(path.parent())); meant != "" {
			hint = "did you mean " + meant + "?"
		}
		e.add(path.String(), "unknown field "+path.String(), hint)
	}
}

// fieldsAt returns the names of the schema's fields at a path.
func (v *definedVersion) fieldsAt(path fieldPath) []string {
	at := v.structural
	for _, s := range path {
		switch {
		case at == nil:
			return nil
		case s.isIndex:
			at = at.Items
		default:
			if below, ok := at.Properties[s.name]; ok {
				at = &below
			} else if at.AdditionalProperties != nil {
				at = at.AdditionalProperties.Structural
			} else {
				return nil
			}
		}
	}
	if at == nil {
		return nil
	}
	var names []string
	for name := range at.Properties {
		names = append(names, name)
	}
	if len(path) == 0 {
		names = append(names, "spec", "metadata")
	}
	return names
}

// metadata checks metadata, which definitions do not describe; nil if it
// cannot be read.
func (v *definedVersion) metadata(content map[string]any, namespaced bool, e *explainer) (*metav1.ObjectMeta, field.ErrorList) {
	path := field.NewPath("metadata")
	meta, _, unknown, err := objectmeta.GetObjectMetaWithOptions(content, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		return nil, field.ErrorList{field.Invalid(path, nil, strings.TrimPrefix(err.Error(), "json: "))}
	}
	if meta == nil {
		meta = &metav1.ObjectMeta{}
	}
	for _, name := range unknown {
		name = parsePath(name, e.obj.Unstructured).String()
		e.add(name, "unknown field "+name, "")
	}
	checked := *meta
	if !namespaced {
		checked.Namespace = "" // the API server ignores it as well
	}
	return meta, metavalidation.ValidateObjectMeta(&checked, namespaced, metavalidation.NameIsDNSSubdomain, path)
}

// statusOfErrors writes errors in the form of the API server's answer.
func statusOfErrors(errs field.ErrorList) metav1.Status {
	details := &metav1.StatusDetails{}
	for _, err := range errs {
		details.Causes = append(details.Causes, metav1.StatusCause{
			Type: metav1.CauseType(err.Type), Message: err.ErrorBody(), Field: err.Field,
		})
	}
	return metav1.Status{Details: details}
}
