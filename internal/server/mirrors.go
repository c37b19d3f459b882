package server

import (
	"path"
	"path/filepath"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/mirror"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/notify/reach"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/settings"
)

// buildMirrors makes the keeper of the mirrors, and the sender to the remotes, that the rules in force name.
func (s *server) buildMirrors() {
	s.mirrors = mirror.New(mirror.Config{
		File: s.path("mirrors.json"), Repos: s.repos, Gate: s.door, Rules: s.rules.Current,
		Schedule: func(repo name.Repo, spec string) { s.mirrorTable.set(repo, spec) },
		Disk:     s.door.Disk, Fence: s.fence.Check, Log: s.log,
		Apps: s.appsOf, News: s.engine.Listen, Page: s.pageAbout, Keys: s.keys, Problems: s.problemsOf,
	}, s.mirrorSettings(s.config))
	s.remotes = mirror.NewSender(s.mirrors, s.path("remotes.json"))
	s.mirrorTable = newTimetable(s.mirrors.Due, maxJitter, s.log)
}

// folderOf is the folder from which a repository is deployed where it has no pushboat.yaml.
func (s *server) folderOf(repo name.Repo) string { return s.rules.Current().FolderOf(repo) }

// addressesOf are the addresses of a repository where it lives elsewhere.
func (s *server) addressesOf(repo name.Repo) []string { return s.rules.Current().Addresses(repo) }

// elsewhere is the repository that an address means, if apps of another one may be rendered from
// it.
func (s *server) elsewhere(user name.Repo, address string) name.Repo {
	at := meaning.Normal(address)
	return s.rules.Current().Elsewhere(user, func(url string) bool { return meaning.Normal(url) == at }, path.Base(at))
}

// isSource reports whether a repository is there for the apps of others.
func (s *server) isSource(repo name.Repo) bool {
	m := s.rules.Current().Mirror(repo)
	return m != nil && m.UsedBy != nil
}

// appsOf is how the apps of a repository do.
func (s *server) appsOf(repo name.Repo) (list []deploy.Status) {
	for _, app := range s.engine.AppsOf(repo) {
		if status, ok := s.engine.Status(app); ok {
			list = append(list, status)
		}
	}
	return list
}

// pageAbout is the address of the page of a refusal or an app; "" if there are no pages.
func (s *server) pageAbout(kind, id string) string {
	if kind == "refusal" {
		return s.pageOf(id)
	}
	if door := s.pages.Load(); door != nil {
		return door.AppPage(name.App(id))
	}
	return ""
}

// problemsOf are those of a push or a fetched revision that was refused, and how many more there
// were; none if they are not kept any more.
func (s *server) problemsOf(id string) (problems []report.OutlinedProblem, more int) {
	kept, _ := s.refusals.Find(id)
	for _, problem := range kept.Problems {
		problems = append(problems, problem.OutlinedProblem)
	}
	return problems, kept.More
}

// mirrorSettings are the settings of mirrors, which a reload changes.
func (s *server) mirrorSettings(c settings.Config) mirror.Settings {
	of := mirror.Settings{Reach: reach.Reach{Way: s.way, Networks: c.Mirror.Prefixes()}, Within: c.Git.Timeout}
	if c.Mirror.Files != "" {
		if dir, err := filepath.Abs(c.Mirror.Files); err == nil { // else no file is in it
			of.Files = dir
		}
	}
	return of
}

// proposeMirrors says what is wrong with mirrors and remotes to come.
func (s *server) proposeMirrors(next *rules.Rules) manifest.Problems {
	return s.mirrors.Propose(next, s.rules.Current())
}

// upstreamOf is where a repository is fetched from; "" if it is no mirror.
func (s *server) upstreamOf(repo name.Repo) string {
	if m := s.rules.Current().Mirror(repo); m != nil {
		return m.URL
	}
	return ""
}
