package mirror

import (
	"github.com/pushboat/pushboat/internal/name"
)

// Standing is how a mirror or a remote does, in short.
type Standing struct {
	Repo    name.Repo
	Remote  string // "": it is where the repository is fetched from
	URL     string
	Trouble *Trouble // why it could not be asked; nil: it answered
	// Stuck are branches of upstream that are refused here, or refs that the remote does not take.
	Stuck int
}

// Standings tells how all mirrors and remotes do.
func (s *Sender) Standings() (list []Standing) {
	now := s.k.config.Rules()
	for _, m := range now.Mirrors() {
		if state, ok := s.k.State(m.Repo); ok {
			list = append(list, Standing{Repo: m.Repo, URL: m.URL, Trouble: state.Trouble, Stuck: len(state.Refused)})
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range now.Remotes() {
		state := s.state(m)
		list = append(list, Standing{Repo: m.Repo, Remote: m.Name, URL: m.URL, Trouble: state.Trouble, Stuck: len(state.Unsent) + state.More})
	}
	return list
}
