package render

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/render/charts"
	"github.com/pushboat/pushboat/internal/render/helm"
)

// Taken holds the inputs of a rendering that come from elsewhere than a revision; each is "" for
// nothing.
type Taken struct {
	Values  string // of its names, see appfile.Substitute: a digest of what the app's cluster has
	Cluster string // the version and the APIs of its cluster, for charts that ask for them: a digest
	Charts  string // the versions of charts that ranges and tags meant: JSON of those, see charts.Chart
}

// Any reports whether anything was taken.
func (t Taken) Any() bool { return t != Taken{} }

// Looking has Stands ask registries for the versions that ranges and tags mean now. Without it,
// it compares with what they were last known to mean.
func (s *Session) Looking() *Session {
	s.look = charts.Now
	return s
}

// Stands reports whether the inputs in taken are still the same. An error means that this is not
// known.
func (s *Session) Stands(ctx context.Context, app appfile.App, taken Taken) (bool, error) {
	if stands, err := s.chartsStand(ctx, taken.Charts); err != nil || !stands {
		return stands, err
	}
	if asks(app) {
		_, values, problems := s.substitutions(ctx, app)
		_, chartValues, wrong := s.chartValues(ctx, app)
		if err := append(problems, wrong...).Err(); err != nil || values+chartValues != taken.Values {
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

// chartsStand reports whether ranges and tags still mean the versions that they meant. It is
// not known while a registry does not answer.
func (s *Session) chartsStand(ctx context.Context, taken string) (bool, error) {
	if taken == "" {
		return true, nil
	}
	var before []charts.Chart
	if err := json.Unmarshal([]byte(taken), &before); err != nil {
		return false, nil //nolint:nilerr // it is chosen again
	}
	var unknown error
	for _, chart := range before {
		asked := chart.Ref
		asked.Version = chart.Asked
		now, err := s.charts.Choose(ctx, asked, s.credentials(), s.look)
		switch {
		case err != nil && s.look == charts.Known:
		case err != nil:
			unknown = err
		case now.Late != nil:
			unknown = now.Late
		case now.Ref != chart.Ref:
			return false, nil
		}
	}
	return true, unknown
}

// chartsTaken are the charts that were chosen for ranges and tags.
func chartsTaken(used []charts.Chart) string {
	var chosen []charts.Chart
	for _, chart := range used {
		if chart.Asked != "" {
			chosen = append(chosen, chart)
		}
	}
	if len(chosen) == 0 {
		return ""
	}
	text, err := json.Marshal(chosen)
	if err != nil {
		return ""
	}
	return string(text)
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
