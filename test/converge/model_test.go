package converge

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// object is an object as it is in Git.
type object struct {
	kind, name string
	value      int
	mold       int    // the part of a Deployment that cannot be changed in place
	wave       int    // the wave in which it is applied
	phase      string // of a hook
	broken     bool   // whether its pods fail
}

// fixed reports whether the object is never removed from Git.
func (o object) fixed() bool { return kinds[o.kind].field == nil }

func (o object) isHook() bool { return o.kind == hook }

func (o object) yaml() string {
	value := fmt.Sprint(o.value)
	metadata := strings.NewReplacer("METADATA", fmt.Sprintf("{name: NAME, annotations: {%s}}", strings.Join(o.annotations(), ", ")), "PODS", o.pods()).
		Replace(kinds[o.kind].yaml)
	return strings.NewReplacer("NAME", o.name, "VALUE", value, "MOLD", fmt.Sprint(o.mold),
		"SECRET", base64.StdEncoding.EncodeToString([]byte(value))).Replace(metadata)
}

func (o object) annotations() []string {
	var list []string
	if field := kinds[o.kind].field; len(field) == 3 && field[1] == "annotations" {
		list = append(list, "value: 'VALUE'")
	}
	if o.wave != 0 {
		list = append(list, fmt.Sprintf("argocd.argoproj.io/sync-wave: '%d'", o.wave))
	}
	if o.phase != "" {
		list = append(list, "argocd.argoproj.io/hook: "+o.phase)
	}
	return list
}

// pods are the annotations that make devcluster's pods fail.
func (o object) pods() string {
	switch {
	case o.broken && o.isHook():
		return "{devcluster.pushboat.io/pod: job-fail}"
	case o.broken:
		return "{devcluster.pushboat.io/pod: image-pull-error}"
	}
	return "{}"
}

// written is the value that the object's field should have on the cluster.
func (o object) written() string {
	switch o.kind {
	case "Secret":
		return base64.StdEncoding.EncodeToString(fmt.Append(nil, o.value))
	case "Service":
		return fmt.Sprintf("a-%d", o.value)
	}
	return fmt.Sprint(o.value)
}

// is describes the difference between a running object and Git; "" if there is none.
func (o object) is(running *unstructured.Unstructured) string {
	if running.GetDeletionTimestamp() != nil {
		return "is being deleted"
	}
	if field := kinds[o.kind].field; field != nil {
		if value, _, _ := unstructured.NestedString(running.Object, field...); value != o.written() {
			return fmt.Sprintf("%s is %q, not %q", strings.Join(field, "."), value, o.written())
		}
	}
	switch o.kind {
	case "Deployment":
		mold, _, _ := unstructured.NestedString(running.Object, "spec", "selector", "matchLabels", "mold")
		if mold != fmt.Sprintf("m-%d", o.mold) {
			return fmt.Sprintf("has the mold %s, not m-%d", mold, o.mold)
		}
	case hook:
		if done, _, _ := unstructured.NestedInt64(running.Object, "status", "succeeded"); done == 0 {
			return "has not succeeded"
		}
	}
	return ""
}

// appState is an app as it is in pushboat.yaml.
type appState struct {
	name, folder, namespace string
	home                    *branch
	prune                   bool
	drift                   string
	ignore                  bool // whether the replicas of its Deployments are ignored
	dependsOn               []string
	objects                 []object
}

func (a *appState) place(o object) place {
	if kinds[o.kind].namespaced {
		return place{o.kind, a.namespace, o.name}
	}
	return place{o.kind, "", o.name}
}

func (a *appState) clone() *appState {
	app := *a
	app.objects, app.dependsOn = slices.Clone(a.objects), slices.Clone(a.dependsOn)
	return &app
}

// same reports whether another state of the app has the same objects on the cluster, so
// that there is nothing to deploy.
func (a *appState) same(b *appState) bool {
	return a.name == b.name && a.namespace == b.namespace && a.prune == b.prune && a.ignore == b.ignore &&
		slices.Equal(a.sorted(), b.sorted())
}

func (a *appState) sorted() []object {
	return slices.SortedFunc(slices.Values(a.objects), func(x, y object) int { return strings.Compare(x.kind+x.name, y.kind+y.name) })
}

// place is the place of an object on the cluster.
type place struct{ kind, namespace, name string }

func (p place) String() string {
	return strings.TrimSuffix(p.kind+" "+strings.TrimPrefix(p.namespace+"/"+p.name, "/"), "/")
}

// state is the content of a revision of a branch.
type state struct{ apps []*appState }

func (s *state) clone() *state {
	next := &state{}
	for _, a := range s.apps {
		next.apps = append(next.apps, a.clone())
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

// remove removes an app, and removes it from the dependencies of others.
func (s *state) remove(name string) {
	s.apps = slices.DeleteFunc(s.apps, func(a *appState) bool { return a.name == name })
	for _, a := range s.apps {
		a.dependsOn = slices.DeleteFunc(a.dependsOn, func(on string) bool { return on == name })
	}
}

// rename gives an app another name.
func (s *state) rename(a *appState, name string) {
	for _, b := range s.apps {
		if i := slices.Index(b.dependsOn, a.name); i >= 0 {
			b.dependsOn[i] = name
		}
	}
	a.name = name
}

// write replaces the revision in a folder by this one.
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
		file += a.yaml()
		folder := filepath.Join(dir, "apps", a.folder)
		if err := os.MkdirAll(folder, 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, "README.md"), nil, 0o666); err != nil { // Git needs a file to keep the folder
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

// yaml is the app's entry in pushboat.yaml.
func (a *appState) yaml() string {
	text := fmt.Sprintf("  - {name: %s, path: apps/%s, namespace: %s, branch: %s, prune: %t, drift: %s, dependsOn: [%s], schedule: '', plainSecrets: allow",
		a.name, a.folder, a.namespace, a.home.ref, a.prune, a.drift, strings.Join(a.dependsOn, ", "))
	if a.ignore {
		text += ", ignore: [{kind: Deployment, pointers: [/spec/replicas]}]"
	}
	return text + "}\n"
}
