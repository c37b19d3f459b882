package notify

import (
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// silentLong is how long an upstream or a remote is away before that is news: forges have
// short failures every day, and nothing depends on them at once.
const silentLong = 10 * time.Minute

// Silent is an upstream or a remote that does not answer.
type Silent struct {
	Repo   name.Repo
	Remote string // "": it is the upstream of a mirror
	Since  time.Time
	Error  string
}

// mirrorsAway are those that have not answered for long, and when the next one has not; 0: none
// is about to.
func mirrorsAway(list []Silent, now time.Time) (things []thing, again time.Duration) {
	for _, s := range list {
		if left := silentLong - now.Sub(s.Since); left > 0 {
			if again == 0 || left < again {
				again = left
			}
			continue
		}
		named, title := mirrorThing(s.Repo, s.Remote)
		things = append(things, thing{name: named, news: News{
			Topic: rules.MirrorAway, Repo: string(s.Repo), Title: title + " does not answer",
			Detail: shorten(manifest.Clean(s.Error)), Next: "ssh HOST repo info " + string(s.Repo),
		}})
	}
	return things, again
}

// mirrorThing names an upstream or a remote, for the ledger and for people.
func mirrorThing(repo name.Repo, remote string) (named, title string) {
	if remote == "" {
		return "upstream/" + string(repo), "the upstream of " + string(repo)
	}
	return "remote/" + remote + "/" + string(repo), "the remote " + remote + " of " + string(repo)
}

// mirrorOver is the news that an upstream or a remote answers again, or is none any more.
func mirrorOver(n News, kind, rest, lasted string) News {
	repo, remote := rest, ""
	if kind == "remote" {
		remote, repo, _ = strings.Cut(rest, "/")
	}
	_, title := mirrorThing(name.Repo(repo), remote)
	n.Topic, n.Repo, n.Title = rules.MirrorAway, repo, title+" answers again, or is none any more, after "+lasted
	return n
}
