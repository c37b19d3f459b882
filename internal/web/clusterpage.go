package web

import (
	"cmp"
	"maps"
	"slices"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/fleet"
	"github.com/pushboat/pushboat/internal/view"
)

// clusterPage is the page of a cluster.
type clusterPage struct {
	fleet.State
	Label    []string        // its labels, as key=value
	Statuses []deploy.Status // of its apps
	Running  []deploy.Status // those that are being deployed
	Waiting  []deploy.Status // those whose newest revision is still to come
	Watched  int             // objects
	More     int             // apps that are not shown
}

// maxClusterApps bounds the apps that the page of a cluster lists.
const maxClusterApps = 200

// showCluster shows how a cluster answers, what is queued for it, and what it has.
func showCluster(v *visit) error {
	p := clusterPage{}
	said, err := v.asks(&p.State, []string{"cluster", "info"}, v.r.PathValue("cluster"))
	switch {
	case err != nil:
		return err
	case len(said) > 0:
		return errNotFound
	}
	p.fill(v.door.Apps.Visible(v.caller))
	return v.show("cluster", frame{Title: "Cluster " + p.Name, Section: "server", Body: p})
}

// fill adds what the apps say.
func (p *clusterPage) fill(all []deploy.Status) {
	for _, key := range slices.Sorted(maps.Keys(p.Labels)) {
		p.Label = append(p.Label, key+"="+p.Labels[key])
	}
	for _, watch := range p.Watches {
		p.Watched += watch.Objects
	}
	for _, s := range all {
		if s.Cluster != p.Name {
			continue
		}
		p.Statuses = append(p.Statuses, s)
		switch {
		case s.Running != "":
			p.Running = append(p.Running, s)
		case isIn(s, stateWaiting):
			p.Waiting = append(p.Waiting, s)
		}
	}
	slices.SortStableFunc(p.Statuses, func(a, b deploy.Status) int { return cmp.Compare(view.UrgencyOf(a), view.UrgencyOf(b)) })
	if p.More = max(len(p.Statuses)-maxClusterApps, 0); p.More > 0 {
		p.Statuses = p.Statuses[:maxClusterApps]
	}
}
