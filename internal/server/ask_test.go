package server

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/kube"
)

// TestNoAppReadsTheServersNamespace: an app that could read the Secrets of the server's
// namespace could print them.
func TestNoAppReadsTheServersNamespace(t *testing.T) {
	read := readData(map[string]*deploy.Cluster{"default": {}}, nil, nil)
	for cluster, want := range map[string]string{"default": "is this server's own", "other": "no cluster"} {
		from := appfile.Origin{Kind: "Secret", Namespace: kube.SystemNamespace, Name: "bucket"}
		if _, err := read(t.Context(), "shop", cluster, from); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("on cluster %s: %v", cluster, err)
		}
	}
}
