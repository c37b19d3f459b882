package render

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/render/helm"
)

// Taken are digests of what an app was rendered from that its cluster has, and no
// revision; each is "" for nothing.
type Taken struct {
	Values  string // for its names, see appfile.Substitute
	Cluster string // the version and the APIs, for charts that ask for them
}

// Any reports whether anything was taken.
func (t Taken) Any() bool { return t != Taken{} }

// Stands reports whether the app's cluster has what was taken of it. The error says that
// it could not be told.
func (s *Session) Stands(ctx context.Context, app appfile.App, taken Taken) (bool, error) {
	if app.Substitute.Asks() {
		_, values, problems := s.substitutions(ctx, app)
		if err := problems.Err(); err != nil || values != taken.Values {
			return false, err
		}
	}
	if taken.Cluster == "" || s.ask == nil {
		return true, nil
	}
	cluster, err := s.askAbout(ctx, app.Cluster)
	if err != nil || cluster.Partial { // what an API has that is away is no change
		return true, err
	}
	return digestOf(cluster) == taken.Cluster, nil
}

// clusterTaken is the digest of what charts of the app were told of its cluster; "" if
// they do not ask.
func (s *Session) clusterTaken(app appfile.App) string {
	if !s.depends {
		return ""
	}
	return digestOf(s.about[app.Cluster].cluster)
}

func digestOf(cluster helm.Cluster) string {
	text, err := json.Marshal(cluster)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// facts are what a cluster says about itself.
type facts struct {
	cluster helm.Cluster
	err     error
}

// askAbout asks what charts may ask about a cluster, once a session.
func (s *Session) askAbout(ctx context.Context, name string) (helm.Cluster, error) {
	found, asked := s.about[name]
	if !asked {
		before := time.Now()
		ctx, cancel := context.WithTimeout(ctx, readWithin-s.waited)
		defer cancel()
		if found.cluster, found.err = s.ask(ctx, name); found.err != nil {
			s.waited += time.Since(before)
		}
		s.about[name] = found
	}
	return found.cluster, found.err
}
