package server

import (
	"context"
	"time"

	"github.com/pushboat/pushboat/internal/deploy"
)

const (
	// stopGrace is how long sessions may go on after the server has begun to stop.
	// Kubernetes kills a pod after 30 s.
	stopGrace = 25 * time.Second
	// stopWaits is the part of stopGrace in which deploys may wait for health.
	stopWaits = stopGrace * 4 / 5
)

// stopStale stops a server that another one has replaced. None of its work may go on:
// sessions are told, and end.
func (s *server) stopStale() error {
	err := s.fence.Err()
	s.log.Errorf("%v; this server applies nothing and takes no push any more, and ends", err)
	s.stop(true)
	return err
}

// endWatches ends the watches of clusters, and returns when none runs.
func endWatches(cancel context.CancelFunc, clusters *deploy.Clusters) {
	cancel()
	for _, cluster := range clusters.All() {
		cluster.Index.Wait()
	}
}

// hasHeir reports whether another server goes on at once: a standby, or the one that takes
// the place of a server that deploys itself.
func (s *server) hasHeir() bool { return s.lease != nil || s.config.Self.Repository != "" }

// stop lets running sessions end, then the deploys that they do not wait for. The next
// server resumes deploys that wait for health. An heir does so at once, so this server
// does not wait for them.
func (s *server) stop(heir bool) {
	s.phase.Store(int32(stopping))
	s.notify(stateStopping)
	s.front.shut()
	s.log.Info("stopping: running pushes may end")
	s.timetable.stop()
	s.fullTimetable.stop()
	s.mirrorTable.stop()
	s.mirrors.Stop()
	s.remotes.Stop()
	s.keeper.Stop()
	backups := make(chan struct{})
	go func() {
		s.backups.Stop()
		close(backups)
	}()
	waits, next := stopWaits, "at the next start"
	if heir {
		s.engine.HandOver()
		waits, next = 0, "on the server that takes this one's place"
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	sessions := make(chan struct{})
	go func() {
		if err := s.ssh.Shutdown(ctx); err != nil {
			s.log.Warnf("ssh: %v", err)
		}
		close(sessions)
	}()
	select {
	case <-sessions:
	case <-time.After(waits):
		s.log.Infof("stopping: deploys that wait for health go on %s", next)
	}
	s.closePages(ctx)
	s.engine.Stop(ctx)
	s.notifier.Stop()
	close(s.leaving) // so that they can end, before they are cut off
	<-sessions
	<-backups
}
