package command

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/metrics"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/backup/offsite"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
)

// serverState is the output of status --server.
type serverState struct {
	Version    string                `json:"version"`
	Started    time.Time             `json:"started"`
	MemoryMiB  int                   `json:"memoryMiB"` // that Go holds from the system
	Goroutines int                   `json:"goroutines"`
	Queue      deploy.Queue          `json:"queue"`
	Clusters   []deploy.ClusterState `json:"clusters"`
	Backups    *offsite.State        `json:"backups,omitempty"` // in a bucket; nil: none are kept
	Notify     receivers             `json:"notifications"`
}

// started is about the time when the server started.
var started = time.Now()

// serverStatus shows the state of the server itself.
func serverStatus(ctx context.Context, c *call) error {
	if len(c.args) > 0 {
		return usageError{"--server is about no app"}
	}
	if err := c.check(c.right(), access.Subject{}); err != nil {
		return err
	}
	state := serverState{
		Version: c.Version, Started: started.UTC(), MemoryMiB: memory(), Goroutines: runtime.NumGoroutine(),
		Queue: c.Engine.Queue(), Clusters: c.Engine.ClusterStates(ctx), Backups: c.Offsite.State(),
	}
	state.Notify.Receivers, state.Notify.Trouble = c.Notifier.State()
	return c.print(state, func(w io.Writer) { printServer(w, state, time.Now()) })
}

// memory returns the process's memory, in MiB, by Go's own count.
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
	fmt.Fprintf(w, "server: %s, up %s, %d MiB, %d goroutines\n", s.Version, manifest.Roughly(now.Sub(s.Started)), s.MemoryMiB, s.Goroutines)
	if s.Backups != nil {
		printBackups(w, s.Backups, now)
	}
	if len(s.Notify.Receivers) > 0 {
		printNotified(w, s.Notify, now)
	}
	for _, cluster := range s.Clusters {
		printWatches(w, cluster, now)
		printLatencies(w, cluster)
	}
}

func printWatches(w io.Writer, cluster deploy.ClusterState, now time.Time) {
	if len(cluster.Watches) == 0 {
		return
	}
	fmt.Fprintln(w)
	table := newTable(w, "WATCHED ON "+cluster.Name, "OBJECTS", "LAST EVENT", "RESTARTS")
	for _, watch := range cluster.Watches {
		last := "never"
		if !watch.LastEvent.IsZero() {
			last = ago(watch.LastEvent, now)
		}
		table.row(watch.Kind, fmt.Sprint(watch.Objects), last, fmt.Sprint(watch.Restarts))
		if watch.Error != "" && (cluster.Outage == nil || !cluster.Outage.Unreachable) {
			table.note(watch.Error)
		}
	}
	table.print()
}

func printLatencies(w io.Writer, cluster deploy.ClusterState) {
	if len(cluster.Latencies) == 0 {
		return
	}
	fmt.Fprintln(w)
	table := newTable(w, "ASKED OF "+cluster.Name, "REQUESTS", "FAILED", "HALF WITHIN", "99% WITHIN")
	for _, l := range cluster.Latencies {
		table.row(l.Verb, fmt.Sprint(l.Count), fmt.Sprint(l.Failed), fmt.Sprint(l.Median), fmt.Sprint(l.P99))
	}
	table.print()
}
