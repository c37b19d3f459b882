package server

import (
	"github.com/pushboat/pushboat/internal/announce"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/name"
)

// newAnnouncer makes what tells clusters of the events on the bus.
func (s *server) newAnnouncer() *announce.Announcer {
	return announce.New(announce.Config{
		Level: announce.Level(s.config.Events.Kubernetes), Bus: s.events, Reporter: s.id, Log: s.log,
		Regarding: func(app name.App, keys []string) (announce.Cluster, []kube.Notice) {
			cluster, about := s.engine.Regarding(app, keys)
			if cluster == nil {
				return nil, nil
			}
			return cluster, about
		},
	})
}
