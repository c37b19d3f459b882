package flux

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

// controllers are the controllers of Flux that apply objects, with the kinds that they reconcile. Their
// accounts are called like them, in whatever namespace flux install puts them.
var controllers = map[string]string{"kustomize-controller": "Kustomization", "helm-controller": "HelmRelease"}

// defaultAccount is the flag of these controllers that names the account, in the object's namespace, of
// objects that ask for none: https://fluxcd.io/flux/installation/configuration/multitenancy/.
const defaultAccount = "--default-service-account="

// addController reads from the Deployment of a controller, which is not applied, as which account it
// applies what asks for none.
func (t *Tree) addController(o *manifest.Object) {
	kind := controllers[o.GetName()]
	if o.GetKind() != "Deployment" || kind == "" {
		return
	}
	containers, _ := o.ValueAt("spec.template.spec.containers")
	list, _ := containers.([]any)
	for _, container := range list {
		fields, _ := container.(map[string]any)
		arguments, _ := fields["args"].([]any)
		for _, argument := range arguments {
			text, _ := argument.(string)
			if called, is := strings.CutPrefix(text, defaultAccount); is && isAccount(called) {
				t.useAccount(o, kind, called)
			}
		}
	}
}

// addInstance reads the same from a FluxInstance: https://fluxoperator.dev/docs/crd/fluxinstance/.
func (t *Tree) addInstance(o *manifest.Object) {
	if many, _ := o.ValueAt("spec.cluster.multitenant"); many != true {
		return
	}
	called := textAt(o, "spec.cluster.tenantDefaultServiceAccount")
	if called == "" {
		called = "default"
	}
	if isAccount(called) {
		for _, kind := range controllers {
			t.useAccount(o, kind, called)
		}
	}
}

// useAccount takes an account for items of a kind that ask for none.
func (t *Tree) useAccount(o *manifest.Object, kind, called string) {
	if t.accounts == nil {
		t.accounts = map[string]string{}
	}
	t.accounts[kind] = called
	t.others = append(t.others, meaning.Note{
		Source: o.Source, Object: o.ID().String(), Text: fmt.Sprintf("a %s without serviceAccountName is applied as the ServiceAccount %s of its namespace", kind, called),
	})
}

func isAccount(called string) bool { return len(validation.IsDNS1123Subdomain(called)) == 0 }

// account reads as which ServiceAccount an item is applied, "NAMESPACE/NAME"; "" if nothing says that. Of
// roots, only what is written counts: what else bounds them is not known before they are rendered.
func (t *Tree) account(it *item, spec *meaning.Map) string {
	const field = "serviceAccountName"
	text := spec.Text(field)
	switch {
	case text == "" && it.parent != nil:
		text = t.accounts[it.ref.Kind]
	case controllers[text] != "":
		spec.Without(field, "it is the account of Flux's own controller")
		return ""
	case text != "" && !isAccount(text):
		spec.Problem(field, fmt.Sprintf("%s: %q is no name of a ServiceAccount", spec.At(field), manifest.Clean(text)), "name one of the namespace "+it.ref.Namespace)
		return ""
	}
	if text == "" {
		return ""
	}
	return it.ref.Namespace + "/" + text
}
