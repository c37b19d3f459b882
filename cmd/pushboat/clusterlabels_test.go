package main

import (
	"reflect"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
)

// TestAnnotationsOfTheCommandLine: --cluster-annotation gives clusters annotations, which have
// commas.
func TestAnnotationsOfTheCommandLine(t *testing.T) {
	flags := &folderFlags{labels: []string{"paris:region=eu"}, annotations: []string{"paris:url=https://a/b,c=d", "paris:team=web", "rome:team=blog"}}
	clusters, err := flags.clusters()
	labels, annotations := appfile.Apart(clusters["paris"])
	if err != nil || !reflect.DeepEqual(labels, map[string]string{"region": "eu"}) || !reflect.DeepEqual(annotations, map[string]string{"url": "https://a/b,c=d", "team": "web"}) || len(clusters) != 2 {
		t.Errorf("%v, %v, %v", labels, annotations, err)
	}
	for _, wrong := range []string{"paris", "paris:team", ":team=web", "paris:a b=c", "paris:team=a\nb"} {
		if _, err := (&folderFlags{annotations: []string{wrong}}).clusters(); err == nil || !strings.Contains(err.Error(), "is not NAME:KEY=VALUE") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

// TestClustersOfTheCommandLine: --cluster-labels names clusters with their labels, as the
// server would know them.
func TestClustersOfTheCommandLine(t *testing.T) {
	for _, test := range []struct {
		given []string
		want  appfile.Clusters
		wrong string
	}{
		{nil, appfile.Clusters{}, ""},
		{[]string{"paris:region=eu,tier=prod", "rome:region=eu"}, appfile.Clusters{"paris": {"region": "eu", "tier": "prod"}, "rome": {"region": "eu"}}, ""},
		{[]string{"paris"}, appfile.Clusters{"paris": {}}, ""},
		{[]string{"paris:"}, appfile.Clusters{"paris": {}}, ""},
		{[]string{"paris:region="}, appfile.Clusters{"paris": {"region": ""}}, ""},
		{[]string{"paris:a=1", "paris:a=2"}, appfile.Clusters{"paris": {"a": "2"}}, ""}, // the last one counts, as with any flag
		{[]string{"paris:region"}, nil, `--cluster-labels "paris:region" is not NAME:KEY=VALUE`},
		{[]string{"paris:region=eu,"}, nil, "is not NAME:KEY=VALUE"},
		{[]string{"region=eu"}, appfile.Clusters{"region=eu": {}}, ""},
		{[]string{":region=eu"}, nil, "for example --cluster-labels paris:region=eu"},
		{[]string{""}, nil, "is not NAME:KEY=VALUE"},
	} {
		got, err := (&folderFlags{labels: test.given}).clusters()
		if !reflect.DeepEqual(got, test.want) || (err == nil) != (test.wrong == "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
			t.Errorf("%q: %v, %v", test.given, got, err)
		}
	}
}
