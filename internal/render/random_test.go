package render

import (
	"io/fs"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/appfile"
)

// testedChart is a chart with a test whose name changes with each rendering.
func testedChart() fstest.MapFS {
	fsys := revision(
		"c/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n",
		"c/templates/cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {at: 'x'} # {{ now }}\n",
		"c/templates/test.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: t-{{ randAlphaNum 8 | lower }}\n  annotations: {\"helm.sh/hook\": test}\n"+
			"spec: {containers: [{name: c, image: x}]}\n",
	)
	return fsys
}

// TestRandomTestsDoNotChangeTheDigest: no deploy applies a chart's test, so a check must
// not see a change in its random name. It must see a change in an applied object.
func TestRandomTestsDoNotChangeTheDigest(t *testing.T) {
	ours := newGoldenSession(t)
	digestOf := func(fsys fs.FS) string {
		session := New(ours.pool, cluster).Session(fsys)
		defer session.Close()
		result, problems := session.App(t.Context(), appfile.App{Name: "shop", Path: "c", Cluster: "default", Render: appfile.RenderAuto})
		if len(problems) > 0 || len(result.Objects) != 2 {
			t.Fatal(problems)
		}
		return result.Digest
	}
	first, second := digestOf(testedChart()), digestOf(testedChart())
	if first != second {
		t.Error("the digest of two renderings is not the same")
	}
	inflated := func() fstest.MapFS {
		fsys := testedChart()
		for name, file := range maps.Clone(fsys) {
			delete(fsys, name)
			fsys["c/charts/web"+strings.TrimPrefix(name, "c")] = file
		}
		fsys["c/kustomization.yaml"] = &fstest.MapFile{Data: []byte("namePrefix: a-\nhelmCharts: [{name: web, releaseName: web}]\n")}
		return fsys
	}
	if one, other := digestOf(inflated()), digestOf(inflated()); one != other {
		t.Error("in a kustomization, the digest of two renderings is not the same")
	}
	edited := testedChart()
	file := edited["c/templates/cm.yaml"]
	file.Data = []byte(strings.Replace(string(file.Data), "'x'", "'y'", 1))
	if digestOf(edited) == first {
		t.Error("the digest is the same after an edit")
	}
}
