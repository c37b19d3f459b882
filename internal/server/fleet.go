package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/fleet"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/settings"
)

// openFleet opens the clusters of the configuration.
func (s *server) openFleet(ctx context.Context) (*deploy.Clusters, error) {
	configured, err := configured(s.config)
	if err == nil {
		s.fleet, err = fleet.Open(fleet.Config{
			Context: ctx, Dir: s.path("clusters"), Tools: append(s.config.Drift.HandTools, owner.DefaultTools...),
			Guard: func(cluster *kube.Cluster) { cluster.Guard(s.fence.Standing(), s.fence.Check) }, Fence: s.fence.Check, Log: s.log,
			Keys: ruledKeys{s}, Allowed: allowed(s.config),
		}, configured)
	}
	if err != nil {
		return nil, fmt.Errorf("%w; give --kubeconfig FILE, or clusters: in the configuration", err)
	}
	return s.fleet.Clusters(), nil
}

// configured are the clusters that the configuration names, by name.
func configured(c settings.Config) ([]fleet.Member, error) {
	var members []fleet.Member
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(c.Clusters)) {
		way, err := kube.Kubeconfig{File: c.Clusters[name].Kubeconfig, Allowed: allowed(c)}.Way()
		if err != nil {
			problems = append(problems, fmt.Errorf("cluster %s: %w", name, err))
			continue
		}
		members = append(members, fleet.Member{Name: name, Place: placeOf(c, name), Labels: c.Clusters[name].Labels, Annotations: c.Clusters[name].Annotations, Way: way})
	}
	return members, errors.Join(problems...)
}

// placeOf says where the configuration names a cluster.
func placeOf(c settings.Config, cluster string) string {
	at := c.Origin("clusters/" + cluster)
	if own := c.Origin("kubeconfig"); cluster == appfile.DefaultCluster && own != (settings.Place{}) {
		at = own
	}
	if at == (settings.Place{}) {
		return "the configuration"
	}
	return at.String()
}

// allowed is what clusters may use of the server's machine; the files are those of admin.git.
func allowed(c settings.Config) kube.Allowed {
	return kube.Allowed{Programs: c.ClusterPrograms, Files: c.ClusterFiles}
}

// ruledKeys are the server's keys, which it opens after its clusters.
type ruledKeys struct{ *server }

// Decrypt implements fleet.Keys.
func (k ruledKeys) Decrypt(ctx context.Context, name string, data []byte) ([]byte, *manifest.Problem) {
	return k.keys.Decrypt(ctx, name, data)
}

// reselect has the apps come whose clusters are selected by now, and holds those whose
// clusters no longer are.
func (s *server) reselect() {
	if err := s.engine.Reselected(context.Background(), nil); err != nil {
		s.log.Errorf("reload: %v; apps that select clusters are found again with the next reload", err)
	}
}
