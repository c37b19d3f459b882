package server

import (
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/install"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
)

// own says what may be deployed of this server itself.
func (s *server) own(clusters *deploy.Clusters) plan.Own {
	cluster := clusters.Get(appfile.DefaultCluster)
	if s.config.Self.Repository == "" || cluster == nil {
		return plan.Own{}
	}
	return plan.Own{
		Repo: name.Repo(s.config.Self.Repository), Cluster: appfile.DefaultCluster,
		Check: install.NewGuard(cluster.Kube).Check,
	}
}
