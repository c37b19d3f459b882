package deploy

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
)

// starting is an engine that has read nothing yet. Its cluster answers as soon as it is
// asked.
func starting(t *testing.T) (*office, *fakeAPI) {
	o := newOffice(t)
	o.loaded = make(chan struct{})
	api := o.answering()
	o.Clusters.Get("default").opened = make(chan struct{})
	return o, api
}

// TestStartReadsAllAndOpensTheClusters: questions about all apps wait until the apps are
// known. Their clusters are opened after that, and each app is checked.
func TestStartReadsAllAndOpensTheClusters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, _ := starting(t)
		o.source.push("shop", "new", oneApp(config))
		known := make(chan struct{})
		go func() {
			defer close(known)
			o.known()
		}()
		if synctest.Wait(); isClosed(known) {
			t.Error("the apps are known before they were read")
		}
		o.Start(func(err error) { t.Errorf("failed: %v", err) })
		synctest.Wait()
		if !isClosed(known) || !isClosed(o.Clusters.Get("default").opened) || o.state("web") != "new" {
			t.Errorf("known: %v, open: %v; the app is %q", isClosed(known), isClosed(o.Clusters.Get("default").opened), o.state("web"))
		}
		wantLines(t, "checked", jobNames(o.app("web")), "web: start")
		o.cancel()
	})
}

// TestStartFailsIfARepositoryCannotBeRead: if one repository cannot be read, nothing is
// deployed, and the caller of Start gets the error.
func TestStartFailsIfARepositoryCannotBeRead(t *testing.T) {
	for name, test := range map[string]struct {
		set  func(o *office)
		told int
	}{
		"it cannot be":     {func(o *office) { o.kept.err = errDisk }, 1},
		"the server stops": {func(o *office) { o.kept.err = errDisk; o.cancel() }, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			o, _ := starting(t)
			o.source.push("shop", "new", oneApp(config))
			test.set(o)
			told := 0
			o.Start(func(err error) {
				if told++; !errors.Is(err, errDisk) {
					t.Errorf("%s: the caller got the error %v", name, err)
				}
			})
			synctest.Wait()
			if told != test.told || isClosed(o.loaded) || isClosed(o.Clusters.Get("default").opened) {
				t.Errorf("%s: the caller got %d errors; the apps count as known: %v", name, told, isClosed(o.loaded))
			}
			o.cancel()
			o.known() // must not block
		})
	}
}

// TestStartTriesBranchesAgain: branches that could not be rendered are tried again from the
// start on, and at once when a cluster answers.
func TestStartTriesBranchesAgain(t *testing.T) {
	for name, wait := range map[string]time.Duration{"after a while": retryFirst, "when the cluster answers": openRetry} {
		synctest.Test(t, func(t *testing.T) {
			o, api := starting(t)
			if name == "when the cluster answers" {
				api.fails["make"] = away
			}
			o.source.push("shop", "new", oneApp("a: [\n"))
			o.Start(func(err error) { t.Error(err) })
			if synctest.Wait(); len(o.unreadBranches()) != 1 {
				t.Fatalf("%s: %v are tried again", name, o.unreadBranches())
			}
			o.source.push("shop", "newer", oneApp(config))
			api.change(func() { delete(api.fails, "make") })
			<-time.After(wait)
			if synctest.Wait(); o.state("web") != "newer" {
				t.Errorf("%s: the app is %q", name, o.state("web"))
			}
			o.cancel()
		})
	}
}

// TestStartHearsOfLosses: the loss of a cluster is reported.
func TestStartHearsOfLosses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, _ := starting(t)
		o.Start(func(err error) { t.Error(err) })
		synctest.Wait()
		if told := o.told(); len(told) > 0 {
			t.Fatalf("reported %q", told)
		}
		pods := kube.Kind{
			GVK: schema.GroupVersionKind{Version: "v1", Kind: "Pod"}, Resource: schema.GroupVersionResource{Version: "v1", Resource: "pods"}, Namespaced: true,
		}
		if err := o.index.Follow(t.Context(), pods); err == nil {
			t.Fatal("Follow succeeded although the cluster does not answer")
		}
		<-time.After(2 * awayAfter)
		synctest.Wait()
		wantLines(t, "told", kindsOf(o.told()), "cluster")
		o.cancel()
	})
}
