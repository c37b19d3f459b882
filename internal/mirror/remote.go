package mirror

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
)

// What a remote is to have follows from where the refs are here, and from how the apps are: a
// branch is sent once its deploys have ended. Nothing is deleted there, and nothing that is no
// part of what is here is replaced unless the rules say so.

// RemoteState is how a remote does. All but Sending outlives the server.
type RemoteState struct {
	Name    string    `json:"name"`
	URL     string    `json:"url"`
	Sending bool      `json:"sending,omitempty"` // now
	Sent    time.Time `json:"sent,omitzero"`     // when it last had all that it is to have
	// Done is a digest of that, and Tried of what it was to have when it answered last.
	Done  string `json:"done,omitempty"`
	Tried string `json:"tried,omitempty"`
	// Trouble says why the remote could not be asked; nil: it answered.
	Trouble *Trouble `json:"trouble,omitempty"`
	// Unsent are refs that it has not as they are here, at most maxUnsent of them; More are
	// others.
	Unsent map[string]Unsent `json:"unsent,omitempty"`
	More   int               `json:"more,omitempty"`
	// HostKey is the key by which the host is known again; nil: it has shown none.
	HostKey *Pin `json:"hostKey,omitempty"`
	// Posted are the states of commits that the forge was told, by the keys of their statuses, and
	// ToldAt is that forge, by its API's address.
	Posted map[string]string `json:"posted,omitempty"`
	ToldAt string            `json:"toldAt,omitempty"`
	// Untold says why the forge could not be told of commits; nil: it was.
	Untold *Trouble `json:"untold,omitempty"`
	// Setup is what the rules say of the remote.
	Setup *SentSetup `json:"settings,omitempty"`
}

// Unsent is a ref that a remote has not as it is here, and why.
type Unsent struct {
	Here  git.Hash  `json:"here"`
	There git.Hash  `json:"there,omitempty"` // "": it has none
	Why   string    `json:"why"`
	Since time.Time `json:"since"`
}

// maxUnsent bounds the refs that a state has.
const maxUnsent = 20

func (s RemoteState) copy() RemoteState {
	s.Unsent, s.Posted = maps.Clone(s.Unsent), maps.Clone(s.Posted)
	return s
}

func (s RemoteState) kept() RemoteState {
	s.Sending = false
	return s
}

// wanted are the refs that a remote is to have, by their names. waits are the branches that it
// gets later: their deploys go on, or wait for something.
func wanted(m *rules.Remote, refs []git.Ref, apps []deploy.Status) (wants []git.Ref, waits []name.Branch) {
	for _, ref := range refs {
		branch, isBranch := name.BranchOf(ref.Name)
		tag, isTag := strings.CutPrefix(ref.Name, tagRefs)
		switch {
		case isBranch:
			deployed, settled := feeding(apps, branch, ref.Hash)
			if !m.Branch(branch, deployed) {
				continue
			}
			if !settled {
				waits = append(waits, branch)
				continue
			}
		case isTag && m.Tag(tag), m.Records && strings.HasPrefix(ref.Name, recordRefs):
		default:
			continue
		}
		wants = append(wants, ref)
	}
	return wants, waits
}

// feeding reports whether a branch feeds apps, and whether the deploys of where it is have
// ended: well or not, since the branch and the cluster have the revision either way.
func feeding(apps []deploy.Status, branch name.Branch, head git.Hash) (deployed, settled bool) {
	settled = true
	for i := range apps {
		a := &apps[i]
		if a.Branch != branch || a.Sync == deploy.Gone {
			continue
		}
		deployed = true
		waits := slices.Contains([]deploy.Sync{deploy.Deploying, deploy.Waits, deploy.Held, deploy.Pending}, a.Sync)
		if a.Running != "" || waits || git.Hash(a.Revision) != head {
			settled = false
		}
	}
	return deployed, settled
}

// digestOf tells one list of refs from another.
func digestOf(m *rules.Remote, wants []git.Ref) string {
	sum := sha256.New()
	fmt.Fprintln(sum, m.URL)
	for _, ref := range wants {
		fmt.Fprintln(sum, ref.Name, ref.Hash)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// step is what becomes of one ref.
type step int

const (
	asItIs   step = iota // the remote has it
	sends                // it is new there, or goes on
	replaces             // what is there is no part of what is here, and goes
	leaves               // likewise, and stays
)

// judgeRef decides about a ref. forward says that what is here contains what is there.
func judgeRef(ref git.Ref, there git.Hash, forward, force bool) (step, string) {
	what := "it"
	if branch, ok := name.BranchOf(ref.Name); ok {
		what = "branch " + string(branch)
	} else if tag, ok := strings.CutPrefix(ref.Name, tagRefs); ok {
		what, forward = "tag "+tag, false // a tag that moves is another
	}
	switch {
	case there == ref.Hash:
		return asItIs, ""
	case there.IsZero(), forward:
		return sends, ""
	case force:
		return replaces, ""
	}
	return leaves, fmt.Sprintf("the remote has moved on: it has %s at %s, which is no part of %s here", what, there.Short(), ref.Hash.Short())
}

// remoteKey names a remote among those of all repositories.
type remoteKey struct {
	repo name.Repo
	name string
}

func keyOf(m *rules.Remote) remoteKey { return remoteKey{m.Repo, m.Name} }
