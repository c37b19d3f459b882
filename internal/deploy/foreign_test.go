package deploy

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sirupsen/logrus"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/owner"
)

// parentServer answers like an API server that stores the objects that are applied to it.
// It fails the first request of each path.
func parentServer(t *testing.T) (cluster *Cluster, stored func() string) {
	t.Helper()
	var body atomic.Value
	body.Store("")
	failed := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if !failed[r.URL.Path] {
			failed[r.URL.Path] = true
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"ServiceUnavailable","code":503}`)
			return
		}
		text, _ := io.ReadAll(r.Body)
		body.Store(string(text))
		_, _ = w.Write([]byte(strings.Replace(string(text), `"metadata":{`, `"metadata":{"uid":"u1","resourceVersion":"7",`, 1)))
	}))
	t.Cleanup(server.Close)
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	opened, err := kube.Open("default", &rest.Config{Host: server.URL}, logrus.NewEntry(logger))
	if err != nil {
		t.Fatal(err)
	}
	index := live.New(t.Context(), opened, owner.DefaultTools, logrus.NewEntry(logger))
	return NewCluster(opened, index), func() string { return body.Load().(string) }
}

// TestAParentIsWrittenAgainAsItWas: a write that has to be tried again sends the same
// parent again, not an empty one.
func TestAParentIsWrittenAgainAsItWas(t *testing.T) {
	cluster, stored := parentServer(t)
	parent := kube.Parent{App: "shop", Repository: "team/shop", Server: "s", Kinds: kube.NewGroupKinds(schema.GroupKind{Kind: "ConfigMap"}), Namespaces: kube.NewNamespaces("shop")}
	is, err := cluster.site.WriteParent(t.Context(), kube.Parent{}, parent)
	if err != nil {
		t.Fatal(err)
	}
	if !is.Exists() || !is.Equal(parent) {
		t.Errorf("returned %+v", is)
	}
	for _, text := range []string{`"pushboat/app":"shop"`, `"pushboat/repository":"team/shop"`, `"pushboat/server":"s"`, "ConfigMap", `"name":"pushboat-app-shop"`} {
		if !strings.Contains(stored(), text) {
			t.Errorf("stored without %s: %s", text, stored())
		}
	}
}

// there returns a parent as a cluster returns it.
func there(t *testing.T, parent kube.Parent) kube.Parent {
	t.Helper()
	cluster, _ := parentServer(t)
	stored, err := cluster.site.WriteParent(t.Context(), kube.Parent{}, parent)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

func TestWhoseAParentIs(t *testing.T) {
	own := kube.Parent{Server: "mine", Epoch: 7, Repository: "shop"}
	at := func(server string, repository name.Repo) kube.Parent {
		return there(t, kube.Parent{App: "shop", Server: server, Repository: repository})
	}
	in := func(epoch int64, repository name.Repo) kube.Parent {
		return there(t, kube.Parent{App: "shop", Server: "mine", Epoch: epoch, Repository: repository})
	}
	for name, test := range map[string]struct {
		parent   kube.Parent
		own      kube.Parent
		recorded bool
		want     whose
	}{
		"there is none":                         {kube.NewParent("shop", "shop"), own, false, ours},
		"ours":                                  {at("mine", "shop"), own, false, ours},
		"ours of an epoch before":               {in(6, "shop"), own, false, ours},
		"ours of this epoch":                    {in(7, "shop"), own, false, ours},
		"a copy's that began later":             {in(8, "shop"), own, true, laterSelfs},
		"that of its other repository":          {in(8, "blog"), own, true, laterSelfs},
		"another server's":                      {at("theirs", "shop"), own, true, otherServers},
		"another repository's":                  {at("mine", "blog"), own, true, otherRepositorys},
		"of before, and we have a record":       {at("", "shop"), own, true, ours},
		"of before, and we have none":           {at("", "shop"), own, false, otherServers},
		"of before, of another repository":      {at("", "blog"), own, true, otherRepositorys},
		"to a folder that is planned, anyone's": {at("theirs", "blog"), kube.Parent{}, false, ours},
	} {
		if got := judgeParent(test.parent, test.own, test.recorded); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestAChangedParentIsTold(t *testing.T) {
	left := there(t, kube.Parent{App: "shop", Server: "mine", Repository: "shop", Namespaces: kube.NewNamespaces("shop")})
	changed := left
	changed.Namespaces = nil
	later := left
	later.Epoch++
	for name, test := range map[string]struct {
		left, there kube.Parent
		want        bool
	}{
		"as it was left":   {left, left, false},
		"changed":          {left, changed, true},
		"of a later epoch": {left, later, true},
		"of one before":    {later, left, false},
		"gone":             {left, kube.Parent{}, true},
		"never written":    {kube.NewParent("shop", "shop"), kube.Parent{}, false},
		"of no server yet": {there(t, kube.Parent{App: "shop"}), kube.Parent{}, false},
	} {
		if got := isChanged(test.left, test.there, "mine"); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestForeignParentsSayWhatToDo(t *testing.T) {
	parent := kube.Parent{App: "shop", Server: "0123456789abcdef", Repository: "shop"}
	err := &ForeignError{Parent: parent, Cluster: "default", Repo: "mine/shop", Whose: otherServers}
	all := func(name.Repo) bool { return true }
	if want := "app shop on cluster default is deployed by another Pushboat server (0123456789ab), from its repository shop"; err.message(all) != want {
		t.Errorf("got %q", err.message(all))
	}
	if !strings.HasSuffix(err.Hint(), "take-over shop mine/shop") {
		t.Errorf("got %q", err.Hint())
	}
	err.Parent.Epoch, err.Whose, err.Own = 8, laterSelfs, 7
	if text := err.Error(); !strings.Contains(text, "epoch 8; this server's is 7") {
		t.Errorf("got %q", text)
	}
	if !strings.HasSuffix(err.Hint(), "take-over shop mine/shop") {
		t.Errorf("got %q", err.Hint())
	}
}
