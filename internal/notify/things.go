package notify

import (
	"fmt"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/backup/offsite"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
)

// expiresSoon is how long before its end a key is told of.
const expiresSoon = 14 * 24 * time.Hour

// thing is something of the server that stands, or does not: a cluster that is away, backups
// that fail, a key that is about to expire.
type thing struct {
	name string // among all of them: cluster/prod
	news News   // that tells of it, but for its key
}

// thingState is what is known to have been told of a thing.
type thingState struct {
	Begun int   `json:"begun"`
	Open  *open `json:"open,omitempty"`

	first time.Time // when it was seen first; zero: it was not, or it was told
}

// clustersAway are the clusters that do not answer. One is told of when it has not for a while.
func clustersAway(outages []deploy.Outage) (things []thing) {
	for _, o := range outages {
		if !o.Unreachable {
			continue
		}
		title := "cluster " + o.Cluster + " does not answer"
		if o.Held {
			title = "cluster " + o.Cluster + " is held"
		}
		things = append(things, thing{
			name: "cluster/" + o.Cluster,
			news: News{
				Topic: rules.ClusterAway, Cluster: o.Cluster, Title: title, Detail: shorten(manifest.Clean(o.Error)),
				Next: "ssh HOST cluster test " + o.Cluster,
			},
		})
	}
	return things
}

// backupFailing is the backup that cannot be made.
func backupFailing(s *offsite.State) []thing {
	if s == nil || s.Failure == nil {
		return nil
	}
	return []thing{{
		name: "backup",
		news: News{Topic: rules.BackupFailed, Title: "no backup can be made", Detail: shorten(manifest.Clean(s.Failure.Error)), Next: "ssh HOST status --server"},
	}}
}

// keysExpiring are the keys of operators and authorities that expire soon. One that has
// expired, or that was replaced, is silently over.
func keysExpiring(now *rules.Rules, at time.Time) (things []thing) {
	note := func(whose string, keys []rules.Key) {
		for _, key := range keys {
			if key.Expires.IsZero() || !at.Before(key.Expires) || key.Expires.Sub(at) > expiresSoon {
				continue
			}
			print := key.Fingerprint()
			things = append(things, thing{
				name: fmt.Sprintf("key/%s/%s/%d", whose, print, key.Expires.Unix()),
				news: News{
					Topic: rules.KeyExpiring, Operator: strings.TrimPrefix(whose, "authority "),
					Title:  fmt.Sprintf("the key %s of %s expires on %s", print, whose, key.Expires.UTC().Format(time.DateOnly)),
					Detail: "it is at " + key.At.String(), Next: "ssh HOST keys list",
				},
			})
		}
	}
	for _, operator := range now.Operators() {
		note(operator.Name, operator.Keys)
	}
	for _, authority := range now.Authorities() {
		note("authority "+authority.Name, authority.Keys)
	}
	return things
}

// settles reports whether a thing has to stand for a while before it is told.
func (t *thing) settles() bool { return t.news.Topic == rules.ClusterAway }

// decideThings says what is news about the things that stand now. known is changed.
func decideThings(known map[string]*thingState, stand []thing, now time.Time) (news []News, changed map[string]*thingState, again time.Duration) {
	changed = map[string]*thingState{}
	standing := map[string]bool{}
	for i := range stand {
		t := &stand[i]
		standing[t.name] = true
		was := known[t.name]
		if was == nil {
			was = &thingState{}
			known[t.name] = was
		}
		if was.Open != nil {
			continue
		}
		if was.first.IsZero() {
			was.first = now
		}
		if left := settle - now.Sub(was.first); t.settles() && left > 0 {
			if again == 0 || left < again {
				again = left
			}
			continue
		}
		n := t.news
		n.Key, n.Time = fmt.Sprintf("%s.%d", t.name, was.Begun+1), now
		news = append(news, n)
		changed[t.name] = &thingState{Begun: was.Begun + 1, Open: &open{Key: n.Key, Since: now}}
	}
	for name, was := range known {
		if standing[name] {
			continue
		}
		was.first = time.Time{}
		if was.Open == nil {
			if was.Begun == 0 {
				delete(known, name)
			}
			continue
		}
		changed[name] = &thingState{Begun: was.Begun}
		if strings.HasPrefix(name, "key/") {
			changed[name] = nil // another key has another name
		}
		if n, tells := overOf(name, was, now); tells {
			news = append(news, n)
		}
	}
	return news, changed, again
}

// overOf is the news that a thing is over. A key that has expired or gone is none.
func overOf(name string, was *thingState, now time.Time) (News, bool) {
	n := News{Ended: true, Key: was.Open.Key + ".ended", Ends: was.Open.Key, Told: was.Open.Told, Time: now}
	kind, rest, _ := strings.Cut(name, "/")
	switch kind {
	case "cluster":
		n.Topic, n.Cluster, n.Title = rules.ClusterAway, rest, "cluster "+rest+" answers again, after "+manifest.Roughly(now.Sub(was.Open.Since))
		return n, true
	case "upstream", "remote":
		return mirrorOver(n, kind, rest, manifest.Roughly(now.Sub(was.Open.Since))), true
	case "backup":
		n.Topic, n.Title = rules.BackupFailed, "backups are made again"
		return n, true
	}
	return n, false
}
