package live

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/owner"
)

const scaled = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  managedFields:
  - {manager: pushboat, operation: Apply, time: "2026-01-01T10:00:00Z", fieldsV1: {"f:spec": {"f:template": {}}}}
  - {manager: kubectl, operation: Update, subresource: scale, fieldsV1: {"f:spec": {"f:replicas": {}}}}
  - {manager: kube-controller-manager, operation: Update, subresource: status, time: "2026-01-01T12:00:00Z", fieldsV1: {"f:status": {}}}
`

// printOf returns the fingerprint with the default tools.
func printOf(u *unstructured.Unstructured) string {
	return owner.DefaultTools.Fingerprint(u.GetManagedFields())
}

func TestNewer(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{{"10", "9", true}, {"9", "10", false}, {"9", "9", false}, {"x", "9", true}, {"", "9", true}} {
		if got := newer(test.a, test.b); got != test.want {
			t.Errorf("newer(%q, %q) is %v", test.a, test.b, got)
		}
	}
}
