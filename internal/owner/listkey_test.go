package owner

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestDefaultedKeyOfAHand: a person who changes the default of a list's key, such as a
// port's protocol, makes another element. The element is removed as a whole, so that no
// element without a key is left.
func TestDefaultedKeyOfAHand(t *testing.T) {
	const sctp = `{"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"SCTP\"}":{".":{},"f:port":{},"f:protocol":{},"f:targetPort":{}}}}}`
	for _, manager := range []string{"kubectl-edit", "some-controller"} {
		u := runningObject(t, `{spec: {ports: [{port: 80, protocol: SCTP, targetPort: 80}]}}`, entryOf(manager, metav1.ManagedFieldsOperationUpdate, "", sctp))
		written := fields(t, `{spec: {ports: [{port: 80}]}}`)
		gone := Hindrances(u, written, [][]string{{"spec", "ports"}}, nil)
		if got := paths(gone); !strings.Contains(got, `.spec.ports[port=80,protocol="SCTP"] `) {
			t.Errorf("%s: the removed fields are %s", manager, got)
		}
		merged := Merged(u, written, gone)
		if ports, _ := merged.Object["spec"].(map[string]any)["ports"].([]any); len(ports) != 1 || ports[0].(map[string]any)["protocol"] != nil {
			t.Errorf("%s: the planned object is %v", manager, merged.Object["spec"])
		}
		entries, err := Claim(u, DefaultTools.HandFields(u.GetManagedFields()).Union(gone), nil)
		if err != nil || len(entries) != 1 || !strings.Contains(string(entries[0].FieldsV1.GetRawBytes()), `{".":{}`) {
			t.Errorf("%s: owners %v, %v", manager, entries, err)
		}
	}
}
