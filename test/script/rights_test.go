package script

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/pushboat/pushboat/internal/install"
	"github.com/pushboat/pushboat/test/server"
)

// centralScripts show a server's daily work. They are run once more by a server with the
// rights of an installation's ServiceAccount, and no others.
var centralScripts = []string{
	"push-deploys", "push-refused-unknown-field", "plan-shows-every-kind-of-change", "namespace-comes-with-the-push",
	"applies-come-before-prunes", "prune-of-few-in-a-hundred", "hooks-run-in-their-phases", "hook-delete-policies", "hooks-of-a-removal", "jobs-are-waited-for",
	"status-shows-apps", "tree-shows-pods", "logs-of-containers", "drift-is-corrected", "drift-of-every-kind", "drift-names-who-changed-it",
	"check-compares-now", "values-come-from-the-cluster", "generated-values-are-kept", "rollback-restores-an-app",
	"replace-and-force-make-anew", "unmanaged-object-is-taken-over", "helm-chart-is-rendered", "failing-image-is-named",
	"object-moves-between-apps", "deleted-namespace-comes-back", "repo-verbs",
}

// installation has the ServiceAccount, and is applied before the scripts.
const installation = "../../config/install/install.yaml"

// TestScriptsWithInstalledRights runs the central scripts with the rights that the
// manifests give.
func TestScriptsWithInstalledRights(t *testing.T) {
	text, err := os.ReadFile(installation)
	if err != nil {
		t.Fatal(err)
	}
	runInstalled(t, startCluster(t), text, centralScripts...)
}

// TestScriptsWithAccounts runs a script about accounts with the rights of a server that
// never writes as itself.
func TestScriptsWithAccounts(t *testing.T) {
	text, err := os.ReadFile("../../config/install/accounts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	team := []byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: team-a}\n---\n") // the namespace of the manifest's example
	runInstalled(t, startCluster(t), append(team, text...), "accounts-need-few-rights-of-the-server")
}

// standbyScripts are run with the rights of an installation with a standby, one after the
// other: they share the only Lease that these rights allow.
var standbyScripts = []string{"standby-takes-over", "drain-hands-over", "standby-passes-connections-on"}

// installedLease is the Lease of an installation.
const installedLease = systemNamespace + "/pushboat"

// TestStandbyWithInstalledRights runs scripts about a standby with the rights that the
// chart gives to one.
func TestStandbyWithInstalledRights(t *testing.T) {
	values := filepath.Join(t.TempDir(), "values.yaml")
	text := "{standby: {enabled: true}, storage: {accessMode: ReadWriteMany}}"
	if err := os.WriteFile(values, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var manifests bytes.Buffer
	if err := install.Print(t.Context(), install.Given{File: values}, "", &manifests); err != nil {
		t.Fatal(err)
	}
	cluster := startCluster(t)
	cluster.lease = installedLease
	for _, script := range standbyScripts {
		t.Run(script, func(t *testing.T) { runInstalled(t, cluster, manifests.Bytes(), script) })
	}
}

// runInstalled applies an installation, and runs scripts whose servers act as its
// ServiceAccount.
func runInstalled(t *testing.T, cluster *cluster, manifests []byte, scripts ...string) {
	t.Helper()
	programs := server.Build(t)
	cluster.audit = nil // the users of the audit log have all rights
	err := cluster.apply(t.Context(), bytes.NewReader(manifests), "kubectl")
	if err != nil {
		t.Fatal(err)
	}
	if cluster.token, err = cluster.tokenOf(t.Context(), systemNamespace+"/pushboat"); err != nil {
		t.Fatal(err)
	}
	files := make([]string, len(scripts))
	for i, name := range scripts {
		files[i] = name + ".txtar"
	}
	testscript.Run(t, testscript.Params{
		Files:     files,
		Cmds:      commands,
		Condition: cluster.condition,
		Setup:     func(env *testscript.Env) error { return setUp(env, programs, cluster) },
	})
}

// cmdAccount lets the servers of the script act as a ServiceAccount, NAMESPACE/NAME, with
// its rights alone.
func cmdAccount(ts *testscript.TestScript, args []string) error {
	s := on(ts)
	if s.cluster.audit != nil {
		return errors.New("the other scripts share this cluster; begin with: cluster own")
	}
	token, err := s.cluster.tokenOf(context.Background(), args[0])
	if err != nil {
		return err
	}
	s.cluster.token = token
	s.line.Off()
	return s.openLine()
}

// serviceAccounts is the resource of the cluster's ServiceAccounts.
var serviceAccounts = schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}

// tokenOf requests a token of a ServiceAccount, as the kubelet does for a pod.
func (c *cluster) tokenOf(ctx context.Context, account string) (string, error) {
	namespace, name, _ := strings.Cut(account, "/")
	request := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
		"metadata": map[string]any{"name": name, "namespace": namespace},
		"spec":     map[string]any{"expirationSeconds": int64(3600)},
	}}
	answer, err := c.dynamic.Resource(serviceAccounts).Namespace(namespace).Create(ctx, request, metav1.CreateOptions{}, "token")
	if err != nil {
		return "", err
	}
	token, _, err := unstructured.NestedString(answer.Object, "status", "token")
	return token, err
}

// actAs puts a token into a kubeconfig in place of its credentials.
func actAs(config *api.Config, token string) {
	name := config.Contexts[config.CurrentContext].AuthInfo
	config.AuthInfos[name] = &api.AuthInfo{Token: token}
}
