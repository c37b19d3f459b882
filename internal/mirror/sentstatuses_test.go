package mirror

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
)

func TestHeadsThere(t *testing.T) {
	m := &rules.Remote{Far: rules.Far{URL: "https://git.example.org/shop"}}
	main, draft, tag := git.Ref{Name: "refs/heads/main", Hash: hashA}, git.Ref{Name: "refs/heads/draft", Hash: hashB}, git.Ref{Name: "refs/tags/v1", Hash: hashB}
	tried := digestOf(m, []git.Ref{main, draft, tag})
	for what, test := range map[string]struct {
		wants []git.Ref
		state RemoteState
		want  []git.Hash
	}{
		"all of it was sent":         {[]git.Ref{main, draft, tag}, RemoteState{Tried: tried, Done: tried}, []git.Hash{hashA, hashB}},
		"a branch was not":           {[]git.Ref{main, draft, tag}, RemoteState{Tried: tried, Unsent: map[string]Unsent{"refs/heads/draft": {}}}, []git.Hash{hashA}},
		"a tag was not":              {[]git.Ref{main, draft, tag}, RemoteState{Tried: tried, Unsent: map[string]Unsent{"refs/tags/v1": {}}}, []git.Hash{hashA, hashB}},
		"it has moved on since":      {[]git.Ref{{Name: "refs/heads/main", Hash: hashB}}, RemoteState{Tried: tried, Done: tried}, nil},
		"it was never asked":         {[]git.Ref{main}, RemoteState{}, nil},
		"more than are listed wait":  {[]git.Ref{main, draft, tag}, RemoteState{Tried: tried, More: 1}, nil},
		"a tag alone, of the branch": {[]git.Ref{tag}, RemoteState{Tried: digestOf(m, []git.Ref{tag})}, nil},
	} {
		var got []git.Hash
		for hash := range headsThere(m, test.wants, test.state) {
			got = append(got, hash)
		}
		slices.Sort(got)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", what, got, test.want)
		}
	}
}

// TestForgesOfRemotesAreTold: a forge is told how a commit does once it has it, and once.
func TestForgesOfRemotesAreTold(t *testing.T) {
	s := newSending(t)
	up := s.http()
	token := filepath.Join(s.dir, "files", "token")
	if err := os.WriteFile(token, []byte("t0ken\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	url := "http://" + up.Addr + "/shop.git"
	s.remotes("remotes: [{name: copy, url: '" + url + "', statusFile: " + token + ", forge: gitea}]\n")
	remote := func() *rules.Remote { return s.rules.RemotesOf("shop")[0] }
	retries := map[remoteKey]retry{}
	tell := func(health string) RemoteState {
		t.Helper()
		s.apps[0].App, s.apps[0].Health = "shop", health
		s.sender.meet(remote())
		s.sender.tellForge(t.Context(), remote(), retries)
		return s.stored()
	}

	one := s.here("one", "")
	if state := tell("healthy"); state.Posted != nil {
		t.Errorf("told of a commit that it has not: %v", state.Posted)
	}
	if _, err := s.send(Ask{}); err != nil {
		t.Fatal(err)
	}
	key := func(commit git.Hash) string { return string(commit) + " pushboat/shop" }
	if state := tell("healthy"); state.Posted[key(one)] != "success" || state.Untold != nil {
		t.Errorf("the first commit: %+v", state)
	}
	if state := s.stateOf(); state.Posted != nil || state.Setup.Forge != "gitea" || !slices.Contains(state.Setup.Credentials, "statusFile") {
		t.Errorf("what is shown: %+v, %+v", state, state.Setup)
	}
	tell("healthy")
	if state := tell("failing"); state.Posted[key(one)] != "failure" {
		t.Errorf("failing later: %v", state.Posted)
	}
	if got := strings.Count(up.Statuses(), "/statuses/"); got != 2 {
		t.Errorf("told %d times:\n%s", got, up.Statuses())
	}

	// A commit that waits is not told, and neither is one before it forgotten.
	two := s.here("two", one)
	if state := tell("healthy"); state.Posted[key(two)] != "" {
		t.Errorf("told of a commit before it was sent: %v", state.Posted)
	}
	if _, err := s.send(Ask{}); err != nil {
		t.Fatal(err)
	}
	if state := tell("healthy"); len(state.Posted) != 1 || state.Posted[key(two)] != "success" {
		t.Errorf("the second commit: %v", state.Posted)
	}

	// What the forge does not take is told later, and another one is told anew.
	if err := os.Remove(token); err != nil {
		t.Fatal(err)
	}
	if state := tell("failing"); state.Untold == nil || state.Untold.Hint == "" || state.Posted[key(two)] != "success" || retries[keyOf(remote())].wait != leastRetry {
		t.Errorf("without a token: %+v, retries %+v", state, retries)
	}
	if err := os.WriteFile(token, []byte("t0ken\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if state := tell("failing"); state.Untold != nil || state.Posted[key(two)] != "failure" || len(retries) > 0 {
		t.Errorf("with it again: %+v, retries %+v", state, retries)
	}
	s.remotes("remotes: [{name: copy, url: '" + url + "', statusFile: " + token + ", forge: gitlab}]\n")
	if state := tell("failing"); !strings.Contains(state.ToldAt, "/api/v4/") || state.Posted[key(two)] != "failure" {
		t.Errorf("another forge: %+v", state)
	}
	s.remotes("remotes: [{name: copy, url: '" + url + "'}]\n")
	s.sender.meet(remote())
	if state := s.stored(); state.Posted != nil || state.ToldAt != "" {
		t.Errorf("a forge that is not told any more: %+v", state)
	}
}

// stored is the state that outlives the server.
func (s *sending) stored() RemoteState {
	s.sender.mu.Lock()
	defer s.sender.mu.Unlock()
	return s.sender.state(s.rules.RemotesOf("shop")[0])
}
