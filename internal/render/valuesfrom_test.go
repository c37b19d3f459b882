package render

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/name"
)

// withFrom is an app of chartOfSecrets, with a value in a Secret of its cluster.
func withFrom(optional bool) appfile.App {
	app := appfile.App{Name: "shop", Path: "c", Cluster: "default", Render: appfile.RenderHelm}
	app.Helm.Values = []appfile.HelmValues{{From: &appfile.HelmFrom{
		ValuesFrom: appfile.ValuesFrom{Kind: "Secret", Namespace: "n", Name: "login", Optional: optional, File: "a.yaml", Line: 3}, Key: "word", Target: "password",
	}}}
	return app
}

// TestValuesOfChartsComeFromTheCluster: they are concealed, they count as taken, and what is not
// there is a problem with the line, unless it need not be there.
func TestValuesOfChartsComeFromTheCluster(t *testing.T) {
	word := "hunter22"
	var failure error
	read := func(context.Context, name.Repo, string, appfile.Origin) (Data, error) {
		if word == "" {
			return nil, failure
		}
		return Data{"word": []byte(word)}, failure
	}
	files := revision(chartOfSecrets...)
	renderer := New(newGoldenSession(t).pool, cluster).WithData(read)
	session := func() *Session {
		s := renderer.Session(files)
		t.Cleanup(s.Close)
		return s
	}
	app := withFrom(false)
	result, problems := session().App(t.Context(), app)
	if len(problems) > 0 || len(result.Objects) != 2 || result.Taken.Values == "" {
		t.Fatalf("%v, problems %v", result.Objects, problems)
	}
	for _, o := range result.Objects {
		if got := slices.Sorted(slices.Values(o.Concealed())); o.GetName() == "a" && !slices.Equal(got, []string{"/data/coded", "/data/part"}) {
			t.Errorf("%s conceals %q", o.GetName(), got)
		}
	}
	if coded, _ := result.Objects[0].ValueAt("data.coded"); coded != "aHVudGVyMjI=" {
		t.Errorf("the value is %v", coded)
	}
	if stands, err := session().Stands(t.Context(), app, result.Taken); err != nil || !stands {
		t.Errorf("it stands: %v, %v", stands, err)
	}
	word = "other"
	if stands, err := session().Stands(t.Context(), app, result.Taken); err != nil || stands {
		t.Errorf("with another value it stands: %v, %v", stands, err)
	}
	word = ""
	if _, problems := session().App(t.Context(), app); len(problems) != 1 || !strings.Contains(problems.Error(), "a.yaml:3: there is no Secret n/login on cluster default") || problems[0].App != "shop" {
		t.Errorf("problems %v", problems)
	}
	failure = errors.New("is away")
	if _, problems := session().App(t.Context(), app); !strings.Contains(problems.Error(), "is away") {
		t.Errorf("problems %v", problems)
	}
	failure = nil
	if _, problems := session().App(t.Context(), withFrom(true)); !strings.Contains(problems.Error(), "b64enc") { // the chart needs one
		t.Errorf("problems %v", problems)
	}
}

// TestValuesOfChartsWithoutACluster: one value has a stand-in, where nobody is asked.
func TestValuesOfChartsWithoutACluster(t *testing.T) {
	files := revision(chartOfSecrets...)
	for what, renderer := range map[string]*Renderer{
		"without a server": New(newGoldenSession(t).pool, cluster),
		"blind": New(newGoldenSession(t).pool, cluster).WithData(func(context.Context, name.Repo, string, appfile.Origin) (Data, error) {
			t.Error("the cluster was asked")
			return nil, nil
		}).Blind(),
	} {
		session := renderer.Session(files)
		result, problems := session.App(t.Context(), withFrom(false))
		session.Close()
		if len(problems) > 0 || len(result.Objects) != 2 {
			t.Errorf("%s: %v, problems %v", what, result.Objects, problems)
		}
	}
}
