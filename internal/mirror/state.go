package mirror

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
)

// State is how a mirror does. All but Fetching, Asked and Setup outlives the server.
type State struct {
	URL      string    `json:"url"`
	Fetching bool      `json:"fetching,omitempty"` // now
	Asked    time.Time `json:"asked,omitzero"`     // when upstream answered last, since the server's start
	// Trouble says why upstream could not be asked; nil: it answered.
	Trouble *Trouble `json:"trouble,omitempty"`
	// Refused are the branches of which upstream has a revision that is refused, and likewise
	// tags, by their full names, as refs/tags/v1.
	Refused map[name.Branch]Refused `json:"refused,omitempty"`
	// Gone are branches that upstream has no more, and since when that is known.
	Gone map[name.Branch]time.Time `json:"gone,omitempty"`
	// Untagged says why the tags could not be fetched; nil: they were.
	Untagged *Trouble `json:"untagged,omitempty"`
	// GoneTags are tags that upstream has no more, and that stay here; some, of many.
	GoneTags []name.Tag `json:"goneTags,omitempty"`
	// Left are branches that upstream has, and that are not fetched any more, since its HEAD
	// names another and the mirror names none.
	Left []name.Branch `json:"left,omitempty"`
	// Posted has the statuses of commits that the forge was told.
	Posted map[string]string `json:"posted,omitempty"`
	// Untold says why the forge could not be told of commits; nil: it was.
	Untold *Trouble `json:"untold,omitempty"`
	// ToldAt is the forge that was told, by its API's address.
	ToldAt string `json:"toldAt,omitempty"`
	// Commented has the comments on commits that the forge has.
	Commented map[git.Hash]Comment `json:"commented,omitempty"`
	// Uncommented says why the forge does not have what it should; nil: it has.
	Uncommented *Trouble `json:"uncommented,omitempty"`
	// HostKey is the key by which the host is known again; nil: it has shown none.
	HostKey *Pin `json:"hostKey,omitempty"`
	// Setup is what the rules say of the mirror.
	Setup *Setup `json:"settings,omitempty"`
}

// Trouble is why upstream could not be asked.
type Trouble struct {
	Since time.Time `json:"since"`
	Error string    `json:"error"`
	Hint  string    `json:"hint,omitempty"`
}

// troubleOf is why who is at the other end could not be asked, and since when.
func troubleOf(err error, who string, was *Trouble, now time.Time) *Trouble {
	t := &Trouble{Since: now, Error: explainTo(err, who)}
	if was != nil {
		t.Since = was.Since
	}
	if setup, ok := errors.AsType[*setupError](err); ok {
		t.Hint = setup.hint
	}
	return t
}

// Refused is a revision that upstream has, and that is not taken.
type Refused struct {
	Revision git.Hash  `json:"revision"`
	Reason   string    `json:"reason"`
	Since    time.Time `json:"since"`
	Refusal  string    `json:"refusal,omitempty"` // see the verb refused
}

// copy is a state of its own.
func (s State) copy() State {
	s.Refused, s.Gone, s.Left = maps.Clone(s.Refused), maps.Clone(s.Gone), slices.Clone(s.Left)
	s.Posted, s.Commented, s.GoneTags = maps.Clone(s.Posted), maps.Clone(s.Commented), slices.Clone(s.GoneTags)
	return s
}

// kept is what a file has of a state.
func (s State) kept() State {
	s.Fetching, s.Asked = false, time.Time{}
	return s
}

// maxStates bounds the file with the states, in bytes.
const maxStates = 16 << 20

// readStates reads the file with the states of all mirrors or remotes. Where it cannot be read,
// nothing is known of them, but for what Git has.
func readStates[S any](path string) (map[name.Repo]S, error) {
	states := map[name.Repo]S{}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return states, nil
	}
	if err == nil && info.Size() > maxStates {
		err = errors.New("it is too large")
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path)
	}
	if err == nil {
		err = json.Unmarshal(text, &states)
	}
	if err != nil {
		return map[name.Repo]S{}, fmt.Errorf("read the states of mirrors: %w", err)
	}
	return states, nil
}

// writeStates replaces the file. When it returns, that is on disk.
func writeStates[S any](path string, states map[name.Repo]S) error {
	text, err := json.MarshalIndent(states, "", " ")
	if err != nil {
		return err
	}
	fresh := path + ".new"
	file, err := os.OpenFile(fresh, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(text, '\n'))
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(fresh, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(fresh))
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
