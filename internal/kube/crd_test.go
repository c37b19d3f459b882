package kube

import (
	"context"
	"errors"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/manifest"
)

// boatCases are custom resources and the problems with them.
var boatCases = []struct{ name, spec, want string }{
	{"fine", "length: 2", ""},
	{"fine with everything", "length: 20\n  crew: 3\n  flag: AB\n  kind: Tug\n  ropes: [{name: a}, {name: b}]\n  cargo: {any: [thing]}\n  hull: wood", ""},
	{"required", "crew: 3", "a.yaml:5: Boat NS/anna: spec.length is required"},
	{"values", "length: 200\n  flag: xx\n  kind: Tugg", `
a.yaml:6: Boat NS/anna: spec.length: 200 must be less than or equal to 100
a.yaml:7: Boat NS/anna: spec.flag: "xx" must match '^[A-Z]{2}$'
a.yaml:8: Boat NS/anna: spec.kind: "Tugg" is not one of Tug, Ferry
hint: did you mean Tug?`},
	{"type", `length: "2"`, "a.yaml:6: Boat NS/anna: spec.length: \"2\" is text, not a number\nhint: write the number without quotes"},
	{"unknown field", "length: 2\n  crw: 3", "a.yaml:7: Boat NS/anna: unknown field spec.crw\nhint: did you mean crew?"},
	{"unknown field in a list", "length: 2\n  ropes: [{name: a, metres: 3}]", "a.yaml:7: Boat NS/anna: unknown field spec.ropes[0].metres\nhint: did you mean meters?"},
	{"unknown and out of range", "length: 200\n  crw: 3", `
a.yaml:6: Boat NS/anna: spec.length: 200 must be less than or equal to 100
a.yaml:7: Boat NS/anna: unknown field spec.crw
hint: did you mean crew?`},
	{"rule", "length: 2\n  crew: 3", "a.yaml:5: Boat NS/anna: spec: the crew does not fit"},
}

func boat(t *testing.T, group, namespace, spec string) *manifest.Object {
	t.Helper()
	return object(t, "apiVersion: "+group+".example/v1\nkind: Boat\nmetadata:\n  {name: anna, namespace: "+namespace+"}\nspec:\n  "+spec)
}

func told(problems manifest.Problems, namespace string) string {
	return strings.ReplaceAll(strings.TrimSpace(explained(problems, nil)), namespace, "NS")
}

// TestValidateLikeTheServer validates custom resources against a definition here, and by a
// dry-run on the API server that has the definition. Both give the same result.
func TestValidateLikeTheServer(t *testing.T) {
	c := open(t)
	group := "same" + run
	crd := boats(t, group)
	schemas := NewSchemas([]*manifest.Object{crd})
	definitions := kindOf(t, c, crd)
	must[*unstructured.Unstructured](t)(c.Apply(t.Context(), definitions, crd.Unstructured, ApplyOptions{}))
	t.Cleanup(func() { _ = c.Delete(context.Background(), definitions, "", crd.GetName(), DeleteOptions{}) })
	ns := newNamespace(t, c, "boats")
	kind := kindWhenServed(t, c, schema.GroupVersionKind{Group: group + ".example", Version: "v1", Kind: "Boat"})
	if own := must[Kind](t)(schemas.Kind(kind.GVK)); own.Resource != kind.Resource || own.Namespaced != kind.Namespaced || len(own.Verbs) != len(kind.Verbs) {
		t.Errorf("kind %+v, the server says %+v", own, kind)
	}
	for _, test := range boatCases {
		t.Run(test.name, func(t *testing.T) {
			o := boat(t, group, ns, test.spec)
			want := strings.TrimSpace(test.want)
			if got := told(schemas.Validate(t.Context(), o), ns); got != want {
				t.Errorf("here:\n%s\nwant\n%s", got, want)
			}
			_, err := c.Apply(t.Context(), kind, o.Unstructured, ApplyOptions{DryRun: true})
			if got := told(c.Explain(t.Context(), o, err), ns); got != want {
				t.Errorf("the server:\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestValidateNamesAndVersions(t *testing.T) {
	crd := boats(t, "own")
	schemas := NewSchemas([]*manifest.Object{crd, object(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}")})
	boat := schema.GroupKind{Group: "own.example", Kind: "Boat"}
	if !schemas.Has(boat) || schemas.Has(schema.GroupKind{Kind: "ConfigMap"}) {
		t.Error("has the wrong kinds")
	}
	for text, want := range map[string]string{
		"apiVersion: own.example/v1\nkind: Boat\nmetadata: {name: Anna_1, namespace: b}\nspec: {length: 1}":               `metadata.name: "Anna_1" is no valid name`,
		"apiVersion: own.example/v1\nkind: Boat\nmetadata: {name: anna, namespace: b, lables: {a: b}}\nspec: {length: 1}": "unknown field metadata.lables",
		"apiVersion: own.example/v1\nkind: Boat\nmetadata: {name: anna, namespace: b}\nspce: {length: 1}":                 "unknown field spce",
		"apiVersion: own.example/v1alpha1\nkind: Boat\nmetadata: {name: anna, namespace: b}":                              "does not know the kind Boat of own.example/v1alpha1",
		"apiVersion: own.example/v2\nkind: Boat\nmetadata: {name: anna, namespace: b}":                                    "does not know the kind Boat of own.example/v2",
		"apiVersion: other.example/v2\nkind: Boat\nmetadata: {name: anna, namespace: b}":                                  "",
	} {
		got := explained(schemas.Validate(t.Context(), object(t, text)), nil)
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s\ngives %q, want %q", text, got, want)
		}
	}
	_, err := schemas.Kind(boat.WithVersion("v2"))
	if unknown := (*UnknownKindError)(nil); !errors.As(err, &unknown) || unknown.Hint() != "this cluster serves Boat as own.example/v1" {
		t.Errorf("%v", err)
	}
}

// TestValidateWithBrokenDefinition: the dry-run of a broken definition finds its mistakes,
// so the definition reports no problems of resources.
func TestValidateWithBrokenDefinition(t *testing.T) {
	for name, schema := range map[string]string{
		"no schema":      "null",
		"not an object":  "7",
		"not structural": "{type: object, properties: {spec: {properties: {length: {type: integer}}}}}",
		"bad pattern":    `{type: object, properties: {spec: {type: object, x-kubernetes-preserve-unknown-fields: true, properties: {flag: {type: string, pattern: "^[A-Z"}}}}}`,
		"bad rule":       `{type: object, properties: {spec: {type: object, x-kubernetes-preserve-unknown-fields: true, x-kubernetes-validations: [{rule: "self.lenght > 1"}]}}}`,
		"bad default":    `{type: object, properties: {spec: {type: object, x-kubernetes-preserve-unknown-fields: true, properties: {size: {type: integer, default: many}}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			crd := object(t, "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: boats.own.example}\nspec:\n"+
				"  group: own.example\n  scope: Cluster\n  names: {kind: Boat, plural: boats}\n  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: "+schema+"}}]")
			schemas := NewSchemas([]*manifest.Object{crd})
			o := object(t, "apiVersion: own.example/v1\nkind: Boat\nmetadata: {name: anna}\nspec: {length: 1}")
			problems := schemas.Validate(t.Context(), o)
			if name == "bad pattern" || name == "bad default" {
				return // any result is fine without a panic
			}
			if len(problems) > 0 {
				t.Errorf("%v", problems)
			}
		})
	}
}

// TestValidateBudget: a rule that costs too much ends with an error, and does not use up
// the server's CPU.
func TestValidateBudget(t *testing.T) {
	crd := object(t, `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.own.example}
spec:
  group: own.example
  scope: Cluster
  names: {kind: Boat, plural: boats}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              x-kubernetes-validations: [{rule: "self.a.all(x, self.a.all(y, self.a.all(z, x + y + z != 7)))"}]
              properties: {a: {type: array, items: {type: integer}}}
`)
	numbers := strings.Repeat("1, ", 2000)
	o := object(t, "apiVersion: own.example/v1\nkind: Boat\nmetadata: {name: anna}\nspec: {a: ["+numbers+"1]}")
	problems := NewSchemas([]*manifest.Object{crd}).Validate(t.Context(), o)
	if len(problems) == 0 || !strings.Contains(problems.Error(), "cost") {
		t.Errorf("%v", problems)
	}
}
