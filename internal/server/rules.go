package server

import (
	"context"
	"strings"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/push"
	"github.com/pushboat/pushboat/internal/rulebook"
	"github.com/pushboat/pushboat/repos"
)

// openAccess reads the key files, and makes or reads admin.git.
func (s *server) openAccess() (register access.Register, policy *access.Policy, err error) {
	if s.keyring, err = access.OpenKeyring(keyFiles(s.config), s.log); err != nil {
		return register, nil, err
	}
	if s.rules, err = rulebook.Open(context.Background(), s.repos, rulebook.Config{First: s.firstRules, Trail: s.trail, Clusters: s.fleet, Log: s.log}); err != nil {
		return register, nil, err
	}
	s.rules.Tell(effects{s.engine, s.rules.Current, push.Source{Repos: s.repos}.Repositories, s.fleet.LabelsWith, s.fleet.Configured, func() named { return namedBy(s.config) }, s.proposeNotifications, s.proposeMirrors, s.log})
	s.rollback.Address, s.rollback.Upstream = s.rules.Address, s.upstreamOf
	s.keyring.OnLeave(s.warnOfKey)
	register = access.Register{Files: s.keyring, Rules: s.rules.Rules}
	return register, access.NewPolicy(s.log, register, s.rules.Rules), nil
}

// firstRules makes the files of the server's first admin.git.
func (s *server) firstRules() (map[string][]byte, error) {
	base, err := repos.Admin()
	if err != nil {
		return nil, err
	}
	return rules.First(base, s.keyring.Directory().AdminKeys())
}

// nobody is the account of every repository while no rules are in force: they may grant one,
// and nothing is done with the server's own rights until that is known. No server makes it.
var nobody = kube.Account{Namespace: kube.SystemNamespace, Name: "until-rules-are-in-force"}

// accountOf is the account as which a repository is deployed, on any cluster, see
// deploy.Accounts.
func (s *server) accountOf(repo name.Repo, _, asked string) kube.Account {
	account, known := s.rules.Account(repo, asked)
	if !known {
		return nobody
	}
	namespace, name, _ := strings.Cut(account, "/")
	return kube.Account{Namespace: namespace, Name: name}
}

// grantOf is what a repository may deploy.
func (s *server) grantOf(repo name.Repo) *grant.Grant { return s.rules.Current().Grant(repo) }

// warnOfKey tells of a key that has left the key files, if the rules still have it: who
// removes a leaked key from one place may think that it is gone.
func (s *server) warnOfKey(left access.Operator) {
	if key, ok := s.rules.Current().Key(left.Fingerprint); ok {
		s.log.Warnf("access: key %s of %s has left the key files, and still opens the server by %s in repository %s",
			left.Fingerprint, left.Name, key.At, access.AdminRepo)
	}
}
