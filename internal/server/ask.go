package server

import (
	"context"
	"fmt"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/render"
	"github.com/pushboat/pushboat/internal/render/helm"
)

// askCluster answers charts' questions about a cluster.
func askCluster(clusters map[string]*deploy.Cluster) render.AskCluster {
	return func(ctx context.Context, name string) (helm.Cluster, error) {
		cluster := clusters[name]
		if cluster == nil {
			return helm.Cluster{}, fmt.Errorf("there is no cluster %q", name)
		}
		about, err := cluster.Kube.About(ctx)
		return helm.Cluster{Version: about.Version, APIs: about.APIs, Partial: !about.Whole}, err
	}
}

// readData reads values for substitution from a cluster. Nothing is read from the server's
// own namespace, where its keys are: whoever may deploy could have them printed.
func readData(clusters map[string]*deploy.Cluster) render.ReadData {
	return func(ctx context.Context, name string, from appfile.Origin) (render.Data, error) {
		cluster := clusters[name]
		if cluster == nil {
			return nil, fmt.Errorf("there is no cluster %q", name)
		}
		if from.Namespace == kube.SystemNamespace {
			return nil, render.ErrServersOwn
		}
		return cluster.Kube.ReadData(ctx, from.Kind, from.Namespace, from.Name)
	}
}
