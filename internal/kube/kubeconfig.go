package kube

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Kubeconfig says how to reach a cluster.
type Kubeconfig struct {
	File    string // "": see Personal
	Context string // "": the current one
	// Personal says that a person reaches the cluster, as kubectl does: without File,
	// through the files that $KUBECONFIG lists, else ~/.kube/config. A server without
	// File is a pod of the cluster, and uses its ServiceAccount.
	Personal bool
	Allowed  Allowed // of a server: the programs that may give credentials; the files are not bounded
}

// Load reads the configuration. Its error names the file and the flag that gives
// another one. It sends no request.
//
// A server reaches a cluster through the proxy that the kubeconfig names (proxy-url), and
// otherwise directly: HTTPS_PROXY in its environment is often set for other programs and
// other places, and the cluster that a pod runs in is behind no proxy. For a person, these
// variables count as they do for kubectl.
func (k Kubeconfig) Load() (*rest.Config, error) {
	cfg, err := k.load()
	if err == nil && !k.Personal && cfg.Proxy == nil {
		cfg.Proxy = directly
	}
	return cfg, err
}

// Way is a way to reach a cluster.
type Way struct {
	Config  *rest.Config
	Print   string   // of all that was read to find it: another print is another way
	program *program // that gives the credentials; nil: Config has them
}

// Way reads the configuration as Load does, for a server, and tells when it has changed.
func (k Kubeconfig) Way() (Way, error) {
	cfg, err := k.Load()
	if err != nil {
		return Way{}, err
	}
	by, err := k.Allowed.program(cfg)
	if err == nil {
		_, err = rest.TransportFor(cfg)
	}
	if err != nil {
		return Way{}, fmt.Errorf("read kubeconfig %q: %w", k.File, err)
	}
	read := []byte("in-cluster")
	if k.File != "" {
		if read, err = os.ReadFile(k.File); err != nil {
			return Way{}, err
		}
	}
	return Way{Config: cfg, Print: printOf(read, []byte(k.Context), by.name()), program: by}, nil
}

// printOf is a digest of some texts.
func printOf(texts ...[]byte) string {
	sum := sha256.New()
	for _, text := range texts {
		fmt.Fprintf(sum, "%d ", len(text))
		sum.Write(text)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// directly is a proxy function for no proxy. A nil function would mean HTTPS_PROXY.
func directly(*http.Request) (*url.URL, error) { return nil, nil } //nolint:nilnil // as http.Transport has it

func (k Kubeconfig) load() (*rest.Config, error) {
	if k.File == "" && !k.Personal {
		cfg, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("no kubeconfig given, and not inside a cluster: %w; name one with --kubeconfig FILE", err)
		}
		return cfg, nil
	}
	rules := &clientcmd.ClientConfigLoadingRules{}
	if k.Personal {
		rules = clientcmd.NewDefaultClientConfigLoadingRules()
	}
	rules.ExplicitPath = k.File
	overrides := &clientcmd.ConfigOverrides{CurrentContext: k.Context}
	cfg, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).ClientConfig()
	switch {
	case err == nil:
		return cfg, nil
	case k.File != "":
		return nil, fmt.Errorf("read kubeconfig %q: %w", k.File, err)
	case clientcmd.IsEmptyConfig(err):
		return nil, errors.New("no kubeconfig in $KUBECONFIG or ~/.kube/config; name one with --kubeconfig FILE")
	}
	return nil, fmt.Errorf("read the kubeconfig: %w; name one with --kubeconfig FILE", err)
}
