package server

import (
	"github.com/pushboat/pushboat/internal/access/token"
	"github.com/pushboat/pushboat/internal/doctor"
	"github.com/pushboat/pushboat/internal/settings"
)

// doctor makes the one who examines this server.
func (s *server) doctor() *doctor.Doctor {
	return &doctor.Doctor{
		Data: s.config.Data, Git: s.repos.GitVersion, Clusters: s.patients,
		Rules: s.rules.Current, KeyFiles: s.keyring.Directory, Tokens: s.goodTokens, Repos: s.repos.List, Names: s.doctorsNames,
		Backups: s.backups.State, ByHand: s.backupSource().Newest, Trail: s.trail.Verify, Told: s.notifier.State, Mirrors: s.remotes.Standings, Settings: s.changedSettings,
	}
}

// goodTokens are the tokens of everybody, as far as they are good.
func (s *server) goodTokens() []token.Token { return s.tokens.List("") }

// patients are the clusters, by name.
func (s *server) patients() []doctor.Cluster {
	clusters := s.fleet.Clusters().All()
	all := make([]doctor.Cluster, len(clusters))
	for i, cluster := range clusters {
		all[i] = cluster.Kube
	}
	return all
}

// changedSettings reads the settings anew, and returns those that have other values than
// are in force.
func (s *server) changedSettings() ([]doctor.Setting, error) {
	next, err := Settings(s.sources)
	if err != nil {
		return nil, err
	}
	reread := s.inForce()
	var changed []doctor.Setting
	for _, of := range settings.Changed(s.config, next) {
		if !of.Reload {
			changed = append(changed, doctor.Setting{Name: of.Name, Where: next.Where(of.Name)})
		}
	}
	for _, of := range settings.Changed(reread, next) {
		if of.Reload {
			changed = append(changed, doctor.Setting{Name: of.Name, Where: next.Where(of.Name), Reload: true})
		}
	}
	return changed, nil
}

// inForce returns the settings as of the last reload.
func (s *server) inForce() settings.Config {
	s.rereading.Lock()
	defer s.rereading.Unlock()
	return s.reread
}
