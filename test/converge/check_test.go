package converge

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// quietWithin is how long it may take until the cluster matches Git, on a very busy
// machine. A failed deploy is tried again after ten seconds, then after twenty.
const quietWithin = 4 * time.Minute

// converge waits until the cluster matches Git, and then checks everything that must be so.
func (w *world) converge() {
	w.t.Helper()
	late := time.After(w.patience)
	for again := time.NewTicker(200 * time.Millisecond); ; {
		err := w.trouble()
		if err == nil {
			again.Stop()
			break
		}
		select {
		case <-again.C:
		case <-late:
			w.t.Fatalf("step %d: after %s, the cluster does not match Git:\n%v", w.step, w.patience, err)
		}
	}
	w.must(w.foreign())
	w.must(w.same())
	for _, b := range w.branches {
		if head, err := w.head(b); err != nil || head != b.wanted {
			w.t.Fatalf("step %d: the branch of %s is at %s, not at %s (%v)", w.step, b.name, head, b.wanted, err)
		}
	}
}

// trouble describes everything on the cluster and in the status that does not match Git.
func (w *world) trouble() error {
	objects, err := w.labelled()
	if err != nil {
		return err
	}
	list, err := w.status()
	if err != nil {
		return err
	}
	apps := map[string]deploy.Status{}
	for _, s := range list {
		apps[string(s.App)] = s
	}
	var errs []error
	wanted := map[place]bool{}
	for _, a := range w.running {
		errs = append(errs, w.shown(a, apps))
		delete(apps, a.name)
		for _, o := range a.objects {
			wanted[a.place(o)] = true
			errs = append(errs, w.compare(a, o, objects))
		}
	}
	for _, b := range w.branches {
		for _, a := range b.state().apps { // an app that was never deployed is in the status too
			delete(apps, a.name)
		}
	}
	for name := range apps {
		errs = append(errs, fmt.Errorf("app %s is in no pushboat.yaml", name))
	}
	return errors.Join(append(errs, w.orphans(objects, wanted)...)...)
}

// shown returns an error if the status does not show the state of an app.
func (w *world) shown(a *appState, apps map[string]deploy.Status) error {
	s, ok := apps[a.name]
	if !ok {
		return fmt.Errorf("app %s is not in status", a.name)
	}
	want, drift := deploy.InSync, w.driftOf(a)
	switch wanted := a.home.state().app(a.name); {
	case a.home.held, w.suspended[a.name] && !a.same(wanted):
		want, drift = deploy.Held, s.Drift // the status does not tell of which revision the drift is
	case len(drift) > 0:
		want = deploy.Drifted
	}
	if s.Sync != want || s.Health != "healthy" && s.Objects > 0 || s.Running != "" || (s.Suspension != nil) != w.suspended[a.name] {
		return fmt.Errorf("app %s is %s, not %s, %s (%s) %s", a.name, s.Sync, want, s.Health, s.Trouble, message(s.Last))
	}
	if !slices.Equal(drift, s.Drift) {
		return fmt.Errorf("app %s has drifted in %q, and status shows %q", a.name, drift, s.Drift)
	}
	return nil
}

// driftOf lists the edits by hand to an app that stay.
func (w *world) driftOf(a *appState) []string {
	var list []string
	for p, h := range w.handed {
		if h.app == a.name {
			list = append(list, p.String())
		}
	}
	slices.Sort(list)
	return list
}

func message(r *record.Record) string {
	if r == nil {
		return ""
	}
	return r.Message
}

// compare returns an error if an object differs from what Git and the edits make of it.
func (w *world) compare(a *appState, o object, objects map[place]*unstructured.Unstructured) error {
	p := a.place(o)
	running, h := objects[p], w.handed[p]
	switch {
	case h.gone && running == nil, w.spent[p] && running == nil:
		return nil
	case h.gone:
		return fmt.Errorf("%s of app %s exists again", p, a.name)
	case running == nil:
		return fmt.Errorf("%s of app %s is missing, or has lost its label", p, a.name)
	case h.app != "":
		o.value = h.value
	}
	if label := running.GetLabels()[kube.PartOfLabel]; label != kube.NewParent(name.App(a.name), "").ID() {
		return fmt.Errorf("%s is not labelled as app %s's", p, a.name)
	}
	if wrong := o.is(running); wrong != "" {
		return fmt.Errorf("%s of app %s: %s", p, a.name, wrong)
	}
	if replicas, found, _ := unstructured.NestedInt64(running.Object, "spec", "replicas"); found && replicas != max(1, w.scaled[p]) {
		return fmt.Errorf("%s of app %s has %d replicas, not %d", p, a.name, replicas, max(1, w.scaled[p]))
	}
	return nil
}

// orphans returns an error for each object that has our label, and is not wanted.
func (w *world) orphans(objects map[place]*unstructured.Unstructured, wanted map[place]bool) []error {
	var errs []error
	for p := range objects {
		_, canary := w.canaries[p]
		_, left := w.left[p]
		if !wanted[p] && !canary && !left {
			errs = append(errs, fmt.Errorf("%s is an orphan", p))
		}
	}
	return errs
}

// labelled lists the objects with an ApplySet's label.
func (w *world) labelled() (map[place]*unstructured.Unstructured, error) {
	found := map[place]*unstructured.Unstructured{}
	for name, kind := range kinds {
		list, err := w.client.Resource(kind.resource).List(w.ctx, metav1.ListOptions{LabelSelector: kube.PartOfLabel})
		if apierrors.IsNotFound(err) {
			continue // the definition does not exist at present
		}
		if err != nil {
			return nil, err
		}
		for i := range list.Items {
			found[place{name, list.Items[i].GetNamespace(), list.Items[i].GetName()}] = &list.Items[i]
		}
	}
	return found, nil
}

// same returns an error if an object was recreated although nobody has deleted it. All
// objects keep their UIDs, even those that move between apps.
func (w *world) same() error {
	objects, err := w.labelled()
	if err != nil {
		return err
	}
	now := map[place]string{}
	for _, a := range w.running {
		for _, o := range a.objects {
			p := a.place(o)
			if o.isHook() || w.handed[p].gone {
				continue
			}
			if objects[p] == nil {
				return fmt.Errorf("%s went away again", p)
			}
			now[p] = string(objects[p].GetUID())
			if was := w.uids[p]; was != "" && was != now[p] && !w.remade[p] {
				return fmt.Errorf("%s was deleted and made again", p)
			}
		}
	}
	w.uids, w.remade = now, map[place]bool{}
	return nil
}

// foreign returns an error if an object that is not ours was changed.
func (w *world) foreign() error {
	for p, made := range w.canaries {
		running, err := w.at(p).Get(w.ctx, p.name, metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("foreign %s: %w", p, err)
		}
		if now := alienOf(running); now != made {
			return fmt.Errorf("foreign %s was touched: it was %v, and is %v", p, made, now)
		}
	}
	return nil
}

func alienOf(u *unstructured.Unstructured) alien {
	return alien{string(u.GetUID()), u.GetResourceVersion()}
}

// owned returns the UID of each labelled object, with our field managers and their times.
func (w *world) owned() map[place]string {
	objects, err := w.labelled()
	w.must(err)
	owned := map[place]string{}
	for p, running := range objects {
		text := string(running.GetUID())
		for _, entry := range running.GetManagedFields() {
			if entry.Manager == kube.FieldManager {
				text += fmt.Sprintf(" %s %s", entry.Time, entry.FieldsV1.GetRawString())
			}
		}
		owned[p] = text
	}
	return owned
}

// refs lists the refs of a branch's repository.
func (w *world) refs(b *branch) string {
	out, err := w.git(w.home.Dir, "--git-dir", w.bare(b), "for-each-ref")
	w.must(err)
	return out
}

// repositories returns an error if a repository is not intact, or if something unfinished
// is left in one.
func (w *world) repositories() error {
	var errs []error
	for _, b := range w.branches {
		out, err := w.git(w.home.Dir, "--git-dir", w.bare(b), "fsck", "--full", "--no-dangling")
		if err == nil && strings.Contains(out, "error") {
			err = fmt.Errorf("fsck of %s: %s", b.repo, out)
		}
		errs = append(errs, err)
		if left := w.leftovers(b); len(left) > 0 {
			errs = append(errs, fmt.Errorf("left half-done in %s: %s", b.repo, strings.Join(left, ", ")))
		}
		refs := strings.Fields(w.refs(b))
		for _, a := range w.runningOn(b) {
			if !slices.Contains(refs, "refs/pushboat/deploys/"+a.name) {
				errs = append(errs, fmt.Errorf("app %s of %s has no records", a.name, b.name))
			}
		}
	}
	return errors.Join(errs...)
}

// leftovers lists the files of unfinished work in a repository.
func (w *world) leftovers(b *branch) []string {
	var found []string
	for _, pattern := range []string{"*.lock", "refs/*/*.lock", "refs/pushboat/*/*.lock", "objects/tmp_objdir-*", "objects/*/tmp_obj_*"} {
		paths, _ := filepath.Glob(filepath.Join(w.bare(b), pattern))
		found = append(found, paths...)
	}
	return found
}
