package web

import (
	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/doctor"
	"github.com/pushboat/pushboat/internal/name"
)

// serverPage is the page of the server itself.
type serverPage struct {
	Queue    deploy.Queue
	Clusters []clusterPart
	Examined bool // whether the visitor may have the server examined
	Findings []doctor.Finding
	Problems int
	Said     []string // instead of findings
}

// clusterPart is a cluster on that page.
type clusterPart struct {
	deploy.ClusterState
	Apps    []name.App
	Objects int
}

// showServer shows how the server is, and its clusters.
func showServer(v *visit) error {
	p := serverPage{Queue: v.door.Apps.Engine.Queue()}
	for _, state := range v.door.Apps.Engine.ClusterStates(v.r.Context()) {
		part := clusterPart{ClusterState: state, Apps: v.door.Apps.Engine.AppsOnCluster(state.Name)}
		for _, watch := range state.Watches {
			part.Objects += watch.Objects
		}
		p.Clusters = append(p.Clusters, part)
	}
	if p.Examined = v.allowsOnServer(access.Examine); p.Examined {
		var answer struct {
			Problems int
			Findings []doctor.Finding
		}
		var err error
		if p.Said, err = v.asks(&answer, []string{"doctor"}); err != nil {
			return err
		}
		p.Problems, p.Findings = answer.Problems, answer.Findings
	}
	return v.show("server", frame{Title: "Server", Section: "server", Body: p})
}
