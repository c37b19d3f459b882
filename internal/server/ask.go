package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/render"
	"github.com/pushboat/pushboat/internal/render/helm"
)

// askCluster answers charts' questions about a cluster.
func askCluster(clusters *deploy.Clusters) render.AskCluster {
	return func(ctx context.Context, name string) (helm.Cluster, error) {
		cluster := clusters.Get(name)
		if cluster == nil {
			return helm.Cluster{}, fmt.Errorf("there is no cluster %q", name)
		}
		about, err := cluster.Kube.About(ctx)
		return helm.Cluster{Version: about.Version, APIs: about.APIs, Partial: !about.Whole}, err
	}
}

// readData reads values for substitution from a cluster. Nothing is read from the server's
// own namespace, where its keys are: whoever may deploy could have them printed.
//
// They are read as the account of the repository, and within its grant: accounts and grants
// may be nil.
func readData(clusters *deploy.Clusters, accounts deploy.Accounts, grants deploy.Grants) render.ReadData {
	return func(ctx context.Context, repo name.Repo, on string, from appfile.Origin) (render.Data, error) {
		cluster := clusters.Get(on)
		if cluster == nil {
			return nil, fmt.Errorf("there is no cluster %q", on)
		}
		if from.Namespace == kube.SystemNamespace {
			return nil, render.ErrServersOwn
		}
		if grants != nil {
			id := manifest.ID{Kind: from.Kind, Namespace: from.Namespace, Name: from.Name}
			err := cluster.CheckGrant(ctx, grants(repo), repo, id)
			if outside, ok := errors.AsType[*deploy.OutsideError](err); ok {
				return nil, &render.RefusedError{Message: outside.Error(), Hint: outside.Hint()}
			}
			if err != nil {
				return nil, err
			}
		}
		as := cluster.Kube
		if accounts != nil {
			as = as.As(accounts(repo, on, ""))
		}
		return as.ReadData(ctx, from.Kind, from.Namespace, from.Name)
	}
}
