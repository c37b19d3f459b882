package mirror

import (
	"context"
	"slices"
	"time"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
)

// A forge shows the status of a commit that it has alone. So that of a remote is told how the heads
// of its branches do, once they were sent.

// tellForges tells the forges of remotes of commits until ctx ends.
func (s *Sender) tellForges(ctx context.Context) {
	news, stop := s.k.config.News()
	defer stop()
	retries := map[remoteKey]retry{}
	known := map[remoteKey]*rules.Remote{}
	for {
		for _, m := range s.k.config.Rules().Remotes() {
			key := keyOf(m)
			if was := known[key]; was == nil || !sameRemote(was, m) { // what failed may be mended
				delete(retries, key)
				known[key] = m
			}
			s.meet(m)
			if m.Tells() && !time.Now().Before(retries[key].at) {
				s.tellForge(ctx, m, retries)
			}
		}
		if !awaitNews(ctx, news) {
			return
		}
	}
}

// meet forgets what another forge was told, and why one could not be told that is not any more.
func (s *Sender) meet(m *rules.Remote) {
	at := ""
	if m.Tells() {
		at = forgeRoot(&m.Far)
	}
	s.mu.Lock()
	same := s.state(m).ToldAt == at
	s.mu.Unlock()
	if !same {
		s.change(m, func(state *RemoteState) { state.ToldAt, state.Posted, state.Untold = at, nil, nil })
	}
}

// tellForge tells the forge of a remote what it was not told yet.
func (s *Sender) tellForge(ctx context.Context, m *rules.Remote, retries map[remoteKey]retry) {
	wants, _, err := s.wants(ctx, m)
	if err != nil {
		return // the round that sends says so
	}
	s.mu.Lock()
	state := s.state(m)
	s.mu.Unlock()
	list := ofHeads(desired(s.k.config.Apps(m.Repo), State{Posted: state.Posted}, s.k.config.Page), headsThere(m, wants, state))
	if len(list) == 0 {
		return
	}
	posted, failed := s.k.tell(ctx, &m.Far, list, state.Posted)
	log := s.k.config.Log.WithField("repository", m.Repo)
	s.change(m, func(state *RemoteState) {
		state.Posted, state.Untold = posted, untold(log, "remote "+m.Name, state.Untold, failed)
	})
	noteRetry(keyOf(m), failed, retries)
}

// headsThere are the heads of branches that a remote has as they are here; none while something is
// to be sent.
func headsThere(m *rules.Remote, wants []git.Ref, state RemoteState) map[git.Hash]bool {
	heads := map[git.Hash]bool{}
	if digestOf(m, wants) != state.Tried || state.More > 0 {
		return heads
	}
	for _, ref := range wants {
		_, unsent := state.Unsent[ref.Name]
		if _, isBranch := name.BranchOf(ref.Name); isBranch && !unsent {
			heads[ref.Hash] = true
		}
	}
	return heads
}

// ofHeads are the statuses of some commits.
func ofHeads(list []commitStatus, heads map[git.Hash]bool) []commitStatus {
	return slices.DeleteFunc(list, func(status commitStatus) bool { return !heads[status.commit] })
}
