package server

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/pushboat/pushboat/internal/datadir"
	"github.com/pushboat/pushboat/internal/git"
)

const (
	// stopGrace is how long sessions may go on after the server was asked to stop.
	// Kubernetes kills a pod after 30 s.
	stopGrace = 25 * time.Second
	// stopWaits is how long of that deploys may wait for health.
	stopWaits = stopGrace * 4 / 5
)

// takeDirectory makes the data directory this server's: whoever had it before finds
// another epoch there, and stops.
func (s *server) takeDirectory() error {
	epoch, err := datadir.RaiseEpoch(s.config.Data, holder(), "", time.Now())
	if git.Full(err) { // the directory's lock keeps others out, as before there were epochs
		s.log.Warnf("%v; the last one stays: two servers that share the directory are kept apart by its lock alone", err)
		err = nil
	}
	if err != nil {
		return err
	}
	s.fence = datadir.NewFence(s.config.Data, epoch)
	return datadir.Upgrade(s.config.Data, s.log)
}

// holder names this process.
func holder() string { return fmt.Sprintf("%s, process %d", hostName(), os.Getpid()) }

// stopStale stops a server that another one has taken the place of. Nothing that it has
// begun may go on: sessions are told, and end.
func (s *server) stopStale() error {
	err := s.fence.Err()
	s.log.Errorf("%v; this server applies nothing and takes no push any more, and ends", err)
	s.stop(true)
	return err
}

// stop lets running sessions end, then the deploys that they do not wait for. What still
// waits for health is taken up by the next server: an heir does so at once, so that
// nothing is waited for here.
func (s *server) stop(heir bool) {
	s.stopping.Store(true)
	s.notify(stateStopping)
	s.log.Info("stopping: running pushes may end")
	s.timetable.stop()
	s.fullTimetable.stop()
	s.keeper.Stop()
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
	s.engine.Stop(ctx)
	<-sessions
}
