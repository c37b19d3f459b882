package kube

import (
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/manifest"
)

const soundDefinition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.sea.example}
spec:
  group: sea.example
  names: {kind: Boat, listKind: BoatList, plural: boats, singular: boat}
  scope: Namespaced
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
`

// TestNamesLikeTheServer makes the API server validate definitions, and compares its
// verdicts on the names in paths with ours.
func TestNamesLikeTheServer(t *testing.T) {
	c := open(t)
	for _, change := range [][]string{
		{"", ""},
		{"group: sea.example", "group: sea.example", "boats.sea", "boats.sea"},
		{"sea.example", "apps"},
		{"sea.example", "Sea.example"},
		{"sea.example", "sea/v1.example"},
		{"sea.example", "..a"},
		{"sea.example", strings.Repeat("a", 250) + ".example"},
		{"boats", "namespaces/shop/deployments"},
		{"boats", "Boats"},
		{"boats", "boats/scale"},
		{"boats", "9boats"},
		{"boats", strings.Repeat("b", 64)},
		{"name: boats.", "name: ships."},
		{"kind: Boat,", "kind: Boat/x,"},
		{"kind: Boat,", "kind: '',"},
		{"kind: Boat,", "kind: 9Boat,"},
		{"scope: Namespaced", "scope: Cluster"},
		{"scope: Namespaced", "scope: namespaced"},
		{"scope: Namespaced", "scope: ''"},
		{"name: v1,", "name: v1/namespaces,"},
		{"name: v1,", "name: V1,"},
		{"name: v1,", "name: '1',"},
		{"versions: [", "versions: [{name: v1, served: false, storage: false, schema: {openAPIV3Schema: {type: object}}}, "},
	} {
		text := strings.NewReplacer(change...).Replace(soundDefinition)
		crd := object(t, text)
		theirs := serverFinds(t, c, crd)
		s := NewSchemas([]*manifest.Object{crd})
		if ours := s.Empty(); ours != (theirs != "") {
			t.Errorf("%q: left out: %v; the API server says: %s", change, ours, theirs)
		}
		if s.Empty() && len(s.left) != 1 && change[1] != "kind: ''," { // a definition without a kind cannot be reported
			t.Errorf("%q: no reason is given for leaving it out", change)
		}
	}
}

// serverFinds makes the API server dry-run a definition.
func serverFinds(t *testing.T, c *Cluster, crd *manifest.Object) string {
	t.Helper()
	_, err := c.Create(t.Context(), definitionKind, crd.Unstructured, true)
	if err == nil {
		return ""
	}
	if !apierrors.IsInvalid(err) && !apierrors.IsBadRequest(err) {
		t.Fatal(err)
	}
	return err.Error()
}

func TestDefinitionsThatAreNotAppliedDefineNothing(t *testing.T) {
	for annotations, counts := range map[string]bool{
		"":                                  true,
		"argocd.argoproj.io/hook: Skip":     false,
		"argocd.argoproj.io/hook: PreSync":  true,
		"argocd.argoproj.io/hook: PostSync": false,

		"argocd.argoproj.io/hook: 'PreSync,Skip'":         false,
		"helm.sh/hook: test":                              false,
		"helm.sh/hook: pre-delete":                        false,
		"kustomize.toolkit.fluxcd.io/ssa: IfNotPresent":   true,
		"kustomize.toolkit.fluxcd.io/reconcile: disabled": false,
	} {
		crd := object(t, strings.Replace(soundDefinition, "boats.sea.example}", "boats.sea.example, annotations: {"+annotations+"}}", 1))
		s := NewSchemas([]*manifest.Object{crd})
		if s.Empty() == counts || (s.Left(schema.GroupKind{Group: "sea.example", Kind: "Boat"}) == "") != counts {
			t.Errorf("%s: %v, %v", annotations, s.definitions, s.left)
		}
	}
}

// TestVet tries definitions of kinds that the API server has: its own kinds, those of a
// definition, and names that it uses for others.
func TestVet(t *testing.T) {
	c := open(t)
	for change, want := range map[string]string{
		"":                                    "",
		"networking.k8s.io Ingress ingresses": "the cluster itself serves ingresses.networking.k8s.io: it cannot be defined anew",
		"networking.k8s.io Other ingresses":   "the cluster has ingresses.networking.k8s.io already, as the kind Ingress: it cannot be defined anew",
		"networking.k8s.io Ingress others":    "the cluster has ingresses.networking.k8s.io already, as the kind Ingress: it cannot be defined anew",
		"networking.k8s.io Other others":      "",
	} {
		text := soundDefinition
		if parts := strings.Fields(change); len(parts) == 3 {
			text = strings.NewReplacer("sea.example", parts[0], "kind: Boat,", "kind: "+parts[1]+",", "boats", parts[2]).Replace(text)
		}
		s := NewSchemas([]*manifest.Object{object(t, text)})
		problems := c.Vet(t.Context(), s)
		if s.Empty() != (want != "") || len(problems) > 1 || len(problems) == 1 && problems[0].Message != want || len(problems) == 0 && want != "" {
			t.Errorf("%q: %v", change, problems)
		}
	}
}
