package kube

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// proxied runs a process with HTTPS_PROXY in its environment and a kubeconfig that may name
// another proxy, and lists the requests that each of the two proxies gets. It needs another
// process because Go reads these variables once.
func proxied(t *testing.T, personal bool, proxyURL func(url string) string) (byEnvironment, byKubeconfig []string) {
	t.Helper()
	var mu sync.Mutex
	proxy := func(asked *[]string) string {
		return serve(t, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			*asked = append(*asked, r.Method+" "+r.Host)
			http.Error(w, "no way", http.StatusForbidden)
		})
	}
	environment, kubeconfig := proxy(&byEnvironment), proxy(&byKubeconfig)
	file := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: one\nclusters:\n- {name: one, cluster: {server: \"https://cluster.invalid:6443\"%s}}\ncontexts:\n- {name: one, context: {cluster: one}}\n", proxyURL(kubeconfig))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], "-test.run", "^TestClusterIsAskedByAnotherProcess$")
	child.Env = append(os.Environ(), "HTTPS_PROXY="+environment, "NO_PROXY=", proxyTestFile+"="+file, fmt.Sprint(proxyTestPersonal, "=", personal))
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	mu.Lock()
	defer mu.Unlock()
	return byEnvironment, byKubeconfig
}

// Variables by which proxied configures the other process.
const (
	proxyTestFile     = "PUSHBOAT_TEST_PROXY_KUBECONFIG"
	proxyTestPersonal = "PUSHBOAT_TEST_PROXY_PERSONAL"
)

// TestClusterIsAskedByAnotherProcess is the code of the other process.
func TestClusterIsAskedByAnotherProcess(t *testing.T) {
	file := os.Getenv(proxyTestFile)
	if file == "" {
		t.Skip("only for TestProxiesOfClusters")
	}
	cfg, err := Kubeconfig{File: file, Personal: os.Getenv(proxyTestPersonal) == "true"}.Load()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Open("default", cfg, quiet())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Check(t.Context()); err == nil {
		t.Error("a cluster that does not exist has answered")
	}
}

func TestProxiesOfClusters(t *testing.T) {
	names := func(url string) string { return fmt.Sprintf(", proxy-url: %q", url) }
	none := func(string) string { return "" }
	for name, test := range map[string]struct {
		personal                    bool
		proxyURL                    func(string) string
		byEnvironment, byKubeconfig bool
	}{
		"a server's kubeconfig without a proxy": {false, none, false, false},
		"a server's kubeconfig with one":        {false, names, false, true},
		"a person's kubeconfig without a proxy": {true, none, true, false},
		"a person's kubeconfig with one":        {true, names, false, true},
	} {
		byEnvironment, byKubeconfig := proxied(t, test.personal, test.proxyURL)
		asks := func(requests []string) bool {
			return strings.Contains(strings.Join(requests, "\n"), "CONNECT cluster.invalid:6443")
		}
		if asks(byEnvironment) != test.byEnvironment || asks(byKubeconfig) != test.byKubeconfig {
			t.Errorf("%s: the environment's proxy got %q, the kubeconfig's %q", name, byEnvironment, byKubeconfig)
		}
	}
}
