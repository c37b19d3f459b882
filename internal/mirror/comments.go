package mirror

import (
	"cmp"
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
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

// What is commented follows, as the statuses of commits do, from how things are now and from what
// was commented last. A commit has one comment, and so has a request to merge: what is said anew
// takes the place of what was said, so that nobody is told of the same thing twice.

// Comment is what the forge has as a comment on a commit.
type Comment struct {
	On   string    `json:"on,omitempty"` // pulls/12, or commits/HASH; "": the forge has no place for one
	ID   string    `json:"id,omitempty"` // by which it is changed
	Says string    `json:"says"`         // a digest of what it is about
	Time time.Time `json:"time"`         // when it was made
	// Refused says that the commit was refused, as far as the comment goes.
	Refused bool `json:"refused,omitempty"`
}

// Limits of comments. Forges notify people of each new one, and slow down who makes many.
const (
	mostComments  = 20 // new ones of one mirror in commentsEvery; the others wait
	commentsEvery = time.Hour
	keptComments  = 100                 // that are known again, of one mirror
	commentsFor   = 30 * 24 * time.Hour // likewise
	freshFor      = 24 * time.Hour      // deploys that began earlier are no news
)

// remark is what is to be said of a commit.
type remark struct {
	commit  git.Hash
	says    string // tells one content from another
	refused bool
	mended  bool // it is said only where the comment has the commit as refused
	fill    func() report.Remark
}

// remarks are what the comments on the commits of a mirror should say now, by the commits.
func (k *Keeper) remarks(m *rules.Mirror, apps []deploy.Status, s State, now time.Time) []remark {
	list := k.refusals(s)
	refused := map[git.Hash]bool{}
	for _, r := range list {
		refused[r.commit] = true
	}
	at := map[git.Hash][]*deploy.Status{}
	for i := range apps {
		if commit := git.Hash(apps[i].Revision); commit != "" && !refused[commit] {
			at[commit] = append(at[commit], &apps[i])
		}
	}
	for _, commit := range slices.Sorted(maps.Keys(at)) {
		if r, ok := k.ending(m, commit, at[commit], now); ok {
			list = append(list, r)
			continue
		}
		list = append(list, remark{commit: commit, says: digest("accepted"), mended: true, fill: func() report.Remark {
			return report.Remark{Revision: name.Revision(commit)}
		}})
	}
	return list
}

// refusals are the remarks on commits that the gate refuses, one for all branches that have it.
func (k *Keeper) refusals(s State) (list []remark) {
	of := map[git.Hash][]name.Branch{}
	for _, branch := range slices.Sorted(maps.Keys(s.Refused)) {
		if _, tag := name.TagOf(string(branch)); !tag {
			commit := s.Refused[branch].Revision
			of[commit] = append(of[commit], branch)
		}
	}
	for _, commit := range slices.Sorted(maps.Keys(of)) {
		branches := of[commit]
		first := s.Refused[branches[0]]
		words := []string{"refused", first.Reason, first.Refusal}
		for _, branch := range branches {
			words = append(words, string(branch))
		}
		list = append(list, remark{commit: commit, says: digest(words...), refused: true, fill: func() report.Remark {
			r := report.Remark{Revision: name.Revision(commit), Branches: branches}
			if first.Refusal != "" {
				r.Problems, r.More = k.config.Problems(first.Refusal)
				r.Page = k.config.Page("refusal", first.Refusal)
			}
			if len(r.Problems) == 0 { // they were not kept, or not for so long
				r.Problems, r.Page = []report.OutlinedProblem{{Message: first.Reason}}, ""
			}
			return r
		}})
	}
	return list
}

// ending is the remark on a commit whose deploys have all ended, some of them not long ago; ok is
// false if there is nothing to say of that.
func (k *Keeper) ending(m *rules.Mirror, commit git.Hash, apps []*deploy.Status, now time.Time) (r remark, ok bool) {
	if m.Comments != rules.CommentAlways {
		return r, false
	}
	words, fresh, same := []string{"ended"}, false, 0
	var of []*deploy.Status
	for _, a := range apps {
		if state, _ := stateOf(a); state == pending {
			return r, false
		}
		if a.Last == nil || git.Hash(a.Last.Revision) != commit {
			same++
			continue
		}
		of = append(of, a)
		fresh = fresh || now.Sub(a.Last.Started) < freshFor
		words = append(words, string(a.App), string(endOf(a.Last)), whyOf(a.Last))
	}
	if !fresh {
		return r, false
	}
	return remark{commit: commit, says: digest(words...), fill: func() report.Remark {
		r := report.Remark{Revision: name.Revision(commit), Same: same}
		for _, a := range of {
			r.Outcomes = append(r.Outcomes, report.Ending{
				App: a.App, Cluster: a.Cluster, Deploy: a.Last.ID(), Good: endOf(a.Last) == record.Deployed,
				Says: saysOf(a.Last), Why: whyOf(a.Last), Page: k.config.Page("app", string(a.App)),
			})
		}
		return r
	}}, true
}

// endOf is a result as a comment has it: a correction that came later says nothing of the commit.
func endOf(last *record.Record) record.Result {
	switch result := last.Stands(); result {
	case record.Failed, record.Unhealthy, record.Removed:
		return result
	}
	return record.Deployed
}

func saysOf(last *record.Record) string {
	if end := endOf(last); end != record.Deployed {
		return string(end)
	}
	return "deployed, " + manifest.Plural(last.Changed(), "object") + " changed"
}

// whyOf is why a deploy did not end well: the first line, since logs of pods come after it.
func whyOf(last *record.Record) string {
	if end := endOf(last); end != record.Failed && end != record.Unhealthy {
		return ""
	}
	why, _, _ := strings.Cut(strings.TrimSpace(last.Message), "\n")
	return why
}

func digest(words ...string) string {
	sum := sha256.New()
	for _, word := range words {
		fmt.Fprintf(sum, "%q\n", word)
	}
	return hex.EncodeToString(sum.Sum(nil)[:12])
}

// unsaid are the remarks that the forge does not have yet. At most so many of them are new that
// nobody is flooded; the others come later, if they still hold then.
func unsaid(list []remark, commented map[git.Hash]Comment, now time.Time) (due []remark) {
	room := mostComments
	for _, c := range commented {
		if now.Sub(c.Time) < commentsEvery {
			room--
		}
	}
	for _, r := range list {
		was, known := commented[r.commit]
		switch {
		case known && was.Says == r.says, r.mended && !was.Refused:
		case known:
			due = append(due, r)
		case room > 0:
			due, room = append(due, r), room-1
		}
	}
	return due
}

// forgetComments drops what need not be known any more: the oldest first.
func forgetComments(commented map[git.Hash]Comment, now time.Time) map[git.Hash]Comment {
	kept := map[git.Hash]Comment{}
	maps.Copy(kept, commented)
	maps.DeleteFunc(kept, func(_ git.Hash, c Comment) bool { return now.Sub(c.Time) > commentsFor })
	commits := slices.SortedFunc(maps.Keys(kept), func(a, b git.Hash) int {
		return cmp.Or(kept[b].Time.Compare(kept[a].Time), cmp.Compare(a, b))
	})
	for _, commit := range commits[min(len(commits), keptComments):] {
		delete(kept, commit)
	}
	return kept
}

// earlierOn is the comment that a place has already, from a commit before; zero if it has none.
func earlierOn(commented map[git.Hash]Comment, place string) (commit git.Hash, c Comment) {
	for _, at := range slices.Sorted(maps.Keys(commented)) {
		if one := commented[at]; one.On == place && one.ID != "" {
			return at, one
		}
	}
	return "", Comment{}
}
