package metrics

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/backup/offsite"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/mirror"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/notify"
	"github.com/pushboat/pushboat/internal/push"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/sshd"
	"github.com/pushboat/pushboat/internal/tally"
)

// busy is a server with something of everything.
type busy struct{ apps []deploy.AppState }

func (busy) Outcomes() map[push.Outcome]int64 {
	return map[push.Outcome]int64{push.Accepted: 3, push.Refused: 1}
}

func (busy) Gated() map[push.Outcome]tally.Distribution {
	return map[push.Outcome]tally.Distribution{push.Accepted: times(time.Second, 3)}
}

func (busy) Work() deploy.Work {
	return deploy.Work{
		Deploys: map[record.Result]tally.Distribution{record.Deployed: times(time.Minute, 2)},
		Stages:  map[string]tally.Distribution{"applying": times(time.Second, 2)},
		Checks:  map[deploy.CheckResult]int64{deploy.CheckUnchanged: 7},
		Applied: map[deploy.Applied]int64{{Cluster: "default", Action: record.Create}: 8},
	}
}

func (b busy) Survey() []deploy.AppState { return b.apps }

func (busy) Sights() []deploy.Sight {
	return []deploy.Sight{{ClusterState: deploy.ClusterState{
		Name: "default", Watches: []live.Watch{{Kind: "ConfigMap", Objects: 4, Restarts: 2, Error: "gone"}},
		Latencies: []kube.Latency{{Verb: "apply", Count: 2, Failed: 1, Sum: time.Second, Within: map[float64]uint64{1: 2}}},
	}, Objects: 4}, {ClusterState: deploy.ClusterState{Name: "away", Outage: &deploy.Outage{Unreachable: true}}}}
}

func (busy) Queue() deploy.Queue      { return deploy.Queue{Apps: 2, Working: 1, Waiting: 1} }
func (busy) Load() (int, int)         { return 2, 1 }
func (busy) Standing() audit.Standing { return audit.Standing{Written: time.Unix(1000, 0), Away: 1} }

type busyRepos struct{}

func (busyRepos) Counts() git.Counts {
	return git.Counts{Running: map[git.Service]int64{git.ReceivePack: 1}, Ended: map[git.Service]int64{git.UploadPack: 2}, Received: 10, Sent: 20}
}

type busyDoor struct{}

func (busyDoor) Counts() sshd.Counts {
	return sshd.Counts{Connections: 3, Unauthenticated: 1, Logins: 5, Refusals: 6, Git: sshd.Sessions{Running: 1, Begun: 2}}
}

type spans struct{}

func (spans) Counts() (sent, dropped int64) { return 7, 8 }

type told struct{}

func (told) Counts() (sent, failed, skipped int64) { return 9, 10, 11 }

type teller struct{}

func (teller) State() ([]notify.ReceiverState, string) {
	return []notify.ReceiverState{
		{Name: "ops", Sent: 12, Failed: 13, Dropped: 14, Queued: 20, Waiting: 5, Since: time.Unix(4000, 0)}, {Name: "ben", Sent: 15},
	}, ""
}

type elsewhere struct{}

func (elsewhere) Standings() []mirror.Standing {
	return []mirror.Standing{{Repo: "shop", Stuck: 2}, {Repo: "shop", Remote: "github", Trouble: &mirror.Trouble{}}}
}

type bucket struct{ state *offsite.State }

func (b bucket) State() *offsite.State { return b.state }

func times(took time.Duration, n int) tally.Distribution {
	var times tally.Times
	for range n {
		times.Note(took)
	}
	return times.Read()
}

// sources are those of a server with that many apps.
func sources(apps int) Sources {
	b := busy{}
	for i := range apps {
		b.apps = append(b.apps, deploy.AppState{
			App: name.App(fmt.Sprintf("app%d", i)), Repo: "shop", Cluster: "default", Health: "failing", Sync: deploy.Drifted, Objects: 4, Drifted: 1,
			Deployed: time.Unix(2000, 0), Results: map[record.Result]int64{record.Deployed: 2, record.Corrected: 1}, Found: 2, Corrected: 1,
		})
	}
	parts := &Parts{
		Door: b, Engine: b, Renderers: b, Repos: busyRepos{}, SSH: busyDoor{}, Trail: b,
		Backups: bucket{&offsite.State{Made: time.Unix(3000, 0), Failure: &offsite.Failure{}}},
		Disk:    func() (uint64, uint64, error) { return 5, 10, nil }, Traces: spans{}, Announcer: told{}, Notifier: teller{}, Mirrors: elsewhere{},
	}
	return Sources{Version: "v1", GoVersion: "go1", Unready: func() error { return nil }, Parts: func() *Parts { return parts }}
}

// gather collects what a scrape would show.
func gather(t testing.TB, from Sources) map[string]*dto.MetricFamily {
	t.Helper()
	families, err := prometheus.Gatherers{newGatherer(from)}.Gather() // which finds series that are there twice, and labels that are none
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]*dto.MetricFamily{}
	for _, family := range families {
		by[family.GetName()] = family
	}
	return by
}

func TestEveryMetricOfTheTableIsShown(t *testing.T) {
	shown := gather(t, sources(1))
	for _, m := range Table() {
		family := shown[m.Name]
		switch {
		case family == nil:
			t.Errorf("%s is not shown", m.Name)
		case strings.ToLower(family.GetType().String()) != string(m.Type):
			t.Errorf("%s is shown as a %s, and is a %s", m.Name, family.GetType(), m.Type)
		}
	}
}

// TestNamesFollowTheConventions holds names to https://prometheus.io/docs/practices/naming.
func TestNamesFollowTheConventions(t *testing.T) {
	units := []string{"_seconds", "_bytes", "_objects", "_objects_total", "_seconds_total", "_bytes_total"}
	seen := map[string]bool{}
	for _, m := range Table() {
		switch {
		case !regexp.MustCompile(`^pushboat_[a-z]+(_[a-z]+)*$`).MatchString(m.Name):
			t.Errorf("%s is no name", m.Name)
		case strings.HasSuffix(m.Name, "_total") != (m.Type == Counter):
			t.Errorf("%s is a %s: _total is for counters", m.Name, m.Type)
		case m.Type == Histogram && !slices.ContainsFunc(units, func(u string) bool { return strings.HasSuffix(m.Name, u) }):
			t.Errorf("%s has no unit", m.Name)
		case seen[m.Name]:
			t.Errorf("%s is there twice", m.Name)
		case !strings.HasSuffix(m.Meaning, "."):
			t.Errorf("%s has no sentence", m.Name)
		}
		seen[m.Name] = true
		for _, label := range m.Labels {
			if !slices.Contains([]string{"app", "repository", "cluster", "result", "outcome", "stage", "action", "verb", "health", "sync", "state", "service", "kind", "receiver", "remote", "version", "go_version"}, label) {
				t.Errorf("%s has the label %s, of which nobody has said that it has few values", m.Name, label)
			}
		}
	}
}

// TestMetricsTellWhatIs looks at the figures.
func TestMetricsTellWhatIs(t *testing.T) {
	answer := httptest.NewRecorder()
	Handler(sources(1), "", quiet()).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, Path, nil))
	text := answer.Body.String()
	for _, line := range []string{
		`pushboat_build_info{go_version="go1",version="v1"} 1`,
		`pushboat_leading 1`,
		`pushboat_pushes_total{outcome="accepted"} 3`,
		`pushboat_gate_duration_seconds_count{outcome="accepted"} 3`,
		`pushboat_gate_duration_seconds_bucket{outcome="accepted",le="0.5"} 0`,
		`pushboat_gate_duration_seconds_bucket{outcome="accepted",le="1"} 3`,
		`pushboat_deploys_total{app="app0",result="deployed"} 2`,
		`pushboat_deploy_duration_seconds_sum{result="deployed"} 120`,
		`pushboat_objects_applied_total{action="created",cluster="default"} 8`,
		`pushboat_drift_found_objects_total{app="app0"} 2`,
		`pushboat_drift_corrected_objects_total{app="app0"} 1`,
		`pushboat_app_health{app="app0",cluster="default",health="failing",repository="shop"} 1`,
		`pushboat_app_sync{app="app0",cluster="default",repository="shop",sync="drifted"} 1`,
		`pushboat_app_recorded_timestamp_seconds{app="app0"} 2000`,
		`pushboat_queue_apps{state="working"} 1`,
		`pushboat_cluster_up{cluster="default"} 1`,
		`pushboat_cluster_up{cluster="away"} 0`,
		`pushboat_cluster_request_duration_seconds_sum{cluster="default",verb="apply"} 1`,
		`pushboat_cluster_request_failures_total{cluster="default",verb="apply"} 1`,
		`pushboat_cluster_watches_failing{cluster="default"} 1`,
		`pushboat_git_sent_bytes_total 20`,
		`pushboat_ssh_logins_total{outcome="refused"} 6`,
		`pushboat_ssh_sessions_total{kind="git"} 2`,
		`pushboat_renderers{state="waiting"} 1`,
		`pushboat_data_free_bytes 5`,
		`pushboat_audit_written_timestamp_seconds 1000`,
		`pushboat_audit_targets_away 1`,
		`pushboat_backup_newest_timestamp_seconds 3000`,
		`pushboat_backup_failing 1`,
		`pushboat_trace_spans_total{outcome="dropped"} 8`,
		`pushboat_kubernetes_events_total{outcome="skipped"} 11`,
		`go_goroutines `,
		`process_start_time_seconds `,
	} {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("a scrape lacks %q", line)
		}
	}
}

// TestSeriesAreBounded: an app has a fixed number of series, and one that is gone has none.
func TestSeriesAreBounded(t *testing.T) {
	count := func(apps int) (n int) {
		for _, family := range gather(t, sources(apps)) {
			n += len(family.GetMetric())
		}
		return n
	}
	none, one, many := count(0), count(1), count(101)
	if many-one != 100*(one-none) || one-none > 12 {
		t.Errorf("there are %d series without apps, %d with one, and %d with 101", none, one, many)
	}
	for metric, family := range gather(t, sources(0)) {
		for _, m := range family.GetMetric() {
			for _, label := range m.GetLabel() {
				if label.GetName() == "app" {
					t.Errorf("%s has a series of app %s, which is gone", metric, label.GetValue())
				}
			}
		}
	}
}

func TestStandbyShowsLittle(t *testing.T) {
	from := sources(1)
	from.Parts, from.Unready = func() *Parts { return nil }, func() error { return errors.New("standby") }
	shown := gather(t, from)
	if len(shown) != len(ofServer) || shown["pushboat_leading"].GetMetric()[0].GetGauge().GetValue() != 0 || shown["pushboat_ready"].GetMetric()[0].GetGauge().GetValue() != 0 {
		t.Errorf("a standby shows %v", shown)
	}
}

func TestWhatIsNotSetIsNotShown(t *testing.T) {
	from := sources(1)
	parts := *from.Parts()
	parts.Backups = bucket{}
	parts.Disk = func() (uint64, uint64, error) { return 0, 0, errors.New("unmounted") }
	from.Parts = func() *Parts { return &parts }
	for metric := range gather(t, from) {
		if strings.HasPrefix(metric, "pushboat_backup") || strings.HasPrefix(metric, "pushboat_data") {
			t.Errorf("%s is shown", metric)
		}
	}
}

func TestScrapesNeedTheToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const token, other = "0123456789abcdef", "fedcba9876543210"
	handler := Handler(sources(1), file, quiet())
	ask := func(authorization string) int {
		request := httptest.NewRequest(http.MethodGet, Path, nil)
		if authorization != "" {
			request.Header.Set("Authorization", authorization)
		}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if answer.Code != http.StatusOK && strings.Contains(answer.Body.String(), "pushboat_") {
			t.Errorf("a refusal shows metrics")
		}
		return answer.Code
	}
	write(token + "\n")
	for authorization, want := range map[string]int{
		"": 401, "Bearer " + token: 200, "Bearer " + other: 401, "Bearer ": 401, "Basic " + token: 401, "bearer" + token: 401, token: 401,
	} {
		if is := ask(authorization); is != want {
			t.Errorf("%q is answered with %d, want %d", authorization, is, want)
		}
	}
	write(other)
	if is := ask("Bearer " + token); is != 401 {
		t.Errorf("the former token is answered with %d", is)
	}
	if is := ask("Bearer " + other); is != 200 {
		t.Errorf("the new token is answered with %d", is)
	}
	write("")
	if is := ask("Bearer "); is != 503 {
		t.Errorf("an empty token is answered with %d", is)
	}
}

func TestTokensThatAreNone(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"":                                   "at least 16",
		"short":                              "at least 16",
		strings.Repeat("x", 2000):            "at most 1024",
		"0123456789 abcdef":                  "without spaces",
		"0123456789abcdef\n0123456789abcdef": "one line",
		"0123456789abcdefß":                  "letters, digits and signs",
	} {
		file := filepath.Join(dir, "token")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ReadToken(file)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a token of %d bytes: %v, want %q", len(text), err, want)
		} else if len(text) > 4 && strings.Contains(err.Error(), text[:5]) {
			t.Errorf("the error repeats the token: %v", err)
		}
	}
	if _, err := ReadToken(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a token without a file: %v", err)
	}
}

func TestNothingElseIsServed(t *testing.T) {
	handler := Handler(sources(1), "", quiet())
	for _, request := range []*http.Request{
		httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRequest(http.MethodGet, "/debug/pprof/", nil), httptest.NewRequest(http.MethodPost, Path, nil),
	} {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if answer.Code < 400 {
			t.Errorf("%s %s is answered with %d", request.Method, request.URL.Path, answer.Code)
		}
	}
}

// TestSeriesThatAreNone: the table's mistakes fail the scrape, and so a test.
func TestSeriesThatAreNone(t *testing.T) {
	for want, of := range map[string]sample{
		"1 labels, and should have 2": value(1, "shop"),
		"the label result is no text": value(1, "shop", "\xff"),
	} {
		row := newGatherer(Sources{}).rows[slices.IndexFunc(Table(), func(m Metric) bool { return m.Name == "pushboat_deploys_total" })]
		if _, err := row.family([]sample{of}, pairs{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestScrapesAreFrugal: a scrape of 1,000 apps leaves little to collect, since an idle
// server has to stay within 100 MiB.
func TestScrapesAreFrugal(t *testing.T) {
	from := sources(1000)
	result := testing.Benchmark(func(b *testing.B) {
		handler := Handler(from, "", quiet())
		b.ReportAllocs()
		for b.Loop() {
			handler.ServeHTTP(deaf{http.Header{}}, httptest.NewRequest(http.MethodGet, Path, nil))
		}
	})
	if bytes := result.AllocedBytesPerOp(); bytes > 5<<20 {
		t.Errorf("a scrape of 1,000 apps allocates %d bytes", bytes)
	} else {
		t.Logf("a scrape of 1,000 apps allocates %d bytes", bytes)
	}
}

// deaf is somebody who keeps nothing of an answer.
type deaf struct{ header http.Header }

func (d deaf) Header() http.Header         { return d.header }
func (d deaf) Write(p []byte) (int, error) { return len(p), nil }
func (d deaf) WriteHeader(int)             {}

func quiet() *logrus.Entry {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return logrus.NewEntry(log)
}
