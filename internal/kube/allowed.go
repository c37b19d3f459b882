package kube

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// Allowed is what the ways to clusters may use of the server's machine, where others than
// its operators write them.
type Allowed struct {
	Programs []string // that give credentials (exec), by their absolute paths
	Files    string   // the directory with files that may be named; "": none
}

// errNoKubeconfig is of a text that is no kubeconfig. The parser's own errors are not told:
// they may quote the text.
var errNoKubeconfig = errors.New("it is no kubeconfig with a current context that has a cluster with a server, and a user")

// Kubeconfig reads the text of a kubeconfig. Its errors have nothing of the text but the
// names of programs and files.
func (a Allowed) Kubeconfig(text []byte) (Way, error) {
	read, err := clientcmd.Load(text)
	if err != nil {
		return Way{}, errNoKubeconfig
	}
	context := read.Contexts[read.CurrentContext]
	if context == nil || read.Clusters[context.Cluster] == nil || read.AuthInfos[context.AuthInfo] == nil {
		return Way{}, errNoKubeconfig
	}
	cluster, user := read.Clusters[context.Cluster], read.AuthInfos[context.AuthInfo]
	for _, file := range []string{cluster.CertificateAuthority, user.ClientCertificate, user.ClientKey, user.TokenFile} {
		if err := a.file(file); err != nil {
			return Way{}, err
		}
	}
	if user.Exec != nil {
		user.Exec.InteractiveMode = api.NeverExecInteractiveMode
	}
	cfg, err := clientcmd.NewDefaultClientConfig(*read, &clientcmd.ConfigOverrides{}).ClientConfig()
	if err != nil {
		return Way{}, errNoKubeconfig
	}
	program, err := a.program(cfg)
	if err != nil {
		return Way{}, err
	}
	return wayOf(cfg, program, text)
}

// file refuses a file outside of the directory that is allowed; "" is none.
func (a Allowed) file(path string) error {
	if path == "" {
		return nil
	}
	if a.Files == "" {
		return fmt.Errorf("it names the file %q on the server's disk, and the setting clusterFiles allows no directory", path)
	}
	inside, err := filepath.Rel(a.Files, path)
	if err == nil && filepath.IsAbs(path) && filepath.IsLocal(inside) {
		var real, dir string
		if real, err = filepath.EvalSymlinks(path); err != nil {
			return fmt.Errorf("its file %q cannot be read on the server's disk", path)
		}
		if dir, err = filepath.EvalSymlinks(a.Files); err == nil && strings.HasPrefix(real, dir+string(filepath.Separator)) {
			return nil
		}
	}
	return fmt.Errorf("its file %q is outside of the directory of the setting clusterFiles, %q", path, a.Files)
}

// Server is a way by an address, certificates in PEM, and a file with a token, which is read
// again when it changes.
func (a Allowed) Server(server, ca, tokenFile string) (Way, error) {
	if err := a.file(tokenFile); err != nil {
		return Way{}, err
	}
	cfg := &rest.Config{Host: server, BearerTokenFile: tokenFile}
	cfg.CAData = []byte(ca)
	return wayOf(cfg, nil, []byte(server), []byte(ca), []byte(tokenFile))
}

// InCluster is the way to the cluster that the server runs in, as a pod.
func InCluster() (Way, error) {
	cfg, err := rest.InClusterConfig()
	if err != nil {
		return Way{}, errors.New("the server runs in no cluster")
	}
	return wayOf(cfg, nil, []byte("in-cluster"))
}

// wayOf completes a way that was read from some texts, and tries whether it can be used.
func wayOf(cfg *rest.Config, by *program, texts ...[]byte) (Way, error) {
	if cfg.Proxy == nil {
		cfg.Proxy = directly
	}
	if _, err := rest.TransportFor(cfg); err != nil {
		return Way{}, errors.New("its certificates or keys cannot be used: they are no PEM, or do not belong together")
	}
	return Way{Config: cfg, Print: printOf(append(texts, by.name())...), program: by}, nil
}
