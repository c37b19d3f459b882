package server

import (
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
	"k8s.io/client-go/rest"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
)

// TestNoAppReadsTheServersNamespace: an app that could read the Secrets of the server's
// namespace could print them.
func TestNoAppReadsTheServersNamespace(t *testing.T) {
	api, err := kube.Open("default", &rest.Config{Host: "https://127.0.0.1:1"}, logrus.NewEntry(logrus.New()))
	if err != nil {
		t.Fatal(err)
	}
	cluster := deploy.NewCluster(api, live.New(t.Context(), api, nil, logrus.NewEntry(logrus.New())))
	read := readData(deploy.NewClusters(cluster), nil, nil)
	for cluster, want := range map[string]string{"default": "is this server's own", "other": "no cluster"} {
		from := appfile.Origin{Kind: "Secret", Namespace: kube.SystemNamespace, Name: "bucket"}
		if _, err := read(t.Context(), "shop", cluster, from); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("on cluster %s: %v", cluster, err)
		}
	}
}
