package deploy

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/record"
)

// podded is the app web with one pod and a Secret. The pod's log has the Secret's value.
func (o *office) podded(api *fakeAPI) *app {
	a := o.deployed(wanted("web", func(t *target) {
		t.Objects = parsed(o.t, "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: opensesame}\n")
	}))
	o.member(a, "web", func(u *unstructured.Unstructured) { u.SetAPIVersion("apps/v1"); u.SetKind("Deployment"); u.SetUID("d") })
	api.owned = []*unstructured.Unstructured{madeBy("Pod", "web-1", "d")}
	return a
}

func TestContainersOfAnApp(t *testing.T) {
	for what, test := range map[string]struct {
		object, container string
		fail              string
		want              string
		err               error
	}{
		"all":                        {"", "", "", "web-1/main web-1/sidecar", nil},
		"one by its name":            {"", "init", "", "web-1/init", nil},
		"of a pod":                   {"web-1", "", "", "web-1/main web-1/sidecar", nil},
		"of an object":               {"deploy/web", "", "", "web-1/main web-1/sidecar", nil},
		"of an object there is not":  {"deploy/other", "", "", "", fs.ErrNotExist},
		"of what cannot be a name":   {"a/b/c/d", "", "", "", ErrNaming},
		"of a pod that does not say": {"", "", "containers of web-1", "", away},
	} {
		o := newOffice(t)
		api := o.answering()
		o.podded(api)
		if test.fail != "" {
			api.fails[test.fail] = away
		}
		list, err := o.Containers(t.Context(), "web", test.object, test.container)
		var names []string
		for _, c := range list {
			names = append(names, c.Pod+"/"+c.Name)
		}
		if got := strings.Join(names, " "); got != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s: got %q, %v", what, got, err)
		}
	}
	if _, err := newOffice(t).Containers(t.Context(), "unknown", "", ""); !errors.Is(err, ErrNoApp) {
		t.Errorf("of an unknown app: %v", err)
	}
}

func TestLogHidesTheValuesOfSecrets(t *testing.T) {
	o := newOffice(t)
	o.podded(o.answering())
	var lines []string
	tell := func(line string) { lines = append(lines, line) }
	if err := o.ReadLog(t.Context(), "web", Container{"shop", "web-1", "main"}, kube.LogRequest{}, tell); err != nil {
		t.Fatal(err)
	}
	if len(lines) != 1 || !strings.Contains(lines[0], "shop/web-1/main") || strings.Contains(lines[0], "opensesame") {
		t.Errorf("the log has %q", lines)
	}
	o.logs.Store(maxOpenedLogs)
	if err := o.ReadLog(t.Context(), "web", Container{}, kube.LogRequest{}, tell); !errors.Is(err, ErrTooManyLogs) || o.logs.Load() != maxOpenedLogs {
		t.Errorf("one too many: %v, and %d are open", err, o.logs.Load())
	}
}

func TestInventoryIsTakenOver(t *testing.T) {
	o := newOffice(t)
	api := o.answering()
	a := o.deployed(wanted("web"))
	api.parents["web"] = existing(kube.Parent{App: "web", Repository: "theirs", Server: "theirs"})
	was, err := o.TakeOver(t.Context(), "web", "shop", "default")
	if err != nil || was.Server != "theirs" {
		t.Fatalf("the inventory was %+v, %v", was, err)
	}
	if is := api.parents["web"]; is.Server != "mine" || is.Repository != "shop" || !a.ownsInventory() {
		t.Errorf("the inventory is %+v", is)
	}
	wantLines(t, "checked", jobNames(a), "web: retry")
}

func TestInventoryThatCannotBeTakenOver(t *testing.T) {
	o := newOffice(t)
	api := o.answering()
	o.deployed(wanted("web"))
	if _, err := o.TakeOver(t.Context(), "web", "shop", "east"); err == nil {
		t.Error("the inventory of an unknown cluster was taken over")
	}
	if _, err := o.TakeOver(t.Context(), "web", "blog", "default"); err == nil || !strings.Contains(err.Error(), "is that of repository shop") {
		t.Errorf("for another repository: %v", err)
	}
	if was, err := o.TakeOver(t.Context(), "web", "shop", "default"); err != nil || was.Exists() || len(api.parents) > 0 {
		t.Errorf("where there is none: %+v, %v", was, err)
	}
	api.fails["read parent"] = away
	if _, err := o.TakeOver(t.Context(), "web", "shop", "default"); !errors.Is(err, away) {
		t.Errorf("where the inventory cannot be read: %v", err)
	}
}

func TestServerKnowsItsClustersAndQueue(t *testing.T) {
	o := newOffice(t)
	api := o.answering()
	busy, waits := o.has("web", "shop", nil), o.has("api", "shop", nil)
	busy.queue.add(systemJob(record.CauseDrift))
	busy.queue.take()
	waits.queue.add(systemJob(record.CauseDrift))
	if q := o.Queue(); q != (Queue{Apps: 2, Working: 1, Waiting: 1}) {
		t.Errorf("queued: %+v", q)
	}
	if states := o.ClusterStates(t.Context()); len(states) != 1 || states[0].Version != "v1.37.2" || states[0].Outage != nil || o.AllAway() != nil {
		t.Errorf("clusters: %+v", states)
	}
	api.fails["ask"] = away
	if states := o.ClusterStates(t.Context()); states[0].Outage == nil || !states[0].Outage.Unreachable {
		t.Errorf("an unreachable cluster: %+v", states)
	}
	o.Clusters.Get("default").fails(away)
	if err := o.AllAway(); err == nil || !strings.Contains(err.Error(), "cluster default does not answer: ") {
		t.Errorf("all are away: %v", err)
	}
}

// TestContainersOfATreeThatIsNotWhole: an app without pods is explained by the reason why
// its tree is not whole.
func TestContainersOfATreeThatIsNotWhole(t *testing.T) {
	o := newOffice(t)
	api := o.answering()
	o.podded(api)
	delete(api.kinds, replicaSetKind.WithVersion("v1"))
	if list, err := o.Containers(t.Context(), "web", "", ""); err != nil || len(list) != 2 {
		t.Errorf("with a pod: %v, %v", list, err)
	}
	api.owned = nil
	if _, err := o.Containers(t.Context(), "web", "", ""); err == nil || !strings.Contains(err.Error(), "does not know the kind ReplicaSet") {
		t.Errorf("without one: %v", err)
	}
}

// TestContainersOfManyPods: the server asks no more pods for their containers than it can
// show.
func TestContainersOfManyPods(t *testing.T) {
	o := newOffice(t)
	api := o.answering()
	o.podded(api)
	api.owned = nil
	for i := range 2 * MaxLogs {
		api.owned = append(api.owned, madeBy("Pod", fmt.Sprintf("web-%d", i), "d"))
	}
	list, err := o.Containers(t.Context(), "web", "", "")
	if err != nil || len(list) != MaxLogs+2 { // the surplus tells the caller that there are more
		t.Errorf("%d containers, %v", len(list), err)
	}
}
