package server

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/notify"
	"github.com/pushboat/pushboat/internal/notify/reach"
	"github.com/pushboat/pushboat/internal/notify/shout"
	"github.com/pushboat/pushboat/internal/render/worker"
	"github.com/pushboat/pushboat/internal/settings"
	"github.com/pushboat/pushboat/internal/sshd"
)

// buildNotifier makes the notifier. It takes the rules that are in force, and hears of others.
func (s *server) buildNotifier() error {
	program, err := worker.Program()
	if err != nil {
		return err
	}
	s.notifier = notify.New(notify.Config{
		Dir: s.path("notify"), Engine: s.engine, Events: s.events, Records: s.history.List,
		Rules: s.rules.Current, Backups: s.backups.State, Silent: s.silent, Keys: s.keys, Fence: s.fence.Check, Server: s.id, Fill: s.advertised().Fill,
		Program: append(slices.Clone(program[:len(program)-1]), shout.Command), Log: s.log,
	}, s.notifySettings(s.config))
	return nil
}

// silent are the upstreams and remotes that do not answer.
func (s *server) silent() (list []notify.Silent) {
	for _, m := range s.remotes.Standings() {
		if m.Trouble != nil {
			list = append(list, notify.Silent{Repo: m.Repo, Remote: m.Remote, Since: m.Trouble.Since, Error: m.Trouble.Error})
		}
	}
	return list
}

// advertised is the address for clients, as somebody types it who has no session; without the
// setting, HOST stays in texts.
func (s *server) advertised() sshd.Address {
	address := s.config.SSH.Advertised()
	if address.User == "" {
		address.User = "git"
	}
	return address
}

// notifySettings are the settings of the notifier, which a reload changes.
func (s *server) notifySettings(c settings.Config) notify.Settings {
	of := notify.Settings{
		Reach: reach.Reach{Way: s.way, Networks: c.Notify.Prefixes()}, Outgoing: outgoingConfig(s.config), // of which the way is
	}
	if c.Notify.Files != "" {
		if dir, err := filepath.Abs(c.Notify.Files); err == nil { // else no file is in it
			of.Files = dir
		}
	}
	return of
}

// proposeNotifications says what is wrong with notifications to come.
func (s *server) proposeNotifications(next *rules.Notifications) manifest.Problems {
	return s.notifier.Propose(context.Background(), next)
}

// rulesMoved tells those who go by the rules that others are in force.
func (s *server) rulesMoved() {
	s.engine.WindowsMoved()
	s.notifier.RulesMoved()
	s.mirrors.RulesMoved()
	s.remotes.RulesMoved()
}
