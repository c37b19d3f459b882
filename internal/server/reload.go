package server

import (
	"strings"

	"github.com/pushboat/pushboat/internal/fleet"
	"github.com/pushboat/pushboat/internal/settings"
	"github.com/pushboat/pushboat/internal/sshd"
)

// reload reads the settings and the key files again, applies those that can change, and
// logs which. If anything is wrong, nothing changes.
func (s *server) reload() {
	next, err := Settings(s.sources)
	var clusters []fleet.Member
	if err == nil {
		clusters, err = configured(next)
	}
	if err == nil {
		err = s.keyring.Reload(keyFiles(next))
	}
	if err == nil {
		err = s.fleet.Configure(clusters, allowed(next))
	}
	if err == nil {
		err = s.leaseLine.reconnect(next)
	}
	if err != nil {
		for _, problem := range each(err) {
			s.log.Errorf("reload: %v", problem)
		}
		s.log.Error("reload: the former settings and the former keys stay in force; try pushboat config check, and send SIGHUP again")
		return
	}
	s.background.Go(s.reselect) // it waits until every repository has been read
	taken := s.takeUp(next)
	s.log.Infof("reload: %s; taken up: %s; every other setting takes a restart", s.keyring.Describe(), taken)
}

// each returns the errors that err joins, or err itself.
func each(err error) []error {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		return several.Unwrap()
	}
	return []error{err}
}

// takeUp applies settings, and returns the names of those that have changed since the
// last reload. A setting that takes a restart keeps its value, and the log names it.
func (s *server) takeUp(next settings.Config) string {
	for _, changed := range settings.Changed(s.config, next) {
		if !changed.Reload {
			s.log.Warnf("reload: %s has changed (%s): that takes a restart", changed.Name, next.Where(changed.Name))
		}
	}
	var taken []string
	for _, changed := range settings.Changed(s.reread, next) {
		if changed.Reload {
			taken = append(taken, changed.Name)
		}
	}
	s.rereading.Lock()
	s.reread = next
	s.rereading.Unlock()
	setLog(s.log.Logger, next.Log)
	s.repos.Bound(int64(next.Git.MaxPushSize), next.Git.MaxCPUTime, next.Git.Timeout)
	s.renderers.Bound(next.Render.Workers())
	s.backups.Configure(s.offsite(next))
	s.notifier.Configure(s.notifySettings(next))
	s.mirrors.Configure(s.mirrorSettings(next))
	s.trail.Bound(trailLimits(next))
	s.ship(next)
	if err := s.ssh.Change(sshLimits(next.SSH), next.SSH.Advertised()); err != nil {
		s.log.Errorf("reload: %v", err) // never: the table bounds their values
	}
	if len(taken) == 0 {
		return "no setting"
	}
	return strings.Join(taken, ", ")
}

func sshLimits(c settings.SSH) sshd.Limits {
	return sshd.Limits{
		HandshakeTimeout: c.HandshakeTimeout, IdleTimeout: c.IdleTimeout,
		MaxConnections: c.MaxConnections, MaxPerAddress: c.MaxConnectionsPerAddress,
		MaxUnauthenticated: c.MaxStartups, MaxUnauthenticatedPerAddress: c.MaxStartupsPerAddress,
		MaxSessions: c.MaxSessionsPerConnection,
	}
}
