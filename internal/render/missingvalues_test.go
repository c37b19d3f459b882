package render

import (
	"context"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/name"
)

// TestMissingValues: that no app makes an object is said only where the apps are asked.
func TestMissingValues(t *testing.T) {
	none := func(context.Context, name.Repo, string, appfile.Origin) (Data, error) { return nil, nil }
	for file, want := range map[string]string{
		"apps.yaml":  "there is no ConfigMap n/words on cluster default, and no app of this revision makes it",
		appfile.Name: "there is no ConfigMap n/words on cluster default",
	} {
		session := New(nil, cluster).WithData(none).Session(fstest.MapFS{})
		from := appfile.ValuesFrom{Kind: "ConfigMap", Namespace: "n", Name: "words", File: file, Line: 3}
		if _, problem := session.valuesFrom(t.Context(), "default", from); problem == nil || problem.Message != want {
			t.Errorf("%s: %+v", file, problem)
		}
		session.Close()
	}
}
