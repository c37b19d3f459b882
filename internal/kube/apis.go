package kube

import (
	"context"
	"maps"
	"slices"
)

// APIs returns what the cluster serves, sorted, as charts ask for it: every
// group/version, and every group/version/Kind. It asks for nothing that is known
// already.
func (c *Cluster) APIs(ctx context.Context) ([]string, error) {
	known, _, err := c.kinds.current(ctx, nil, 0)
	if err != nil {
		return nil, c.wrap("ask what it serves", err)
	}
	served := map[string]bool{}
	for gvk := range known.kinds {
		version := gvk.GroupVersion().String()
		served[version], served[version+"/"+gvk.Kind] = true, true
	}
	return slices.Sorted(maps.Keys(served)), nil
}
