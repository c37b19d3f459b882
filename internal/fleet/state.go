package fleet

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/name"
)

// State is how a cluster is, and who names it.
type State struct {
	deploy.ClusterState
	Place  string            `json:"place"`
	Labels map[string]string `json:"labels,omitempty"`
	// Annotations are values of the cluster for ApplicationSets.
	Annotations map[string]string `json:"annotations,omitempty"`
	Identity    *Identity         `json:"identity,omitempty"` // nil: not met yet
	Apps        []name.App        `json:"apps"`
}

// States asks some clusters how they are, all of them if none is named, and lists those
// that are known, by name. One that nobody names any more is listed while it has apps.
func (f *Fleet) States(ctx context.Context, names ...string) []State {
	members, engine := f.listed(names)
	if len(members) == 0 {
		return []State{}
	}
	states := []State{}
	for _, of := range engine.ClusterStates(ctx, slices.Collect(maps.Keys(members))...) {
		m := members[of.Name]
		state := State{ClusterState: of, Place: m.Place, Labels: m.Labels, Annotations: m.Annotations, Apps: append([]name.App{}, engine.AppsOnCluster(of.Name)...)}
		if known, err := f.identities.of(of.Name); err == nil && known.ID != "" {
			state.Identity = &known
		}
		states = append(states, state)
	}
	return states
}

// listed are the members that have some names, or all.
func (f *Fleet) listed(names []string) (map[string]Member, Engine) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := maps.Clone(f.members)
	for name, m := range f.left {
		if _, is := found[name]; !is && len(f.engine.AppsOnCluster(name)) > 0 {
			found[name] = m
		}
	}
	if len(names) > 0 {
		maps.DeleteFunc(found, func(name string, _ Member) bool { return !slices.Contains(names, name) })
	}
	return found, f.engine
}

// Test is what a try of a cluster has found.
type Test struct {
	Cluster  string   `json:"cluster"`
	Version  string   `json:"version,omitempty"` // "": it does not answer
	Identity string   `json:"identity,omitempty"`
	Lacks    []string `json:"lacks"`             // the rights that every server needs there
	Program  string   `json:"program,omitempty"` // that gives the credentials; "": none
	Expires  string   `json:"expires,omitempty"` // when those that it gave do, as 2026-12-31T18:00:00Z
	Deploys  bool     `json:"deploys"`           // it may change everything itself; false: only as the accounts of grants
	Error    string   `json:"error,omitempty"`
	Hint     string   `json:"hint,omitempty"`
}

// Failed reports whether apps could not be deployed there.
func (t Test) Failed() bool { return t.Error != "" || len(t.Lacks) > 0 }

// Try asks a cluster for its version, who it is, and for the server's rights.
func (f *Fleet) Try(ctx context.Context, cluster string) Test {
	result := Test{Cluster: cluster, Lacks: []string{}}
	to := f.clusters.Get(cluster).Kube
	version, err := to.Check(ctx)
	program, expires := to.Program()
	if result.Program = program; !expires.IsZero() {
		result.Expires = expires.UTC().Format(time.RFC3339)
	}
	if err == nil {
		result.Version = version
		result.Identity, err = to.Identity(ctx)
	}
	var lacks []string
	if err == nil {
		lacks, result.Deploys, err = to.Lacks(ctx)
	}
	if err != nil {
		result.Error = err.Error()
		if held := to.Held(); held != nil {
			result.Hint = held.Hint
		}
		return result
	}
	result.Lacks = append(result.Lacks, lacks...)
	return result
}

// Knows reports whether a cluster is one of the set.
func (f *Fleet) Knows(cluster string) bool {
	members, _ := f.listed([]string{cluster})
	return len(members) > 0
}

// Names lists the clusters of the set.
func (f *Fleet) Names() []string {
	members, _ := f.listed(nil)
	return slices.Sorted(maps.Keys(members))
}
