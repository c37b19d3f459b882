package deploy

import (
	"context"
	"errors"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/manifest"
)

// ErrNaming is the error of a text that cannot name an object.
var ErrNaming = errors.New("an object is written KIND/NAME, as in deploy/web, or KIND/NAMESPACE/NAME")

// naming is an object as people name it: Deployment/web, deploy/web, deploy/shop/web
// or shop/deploy/web. Deployment.apps/web has the kind's group; Service./web says that it has
// none, which tells it from kinds of the same name.
type naming struct {
	parts []string
	kinds func(word string) []schema.GroupKind // the kinds that a word names; nil: by their own names alone
}

// parseNaming reads the name of an object. Names of Kubernetes have no slash.
func parseNaming(text string, kinds func(word string) []schema.GroupKind) (naming, error) {
	parts := strings.Split(text, "/")
	if len(parts) < 2 || len(parts) > 3 || slices.Contains(parts, "") {
		return naming{}, ErrNaming
	}
	return naming{parts: parts, kinds: kinds}, nil
}

// is reports whether the object is the named one.
func (n naming) is(id manifest.ID) bool {
	if id.Name != n.parts[len(n.parts)-1] {
		return false
	}
	if len(n.parts) == 2 {
		return n.isKind(n.parts[0], id.GroupKind())
	}
	return n.parts[1] == id.Namespace && n.isKind(n.parts[0], id.GroupKind()) ||
		n.parts[0] == id.Namespace && n.isKind(n.parts[1], id.GroupKind())
}

func (n naming) isKind(word string, gk schema.GroupKind) bool {
	return strings.EqualFold(word, gk.Kind) || strings.EqualFold(word, gk.Kind+"."+gk.Group) || n.kinds != nil && slices.Contains(n.kinds(word), gk)
}

// kindsNamed tells which kinds of a cluster a word names. It asks for a word once;
// a cluster that does not answer knows none.
func (e *Engine) kindsNamed(ctx context.Context, cluster string) func(word string) []schema.GroupKind {
	known := map[string][]schema.GroupKind{}
	return func(word string) []schema.GroupKind {
		kinds, asked := known[word]
		if c := e.Clusters.Get(cluster); !asked && c != nil {
			kinds, _ = c.api.KindsNamed(ctx, word) // names of kinds themselves need no cluster
			known[word] = kinds
		}
		return kinds
	}
}
