package server

import (
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/window"
)

// windows are those of the rules in force.
func (s *server) windows(repo name.Repo, branch name.Branch, cluster string) window.Set {
	return s.rules.Current().Windows(repo, branch, cluster)
}
