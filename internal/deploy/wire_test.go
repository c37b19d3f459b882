package deploy

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/record"
)

// wire is the network to an API server that has no objects: it answers each watch with an
// empty first list, and sends nothing more.
type wire struct{ cut atomic.Bool }

func (w *wire) RoundTrip(request *http.Request) (*http.Response, error) {
	if w.cut.Load() {
		return nil, errors.New("no route to host")
	}
	const begun = `{"type":"BOOKMARK","object":{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1",` +
		`"metadata":{"resourceVersion":"1","annotations":{"k8s.io/initial-events-end":"true"}}}}` + "\n"
	silent, end := io.Pipe()
	go func() {
		<-request.Context().Done()
		_ = end.CloseWithError(request.Context().Err())
	}()
	body := struct {
		io.Reader
		io.Closer
	}{io.MultiReader(strings.NewReader(begun), silent), silent}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: body, Request: request}, nil
}

// wired gives the office a cluster whose watches use a wire, and returns a kind to watch.
func (o *office) wired() (*wire, kube.Kind) {
	o.t.Helper()
	w := &wire{}
	cluster, err := kube.Open("default", &rest.Config{Host: "https://cluster.example", Transport: w}, quiet())
	if err != nil {
		o.t.Fatal(err)
	}
	o.index = live.New(o.ctx, cluster, owner.DefaultTools, quiet())
	opened := NewCluster(cluster, o.index)
	o.listen(opened)
	o.Clusters.put("default", opened)
	return w, kube.Kind{
		GVK: schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}, Resource: schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}, Namespaced: true,
	}
}

// TestStartHearsOfReturns: when a cluster answers again, this is reported, and its apps
// that have failed are tried again.
func TestStartHearsOfReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		w, kind := o.wired()
		o.loaded = make(chan struct{})
		o.answering()
		o.Clusters.Get("default").opened = make(chan struct{})
		o.source.push("shop", "new", oneApp(config))
		o.Start(func(err error) { t.Error(err) })
		synctest.Wait()
		w.cut.Store(true)
		if err := o.index.Follow(t.Context(), kind); err == nil {
			t.Fatal("Follow succeeded although the cluster does not answer")
		}
		<-time.After(2 * awayAfter)
		hurry := o.app("web").hurry
		select {
		case <-hurry:
		default:
		}
		w.cut.Store(false)
		<-time.After(time.Minute)
		synctest.Wait()
		told := strings.Join(o.told(), "\n")
		if !strings.Contains(told, "does not answer: ") || !strings.Contains(told, "answers again, after ") {
			t.Errorf("reported:\n%s", told)
		}
		select {
		case <-hurry:
		default:
			t.Error("the cluster's apps are not tried again")
		}
		o.cancel()
	})
}

// TestAppFailsWhoseObjectFailedAndIsGone: an object that failed for good and is known to be
// gone keeps its app failing.
func TestAppFailsWhoseObjectFailedAndIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		_, kind := o.wired()
		a := o.deployed(wanted("web"))
		a.ledger.Note(manifesttest.ConfigMap("a"), record.Noted{Ended: health.Exhausted})
		if s, _ := o.Status("web"); s.Health == "failing" {
			t.Error("the app fails before the object is known to be gone")
		}
		if err := o.index.Follow(t.Context(), kind); err != nil {
			t.Fatal(err)
		}
		s, _ := o.Status("web")
		if s.Health != "failing" || len(s.Sick) != 1 || s.Sick[0] != (Symptom{Object: "ConfigMap shop/a", State: "failed, and was deleted since"}) {
			t.Errorf("the app is %s: %+v", s.Health, s.Sick)
		}
		o.cancel()
	})
}
