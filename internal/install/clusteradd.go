package install

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/report"
)

// Addition is a cluster to which a server elsewhere shall deploy.
type Addition struct {
	Order
	Name       string            // as pushboat.yaml names it
	Labels     map[string]string // nil: those of the file that is there
	Address    string            // of the API server, as the server reaches it; "": as the kubeconfig does
	Rights     string            // what apps may have, as in the chart; "": its default
	Accounts   []string          // NAMESPACE/NAME, as which the server deploys there, and not as itself
	Recipients []string          // of the encrypted file; none: those of .sops.yaml
	Clone      string            // a clone of the repository admin
	// Encrypt encrypts the values under the key kubeconfig of a YAML file as SOPS does.
	Encrypt func(ctx context.Context, text []byte, recipients []string) ([]byte, error)
}

// Rights that Addition knows.
var Rights = []string{"namespaced", "cluster-admin", "none"}

// rightsKinds are the kinds of the chart that a server needs on a cluster where it does not run.
var rightsKinds = []string{"Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}

// tokenPrefix begins the names of the Secrets with tokens. Each addition makes another one, so
// that the server goes on with the one that it has until it has read the new file.
const tokenPrefix = "pushboat-token-"

// accountOfToken is the annotation by which Kubernetes puts a token into a Secret.
const accountOfToken = "kubernetes.io/service-account.name"

// manifests renders the objects of the chart that give the server its rights.
func (a Addition) manifests(ctx context.Context) ([]*manifest.Object, error) {
	values := Values{}
	if a.Rights != "" {
		values.set("rights", Values{"deploy": a.Rights})
	}
	if len(a.Accounts) > 0 {
		values.set("rights", Values{"accounts": a.Accounts})
	}
	all, err := render(ctx, values, a.Version, oldest)
	if err != nil {
		return nil, err
	}
	objects := slices.DeleteFunc(all, func(o *manifest.Object) bool { return !slices.Contains(rightsKinds, o.GetKind()) })
	return append(objects, tokenOf(newTokenName())), nil
}

// newTokenName is a name that no other addition uses, not even one within the same second, such as
// pushboat-token-20261130-095435-k4w7q.
func newTokenName() string {
	return tokenPrefix + time.Now().UTC().Format("20060102-150405-") + strings.ToLower(rand.Text()[:5])
}

// tokenOf is a Secret that Kubernetes fills with a token that does not expire.
func tokenOf(name string) *manifest.Object {
	return &manifest.Object{Unstructured: &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
		"metadata": map[string]any{
			"name": name, "namespace": kube.SystemNamespace, "labels": map[string]any{componentLabel: "token"},
			"annotations": map[string]any{accountOfToken: App},
		},
	}}}
}

// Print writes the manifests of the account. It asks no cluster.
func (a Addition) Print(ctx context.Context, out io.Writer) error {
	objects, err := a.manifests(ctx)
	if err != nil {
		return err
	}
	for _, o := range objects {
		if err := printObject(out, o); err != nil {
			return err
		}
	}
	return nil
}

// Add makes the server's account on a cluster, with a token, and writes clusters/NAME.yaml
// into a clone of admin. Done again, it makes another token.
func (a Addition) Add(ctx context.Context, out io.Writer) error {
	file, err := a.file()
	if err != nil {
		return err
	}
	if a.Recipients, err = a.recipients(); err != nil {
		return err
	}
	if _, err := a.Encrypt(ctx, []byte("kubeconfig: none\n"), a.Recipients); err != nil { // before anything changes
		return report.WithHint(err, `name the server: --age "$(ssh HOST secrets recipient)"`)
	}
	cluster, err := a.open()
	if err != nil {
		return err
	}
	address, ca, err := a.endpoint()
	if err != nil {
		return err
	}
	if set, err := getServer(ctx, cluster); err != nil {
		return err
	} else if set != nil {
		return report.WithHint(errors.New("a Pushboat server is installed on this cluster, and has this account"),
			"if it is the same server, write inCluster: true into clusters/%s.yaml", a.Name)
	}
	objects, err := a.manifests(ctx)
	if err != nil {
		return err
	}
	token := objects[len(objects)-1]
	p, problems, err := a.planRights(ctx, cluster, objects)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		report.WriteProblems(out, problems, report.Door{Again: "try again"})
		return errors.New("the account cannot be made as it is; the lines above say why")
	}
	if err := a.confirm(p, out); err != nil {
		return err
	}
	if err := carryOut(ctx, cluster, p, out); err != nil {
		return err
	}
	secret, err := awaitToken(ctx, cluster, token.GetName())
	if err != nil {
		return err
	}
	if err := a.write(ctx, file, kubeconfigWith(a.Name, address, ca, secret)); err != nil {
		return err
	}
	former, err := formerTokens(ctx, cluster, token.GetName())
	if err != nil {
		return err
	}
	a.writeNext(out, file, former)
	return nil
}

// planRights compares the account and its rights with the cluster.
func (a Addition) planRights(ctx context.Context, cluster *kube.Cluster, objects []*manifest.Object) (*plan.Plan, manifest.Problems, error) {
	there, err := cluster.HasNamespace(ctx, kube.SystemNamespace)
	if err != nil {
		return nil, nil, err
	}
	p := &plan.Plan{App: App, Cluster: a.Name, Revision: name.Revision(cmp.Or(a.Version, "dev"))} // not a commit, but the plan shows it
	var problems manifest.Problems
	for _, o := range objects {
		step, found := compare(ctx, cluster, o, there)
		problems = append(problems, found...)
		p.Steps = append(p.Steps, step)
	}
	return p, problems, nil
}

// file is the path of the cluster's file in the clone.
func (a Addition) file() (string, error) {
	for _, part := range []string{"operators", "access.yaml"} {
		if _, err := os.Stat(filepath.Join(a.Clone, part)); err != nil {
			return "", report.WithHint(fmt.Errorf("%q is no clone of the repository admin: it has no %s", a.Clone, part),
				"git clone HOST:admin && cd admin\nor name the clone: --dir DIR")
		}
	}
	return filepath.Join(a.Clone, "clusters", a.Name+".yaml"), nil
}

// endpoint is where the API server is, and its certificates in PEM; nil for those that the
// system trusts.
func (a Addition) endpoint() (address string, ca []byte, err error) {
	config, err := a.Cluster.Load()
	if err != nil {
		return "", nil, err
	}
	if config.Insecure {
		return "", nil, report.WithHint(errors.New("the kubeconfig does not verify the API server's certificate (insecure-skip-tls-verify)"),
			"give it certificate-authority-data, and try again")
	}
	if ca = config.CAData; len(ca) == 0 && config.CAFile != "" {
		if ca, err = os.ReadFile(config.CAFile); err != nil {
			return "", nil, err
		}
	}
	if address = config.Host; a.Address != "" {
		address = a.Address
	}
	if !strings.HasPrefix(address, "https://") {
		return "", nil, report.WithHint(fmt.Errorf("the API server's address is %q: a token needs https", address), "give it: --server https://HOST:6443")
	}
	return address, ca, nil
}

// tokenWithin bounds how long Kubernetes may take to put a token into a Secret.
const tokenWithin = 30 * time.Second

// awaitToken reads the token of a Secret, once Kubernetes has put it there.
func awaitToken(ctx context.Context, cluster *kube.Cluster, name string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenWithin)
	defer cancel()
	kind, err := cluster.KindOf(ctx, secretKind)
	if err != nil {
		return "", err
	}
	for {
		secret, err := cluster.Get(ctx, kind, kube.SystemNamespace, name)
		if err != nil && ctx.Err() == nil {
			return "", fmt.Errorf("read the token: %w", err)
		}
		if err == nil {
			text, _, _ := unstructured.NestedString(secret.Object, "data", "token")
			if token, err := base64.StdEncoding.DecodeString(text); err == nil && len(token) > 0 {
				return string(token), nil
			}
		}
		select {
		case <-ctx.Done():
			return "", report.WithHint(fmt.Errorf("the cluster has put no token into Secret %s/%s within %s", kube.SystemNamespace, name, tokenWithin),
				"its controller manager does that: see whether it runs, and try again")
		case <-time.After(tokenRetry):
		}
	}
}

// tokenRetry is how often the Secret is read: it is filled within some milliseconds.
const tokenRetry = 200 * time.Millisecond

var secretKind = schema.GroupKind{Kind: "Secret"}

// formerTokens are the Secrets with tokens of earlier additions, by name.
func formerTokens(ctx context.Context, cluster *kube.Cluster, newest string) ([]string, error) {
	kind, err := cluster.KindOf(ctx, secretKind)
	if err != nil {
		return nil, err
	}
	list, err := cluster.List(ctx, kind, kube.SystemNamespace, componentLabel+"=token")
	if err != nil {
		return nil, fmt.Errorf("find earlier tokens: %w", err)
	}
	var names []string
	for i := range list.Items {
		if name := list.Items[i].GetName(); name != newest && strings.HasPrefix(name, tokenPrefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// kubeconfigWith is a kubeconfig with a token.
func kubeconfigWith(name, address string, ca []byte, token string) map[string]any {
	at := map[string]any{"server": address}
	if len(ca) > 0 {
		at["certificate-authority-data"] = base64.StdEncoding.EncodeToString(ca)
	}
	return map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": name,
		"clusters": []any{map[string]any{"name": name, "cluster": at}},
		"users":    []any{map[string]any{"name": App, "user": map[string]any{"token": token}}},
		"contexts": []any{map[string]any{"name": name, "context": map[string]any{"cluster": name, "user": App}}},
	}
}

// write writes the cluster's file, with the kubeconfig encrypted.
func (a Addition) write(ctx context.Context, file string, kubeconfig map[string]any) error {
	inner, err := yaml.Marshal(kubeconfig)
	if err != nil {
		return fmt.Errorf("write the kubeconfig: %w", err)
	}
	fields := map[string]any{"kubeconfig": string(inner)}
	if labels := a.labels(file); len(labels) > 0 {
		fields["labels"] = labels
	}
	text, err := yaml.Marshal(fields)
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	if text, err = a.Encrypt(ctx, text, a.Recipients); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // a folder of a clone
		return err
	}
	return os.WriteFile(file, text, 0o644) //nolint:gosec // it is encrypted, and to be committed
}

// labels are those given, or else those of the file that is there.
func (a Addition) labels(file string) map[string]string {
	if a.Labels != nil {
		return a.Labels
	}
	var before struct {
		Labels map[string]string `yaml:"labels"`
	}
	if text, err := os.ReadFile(file); err == nil {
		_ = yaml.Unmarshal(text, &before) // the gate judges the file
	}
	return before.Labels
}

// recipients are those given, or else those of the clone's .sops.yaml.
func (a Addition) recipients() ([]string, error) {
	if len(a.Recipients) > 0 {
		return a.Recipients, nil
	}
	found, err := sopsRecipients(filepath.Join(a.Clone, ".sops.yaml"), "clusters/"+a.Name+".yaml")
	if err == nil && len(found) == 0 {
		err = errors.New("nobody is named for whom the file is encrypted")
	}
	if err != nil {
		return nil, report.WithHint(err, `name the server: --age "$(ssh HOST secrets recipient)"`)
	}
	return found, nil
}

// writeNext says what to do with the file.
func (a Addition) writeNext(out io.Writer, file string, former []string) {
	fmt.Fprintf(out, "wrote %s\n", file)
	fmt.Fprintf(out, "next: git -C %s add clusters/%s.yaml\n      git -C %s commit -m 'Add cluster %s' && git -C %s push\n      ssh HOST cluster test %s\n",
		a.Clone, a.Name, a.Clone, a.Name, a.Clone, a.Name)
	if len(former) > 0 {
		fmt.Fprintf(out, "when the server has the new token, delete the former:\n      %s delete secret -n %s %s\n",
			kubectl(a.Cluster), kube.SystemNamespace, strings.Join(former, " "))
	}
}
