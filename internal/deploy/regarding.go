package deploy

import (
	"cmp"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// maxTold bounds the objects that one event of the bus names.
const maxTold = 10

// keysOfRecord are the objects that a record about drift is about, up to maxTold.
func keysOfRecord(r record.Record) (keys []string) {
	if r.Result != record.Corrected && r.Result != record.DriftFound {
		return nil
	}
	for _, o := range r.Objects[:min(len(r.Objects), maxTold)] {
		keys = append(keys, o.Key)
	}
	return keys
}

// keysOfFinding is the object that a difference is about.
func keysOfFinding(found Difference) []string { return []string{found.id.Key()} }

// Regarding returns the cluster of an app, and the beginning of a notice for each of the
// objects that keys name and that are there; without any, for the namespace of the app. The
// cluster is nil while it is away, and for an app without a cluster.
func (e *Engine) Regarding(app name.App, keys []string) (*kube.Cluster, []kube.Notice) {
	a := e.app(app)
	if a == nil {
		return nil, nil
	}
	t := a.wanted()
	if t == nil {
		return nil, nil
	}
	cluster := e.Clusters.Get(t.Spec.Cluster)
	if cluster == nil || cluster.removed.Load() || cluster.outage() != nil {
		return nil, nil
	}
	var about []kube.Notice
	for _, key := range keys {
		id, ok := manifest.ParseKey(key)
		if entry, there := cluster.Index.Get(id); ok && there {
			about = append(about, noticeOf(cluster.Index, entry))
		}
	}
	if len(about) == 0 {
		about = append(about, kube.Notice{APIVersion: "v1", Kind: "Namespace", Name: cmp.Or(t.Spec.Namespace, "default")})
	}
	return cluster.Kube, about
}

func noticeOf(index *live.Index, entry live.Entry) kube.Notice {
	id := entry.ID
	version := schema.GroupVersion{Group: id.GroupKind().Group, Version: index.VersionOf(id.GroupKind())}
	return kube.Notice{APIVersion: version.String(), Kind: id.Kind, Namespace: id.Namespace, Name: id.Name, UID: entry.UID}
}
