package converge

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// kind is a kind of objects that the model knows.
type kind struct {
	resource   schema.GroupVersionResource
	namespaced bool
	yaml       string   // NAME, VALUE and SECRET are filled in
	field      []string // that has VALUE; nil if the kind has none
}

// common are the kinds that come and go.
var common = []string{"ConfigMap", "Secret", "Service", "Deployment", "ClusterRole", "Widget"}

var kinds = map[string]kind{
	"ConfigMap": {
		schema.GroupVersionResource{Version: "v1", Resource: "configmaps"},
		true,
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\ndata: {value: 'VALUE'}\n",
		[]string{"data", "value"},
	},
	"Secret": {
		schema.GroupVersionResource{Version: "v1", Resource: "secrets"},
		true,
		"apiVersion: v1\nkind: Secret\nmetadata: {name: NAME}\ndata: {value: SECRET}\n",
		[]string{"data", "value"},
	},
	"Service": {
		schema.GroupVersionResource{Version: "v1", Resource: "services"},
		true,
		"apiVersion: v1\nkind: Service\nmetadata: {name: NAME}\nspec:\n  selector: {app: 'a-VALUE'}\n  ports: [{port: 80}]\n",
		[]string{"spec", "selector", "app"},
	},
	"Deployment": {
		schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"},
		true,
		"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: NAME, annotations: {value: 'VALUE'}}\nspec:\n  replicas: 1\n" +
			"  selector: {matchLabels: {app: NAME}}\n  template:\n    metadata: {labels: {app: NAME}}\n" +
			"    spec: {containers: [{name: main, image: 'registry.example/main:VALUE'}]}\n",
		[]string{"metadata", "annotations", "value"},
	},
	"ClusterRole": {
		schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"},
		false,
		"apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: NAME, annotations: {value: 'VALUE'}}\nrules: []\n",
		[]string{"metadata", "annotations", "value"},
	},
	"Widget": {
		schema.GroupVersionResource{Group: "converge.example.org", Version: "v1", Resource: "widgets"},
		true,
		"apiVersion: converge.example.org/v1\nkind: Widget\nmetadata: {name: NAME}\nspec: {value: 'VALUE'}\n",
		[]string{"spec", "value"},
	},
	"CustomResourceDefinition": {
		schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"},
		false,
		"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: NAME}\nspec:\n" +
			"  group: converge.example.org\n  scope: Namespaced\n  names: {plural: widgets, singular: widget, kind: Widget}\n" +
			"  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n" +
			"        properties: {spec: {type: object, properties: {value: {type: string}}}}\n",
		nil,
	},
	"Namespace": {
		schema.GroupVersionResource{Version: "v1", Resource: "namespaces"},
		false,
		"apiVersion: v1\nkind: Namespace\nmetadata: {name: NAME}\n",
		nil,
	},
}

// object is an object as Git has it.
type object struct {
	kind, name string
	value      int
}

func (o object) fixed() bool { return kinds[o.kind].field == nil }

func (o object) yaml() string {
	value := fmt.Sprint(o.value)
	return strings.NewReplacer("NAME", o.name, "VALUE", value, "SECRET", base64.StdEncoding.EncodeToString([]byte(value))).
		Replace(kinds[o.kind].yaml)
}

// written is what the object's field has on the cluster.
func (o object) written() string {
	switch o.kind {
	case "Secret":
		return base64.StdEncoding.EncodeToString(fmt.Append(nil, o.value))
	case "Service":
		return fmt.Sprintf("a-%d", o.value)
	}
	return fmt.Sprint(o.value)
}

// is says what of a running object is not as Git has it, or "".
func (o object) is(running *unstructured.Unstructured) string {
	if running.GetDeletionTimestamp() != nil {
		return "is being deleted"
	}
	if field := kinds[o.kind].field; field != nil {
		if value, _, _ := unstructured.NestedString(running.Object, field...); value != o.written() {
			return fmt.Sprintf("%s is %q, not %q", strings.Join(field, "."), value, o.written())
		}
	}
	if replicas, found, _ := unstructured.NestedInt64(running.Object, "spec", "replicas"); found && replicas != 1 {
		return fmt.Sprintf("has %d replicas, not 1", replicas)
	}
	return ""
}

// appState is an app as pushboat.yaml has it.
type appState struct {
	name, folder, namespace string
	prune                   bool
	drift                   string
	objects                 []object
}

func (a *appState) place(o object) place {
	if kinds[o.kind].namespaced {
		return place{o.kind, a.namespace, o.name}
	}
	return place{o.kind, "", o.name}
}

// place is where an object is on the cluster.
type place struct{ kind, namespace, name string }

func (p place) String() string {
	return strings.TrimSuffix(p.kind+" "+strings.TrimPrefix(p.namespace+"/"+p.name, "/"), "/")
}

// state is a revision of a repository.
type state struct{ apps []*appState }

func (s *state) clone() *state {
	next := &state{}
	for _, a := range s.apps {
		app := *a
		app.objects = slices.Clone(a.objects)
		next.apps = append(next.apps, &app)
	}
	return next
}

func (s *state) app(name string) *appState {
	for _, a := range s.apps {
		if a.name == name {
			return a
		}
	}
	return nil
}

// write makes a folder the revision.
func (s *state) write(dir string) error {
	for _, stale := range []string{"apps", "pushboat.yaml"} {
		if err := os.RemoveAll(filepath.Join(dir, stale)); err != nil {
			return err
		}
	}
	file := "apps:\n"
	if len(s.apps) == 0 {
		file = "apps: []\n"
	}
	for _, a := range s.apps {
		file += fmt.Sprintf("  - {name: %s, path: apps/%s, namespace: %s, prune: %t, drift: %s, schedule: ''}\n",
			a.name, a.folder, a.namespace, a.prune, a.drift)
		folder := filepath.Join(dir, "apps", a.folder)
		if err := os.MkdirAll(folder, 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, "README.md"), nil, 0o666); err != nil { // for Git to keep it
			return err
		}
		for _, o := range a.objects {
			if err := os.WriteFile(filepath.Join(folder, strings.ToLower(o.kind+"-"+o.name)+".yaml"), []byte(o.yaml()), 0o666); err != nil {
				return err
			}
		}
	}
	return os.WriteFile(filepath.Join(dir, "pushboat.yaml"), []byte(file), 0o666)
}
