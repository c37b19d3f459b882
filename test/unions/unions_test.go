package unions

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/report"
)

// trial is a choice that is tried on an object of its own.
type trial struct {
	choice
	name    string
	want    *unstructured.Unstructured // the object as the API server would newly create it
	refused string                     // the documented refusal, if the field cannot be changed in place
}

// TestUnions makes every choice of every built-in kind by a push. Then it takes each back by
// hand, which Pushboat has to correct.
func TestUnions(t *testing.T) {
	w := newWorld(t)
	f := newFinder(t, w.cluster.Config, "default")
	f.covered()
	trials := trialsOf(t, f)
	f.namespace = app

	began := time.Now()
	w.lay(f, trials, func(tr *trial) map[string]any { return tr.before })
	if out := w.push(); strings.Contains(out, "refused, ") || strings.Contains(out, " failed (deploy ") {
		t.Fatalf("the first push:\n%s", out)
	}
	for _, tr := range trials {
		w.layOne(f, tr, tr.after)
	}
	w.leaveRefused(f, trials)
	if out := w.push(); strings.Contains(out, ": refused, ") {
		t.Fatalf("the second push:\n%s", out)
	}
	t.Logf("pushed in %s", time.Since(began).Round(time.Millisecond))
	changed := slices.DeleteFunc(trials, func(tr *trial) bool { return tr.refused != "" })
	asMadeAnew(t, f, changed, "by a push")

	began = time.Now()
	edited := byHand(t, f, slices.DeleteFunc(slices.Clone(changed), func(tr *trial) bool { return !tr.members() }))
	asMadeAnew(t, f, edited, "by hand")
	t.Logf("%d edits corrected in %s", len(edited), time.Since(began).Round(time.Millisecond))
	if out, err := w.ssh("check", "--full", app); err != nil {
		t.Errorf("at the end %v:\n%s", err, out)
	}
}

// members reports whether the choice is between fields, or between the values of a list's
// key, and not only between values of a field.
func (tr *trial) members() bool {
	return !strings.Contains(tr.from+tr.to, "=") || strings.HasPrefix(tr.from, "protocol=")
}

// trialsOf finds the choices, and the final state of each.
func trialsOf(t *testing.T, f *finder) []*trial {
	t.Helper()
	began := time.Now()
	found := f.find()
	t.Logf("%d choices, found by %d dry-runs in %s", len(found), f.tried, time.Since(began).Round(time.Millisecond))
	if len(found) < leastChoices {
		t.Errorf("only %d choices were found: the walk is broken", len(found))
	}
	trials := make([]*trial, len(found))
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(8)
	for i, c := range found {
		group.Go(func() (err error) {
			trials[i] = &trial{choice: c, name: fmt.Sprintf("u%03d", i)}
			trials[i].want, err = f.create(ctx, c.after, trials[i].name)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	return trials
}

// leastChoices is the least number of choices that must be found: Kubernetes 1.37 has about
// 330.
const leastChoices = 250

// lay writes the manifests of all trials.
func (w *world) lay(f *finder, trials []*trial, fields func(*trial) map[string]any) {
	w.t.Helper()
	for _, tr := range trials {
		w.layOne(f, tr, fields(tr))
	}
}

func (w *world) layOne(f *finder, tr *trial, fields map[string]any) {
	w.t.Helper()
	data, err := yaml.Marshal(f.named(fields, tr.name).Object)
	w.must(err)
	w.write("k8s/"+tr.name+".yaml", data)
}

// immobile matches the problems of fields that cannot be changed in place. A claim has no
// field that can be, whatever else the API server says about it.
var immobile = regexp.MustCompile(`cannot be changed|immutable|push with -o force|PersistentVolumeClaim unions/`)

// leaveRefused removes the changes for which a push would be refused. Such a refusal is
// correct for a field that the API does not change in place.
func (w *world) leaveRefused(f *finder, trials []*trial) {
	w.t.Helper()
	out, _ := w.run(filepath.Join(w.home.Programs, "pushboat"), "plan", "-o", "json", "--kubeconfig", w.home.Path("kubeconfig"), ".")
	var plan report.Outline
	if err := json.NewDecoder(strings.NewReader(out)).Decode(&plan); err != nil {
		w.t.Fatalf("the plan is not JSON: %v\n%s", err, out)
	}
	byName := map[string]*trial{}
	for _, tr := range trials {
		byName[tr.name] = tr
	}
	for _, problem := range plan.Problems {
		tr := byName[strings.TrimSuffix(filepath.Base(problem.File), ".yaml")]
		said := fmt.Sprintf("%s:%d: %s: %s\nhint: %s", problem.File, problem.Line, problem.Object, problem.Message, problem.Hint)
		if tr == nil {
			w.t.Fatalf("a problem belongs to no trial: %s", said)
		}
		tr.refused = said
		if !immobile.MatchString(said) {
			w.t.Errorf("%s is refused:\n%s", tr, said)
		}
		w.layOne(f, tr, tr.before)
	}
	w.t.Logf("%d of the changes cannot be made in place", len(plan.Problems))
}

// byHand changes the objects back, as a tool used by hand does. It returns the trials whose
// change the API server accepts.
func byHand(t *testing.T, f *finder, trials []*trial) []*trial {
	t.Helper()
	edited := make([]*trial, len(trials))
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(8)
	for i, tr := range trials {
		group.Go(func() error {
			if f.edit(ctx, tr) == nil {
				edited[i] = tr
			}
			return nil
		})
	}
	_ = group.Wait() // the functions return no error
	return slices.DeleteFunc(edited, func(tr *trial) bool { return tr == nil })
}

// edit writes the former fields of an object over its newest version.
func (f *finder) edit(ctx context.Context, tr *trial) error {
	client := f.of(tr.kind)
	live, err := client.Get(ctx, tr.name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	edit := live.DeepCopy()
	for field := range live.Object {
		if !shared[field] {
			delete(edit.Object, field)
		}
	}
	maps.Copy(edit.Object, f.named(tr.before, tr.name).Object)
	edit.Object["metadata"] = live.Object["metadata"]
	for _, at := range allocated {
		if value, ok, _ := unstructured.NestedFieldCopy(live.Object, at...); ok && tr.kind == "Service" {
			_ = unstructured.SetNestedField(edit.Object, value, at...) // every object has a spec
		}
	}
	_, err = client.Update(ctx, edit, metav1.UpdateOptions{FieldManager: "kubectl-edit"})
	return err
}

// shared are the top-level fields of an object that have no choice.
var shared = map[string]bool{"apiVersion": true, "kind": true, "metadata": true, "status": true}

// allocated are fields of a Service that the API server fills in, unless the Service has none.
var allocated = [][]string{{"spec", "clusterIP"}, {"spec", "clusterIPs"}}

// patience is how long a correction may take on a very busy machine.
const patience = 5 * time.Minute

// asMadeAnew waits until the objects are as the API server would newly create them.
func asMadeAnew(t *testing.T, f *finder, trials []*trial, how string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	group := errgroup.Group{} // without a limit, since each function only waits
	for _, tr := range trials {
		group.Go(func() error {
			if got := f.await(ctx, tr); got != "" {
				t.Errorf("%s, %s:\n%s", tr, how, got)
			}
			return nil
		})
	}
	_ = group.Wait() // the functions return no error
}

// await watches an object until it has the wanted state. If the context ends before, it
// describes the present state.
func (f *finder) await(ctx context.Context, tr *trial) string {
	watch, err := f.of(tr.kind).Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + tr.name})
	if err != nil {
		return err.Error()
	}
	defer watch.Stop()
	got, want := "not seen in time", essence(tr.want, tr.want)
	for event := range watch.ResultChan() {
		live, ok := event.Object.(*unstructured.Unstructured)
		if !ok {
			continue
		}
		if got = essence(live, tr.want); got == want || lasts[tr.String()] {
			return ""
		}
	}
	return "it is\n" + got + "and not\n" + want
}

// lasts are the changes after which an earlier default stays, because the API server
// accepts it next to the written fields. It stays for every client that applies.
var lasts = map[string]bool{
	"DaemonSet spec.updateStrategy: nothing -> type=OnDelete":              true,
	"DaemonSet spec.updateStrategy: type=RollingUpdate -> type=OnDelete":   true,
	"StatefulSet spec.updateStrategy: nothing -> type=RollingUpdate":       true,
	"StatefulSet spec.updateStrategy: nothing -> type=OnDelete":            true,
	"StatefulSet spec.updateStrategy: type=OnDelete -> type=RollingUpdate": true,
	"Service spec: ipFamilyPolicy=PreferDualStack -> nothing":              true,
}

// hollow are mappings that mean the same whether they are empty or missing.
var hollow = map[string]bool{"securityContext": true, "lifecycle": true}

// essence writes an object's content, without the values that the API server chooses.
func essence(u, want *unstructured.Unstructured) string {
	fields := map[string]any{}
	for name, value := range u.DeepCopy().Object {
		if !shared[name] {
			fields[name] = value
		}
	}
	strip(fields, want.Object)
	data, err := yaml.Marshal(fields)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// decided are the fields whose values the API server chooses.
var decided = map[string]bool{
	"clusterIP": true, "clusterIPs": true, "nodePort": true, "healthCheckNodePort": true, "volumeName": true,
	"batch.kubernetes.io/controller-uid": true, "controller-uid": true, "claimRef": true, "lastTransitionTime": true,
}

// ofJobs are the labels that the API server gives a Job's pods.
var ofJobs = map[string]bool{"job-name": true, "batch.kubernetes.io/job-name": true}

// strip removes the API server's own choices from a value, if the other value has them too.
func strip(value, other any) {
	switch v := value.(type) {
	case map[string]any:
		others, _ := other.(map[string]any)
		for name, child := range v {
			_, too := others[name]
			if decided[name] && too {
				delete(v, name)
				continue
			}
			strip(child, others[name])
		}
		maps.DeleteFunc(v, func(name string, child any) bool {
			mapping, _ := child.(map[string]any)
			return ofJobs[name] || hollow[name] && mapping != nil && len(mapping) == 0
		})
	case []any:
		others, _ := other.([]any)
		for i, child := range v {
			if i < len(others) {
				strip(child, others[i])
			}
		}
	}
}
