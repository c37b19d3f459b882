package apply

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// succeeds has a hook succeed whose newest pod has printed some lines, and ends the hooks.
func (w *world) succeeds(lines ...string) *Work {
	w.t.Helper()
	w.api.status["Job"] = underWay
	w.plans(w.step(job("migrate", hookOf("PreSync"), policyOf("HookSucceeded"))))
	work := w.work()
	ended := w.begins(func() error { return work.runPhase(manifest.PreSync) })
	for _, name := range []string{"p2", "p1"} {
		pod := podOf(w, jobID("migrate"), name, ready)
		_ = unstructured.SetNestedSlice(pod.Object, []any{map[string]any{"name": "main"}, map[string]any{"name": "proxy"}}, "spec", "containers")
		w.pods.pods["shop"] = append(w.pods.pods["shop"], pod)
	}
	w.pods.pods["shop"] = append(w.pods.pods["shop"], podOf(w, jobID("other"), "p3", ready))
	w.api.logs["shop/p1/main"] = []string{"of an older pod"}
	w.api.logs["shop/p2/main"] = lines
	w.becomes(jobID("migrate"), complete)
	wantError(w.t, <-ended, "")
	work.EndHooks(&record.Record{Result: record.Deployed})
	return work
}

// TestHookThatSucceedsIsHeard: its last lines are read before its object goes, without hidden
// values.
func TestHookThatSucceedsIsHeard(t *testing.T) {
	inTime(t, func(w *world) {
		w.order.Prints = true
		w.hides("s3cret")
		printed := w.succeeds(append(slices.Repeat([]string{"early"}, logLines), "first", "the password is s3cret")...).Printed()
		if len(printed) != 1 || printed[0].Key != jobID("migrate").Key() || printed[0].Phase != "PreSync" || len(printed[0].Lines) != logLines {
			t.Fatalf("printed is %+v", printed)
		}
		if text := strings.Join(printed[0].Lines, "\n"); !strings.HasSuffix(text, "early\nfirst\nthe password is ***") {
			t.Errorf("printed is\n%s", text)
		}
		read, gone := slices.Index(w.api.asked, "log shop/p2/main"), slices.Index(w.api.asked, "delete "+jobID("migrate").String())
		if read < 0 || gone < read {
			t.Errorf("the log is read at %d, and the hook deleted at %d: %q", read, gone, w.api.asked)
		}
	})
}

// TestHookThatCannotBeHeard: what a hook has printed changes nothing about the deploy.
func TestHookThatCannotBeHeard(t *testing.T) {
	for name, change := range map[string]func(w *world){
		"the kubelet does not answer": func(w *world) { w.api.refuse("log shop/p2/main", kubetest.Refused) },
		"nobody wants to know":        func(w *world) { w.order.Prints = false },
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				w.order.Prints = true
				change(w)
				if printed := w.succeeds("a line").Printed(); len(printed) > 0 {
					t.Errorf("printed is %+v", printed)
				}
			})
		})
	}
	inTime(t, func(w *world) {
		w.order.Prints = true
		if printed := w.succeeds().Printed(); len(printed) > 0 {
			t.Errorf("of a hook that prints nothing: %+v", printed)
		}
	})
}

func TestMainContainer(t *testing.T) {
	pod := func(annotation string, names ...string) *unstructured.Unstructured {
		u := &unstructured.Unstructured{Object: map[string]any{}}
		if annotation != "" {
			u.SetAnnotations(map[string]string{"kubectl.kubernetes.io/default-container": annotation})
		}
		var list []any
		for _, name := range names {
			list = append(list, map[string]any{"name": name})
		}
		_ = unstructured.SetNestedSlice(u.Object, list, "spec", "containers")
		return u
	}
	for want, u := range map[string]*unstructured.Unstructured{"a": pod("", "a", "b"), "b": pod("b", "a", "b"), "": pod("")} {
		if got := mainContainer(u); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := mainContainer(&unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"containers": "x"}}}); got != "" {
		t.Errorf("of another form: %q", got)
	}
}
