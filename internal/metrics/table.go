// Package metrics shows what the server does and how it stands, in the format of
// Prometheus. Nothing is counted for it alone, and nothing is kept: each scrape reads the
// counts of the parts of the server, so that an app that goes takes its series with it.
//
// One table has the name, the type, the labels and the meaning of each metric, and where
// it comes from. docs/metrics.md is made of it, and a test holds the board and the alerts
// in config to it.
package metrics

import "strings"

// Type is the type of a metric.
type Type string

// The types.
const (
	Counter   Type = "counter"
	Gauge     Type = "gauge"
	Histogram Type = "histogram"
)

// Metric is a row of the table.
type Metric struct {
	Part    string // of the server, as a heading
	Name    string
	Type    Type
	Labels  []string
	Meaning string // one sentence, with the unit, and with the values of labels that have few

	read func(s *scrape) []sample
}

// Table lists every metric, in the order of the documentation.
func Table() []Metric {
	var table []Metric
	for _, part := range []struct {
		title   string
		metrics []Metric
	}{
		{"The server", ofServer},
		{"Pushes", ofPushes},
		{"Deploys and checks", ofDeploys},
		{"Apps", ofApps},
		{"Clusters", ofClusters},
		{"Git", ofGit},
		{"SSH", ofDoors},
		{"Disk, audit trail, backups", ofKeeping},
		{"Traces and Events", ofSending},
		{"Notifications", ofNotifications},
		{"Mirrors and remotes", ofMirrors},
	} {
		for _, m := range part.metrics {
			m.Part = part.title
			table = append(table, m)
		}
	}
	return table
}

// with makes labels of a list of words.
func with(labels string) []string { return strings.Fields(labels) }

// ofServer are the metrics that a standby has, too.
var ofServer = []Metric{
	{
		Name: "pushboat_build_info", Type: Gauge, Labels: with("version go_version"),
		Meaning: "1, with the versions of the server and of the Go that built it.",
		read: func(s *scrape) []sample {
			return []sample{value(1, s.sources.Version, s.sources.GoVersion)}
		},
	},
	{
		Name: "pushboat_leading", Type: Gauge,
		Meaning: "1 if the server has the data directory, 0 while it stands by. A standby has no other metrics than these and those of its process.",
		read: func(s *scrape) []sample {
			return []sample{value(truth(s.parts != nil))}
		},
	},
	{
		Name: "pushboat_ready", Type: Gauge,
		Meaning: "1 if the server would take a push, as /readyz says, else 0.",
		read: func(s *scrape) []sample {
			return []sample{value(truth(s.sources.Unready() == nil))}
		},
	},
}

// ofPushes are the metrics of pushes.
var ofPushes = []Metric{
	{
		Name: "pushboat_pushes_total", Type: Counter, Labels: with("outcome"),
		Meaning: "Pushes, by outcome: accepted, refused, planned (-o plan), abandoned by the pusher, stopped at a limit before the gate.",
		read:    func(s *scrape) []sample { return byKey(s.parts.Door.Outcomes()) },
	},
	{
		Name: "pushboat_gate_duration_seconds", Type: Histogram, Labels: with("outcome"),
		Meaning: "Time of the gate: from the pre-receive hook to the verdict, by outcome as above.",
		read:    func(s *scrape) []sample { return timesByKey(s.parts.Door.Gated()) },
	},
	{
		Name: "pushboat_renderers", Type: Gauge, Labels: with("state"),
		Meaning: "Renderings of charts and kustomizations, by state: busy, and waiting for a process.",
		read: func(s *scrape) []sample {
			busy, waiting := s.parts.Renderers.Load()
			return []sample{value(float64(busy), "busy"), value(float64(waiting), "waiting")}
		},
	},
}

// ofSending are the metrics of what the server sends for others to see.
var ofSending = []Metric{
	{
		Name: "pushboat_trace_spans_total", Type: Counter, Labels: with("outcome"),
		Meaning: "Spans of traces, by outcome: sent, dropped (the receiver is away, or a trace has too many).",
		read: func(s *scrape) []sample {
			sent, dropped := s.parts.Traces.Counts()
			return []sample{value(float64(sent), "sent"), value(float64(dropped), "dropped")}
		},
	},
	{
		Name: "pushboat_kubernetes_events_total", Type: Counter, Labels: with("outcome"),
		Meaning: "Events of Kubernetes, by outcome: sent, failed (the cluster did not take it), skipped (too many, or the cluster is away or has just refused one).",
		read: func(s *scrape) []sample {
			sent, failed, skipped := s.parts.Announcer.Counts()
			return []sample{value(float64(sent), "sent"), value(float64(failed), "failed"), value(float64(skipped), "skipped")}
		},
	},
}

// ofKeeping are the metrics of what the server keeps.
var ofKeeping = []Metric{
	{
		Name: "pushboat_data_free_bytes", Type: Gauge,
		Meaning: "Free space on the disk of the data directory, in bytes.",
		read:    func(s *scrape) []sample { return s.disk(func(free, _ uint64) uint64 { return free }) },
	},
	{
		Name: "pushboat_data_size_bytes", Type: Gauge,
		Meaning: "Size of that disk, in bytes.",
		read:    func(s *scrape) []sample { return s.disk(func(_, all uint64) uint64 { return all }) },
	},
	{
		Name: "pushboat_audit_written_timestamp_seconds", Type: Gauge,
		Meaning: "When the newest line of the audit trail came to the disk, in seconds since 1970.",
		read:    func(s *scrape) []sample { return moment(s.parts.Trail.Standing().Written) },
	},
	{
		Name: "pushboat_audit_failing", Type: Gauge,
		Meaning: "1 if the audit trail cannot be written, so that pushes are refused, else 0.",
		read: func(s *scrape) []sample {
			return []sample{value(truth(s.parts.Trail.Standing().Failing))}
		},
	},
	{
		Name: "pushboat_audit_targets_away", Type: Gauge,
		Meaning: "Targets of audit.ship that get no lines at the moment.",
		read: func(s *scrape) []sample {
			return []sample{value(float64(s.parts.Trail.Standing().Away))}
		},
	},
	{
		Name: "pushboat_backup_newest_timestamp_seconds", Type: Gauge,
		Meaning: "When the newest backup in the bucket was made, in seconds since 1970. Missing where backup.bucket is not set, and before the first backup.",
		read: func(s *scrape) []sample {
			if state := s.parts.Backups.State(); state != nil {
				return moment(state.Made)
			}
			return nil
		},
	},
	{
		Name: "pushboat_backup_failing", Type: Gauge,
		Meaning: "1 if the last backup to the bucket failed, else 0. Missing where backup.bucket is not set.",
		read: func(s *scrape) []sample {
			if state := s.parts.Backups.State(); state != nil {
				return []sample{value(truth(state.Failure != nil))}
			}
			return nil
		},
	},
}
