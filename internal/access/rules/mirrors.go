package rules

import (
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Mirror is a file mirrors/REPOSITORY.yaml: a repository that is fetched from somewhere else.
// It takes no pushes.
type Mirror struct {
	Repo name.Repo
	Far
	Branches  []pattern // nil: the branch that HEAD names upstream
	Tags      []string  // patterns, or ranges of versions, see Tag; nil: see TagsOf; of no element: none
	Path      string    // the folder from which it is deployed where it has no pushboat.yaml; "": all
	Schedule  string    // when it is fetched; "": DefaultMirrorSchedule
	Follow    bool      // a rewritten history is taken over, through the gate
	HookFile  string    // one line, the secret of webhooks; "": none. See Far for where such files are
	Comments  string    // what is commented at its forge: CommentProblems or CommentAlways; "": nothing
	WriteBack bool      // what the server commits for somebody goes upstream, as branches of its own
	// UsedBy are the repositories whose apps may be rendered from it, and then it deploys
	// nothing itself; nil: none.
	UsedBy []pattern

	At manifest.Source
}

// What is commented on commits, or on the requests to merge that they come from.
const (
	CommentProblems = "problems" // of a revision that is refused
	CommentAlways   = "always"   // likewise, and how deploys have ended
	commentNever    = "never"
)

// Hears reports whether webhooks are heard.
func (m *Mirror) Hears() bool { return m.HookFile != "" || m.Sealed.Has(HookSecret) }

// ForgeOf is the kind of forge at a well-known host; "" for any other.
func ForgeOf(host string) string {
	return map[string]string{
		"github.com": GitHub, "ssh.github.com": GitHub, "gitlab.com": GitLab, "altssh.gitlab.com": GitLab,
		"codeberg.org": Gitea, "bitbucket.org": Bitbucket, "altssh.bitbucket.org": Bitbucket,
	}[host]
}

// DefaultMirrorSchedule is how often upstream is asked where a mirror says nothing.
const DefaultMirrorSchedule = "@every 5m"

// Mirror returns from where a repository is fetched; nil if it is no mirror, and takes pushes.
func (r *Rules) Mirror(repo name.Repo) *Mirror {
	at, ok := slices.BinarySearchFunc(r.mirrors, repo, func(m *Mirror, repo name.Repo) int { return strings.Compare(string(m.Repo), string(repo)) })
	if !ok {
		return nil
	}
	return r.mirrors[at]
}

// FolderOf is the folder from which a repository is deployed where it has no pushboat.yaml; ""
// for all.
func (r *Rules) FolderOf(repo name.Repo) string {
	if m := r.Mirror(repo); m != nil {
		return m.Path
	}
	return ""
}

// Mirrors returns all mirrors, by the names of their repositories.
func (r *Rules) Mirrors() []*Mirror { return r.mirrors }

// Takes reports whether the mirror can have a branch; where it names none, any can be the one
// that HEAD names.
func (m *Mirror) Takes(branch name.Branch) bool { return glob.Fit(m.Branches, string(branch)) }
