package server

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/datadir"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/lease"
)

// phase is a stage in the life of a server.
type phase int32

const (
	standing phase = iota // standing by until it leads; it has touched nothing in the data directory
	starting
	serving
	stopping // no push begins any more
)

// lead returns when this server may take the data directory. Without a lease it returns
// at once: then only the directory's lock keeps two servers apart.
func (s *server) lead(ctx context.Context, reload <-chan os.Signal) error {
	defer s.phase.Store(int32(starting))
	if s.config.Lease == "" {
		return nil
	}
	name, err := lease.ParseName(s.config.Lease)
	if err != nil {
		return fmt.Errorf("lease: %w", err)
	}
	if s.leaseLine, err = openLeaseLine(s.config, s.log); err != nil {
		return fmt.Errorf("lease %s: %w", name, err)
	}
	cluster := s.leaseLine.Config()
	if err := s.serveProbes(); err != nil {
		return err
	}
	if err := s.serveMetrics(); err != nil {
		return err
	}
	address, err := s.openFront()
	if err != nil {
		return err
	}
	own := identity(address)
	if f := s.front; f != nil {
		if f.forget, err = lease.Follow(cluster, name, f.follow(own)); err != nil {
			return err
		}
	}
	s.log.Infof("standing by: pushboat %s waits for the lease %s%s", s.version, name, s.doorsAt())
	s.notify(stateReady) // a service manager would kill a server that takes long to start
	defer s.reloadStanding(reload)()
	begun := time.Now()
	if s.lease, err = lease.Acquire(ctx, cluster, name, own, s.log); err != nil {
		return err
	}
	s.log.Infof("leading: got the lease %s after %s", name, time.Since(begun).Round(time.Millisecond))
	return nil
}

// reloadStanding has a standby reach the lease as the kubeconfig says by now, after each
// signal, until end is called. Everything else of a reload is left for when it leads.
func (s *server) reloadStanding(reload <-chan os.Signal) (end func()) {
	done := make(chan struct{})
	var standing sync.WaitGroup
	standing.Go(func() {
		for {
			select {
			case <-reload:
				s.reloadLater = true
				next, err := readSettings(s.sources)
				if err == nil {
					err = s.leaseLine.reconnect(next)
				}
				if err != nil {
					s.log.Errorf("reload: %v", err)
				}
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		standing.Wait()
	}
}

// doorsAt returns the addresses of a standby, for the log.
func (s *server) doorsAt() (doors string) {
	if s.front != nil {
		doors = ", ssh " + s.front.listener.Addr().String()
	}
	if s.httpAddr != nil {
		doors += ", http " + s.httpAddr.String()
	}
	return doors
}

// unlessDone returns err, or the cause of ctx if ctx is done.
func unlessDone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // it is but the end that ctx asked for
	}
	return err
}

// watchLease makes the server stale when it loses its lease.
func (s *server) watchLease(ctx context.Context) {
	if s.lease == nil {
		return
	}
	select {
	case <-s.lease.Lost():
		s.fence.Fall(s.lease.Why())
	case <-ctx.Done():
	}
}

// termEnded returns why this server may no longer lead; "" while it may.
func (s *server) termEnded() string {
	if s.lease == nil {
		return ""
	}
	return s.lease.Ended()
}

// maySeize reports whether this server may break another process's lock on the data
// directory: both led by the same lease.
func (s *server) maySeize() bool {
	found, err := datadir.ReadEpoch(s.config.Data)
	return s.lease != nil && err == nil && seizes(s.config.Lease, found)
}

// seizes decides maySeize from data.
func seizes(lease string, found datadir.Epoch) bool { return lease != "" && found.Lease == lease }

// takeDirectory makes this server the owner of the data directory: the previous owner
// finds another epoch there, and stops.
func (s *server) takeDirectory() error {
	epoch, err := datadir.RaiseEpoch(s.config.Data, holder(), s.config.Lease, time.Now())
	if git.Full(err) && s.lease == nil { // the directory's lock keeps others out
		s.log.Warnf("%v; the last one stays: two servers that share the directory are kept apart by its lock alone", err)
		err = nil
	}
	if err != nil {
		return err
	}
	s.fence = datadir.NewFence(s.config.Data, epoch, s.termEnded)
	return datadir.Upgrade(s.config.Data, s.log)
}

// holder describes this process for people.
func holder() string { return fmt.Sprintf("%s, process %d", hostName(), os.Getpid()) }

// askToStop asks the server to stop as SIGTERM does, and returns the server that takes
// over; "" for none.
func (s *server) askToStop(by string) (heir string) {
	s.log.Infof("drain: asked for by %s", by)
	select {
	case s.drain <- struct{}{}:
	default: // asked already
	}
	return s.config.Lease
}
