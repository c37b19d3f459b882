package command

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/metrics"
	"text/tabwriter"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
)

// serverState is what status --server tells.
type serverState struct {
	Version    string                `json:"version"`
	Started    time.Time             `json:"started"`
	MemoryMiB  int                   `json:"memoryMiB"` // that Go has from the system and has not given back
	Goroutines int                   `json:"goroutines"`
	Queue      deploy.Queue          `json:"queue"`
	Clusters   []deploy.ClusterState `json:"clusters"`
}

// started is when the server was, near enough.
var started = time.Now()

// serverStatus tells of the server itself.
func serverStatus(ctx context.Context, c *call) error {
	if len(c.args) > 0 {
		return usageError{"--server is about no app"}
	}
	if err := c.Policy.Check(c.Caller(), access.ReadServer, ""); err != nil {
		return err
	}
	state := serverState{
		Version: c.Version, Started: started.UTC(), MemoryMiB: memory(), Goroutines: runtime.NumGoroutine(),
		Queue: c.Engine.Queue(), Clusters: c.Engine.ClusterStates(ctx),
	}
	return c.print(state, func(w io.Writer) { printServer(w, state, time.Now()) })
}

// memory is how much the process holds, in MiB, by Go's own books.
func memory() int {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return int((samples[0].Value.Uint64() - samples[1].Value.Uint64()) >> 20)
}

func printServer(w io.Writer, s serverState, now time.Time) {
	for _, cluster := range s.Clusters {
		if cluster.Outage != nil {
			fmt.Fprintf(w, "%s\n", outage(cluster.Outage, now))
			continue
		}
		fmt.Fprintf(w, "cluster %s: Kubernetes %s\n", cluster.Name, manifest.Clean(cluster.Version))
	}
	fmt.Fprintf(w, "apps: %d, %d at work, %d waiting\n", s.Queue.Apps, s.Queue.Working, s.Queue.Waiting)
	fmt.Fprintf(w, "server: %s, up %s, %d MiB, %d goroutines\n", s.Version, span(now.Sub(s.Started)), s.MemoryMiB, s.Goroutines)
	for _, cluster := range s.Clusters {
		printWatches(w, cluster, now)
		printLatencies(w, cluster)
	}
}

func printWatches(w io.Writer, cluster deploy.ClusterState, now time.Time) {
	if len(cluster.Watches) == 0 {
		return
	}
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintf(table, "\nWATCHED ON %s\tOBJECTS\tLAST EVENT\tRESTARTS\n", cluster.Name)
	for _, watch := range cluster.Watches {
		last := "never"
		if !watch.LastEvent.IsZero() {
			last = ago(watch.LastEvent, now)
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%d\n", manifest.Clean(watch.Kind), watch.Objects, last, watch.Restarts)
		if watch.Error != "" && (cluster.Outage == nil || !cluster.Outage.Unreachable) {
			fmt.Fprintf(table, "  %s\n", manifest.Clean(watch.Error))
		}
	}
	_ = table.Flush() // a writer that is gone is found out by the session
}

func printLatencies(w io.Writer, cluster deploy.ClusterState) {
	if len(cluster.Latencies) == 0 {
		return
	}
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintf(table, "\nASKED OF %s\tREQUESTS\tFAILED\tHALF WITHIN\t99%% WITHIN\n", cluster.Name)
	for _, l := range cluster.Latencies {
		fmt.Fprintf(table, "%s\t%d\t%d\t%s\t%s\n", l.Verb, l.Count, l.Failed, l.Median, l.P99)
	}
	_ = table.Flush() // a writer that is gone is found out by the session
}
