package install

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
)

// rendered renders the chart with values in YAML.
func rendered(t *testing.T, text string) []*manifest.Object {
	t.Helper()
	values, err := parseValues("values", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	objects, err := render(t.Context(), values, "1.4", oldest)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return objects
}

// object finds an object; nil if there is none.
func object(objects []*manifest.Object, kind, name string) *manifest.Object {
	for _, o := range objects {
		if o.GetKind() == kind && o.GetName() == name {
			return o
		}
	}
	return nil
}

// field returns a field of an object; nil if the object does not have it.
func field(o *manifest.Object, path ...string) any {
	value, _, _ := unstructured.NestedFieldNoCopy(o.Object, path...)
	return value
}

// everything makes each template produce all its objects.
const everything = `
http: {advertise: https://pushboat.example.org, tlsSecret: web-tls, from: [{podSelector: {}}], service: {type: LoadBalancer, annotations: {a: b}, nodePort: 30080}}
image: {repository: r/p, digest: "", pullSecrets: [pull]}
keys: {admins: ["ssh-ed25519 AAAA ana"], operators: ['role="push" ssh-ed25519 BBBB ben']}
settings: {ssh: {advertise: git@git.example.org}, render: {maxWorkers: 2}}
storage: {className: fast, size: 20Gi}
service: {type: LoadBalancer, annotations: {a: b}, loadBalancerClass: c, sourceRanges: [192.0.2.0/24], nodePort: 30022}
gateway: {parentRefs: [{name: edge}]}
rights: {namespaces: [shop, blog], accounts: [team-a/deployer], rules: [{apiGroups: [cert-manager.io], resources: [certificates], verbs: [get, create]}]}
networkPolicy: {from: [{podSelector: {}}], egress: [{ports: [{port: 5000}]}]}
pod: {annotations: {a: b}, labels: {a: b}, nodeSelector: {a: b}, tolerations: [{operator: Exists}], affinity: {nodeAffinity: {}}, priorityClassName: high}
env: [{name: A, value: b}]
volumes: [{name: keys2, secret: {secretName: s}}]
volumeMounts: [{name: keys2, mountPath: /keys}]
`

// TestKindsAreThoseOfTheChart: an uninstallation finds every object of the chart, or keeps
// it.
func TestKindsAreThoseOfTheChart(t *testing.T) {
	for _, text := range []string{"{}", everything, withStandby, "rights: {deploy: cluster-admin}", "rights: {deploy: none}"} {
		for _, o := range rendered(t, text) {
			switch o.GetLabels()[componentLabel] {
			case "server":
				if !slices.Contains(kinds, o.ID().GroupKind()) {
					t.Errorf("%s is of a kind that no uninstallation looks for", o.ID())
				}
			case "kept":
			default:
				t.Errorf("%s has no label %s", o.ID(), componentLabel)
			}
			if ns := o.GetNamespace(); ns != "" && ns != kube.SystemNamespace && o.GetKind() != "RoleBinding" && o.GetKind() != "Role" {
				t.Errorf("%s is in another namespace than the server", o.ID())
			}
		}
	}
}

// TestRights checks which role is bound where, for different values.
func TestRights(t *testing.T) {
	for _, tt := range []struct {
		values string
		has    []string
		not    []string
	}{
		{"{}", []string{"ClusterRole pushboat-deploy", "ClusterRoleBinding pushboat-deploy"}, []string{"ClusterRole pushboat-deploy-read"}},
		{"rights: {deploy: cluster-admin}", []string{"ClusterRoleBinding pushboat-deploy"}, []string{"ClusterRole pushboat-deploy"}},
		{"rights: {deploy: none}", nil, []string{"ClusterRole pushboat-deploy", "ClusterRoleBinding pushboat-deploy", "RoleBinding pushboat-deploy"}},
		{
			"rights: {deploy: none, rules: [{apiGroups: [a], resources: [b], verbs: [get]}]}",
			[]string{"ClusterRole pushboat-deploy", "ClusterRoleBinding pushboat-deploy"},
			nil,
		},
		{
			"rights: {namespaces: [shop]}",
			[]string{"ClusterRole pushboat-deploy", "RoleBinding pushboat-deploy", "ClusterRole pushboat-deploy-read", "ClusterRoleBinding pushboat-deploy-read"},
			[]string{"ClusterRoleBinding pushboat-deploy"},
		},
		{
			"rights: {accounts: [team-a/deployer]}",
			[]string{"Role pushboat-accounts", "RoleBinding pushboat-accounts", "ClusterRole pushboat-deploy-read", "ClusterRoleBinding pushboat-deploy-read"},
			[]string{"ClusterRole pushboat-deploy", "ClusterRoleBinding pushboat-deploy", "RoleBinding pushboat-deploy"},
		},
		{
			"rights: {accounts: [team-a/deployer], namespaces: [shop]}",
			[]string{"Role pushboat-accounts", "ClusterRole pushboat-deploy", "RoleBinding pushboat-deploy", "ClusterRole pushboat-deploy-read"},
			[]string{"ClusterRoleBinding pushboat-deploy"},
		},
		{
			"rights: {deploy: none, accounts: [team-a/deployer]}",
			[]string{"Role pushboat-accounts", "RoleBinding pushboat-accounts"},
			[]string{"ClusterRole pushboat-deploy-read", "ClusterRoleBinding pushboat-deploy-read"},
		},
	} {
		objects := rendered(t, tt.values)
		for i, names := range [][]string{tt.has, tt.not} {
			for _, name := range names {
				kind, name, _ := strings.Cut(name, " ")
				if found := object(objects, kind, name) != nil; found != (i == 0) {
					t.Errorf("%s: the chart has %s %s: %t", tt.values, kind, name, found)
				}
			}
		}
	}
	if role := field(object(rendered(t, "rights: {deploy: cluster-admin}"), "ClusterRoleBinding", "pushboat-deploy"), "roleRef", "name"); role != "cluster-admin" {
		t.Errorf("cluster-admin binds %v", role)
	}
	reading := field(object(rendered(t, everything), "ClusterRole", "pushboat-deploy-read"), "rules").([]any)
	for _, rule := range reading {
		verbs, _, _ := unstructured.NestedStringSlice(rule.(map[string]any), "verbs")
		if !slices.Equal(verbs, []string{"list", "watch"}) {
			t.Errorf("restricted to some namespaces, the server may %v in all of them", verbs)
		}
	}
}

// TestValuesReachTheObjects takes a sample of each part of the values.
func TestValuesReachTheObjects(t *testing.T) {
	objects := rendered(t, everything)
	for _, tt := range []struct {
		kind, name string
		path       []string
		want       string
	}{
		{"ConfigMap", "pushboat-keys", []string{"data", "operators"}, "role=\"admin\" ssh-ed25519 AAAA ana\nrole=\"push\" ssh-ed25519 BBBB ben\n"},
		{"ConfigMap", "pushboat", []string{"data", "pushboat.yaml"}, "advertise: git@git.example.org"},
		{"ConfigMap", "pushboat", []string{"data", "pushboat.yaml"}, "address: :2222"},
		{"ConfigMap", "pushboat", []string{"data", "pushboat.yaml"}, "maxWorkers: 2"},
		{"PersistentVolumeClaim", "pushboat-data", []string{"spec", "storageClassName"}, "fast"},
		{"Service", "pushboat", []string{"spec", "loadBalancerClass"}, "c"},
		{"TCPRoute", "pushboat", []string{"metadata", "namespace"}, kube.SystemNamespace},
		{"StatefulSet", "pushboat", []string{"spec", "template", "spec", "priorityClassName"}, "high"},
		{"StatefulSet", "pushboat", []string{"metadata", "labels", "app.kubernetes.io/version"}, "1.4"},
		{"ConfigMap", valuesName, []string{"data", valuesKey}, "maxWorkers: 2"},
	} {
		o := object(objects, tt.kind, tt.name)
		if o == nil {
			t.Errorf("there is no %s %s", tt.kind, tt.name)
			continue
		}
		if got, _ := field(o, tt.path...).(string); !strings.Contains(got, tt.want) {
			t.Errorf("%s %s, %v: %q, want %q", tt.kind, tt.name, tt.path, got, tt.want)
		}
	}
	if claim := object(rendered(t, "storage: {existingClaim: mine}"), "PersistentVolumeClaim", "pushboat-data"); claim != nil {
		t.Error("a claim is made although an existing one is given")
	}
	if policy := object(rendered(t, "networkPolicy: {enabled: false}"), "NetworkPolicy", "pushboat"); policy != nil {
		t.Error("a NetworkPolicy is made although it is disabled")
	}
	changed := func(text string) any {
		return field(object(rendered(t, text), "StatefulSet", "pushboat"), "spec", "template", "metadata", "annotations")
	}
	if a, b := changed("{}"), changed("settings: {log: {level: debug}}"); a.(map[string]any)["checksum/settings"] == b.(map[string]any)["checksum/settings"] {
		t.Error("a change of settings does not restart the server")
	}
}

// TestValuesThatDoNotFit: the chart refuses values that the server would be unsafe or
// useless with, and says what to set.
func TestValuesThatDoNotFit(t *testing.T) {
	for text, want := range map[string]string{
		"rights: {deploy: cluster-admin, accounts: [a/b]}":                            "set rights.deploy to namespaced or none",
		"rights: {accounts: [deployer]}":                                              "rights",
		"rights: {accounts: ['a/b/c']}":                                               "rights",
		"rights: {accounts: ['*/deployer']}":                                          "rights",
		"rights: {accounts: [a/b, a/b]}":                                              "rights",
		"http: {advertise: https://p.example.org}":                                    "name the proxy's pods",
		"http: {advertise: http://p.example.org, tlsSecret: t}":                       "advertise",
		"http: {tlsSecret: t}":                                                        "set it to https://HOST",
		"http: {from: [{podSelector: {}}]}":                                           "set it to https://HOST",
		"{http: {advertise: https://p.example.org, tlsSecret: t}, " + withStandby[1:]: "tries the other one after a 503",
	} {
		values, err := parseValues("values", []byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if _, err = render(t.Context(), values, "1.4", oldest); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
