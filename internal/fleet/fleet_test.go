package fleet

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// address is where nobody listens.
const address = "https://127.0.0.1:1"

// fakeEngine has apps on clusters, and learns of clusters.
type fakeEngine struct {
	*deploy.Engine
	apps  map[string][]name.App
	added []string
}

// AddCluster implements Engine.
func (e *fakeEngine) AddCluster(c *deploy.Cluster) {
	e.added = append(e.added, c.Kube.Name())
	e.Engine.AddCluster(c)
}

// AppsOnCluster implements Engine.
func (e *fakeEngine) AppsOnCluster(cluster string) []name.App { return e.apps[cluster] }

// fakeKeys decrypt by taking a word away.
type fakeKeys struct{}

func (fakeKeys) Decrypt(_ context.Context, _ string, data []byte) ([]byte, *manifest.Problem) {
	text, ok := strings.CutPrefix(string(data), "sealed ")
	if !ok {
		return nil, &manifest.Problem{Message: "the server has none of the keys"}
	}
	return []byte(text), nil
}

const kubeconfig = `{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}],
 clusters: [{name: c, cluster: {server: "` + address + `"}}], users: [{name: u, user: {token: s3cr3t}}]}`

// open opens a fleet with the cluster default of the configuration.
func open(t *testing.T) (*Fleet, *fakeEngine) {
	t.Helper()
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	way, err := kube.Allowed{}.Kubeconfig([]byte(kubeconfig))
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(Config{
		Context: t.Context(), Dir: filepath.Join(t.TempDir(), "clusters"), Guard: func(*kube.Cluster) {},
		Keys: fakeKeys{}, Fence: func() error { return nil }, Log: logrus.NewEntry(logger),
	}, []Member{{Name: "default", Place: "--kubeconfig", Way: way}})
	if err != nil {
		t.Fatal(err)
	}
	engine := &fakeEngine{Engine: deploy.New(deploy.Config{Clusters: f.Clusters(), Log: f.Log}), apps: map[string][]name.App{}}
	f.Join(engine)
	return f, engine
}

func sealed(cluster string) *rules.Cluster {
	return &rules.Cluster{
		Name: cluster, Sealed: "clusters/" + cluster + ".kubeconfig", Beside: true, Text: []byte("sealed " + kubeconfig),
		At: manifest.Source{File: "clusters/" + cluster + ".yaml"},
	}
}

func TestPropose(t *testing.T) {
	f, engine := open(t)
	f.Take([]*rules.Cluster{sealed("paris")})
	if len(engine.added) != 1 || engine.added[0] != "paris" {
		t.Fatalf("added %q", engine.added)
	}
	engine.apps["paris"] = []name.App{"shop"}
	unread, inside := sealed("rome"), sealed("rome")
	unread.Text = []byte("s3cr3t")
	inside.Beside, inside.Text = false, []byte("sealed kubeconfig: "+kubeconfig)
	for test, c := range map[string]struct {
		next []*rules.Cluster
		want string // part of the problem, or of the warning
	}{
		"the same":                 {[]*rules.Cluster{sealed("paris")}, ""},
		"one that is away":         {[]*rules.Cluster{sealed("paris"), inside}, "cluster rome does not answer: its apps wait"},
		"one of the configuration": {[]*rules.Cluster{sealed("paris"), sealed("default")}, "cluster default is named twice: here, and by the server's configuration (--kubeconfig)"},
		"without the key":          {[]*rules.Cluster{sealed("paris"), unread}, "the server has none of the keys"},
		"one that has apps goes":   {nil, "cluster paris has apps: shop"},
		"a file that may not":      {[]*rules.Cluster{sealed("paris"), {Name: "a", Server: address, TokenFile: "/etc/passwd"}}, "clusterFiles allows no directory"},
	} {
		t.Run(test, func(t *testing.T) {
			warnings, problems := f.Propose(c.next)
			got := strings.Join(warnings, "\n")
			for _, p := range problems {
				got += p.Error() + p.Hint
			}
			if c.want == "" && got != "" || !strings.Contains(got, c.want) || strings.Contains(got, "s3cr3t") {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestTake(t *testing.T) {
	f, engine := open(t)
	f.Take([]*rules.Cluster{sealed("paris")})
	unread := sealed("paris")
	unread.Text = nil
	f.Take([]*rules.Cluster{unread})
	if !f.Knows("paris") || f.Clusters().Get("paris").Kube.Held() != nil {
		t.Error("a cluster whose file cannot be read any more is forgotten")
	}
	f.Take(nil)
	if f.Knows("paris") || f.Clusters().Get("paris").Kube.Held() == nil {
		t.Error("a cluster that nobody names is asked")
	}
	engine.apps["paris"] = []name.App{"shop"}
	if !f.Knows("paris") {
		t.Error("a cluster that has apps is not listed")
	}
	f.Take([]*rules.Cluster{sealed("paris")})
	if f.Clusters().Get("paris").Kube.Held() != nil || len(engine.added) != 1 {
		t.Error("it is back, and not asked")
	}
	if err := f.Configure([]Member{{Name: "paris", Place: "b.yaml:2"}}, kube.Allowed{}); err == nil ||
		!strings.Contains(err.Error(), "b.yaml:2") || !strings.Contains(err.Error(), "clusters/paris.yaml") {
		t.Errorf("named twice: %v", err)
	}
}

func TestRecognize(t *testing.T) {
	f, _ := open(t)
	if err := f.recognize("default", ""); err != nil {
		t.Errorf("one that begins, and was never met: %v", err)
	}
	for range 2 {
		if err := f.recognize("default", "one"); err != nil {
			t.Error(err)
		}
	}
	if err := f.recognize("default", "two"); !errors.As(err, new(*kube.HeldError)) || !strings.Contains(err.Error(), "has UID two") {
		t.Errorf("another one: %v", err)
	}
	if err := f.recognize("default", ""); err == nil {
		t.Error("one that begins may be another one")
	}
	f.identities = &identities{dir: f.Dir} // a restart
	if err := f.recognize("default", "two"); err == nil {
		t.Error("a restart has forgotten who it was")
	}
	if err := os.WriteFile(f.identities.path("east"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.recognize("east", "one"); err == nil || !strings.Contains(err.Error(), "delete it") {
		t.Errorf("a damaged file: %v", err)
	}
	f.Fence = func() error { return errors.New("another server leads") }
	if err := f.recognize("west", "one"); err == nil {
		t.Error("a server that was replaced notes who a cluster is")
	}
}
