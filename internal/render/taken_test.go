package render

import (
	"context"
	"errors"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/render/helm"
	"github.com/pushboat/pushboat/internal/render/worker"
)

// TestWhatIsTakenOfACluster: a chart that asks for the cluster stands as long as the
// cluster is unchanged. A chart that does not ask always stands.
func TestWhatIsTakenOfACluster(t *testing.T) {
	program, err := worker.Program()
	if err != nil {
		t.Fatal(err)
	}
	pool := worker.NewPool(program, worker.DefaultLimits, logrus.NewEntry(logrus.New()))
	defer pool.Close()
	is, away := helm.Cluster{Version: "v1.37.2", APIs: []string{"v1", "v1/Pod"}}, error(nil)
	renderer := New(pool, func(context.Context, string) (helm.Cluster, error) { return is, away })
	files := revision(
		"asks/Chart.yaml", "apiVersion: v2\nname: asks\nversion: 1.0.0\n", "asks/templates/a.yaml", `{{ .Capabilities.APIVersions.Has "v2" }}`,
		"not/Chart.yaml", "apiVersion: v2\nname: not\nversion: 1.0.0\n", "not/templates/a.yaml", object("a"),
		"built/kustomization.yaml", "helmGlobals: {chartHome: ..}\nhelmCharts: [{name: asks, releaseName: a}]\n",
	)
	files["asks/templates/a.yaml"].Data = []byte(object("a") + "data: {has: '" + string(files["asks/templates/a.yaml"].Data) + "'}\n")
	session := renderer.Session(files)
	defer session.Close()
	taken := map[string]Taken{}
	for _, folder := range []string{"asks", "not", "built"} {
		result, problems := session.App(t.Context(), appfile.App{Name: name.App(folder), Path: folder, Cluster: "default", Render: appfile.RenderAuto})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		taken[folder] = result.Taken
	}
	if !taken["asks"].Any() || taken["not"].Any() || taken["asks"] != taken["built"] {
		t.Fatalf("taken: %v", taken)
	}
	for _, tt := range []struct {
		name   string
		now    helm.Cluster
		err    error
		stands bool
	}{
		{"as it was", is, nil, true},
		{"another version", helm.Cluster{Version: "v1.38.0", APIs: is.APIs}, nil, false},
		{"another API", helm.Cluster{Version: is.Version, APIs: []string{"v1", "v1/Pod", "v2"}}, nil, false},
		{"an API is away", helm.Cluster{Version: is.Version, APIs: []string{"v1"}, Partial: true}, nil, true},
		{"the cluster is away", helm.Cluster{}, errors.New("away"), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			is, away = tt.now, tt.err
			session := renderer.Session(nil)
			defer session.Close()
			app := appfile.App{Cluster: "default"}
			if stands, err := session.Stands(t.Context(), app, taken["asks"]); stands != tt.stands || !errors.Is(err, tt.err) {
				t.Errorf("the chart that asks stands: %v, %v", stands, err)
			}
			if stands, err := session.Stands(t.Context(), app, taken["not"]); !stands || err != nil {
				t.Errorf("the chart that does not ask stands: %v, %v", stands, err)
			}
		})
	}
}
