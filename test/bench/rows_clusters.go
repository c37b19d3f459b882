package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pushboat/pushboat/test/cluster"
)

// The rows of clusters: names that lead to two real devclusters.

// idleClusters is how many names there are.
const idleClusters = 100

// second returns another devcluster; the first call starts it.
func (l *lab) second(ctx context.Context) (*cluster.Cluster, error) {
	if l.other != nil {
		return l.other, nil
	}
	other, err := cluster.StartDevcluster(ctx, l.path("second"), cluster.Options{})
	if err != nil {
		return nil, err
	}
	l.other, l.ends = other, append(l.ends, other.Stop)
	return other, nil
}

// withClusters starts the server again with more clusters, each by its kubeconfig.
func (l *lab) withClusters(ctx context.Context, kubeconfigs map[string]string) error {
	if err := l.server.stop(); err != nil {
		return err
	}
	l.config = clustersConfig(kubeconfigs)
	if _, err := l.startServer(ctx); err != nil {
		return err
	}
	return l.writeSSHConfig(ctx) // it has a new port
}

// clustersConfig is the part of the server's configuration that names clusters.
func clustersConfig(kubeconfigs map[string]string) string {
	if len(kubeconfigs) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("clusters:\n")
	for name, kubeconfig := range kubeconfigs {
		fmt.Fprintf(&b, "  %s: {kubeconfig: %q}\n", name, kubeconfig)
	}
	return b.String()
}

// onCluster are the files of an app of four objects, one of each kind, for a cluster.
func onCluster(app, cluster string) map[string]string {
	files := maps.Clone(objectFiles("apps/"+app, app, kindsOfObject))
	files["pushboat.yaml"] = fmt.Sprintf("  - {path: apps/%s, cluster: %s, namespace: %[1]s, createNamespace: true}\n", app, cluster)
	return files
}

// clustersIdle measures what a cluster costs that has one app and nothing to do.
func clustersIdle(ctx context.Context, l *lab) (*result, error) {
	other, err := l.second(ctx)
	if err != nil {
		return nil, err
	}
	alone, err := l.clusterUpkeep(ctx, "alone", map[string]string{"solo": "default"}, nil)
	if err != nil {
		return nil, err
	}
	apps, names := map[string]string{}, map[string]string{}
	for i := range idleClusters {
		name := fmt.Sprintf("c%03d", i)
		apps["at-"+name], names[name] = name, []string{l.cluster.Kubeconfig, other.Kubeconfig}[i%2]
	}
	many, err := l.clusterUpkeep(ctx, "many", apps, names)
	if err != nil {
		return nil, err
	}
	if err := l.keepProfile(ctx, "heap", "clusters-idle.heap"); err != nil {
		return nil, err
	}
	r := &result{}
	r.fact(fact{what: fmt.Sprintf("%d clusters, share of a core", idleClusters), value: many.cpu, unit: " %", goal: atMost, limit: 1})
	r.fact(fact{what: "memory (RSS) of a cluster", value: (many.resident - alone.resident) / idleClusters, unit: " MiB", goal: atMost, limit: 3})
	r.fact(fact{what: "reachable, and stacks, of a cluster", value: (many.heap - alone.heap) / idleClusters, unit: " MiB"})
	r.fact(fact{what: "goroutines of a cluster", value: float64(many.goroutines-alone.goroutines) / idleClusters})
	r.note("with the cluster default alone: %.1f MiB (RSS), %d goroutines, %.2f %% of a core", alone.resident, alone.goroutines, alone.cpu)
	return r, nil
}

// upkeep is what a server takes that has nothing to do.
type upkeep struct {
	cpu            float64 // percent of a core
	resident, heap float64 // MiB
	goroutines     int
}

// clusterUpkeep starts a server with some clusters, deploys apps there, starts it once more,
// and measures what it takes. apps has the cluster of each.
func (l *lab) clusterUpkeep(ctx context.Context, repository string, apps, kubeconfigs map[string]string) (c upkeep, err error) {
	if err := l.withClusters(ctx, kubeconfigs); err != nil {
		return c, err
	}
	files, list := map[string]string{}, "apps:\n"
	for app, on := range apps {
		for path, text := range onCluster(app, on) {
			if path == "pushboat.yaml" {
				list += text
				continue
			}
			files[path] = text
		}
	}
	files["pushboat.yaml"] = list
	w, err := l.workingCopy(ctx, repository, files)
	if err != nil {
		return c, err
	}
	if _, err := w.push(ctx, ours); err != nil {
		return c, err
	}
	if err := l.withClusters(ctx, kubeconfigs); err != nil { // what the push has left is not what idleness costs
		return c, err
	}
	if _, err := l.awaitApps(ctx, len(apps)); err != nil {
		return c, err
	}
	if err := pause(ctx, settleFor); err != nil {
		return c, err
	}
	if c.cpu, err = l.idleCPU(ctx, watchFor); err != nil {
		return c, err
	}
	if c.resident, _, err = l.server.resident(); err != nil {
		return c, err
	}
	if c.heap, err = l.heapAndStacks(ctx); err != nil {
		return c, err
	}
	c.goroutines, err = l.goroutines(ctx)
	return c, err
}

// goroutines counts the goroutines of the server.
func (l *lab) goroutines(ctx context.Context) (n int, err error) {
	text, err := l.profile(ctx, "goroutine?debug=1")
	if err != nil {
		return 0, err
	}
	if _, err := fmt.Sscanf(text, "goroutine profile: total %d", &n); err != nil {
		return 0, fmt.Errorf("count the server's goroutines: %w", err)
	}
	return n, nil
}

// slowAnswer is how long the slow cluster takes for each answer.
const slowAnswer = 5 * time.Second

// clustersSlow measures pushes to one cluster while another takes five seconds for each
// answer, and is deployed to, against the same pushes while that one is quick and idle.
func clustersSlow(ctx context.Context, l *lab) (*result, error) {
	other, err := l.second(ctx)
	if err != nil {
		return nil, err
	}
	var wait atomic.Int64
	f, err := l.before("slow", other.Config, slowly(func() time.Duration { return time.Duration(wait.Load()) }))
	if err != nil {
		return nil, err
	}
	l.ends = append(l.ends, f.close)
	if err := l.withClusters(ctx, map[string]string{"slow": f.kubeconfig}); err != nil {
		return nil, err
	}
	near, err := l.onlyOn(ctx, "near", "default")
	if err != nil {
		return nil, err
	}
	far, err := l.onlyOn(ctx, "far", "slow")
	if err != nil {
		return nil, err
	}
	beside, alone := &series{of: "git push while the other cluster takes 5 s for each answer"}, &series{of: "git push while it is quick, and idle"}
	for i := range l.rounds(8) {
		took, err := near.changeConfig(ctx, "apps/near/near-000-config.yaml", "near-000", 2*i)
		if err != nil {
			return nil, err
		}
		alone.add(took)
		wait.Store(int64(slowAnswer))
		took, err = besideSlow(ctx, near, far, 2*i+1)
		if wait.Store(0); err != nil {
			return nil, err
		}
		beside.add(took)
	}
	r := &result{}
	r.ratio(beside, alone, atMost, 1.1)
	return r, nil
}

// onlyOn deploys a repository with one app on a cluster.
func (l *lab) onlyOn(ctx context.Context, app, on string) (*workingCopy, error) {
	files := onCluster(app, on)
	files["pushboat.yaml"] = "apps:\n" + files["pushboat.yaml"]
	w, err := l.workingCopy(ctx, app, files)
	if err != nil {
		return nil, err
	}
	_, err = w.push(ctx, ours)
	return w, err
}

// besideSlow pushes to the slow cluster, and while that push waits for it, to the other one.
func besideSlow(ctx context.Context, near, far *workingCopy, n int) (took time.Duration, err error) {
	pushed := make(chan error, 1)
	go func() {
		_, err := far.changeConfig(ctx, filepath.Join("apps", "far", "far-000-config.yaml"), "far-000", n)
		pushed <- err
	}()
	if err := pause(ctx, slowAnswer/2); err != nil { // by then it waits for the first answer
		return 0, errors.Join(err, <-pushed)
	}
	took, err = near.changeConfig(ctx, "apps/near/near-000-config.yaml", "near-000", n)
	return took, errors.Join(err, <-pushed)
}
