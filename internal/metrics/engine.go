package metrics

import (
	"github.com/pushboat/pushboat/internal/deploy"
)

// ofDeploys are the metrics of the engine's work.
var ofDeploys = []Metric{
	{
		Name: "pushboat_deploys_total", Type: Counter, Labels: with("app result"),
		Meaning: "Records, by app and result: deployed, unhealthy, failed, superseded, corrected, drifted, removed, skipped, suspended, resumed, waiting, restarted.",
		read: func(s *scrape) (samples []sample) {
			for _, app := range s.apps() {
				for result, n := range app.Results {
					samples = append(samples, value(float64(n), string(app.App), string(result)))
				}
			}
			return samples
		},
	},
	{
		Name: "pushboat_deploy_duration_seconds", Type: Histogram, Labels: with("result"),
		Meaning: "Time from the acceptance of a push, or from the beginning of any other deploy, to its record, by result as above.",
		read:    func(s *scrape) []sample { return timesByKey(s.work().Deploys) },
	},
	{
		Name: "pushboat_stage_duration_seconds", Type: Histogram, Labels: with("stage"),
		Meaning: "Time of each stage of deploys and checks: judging, comparing, depending, planning, applying, gathering, pruning, settling (the wait for health), concluding, cleaning, recording.",
		read:    func(s *scrape) []sample { return timesByKey(s.work().Stages) },
	},
	{
		Name: "pushboat_checks_total", Type: Counter, Labels: with("result"),
		Meaning: "Comparisons of an app with its cluster, by result: unchanged, corrected, drifted, deployed, failed.",
		read:    func(s *scrape) []sample { return byKey(s.work().Checks) },
	},
	{
		Name: "pushboat_objects_applied_total", Type: Counter, Labels: with("cluster action"),
		Meaning: "Changed objects, by cluster and action: created, configured, recreated, deleted, released, moved, hook.",
		read: func(s *scrape) (samples []sample) {
			for of, n := range s.work().Applied {
				samples = append(samples, value(float64(n), of.Cluster, string(of.Action)))
			}
			return samples
		},
	},
	{
		Name: "pushboat_drift_found_objects_total", Type: Counter, Labels: with("app"),
		Meaning: "Objects that had drifted, by app, with those that were corrected.",
		read:    ofEachApp(func(app deploy.AppState) float64 { return float64(app.Found) }),
	},
	{
		Name: "pushboat_drift_corrected_objects_total", Type: Counter, Labels: with("app"),
		Meaning: "Objects whose drift was corrected, by app.",
		read:    ofEachApp(func(app deploy.AppState) float64 { return float64(app.Corrected) }),
	},
	{
		Name: "pushboat_queue_apps", Type: Gauge, Labels: with("state"),
		Meaning: "Apps, by the state of their workers: working, and waiting (a further deploy or check is to come).",
		read: func(s *scrape) []sample {
			queue := s.parts.Engine.Queue()
			return []sample{value(float64(queue.Working), "working"), value(float64(queue.Waiting), "waiting")}
		},
	},
}

// ofApps are the metrics of apps as they stand.
var ofApps = []Metric{
	{
		Name: "pushboat_app_health", Type: Gauge, Labels: with("app repository cluster health"),
		Meaning: "1, with the health of each app: healthy, progressing, failing, unknown, or - for one without objects.",
		read: func(s *scrape) []sample {
			return s.ofApps(func(app deploy.AppState) string { return app.Health })
		},
	},
	{
		Name: "pushboat_app_sync", Type: Gauge, Labels: with("app repository cluster sync"),
		Meaning: "1, with the state of each app: in sync, deploying, drifted, unknown, failed, waiting, held, pending, removed; see docs/status.md.",
		read: func(s *scrape) []sample {
			return s.ofApps(func(app deploy.AppState) string { return string(app.Sync) })
		},
	},
	{
		Name: "pushboat_app_objects", Type: Gauge, Labels: with("app"),
		Meaning: "Objects of each app on its cluster.",
		read:    ofEachApp(func(app deploy.AppState) float64 { return float64(app.Objects) }),
	},
	{
		Name: "pushboat_app_drifted_objects", Type: Gauge, Labels: with("app"),
		Meaning: "Objects of each app that differ from its revision now.",
		read:    ofEachApp(func(app deploy.AppState) float64 { return float64(app.Drifted) }),
	},
	{
		Name: "pushboat_app_recorded_timestamp_seconds", Type: Gauge, Labels: with("app"),
		Meaning: "When the newest record of each app was made, in seconds since 1970.",
		read: func(s *scrape) (samples []sample) {
			for _, app := range s.apps() {
				samples = append(samples, moment(app.Deployed, string(app.App))...)
			}
			return samples
		},
	},
}

// ofClusters are the metrics of clusters. What has a verb distinguishes get, list, watch,
// apply, dry-run, create, update, delete and discover.
var ofClusters = []Metric{
	{
		Name: "pushboat_cluster_up", Type: Gauge, Labels: with("cluster"),
		Meaning: "1 if the cluster answers, 0 while it is away or held.",
		read: ofEachCluster(func(c deploy.Sight) float64 {
			return truth(c.Outage == nil || !c.Outage.Unreachable)
		}),
	},
	{
		Name: "pushboat_cluster_request_duration_seconds", Type: Histogram, Labels: with("cluster verb"),
		Meaning: "Time of requests to the API server until their response began, by verb: get, list, watch, apply, dry-run, create, update, delete, discover.",
		read: func(s *scrape) (samples []sample) {
			for _, cluster := range s.clusters() {
				for _, l := range cluster.Latencies {
					samples = append(samples, sample{
						labels: []string{cluster.Name, l.Verb}, count: uint64(l.Count), value: l.Sum.Seconds(), within: l.Within,
					})
				}
			}
			return samples
		},
	},
	{
		Name: "pushboat_cluster_request_failures_total", Type: Counter, Labels: with("cluster verb"),
		Meaning: "Requests without an answer, or with a status of 500 or above, by verb as above.",
		read: func(s *scrape) (samples []sample) {
			for _, cluster := range s.clusters() {
				for _, l := range cluster.Latencies {
					samples = append(samples, value(float64(l.Failed), cluster.Name, l.Verb))
				}
			}
			return samples
		},
	},
	{
		Name: "pushboat_cluster_watches", Type: Gauge, Labels: with("cluster"),
		Meaning: "Kinds that are watched.",
		read:    ofEachCluster(func(c deploy.Sight) float64 { return float64(len(c.Watches)) }),
	},
	{
		Name: "pushboat_cluster_watches_failing", Type: Gauge, Labels: with("cluster"),
		Meaning: "Of them, those whose last request failed.",
		read: ofEachCluster(func(c deploy.Sight) float64 {
			failing := 0
			for _, watch := range c.Watches {
				if watch.Error != "" {
					failing++
				}
			}
			return float64(failing)
		}),
	},
	{
		Name: "pushboat_cluster_watch_restarts_total", Type: Counter, Labels: with("cluster"),
		Meaning: "How often a kind had to be listed again.",
		read: ofEachCluster(func(c deploy.Sight) float64 {
			restarts := 0
			for _, watch := range c.Watches {
				restarts += watch.Restarts
			}
			return float64(restarts)
		}),
	},
	{
		Name: "pushboat_cluster_watched_objects", Type: Gauge, Labels: with("cluster"),
		Meaning: "Objects that are watched.",
		read:    ofEachCluster(func(c deploy.Sight) float64 { return float64(c.Objects) }),
	},
}
