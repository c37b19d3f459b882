package install

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/manifest"
)

const withStandby = "{standby: {enabled: true}, storage: {accessMode: ReadWriteMany}}"

// container is the server's container.
func container(t *testing.T, objects []*manifest.Object) map[string]any {
	t.Helper()
	containers, _ := field(object(objects, "StatefulSet", App), "spec", "template", "spec", "containers").([]any)
	if len(containers) != 1 {
		t.Fatalf("%d containers", len(containers))
	}
	return containers[0].(map[string]any)
}

// TestStandby: two pods share a lease. The Service leads to both of them while they are
// ready, and their rights on leases are limited to this one.
func TestStandby(t *testing.T) {
	objects := rendered(t, withStandby)
	set := object(objects, "StatefulSet", App)
	if n := field(set, "spec", "replicas"); n != int64(2) && n != 2.0 {
		t.Errorf("%v replicas", n)
	}
	settings, _ := field(object(objects, "ConfigMap", App), "data", settingsFile).(string)
	if !strings.Contains(settings, "lease: pushboat-system/pushboat\n") {
		t.Errorf("the settings have no lease:\n%s", settings)
	}
	server := container(t, objects)
	if path, _, _ := unstructured.NestedString(server, "readinessProbe", "httpGet", "path"); path != "/readyz?standbyok" {
		t.Errorf("ready by %s", path)
	}
	env := server["env"].([]any)
	relay := env[len(env)-1].(map[string]any)
	if relay["name"] != "PUSHBOAT_SSH_RELAY" || relay["value"] != "[$(POD_IP)]:2223" {
		t.Errorf("the relay is %v", relay)
	}
	if publishes := field(object(objects, "Service", App), "spec", "publishNotReadyAddresses"); publishes != false {
		t.Error("the Service leads to a server that is stopping")
	}
	var may []string
	for _, rule := range field(object(objects, "Role", App), "rules").([]any) {
		rule := rule.(map[string]any)
		if resources, _, _ := unstructured.NestedStringSlice(rule, "resources"); slices.Contains(resources, "leases") {
			verbs, _, _ := unstructured.NestedStringSlice(rule, "verbs")
			names, _, _ := unstructured.NestedStringSlice(rule, "resourceNames")
			may = append(may, strings.Join(verbs, " ")+" "+strings.Join(names, " "))
		}
	}
	if !slices.Equal(may, []string{"create ", "get watch update pushboat"}) {
		t.Errorf("the server's rights on leases are %q", may)
	}
	for direction, rules := range map[string]int{"ingress": 2, "egress": 2} {
		found, _ := field(object(objects, "NetworkPolicy", App), "spec", direction).([]any)
		if len(found) != rules {
			t.Errorf("%d rules of %s, not %d", len(found), direction, rules)
		}
	}
}

// TestWithoutStandby: without a standby, the objects have nothing that one needs.
func TestWithoutStandby(t *testing.T) {
	objects := rendered(t, "{}")
	if path, _, _ := unstructured.NestedString(container(t, objects), "readinessProbe", "httpGet", "path"); path != "/readyz" {
		t.Errorf("ready by %s", path)
	}
	for _, o := range objects {
		text, err := o.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"lease", "relay", "RELAY", "2223"} {
			if strings.Contains(string(text), word) && o.GetKind() != "ClusterRole" {
				t.Errorf("%s has %s", o.ID(), word)
			}
		}
	}
}

// TestWhereAStandbyRuns: a standby runs on the other pod's node if the volume requires
// that, and on a different node otherwise. An affinity in the values takes the place of
// both.
func TestWhereAStandbyRuns(t *testing.T) {
	for values, want := range map[string]string{
		"{standby: {enabled: true}, storage: {accessMode: ReadWriteMany}}":                                          "podAntiAffinity",
		"{standby: {enabled: true}, storage: {existingClaim: mine}}":                                                "podAntiAffinity",
		"{standby: {enabled: true}, storage: {accessMode: ReadWriteOnce}}":                                          "podAffinity",
		"{standby: {enabled: true}, storage: {accessMode: ReadWriteOnce}, pod: {affinity: {nodeAffinity: {a: b}}}}": "nodeAffinity",
		"{}": "",
	} {
		affinity, _ := field(object(rendered(t, values), "StatefulSet", App), "spec", "template", "spec", "affinity").(map[string]any)
		var kinds []string
		for kind := range affinity {
			kinds = append(kinds, kind)
		}
		if got := strings.Join(kinds, " "); got != want {
			t.Errorf("%s: %q, want %q", values, got, want)
		}
	}
}

// TestStandbyWithoutAVolumeForTwo: the chart refuses such values, since the second pod
// could never start, and an upgrade would wait for it.
func TestStandbyWithoutAVolumeForTwo(t *testing.T) {
	values, err := parseValues("values", []byte("standby: {enabled: true}"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = render(t.Context(), values, "1.4", oldest)
	if err == nil || !strings.Contains(err.Error(), "set storage.accessMode to ReadWriteMany") {
		t.Errorf("%v", err)
	}
}
