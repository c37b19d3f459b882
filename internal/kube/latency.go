package kube

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Latency describes how long requests with one verb took, until their response began.
type Latency struct {
	Verb   string        `json:"verb"` // get, list, watch, apply, dry-run, create, update, delete, discover
	Count  int64         `json:"count"`
	Failed int64         `json:"failed"` // no answer, or a status of 500 or above
	Median time.Duration `json:"-"`      // at most this, by the histogram's steps
	P99    time.Duration `json:"-"`      // at most this
	// The same in seconds, for programs.
	MedianSeconds float64       `json:"medianSeconds"`
	P99Seconds    float64       `json:"p99Seconds"`
	Sum           time.Duration `json:"-"` // of all together
	// Within counts those that took at most so many seconds.
	Within map[float64]uint64 `json:"-"`
}

// steps are the upper bounds of the histogram. Anything longer counts as the longest,
// beyond which the server's own limit lies.
var steps = [...]time.Duration{
	1 * time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond,
	10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	1 * time.Second, 2 * time.Second, 5 * time.Second,
	10 * time.Second, 20 * time.Second, headerTimeout,
}

// meter counts the requests of a cluster, and how long they take.
type meter struct {
	mu    sync.Mutex
	verbs map[string]*histogram
}

type histogram struct {
	failed atomic.Int64
	sum    atomic.Int64 // nanoseconds
	counts [len(steps)]atomic.Int64
}

// measured is a transport whose requests are counted.
type measured struct {
	next  http.RoundTripper
	meter *meter
}

// RoundTrip makes a request and notes how long it took.
func (t measured) RoundTrip(request *http.Request) (*http.Response, error) {
	began := time.Now()
	response, err := t.next.RoundTrip(request)
	t.meter.note(verbOf(request), time.Since(began), err != nil || response.StatusCode >= http.StatusInternalServerError)
	return response, err
}

// WrappedRoundTripper lets client-go look through the wrapper.
func (t measured) WrappedRoundTripper() http.RoundTripper { return t.next }

func (m *meter) note(verb string, took time.Duration, failed bool) {
	m.mu.Lock()
	if m.verbs == nil {
		m.verbs = map[string]*histogram{}
	}
	h, ok := m.verbs[verb]
	if !ok {
		h = &histogram{}
		m.verbs[verb] = h
	}
	m.mu.Unlock()
	step := 0
	for step < len(steps)-1 && took > steps[step] {
		step++
	}
	h.counts[step].Add(1)
	h.sum.Add(int64(took))
	if failed {
		h.failed.Add(1)
	}
}

// Latencies returns the requests to the cluster since the server started, and how long
// they took, by verb.
func (c *Cluster) Latencies() []Latency { return c.meter.latencies() }

func (m *meter) latencies() []Latency {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]Latency, 0, len(m.verbs))
	for verb, h := range m.verbs {
		l := Latency{Verb: verb, Failed: h.failed.Load(), Sum: time.Duration(h.sum.Load()), Within: make(map[float64]uint64, len(steps)-1)}
		var counts [len(steps)]int64
		for i := range h.counts {
			counts[i] = h.counts[i].Load()
			l.Count += counts[i]
			if i < len(steps)-1 { // the last has those that took longer, too
				l.Within[steps[i].Seconds()] = uint64(l.Count)
			}
		}
		l.Median, l.P99 = quantile(counts[:], l.Count, 50), quantile(counts[:], l.Count, 99)
		l.MedianSeconds, l.P99Seconds = l.Median.Seconds(), l.P99.Seconds()
		list = append(list, l)
	}
	slices.SortFunc(list, func(a, b Latency) int { return cmp.Compare(a.Verb, b.Verb) })
	return list
}

// quantile returns the step at or below which a share of the requests, in hundredths,
// lies.
func quantile(counts []int64, all, share int64) time.Duration {
	var sum int64
	for i, n := range counts {
		if sum += n; n > 0 && sum*100 >= all*share {
			return steps[i]
		}
	}
	return 0
}

// verbOf returns the verb of a request, as in RBAC and audit logs, except that an apply
// and a dry-run, both patches there, have their own.
func verbOf(request *http.Request) string {
	query := request.URL.Query()
	switch request.Method {
	case http.MethodPatch, http.MethodPost, http.MethodPut:
		if query.Has("dryRun") {
			return "dry-run"
		}
		return map[string]string{http.MethodPatch: "apply", http.MethodPost: "create", http.MethodPut: "update"}[request.Method]
	case http.MethodDelete:
		return "delete"
	}
	if watch := query.Get("watch"); watch == "1" || watch == "true" {
		return "watch"
	}
	return readVerb(request.URL.Path)
}

// readVerb tells a list, a get and a discovery request apart by the path: /api/V/...
// and /apis/G/V/..., then namespaces/NS if the kind has any, then the kind and the
// object's name.
func readVerb(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case parts[0] == "api" && len(parts) > 2:
		parts = parts[2:]
	case parts[0] == "apis" && len(parts) > 3:
		parts = parts[3:]
	default:
		return "discover"
	}
	if parts[0] == "namespaces" && len(parts) > 2 {
		parts = parts[2:]
	}
	if len(parts) == 1 {
		return "list"
	}
	return "get"
}
