package install

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
)

// selfDeployed are the values of a server that deploys itself.
const selfDeployed = "{image: {repository: r/p}, settings: {self: {repository: pushboat}}}"

// named makes an object in the server's namespace.
func named(kind, name, namespace string) *manifest.Object {
	group := map[string]string{"Role": "rbac.authorization.k8s.io/v1", "ClusterRole": "rbac.authorization.k8s.io/v1", "Deployment": "apps/v1"}[kind]
	if group == "" {
		group = "v1"
	}
	return &manifest.Object{Unstructured: &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": group, "kind": kind, "metadata": map[string]any{"name": name, "namespace": namespace},
	}}}
}

// TestWhatTheServersRepositoryMayChange: a push may change the objects that an upgrade
// changes, and none that the server depends on.
func TestWhatTheServersRepositoryMayChange(t *testing.T) {
	running := rendered(t, selfDeployed)
	guard := Guard{Running: func(_ context.Context, o *manifest.Object) (*unstructured.Unstructured, error) {
		return object(running, o.GetKind(), o.GetName()).Unstructured, nil
	}}
	may := map[string]bool{"StatefulSet": true, "ConfigMap": true, "Service": true, "NetworkPolicy": true, "PodDisruptionBudget": true}
	for _, o := range rendered(t, selfDeployed) {
		want := may[o.GetKind()] && o.GetName() == App
		if problem := guard.Check(t.Context(), o); (problem == nil) != want {
			t.Errorf("%s: %v", o.ID(), problem)
		}
	}
	for _, o := range []*manifest.Object{
		named("Secret", "pushboat-app-shop", kube.SystemNamespace), named("ConfigMap", "pushboat-keys", kube.SystemNamespace),
		named("Deployment", App, kube.SystemNamespace), named("ClusterRole", App, ""), named("Namespace", kube.SystemNamespace, ""),
	} {
		if guard.Check(t.Context(), o) == nil {
			t.Errorf("%s may be pushed", o.ID())
		}
	}
}

// TestPushesThatWouldStopTheServer: such pushes are refused with the reason.
func TestPushesThatWouldStopTheServer(t *testing.T) {
	for name, test := range map[string]struct {
		kind string
		edit func(o map[string]any)
		want string // "" if the push is accepted
	}{
		"another image":      {"StatefulSet", func(o map[string]any) { server(o)["image"] = "r/p:2" }, ""},
		"two replicas":       {"StatefulSet", with(int64(2), "spec", "replicas"), ""},
		"no replica":         {"StatefulSet", with(int64(0), "spec", "replicas"), "nobody could push again"},
		"less than none":     {"StatefulSet", with(int64(-1), "spec", "replicas"), "nobody could push again"},
		"another account":    {"StatefulSet", with("default", "spec", "template", "spec", "serviceAccountName"), "lose its rights"},
		"no image":           {"StatefulSet", func(o map[string]any) { delete(server(o), "image") }, "its image"},
		"another container":  {"StatefulSet", func(o map[string]any) { server(o)["name"] = "other" }, "the container pushboat is missing"},
		"no volumes":         {"StatefulSet", with([]any{}, "spec", "template", "spec", "volumes"), "and would have no volume"},
		"a volume elsewhere": {"StatefulSet", func(o map[string]any) { server(o)["volumeMounts"].([]any)[0].(map[string]any)["mountPath"] = "/d" }, "pushboat-data at /d"},
		"a setting":          {"ConfigMap", settingsAs("log: {format: json}", "log: {format: text}"), ""},
		"an unknown setting": {"ConfigMap", settingsAs("log: {format: json}", "logs: {}"), "would not start"},
		"data elsewhere":     {"ConfigMap", settingsAs("data: /data/pushboat", "data: /d"), "it would look in /d"},
		"another repository": {"ConfigMap", settingsAs("repository: pushboat", "repository: other"), "self.repository would change"},
		"no settings":        {"ConfigMap", with(map[string]any{}, "data"), "would not start"},
	} {
		running := object(rendered(t, selfDeployed), test.kind, App)
		plainSettings(running.Object)
		next := &manifest.Object{Unstructured: running.DeepCopy()}
		test.edit(next.Object)
		guard := Guard{Running: func(context.Context, *manifest.Object) (*unstructured.Unstructured, error) {
			return running.Unstructured, nil
		}}
		problem := guard.Check(t.Context(), next)
		if test.want == "" && problem != nil || test.want != "" && (problem == nil || !strings.Contains(problem.Message, test.want)) {
			t.Errorf("%s: %v, want %q", name, problem, test.want)
		}
	}
}

// plainSettings are the settings of a test.
func plainSettings(o map[string]any) {
	if o["kind"] == "ConfigMap" {
		text := "data: /data/pushboat\nkeys: {file: /k}\nself: {repository: pushboat}\nlog: {format: json}\n"
		_ = unstructured.SetNestedField(o, text, "data", settingsFile)
	}
}

func settingsAs(old, text string) func(map[string]any) {
	return func(o map[string]any) {
		was, _, _ := unstructured.NestedString(o, "data", settingsFile)
		_ = unstructured.SetNestedField(o, strings.Replace(was, old, text, 1), "data", settingsFile)
	}
}

func with(value any, path ...string) func(map[string]any) {
	return func(o map[string]any) { _ = unstructured.SetNestedField(o, value, path...) }
}

// server returns the first container of a StatefulSet, which the caller may change.
func server(o map[string]any) map[string]any {
	containers, _, _ := unstructured.NestedFieldNoCopy(o, "spec", "template", "spec", "containers")
	return containers.([]any)[0].(map[string]any)
}

// TestServerThatIsNotThere: a push is refused if the running server cannot be compared.
func TestServerThatIsNotThere(t *testing.T) {
	o := object(rendered(t, selfDeployed), "StatefulSet", App)
	for want, err := range map[string]error{"not installed": nil, "cannot be compared": errors.New("refused")} {
		guard := Guard{Running: func(context.Context, *manifest.Object) (*unstructured.Unstructured, error) { return nil, err }}
		if problem := guard.Check(t.Context(), o); problem == nil || !strings.Contains(problem.Message, want) {
			t.Errorf("%v, want %q", problem, want)
		}
	}
}

// TestRepositoryOfTheServer: the repository has the objects that it may change, and is
// written into a new folder.
func TestRepositoryOfTheServer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "own")
	if err := writeFolder(dir, rendered(t, selfDeployed)); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Join(dir, "server"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		names = append(names, file.Name())
	}
	if got := strings.Join(names, " "); got != "configmap.yaml networkpolicy.yaml poddisruptionbudget.yaml service.yaml statefulset.yaml" {
		t.Errorf("the folder has %s", got)
	}
	if err := writeFolder(dir, nil); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a folder with content: %v", err)
	}
}

// TestSelfDeployIsRemembered: later upgrades keep the setting until it is ended.
func TestSelfDeployIsRemembered(t *testing.T) {
	values, err := Given{SelfDeploy: App}.values(Values{"settings": map[string]any{"log": map[string]any{"level": "warn"}}})
	if err != nil || values.selfRepository() != App {
		t.Errorf("%v, %v", values, err)
	}
	if values, err = (Given{}).values(values); err != nil || values.selfRepository() != App || values["settings"].(map[string]any)["log"] == nil {
		t.Errorf("afterwards: %v, %v", values, err)
	}
	if values, err = (Given{SelfDeploy: NoSelf}).values(values); err != nil || values.selfRepository() != "" {
		t.Errorf("ended: %v, %v", values, err)
	}
}
