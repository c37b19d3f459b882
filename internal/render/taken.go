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

// Taken holds digests of the inputs of a rendering that come from the app's cluster,
// not from a revision; each is "" for nothing.
type Taken struct {
	Values  string // of its names, see appfile.Substitute
	Cluster string // the version and the APIs, for charts that ask for them
}

// Any reports whether anything was taken.
func (t Taken) Any() bool { return t != Taken{} }

// Stands reports whether the app's cluster still has the inputs in taken. An error
// means that this is not known.
func (s *Session) Stands(ctx context.Context, app appfile.App, taken Taken) (bool, error) {
	if app.Substitute.Asks() || app.PostBuild.Asks() {
		_, values, problems := s.substitutions(ctx, app)
		if err := problems.Err(); err != nil || values != taken.Values {
			return false, err
		}
	}
	if taken.Cluster == "" || s.ask == nil {
		return true, nil
	}
	cluster, err := s.askAbout(ctx, app.Cluster)
	if err != nil || cluster.Partial { // an API that is away is no change
		return true, err
	}
	return digestOf(cluster) == taken.Cluster, nil
}

// clusterTaken returns the digest of the cluster data that the app's charts saw; "" if
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

// facts is what a cluster says about itself.
type facts struct {
	cluster helm.Cluster
	err     error
}

// askAbout answers charts' questions about a cluster, once a session.
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
