package view

import (
	"github.com/pushboat/pushboat/internal/git"
)

// Arrival is a deploy, as far as it counts for what it brought: its name, and the commit
// that it deployed.
type Arrival struct {
	Deploy   string
	Revision git.Hash
}

// Brought says of each commit which of some deploys was the first that had it. deploys are
// in the order of time; parents has the commits of a branch with their parents. A commit
// that none had is left out.
func Brought(parents map[git.Hash][]git.Hash, deploys []Arrival) map[git.Hash]string {
	brought := map[git.Hash]string{}
	for _, d := range deploys {
		next := []git.Hash{d.Revision}
		for len(next) > 0 {
			at := next[len(next)-1]
			next = next[:len(next)-1]
			above, known := parents[at]
			if _, had := brought[at]; had || !known {
				continue
			}
			brought[at] = d.Deploy
			next = append(next, above...)
		}
	}
	return brought
}
