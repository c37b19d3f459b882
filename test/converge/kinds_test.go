package converge

import "k8s.io/apimachinery/pkg/runtime/schema"

// kind is a kind of objects that the model knows.
type kind struct {
	resource   schema.GroupVersionResource
	namespaced bool
	yaml       string   // see object.yaml for the names that are filled in
	field      []string // path of the field that has the value; nil if the kind has none
}

// common are the kinds of the objects that are added and removed.
var common = []string{"ConfigMap", "Secret", "Service", "Deployment", "ClusterRole", "Widget"}

// hook is the model's name for Jobs that run in a phase of a deploy.
const hook = "Hook"

var kinds = map[string]kind{
	"ConfigMap": {
		schema.GroupVersionResource{Version: "v1", Resource: "configmaps"},
		true,
		"apiVersion: v1\nkind: ConfigMap\nmetadata: METADATA\ndata: {value: 'VALUE'}\n",
		[]string{"data", "value"},
	},
	"Secret": {
		schema.GroupVersionResource{Version: "v1", Resource: "secrets"},
		true,
		"apiVersion: v1\nkind: Secret\nmetadata: METADATA\ndata: {value: SECRET}\n",
		[]string{"data", "value"},
	},
	"Service": {
		schema.GroupVersionResource{Version: "v1", Resource: "services"},
		true,
		"apiVersion: v1\nkind: Service\nmetadata: METADATA\nspec:\n  selector: {app: 'a-VALUE'}\n  ports: [{port: 80}]\n",
		[]string{"spec", "selector", "app"},
	},
	"Deployment": {
		schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"},
		true,
		"apiVersion: apps/v1\nkind: Deployment\nmetadata: METADATA\nspec:\n  replicas: 1\n" +
			"  selector: {matchLabels: {app: NAME, mold: 'm-MOLD'}}\n  template:\n" +
			"    metadata: {labels: {app: NAME, mold: 'm-MOLD'}, annotations: PODS}\n" +
			"    spec: {containers: [{name: main, image: 'registry.example/main:VALUE'}]}\n",
		[]string{"metadata", "annotations", "value"},
	},
	"ClusterRole": {
		schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"},
		false,
		"apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: METADATA\nrules: []\n",
		[]string{"metadata", "annotations", "value"},
	},
	"Widget": {
		schema.GroupVersionResource{Group: "converge.example.org", Version: "v1", Resource: "widgets"},
		true,
		"apiVersion: converge.example.org/v1\nkind: Widget\nmetadata: METADATA\nspec: {value: 'VALUE'}\n",
		[]string{"spec", "value"},
	},
	hook: {
		schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "jobs"},
		true,
		"apiVersion: batch/v1\nkind: Job\nmetadata: METADATA\nspec:\n  backoffLimit: 0\n  template:\n" +
			"    metadata: {annotations: PODS}\n" +
			"    spec: {restartPolicy: Never, containers: [{name: main, image: 'registry.example/hook:VALUE'}]}\n",
		[]string{"metadata", "annotations", "value"},
	},
	"CustomResourceDefinition": {
		schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"},
		false,
		"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: METADATA\nspec:\n" +
			"  group: converge.example.org\n  scope: Namespaced\n  names: {plural: widgets, singular: widget, kind: Widget}\n" +
			"  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n" +
			"        properties: {spec: {type: object, properties: {value: {type: string}}}}\n",
		nil,
	},
	"Namespace": {
		schema.GroupVersionResource{Version: "v1", Resource: "namespaces"},
		false,
		"apiVersion: v1\nkind: Namespace\nmetadata: METADATA\n",
		nil,
	},
}

// theDefinition and theNamespace are in an app, and are never removed from Git: objects of
// other apps need them.
var (
	theDefinition = object{kind: "CustomResourceDefinition", name: "widgets.converge.example.org"}
	theNamespace  = object{kind: "Namespace", name: "space-c"}
)

// namespaces are the namespaces of the apps. The last is theNamespace; the others belong to
// no app.
var namespaces = []string{"space-a", "space-b", theNamespace.name}
