package converge

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/kube"
)

// quietWithin is how long it may take on a machine that is very busy until all
// is as Git says. A deploy that failed is tried again after ten seconds, then
// after twenty.
const quietWithin = 90 * time.Second

// converge waits until the cluster is as Git says, and holds everybody to it.
func (w *world) converge() {
	w.t.Helper()
	late := time.After(quietWithin)
	for again := time.NewTicker(200 * time.Millisecond); ; {
		err := w.trouble()
		if err == nil {
			again.Stop()
			break
		}
		select {
		case <-again.C:
		case <-late:
			w.t.Fatalf("step %d: after %s, the cluster is not as Git says:\n%v", w.step, quietWithin, err)
		}
	}
	w.must(w.foreign())
	w.must(w.same())
	for name, r := range w.repos {
		if head, err := w.head(name); err != nil || head != r.wanted {
			w.t.Fatalf("step %d: the branch of %s is at %s, not at %s (%v)", w.step, name, head, r.wanted, err)
		}
	}
}

// trouble says what is not as it should be.
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
		apps[s.App] = s
	}
	var errs []error
	wanted := map[place]bool{}
	for repo := range w.repos {
		for _, a := range w.state(repo).apps {
			errs = append(errs, inSync(a.name, apps))
			delete(apps, a.name)
			for _, o := range a.objects {
				wanted[a.place(o)] = true
				errs = append(errs, compare(a, o, objects))
			}
		}
	}
	for name := range apps {
		errs = append(errs, fmt.Errorf("app %s is in no pushboat.yaml", name))
	}
	return errors.Join(append(errs, w.orphans(objects, wanted)...)...)
}

func inSync(name string, apps map[string]deploy.Status) error {
	s, ok := apps[name]
	switch {
	case !ok:
		return fmt.Errorf("app %s is not in status", name)
	case s.Sync != deploy.InSync || s.Health != "healthy" && s.Objects > 0 || s.Running != "":
		return fmt.Errorf("app %s is %s, %s (%s) %s", name, s.Sync, s.Health, s.Trouble, message(s.Last))
	}
	return nil
}

func message(r *deploy.Record) string {
	if r == nil {
		return ""
	}
	return r.Message
}

func compare(a *appState, o object, objects map[place]*unstructured.Unstructured) error {
	running := objects[a.place(o)]
	if running == nil {
		return fmt.Errorf("%s of app %s is missing, or has lost its label", a.place(o), a.name)
	}
	if label := running.GetLabels()[kube.PartOfLabel]; label != kube.NewParent(a.name, "").ID() {
		return fmt.Errorf("%s is not labelled as app %s's", a.place(o), a.name)
	}
	if wrong := o.is(running); wrong != "" {
		return fmt.Errorf("%s of app %s: %s", a.place(o), a.name, wrong)
	}
	return nil
}

// orphans lists what has our label, and is not wanted.
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

// labelled lists what has an ApplySet's label.
func (w *world) labelled() (map[place]*unstructured.Unstructured, error) {
	found := map[place]*unstructured.Unstructured{}
	for name, kind := range kinds {
		list, err := w.client.Resource(kind.resource).List(w.ctx, metav1.ListOptions{LabelSelector: kube.PartOfLabel})
		if apierrors.IsNotFound(err) {
			continue // its definition is not there
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

// same is an error if an object that nobody has deleted was made again: what
// moves between apps, and all else, keeps its UID.
func (w *world) same() error {
	objects, err := w.labelled()
	if err != nil {
		return err
	}
	now := map[place]string{}
	for repo := range w.repos {
		for _, a := range w.state(repo).apps {
			for _, o := range a.objects {
				p := a.place(o)
				if objects[p] == nil {
					return fmt.Errorf("%s went away again", p)
				}
				now[p] = string(objects[p].GetUID())
				if was := w.uids[p]; was != "" && was != now[p] && !w.remade[p] {
					return fmt.Errorf("%s was deleted and made again", p)
				}
			}
		}
	}
	w.uids, w.remade = now, map[place]bool{}
	return nil
}

// foreign is an error if somebody has touched what is none of ours.
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

// repositories is an error if one is not whole, or something in it was left
// half-done.
func (w *world) repositories() error {
	var errs []error
	for name := range w.repos {
		out, err := w.git(w.home.Dir, "--git-dir", w.bare(name), "fsck", "--full", "--no-dangling")
		if err == nil && strings.Contains(out, "error") {
			err = fmt.Errorf("fsck of %s: %s", name, out)
		}
		errs = append(errs, err)
		if left := w.leftovers(name); len(left) > 0 {
			errs = append(errs, fmt.Errorf("left half-done in %s: %s", name, strings.Join(left, ", ")))
		}
		refs, err := w.git(w.home.Dir, "--git-dir", w.bare(name), "for-each-ref", "--format=%(refname)", "refs/pushboat/deploys/")
		errs = append(errs, err)
		for _, a := range w.state(name).apps {
			if !slices.Contains(strings.Fields(refs), "refs/pushboat/deploys/"+a.name) {
				errs = append(errs, fmt.Errorf("app %s of %s has no records", a.name, name))
			}
		}
	}
	return errors.Join(errs...)
}
