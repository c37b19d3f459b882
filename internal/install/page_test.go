package install

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/settings"
)

// TestWayToThePage: with its address, the page is served and browsers reach it; without,
// nothing leads there.
func TestWayToThePage(t *testing.T) {
	for name, test := range map[string]struct {
		values             string
		served             bool
		port               int64
		scheme, protocol   any
		certificate, proxy string
	}{
		"as it is":       {"{}", false, 0, nil, nil, "", ""},
		"behind a proxy": {"http: {advertise: https://p.example.org, from: [{podSelector: {}}]}", true, 80, nil, "http", "", "tls"},
		"with TLS":       {"http: {advertise: https://p.example.org, tlsSecret: web}", true, 443, "HTTPS", "https", "/etc/pushboat/tls/tls.crt", ""},
		"another port":   {"http: {advertise: 'https://p.example.org:8443', tlsSecret: web, service: {port: 8443}}", true, 8443, "HTTPS", "https", "/etc/pushboat/tls/tls.crt", ""},
		"behind a proxy, with a standby": {
			"{http: {advertise: https://p.example.org, from: [{podSelector: {}}]}, " + withStandby[1:], true, 80, nil, "http", "", "tls",
		},
	} {
		t.Run(name, func(t *testing.T) {
			objects := rendered(t, test.values)
			config := configOf(t, objects)
			if h := config.HTTP; (h.Unserved() == nil) != test.served || h.Certificate != test.certificate || test.proxy != "" && h.Proxy != test.proxy {
				t.Errorf("the settings are %+v: %v", h, h.Unserved())
			}
			for _, probe := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
				if scheme, _, _ := unstructured.NestedFieldNoCopy(container(t, objects), probe, "httpGet", "scheme"); scheme != test.scheme {
					t.Errorf("the %s comes by %v", probe, scheme)
				}
			}
			service := object(objects, "Service", "pushboat-web")
			if (service != nil) != test.served || lets(objects, "http") != test.served {
				t.Fatalf("there is a Service: %t; the NetworkPolicy lets browsers in: %t", service != nil, lets(objects, "http"))
			}
			if !test.served {
				return
			}
			port := field(service, "spec", "ports").([]any)[0].(map[string]any)
			if number, _, _ := unstructured.NestedInt64(port, "port"); number != test.port || port["targetPort"] != "http" || port["appProtocol"] != test.protocol {
				t.Errorf("the Service has %v", port)
			}
			if (Guard{}).Check(t.Context(), service) != nil {
				t.Error("the server's own repository may not change the Service")
			}
		})
	}
}

// configOf reads the settings of an installation, as its server would.
func configOf(t *testing.T, objects []*manifest.Object) settings.Config {
	t.Helper()
	text, _ := field(object(objects, "ConfigMap", App), "data", settingsFile).(string)
	config, err := settings.ReadText(settingsFile, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// lets reports whether the NetworkPolicy lets anybody in at a port of the pod.
func lets(objects []*manifest.Object, port string) bool {
	rules, _ := field(object(objects, "NetworkPolicy", App), "spec", "ingress").([]any)
	for _, rule := range rules {
		ports, _, _ := unstructured.NestedSlice(rule.(map[string]any), "ports")
		for _, p := range ports {
			if p.(map[string]any)["port"] == port {
				return true
			}
		}
	}
	return false
}

// TestServicesHaveFilesOfTheirOwn: the repository that deploys the server has all its
// Services.
func TestServicesHaveFilesOfTheirOwn(t *testing.T) {
	dir := t.TempDir()
	if err := writeFolder(dir, rendered(t, "{metrics: {enabled: true}, http: {advertise: https://p.example.org, tlsSecret: web}}")); err != nil {
		t.Fatal(err)
	}
	for file, name := range map[string]string{"service": "pushboat", "service-metrics": "pushboat-metrics", "service-web": "pushboat-web"} {
		text, err := os.ReadFile(filepath.Join(dir, "server", file+".yaml"))
		if err != nil || !strings.Contains(string(text), "\n  name: "+name+"\n  namespace: "+kube.SystemNamespace+"\n") {
			t.Errorf("%s.yaml has\n%s\n%v", file, text, err)
		}
	}
}
