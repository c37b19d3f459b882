package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// memory adds two facts about the server's memory: its peak, which must be at most limit
// MiB (0: no goal), and the memory that the server keeps.
func (l *lab) memory(ctx context.Context, r *result, limit float64) error {
	now, peak, err := l.server.resident()
	if err != nil {
		return err
	}
	g := noGoal
	if limit > 0 {
		g = atMost
	}
	r.fact(fact{what: "server's memory (RSS), peak", value: peak, unit: " MiB", goal: g, limit: limit})
	heap, err := l.heap(ctx)
	if err != nil {
		return err
	}
	r.note("server's memory afterwards: %.0f MiB, of which %.0f MiB are reachable", now, heap)
	return nil
}

// heap returns the reachable heap of the server after a collection, in MiB.
func (l *lab) heap(ctx context.Context) (float64, error) {
	text, err := l.profile(ctx, "heap?gc=1&debug=1")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(text, "# HeapAlloc = ")
	var bytes float64
	if _, err := fmt.Sscan(rest, &bytes); err != nil {
		return 0, fmt.Errorf("read the server's heap: %w", err)
	}
	return bytes / (1 << 20), nil
}

// scrapeEach is how often metrics are scraped; Prometheus does so every 15 to 60 seconds.
const scrapeEach = 15 * time.Second

// scraped has the server's metrics scraped, as they are where somebody runs it, until stop is
// called, which returns how often that was.
func (l *lab) scraped(ctx context.Context) (stop func() (times int, err error)) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	n := 0
	var failed error
	go func() {
		defer close(ended)
		for failed == nil {
			err := l.scrape(ctx)
			if ctx.Err() != nil {
				return
			}
			if failed = err; failed == nil {
				n++
			}
			if pause(ctx, scrapeEach) != nil {
				return
			}
		}
	}()
	return func() (int, error) {
		cancel()
		<-ended
		return n, failed
	}
}

func (l *lab) scrape(ctx context.Context) error {
	addr, err := os.ReadFile(l.path("data", "run", "metrics.addr"))
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+strings.TrimSpace(string(addr))+"/metrics", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("scrape the server's metrics: %w", err)
	}
	defer answer.Body.Close()
	if _, err = io.Copy(io.Discard, answer.Body); err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("scrape the server's metrics: %s", answer.Status)
	}
	return err
}

// heapAndStacks returns the reachable heap of the server after a collection and the stacks of
// its goroutines, in MiB.
func (l *lab) heapAndStacks(ctx context.Context) (float64, error) {
	text, err := l.profile(ctx, "heap?gc=1&debug=1")
	if err != nil {
		return 0, err
	}
	return readHeap(text)
}

// readHeap reads the heap and the stacks from a profile in words, in MiB.
func readHeap(text string) (float64, error) {
	var sum float64
	for _, name := range []string{"# HeapAlloc = ", "# Stack = "} {
		_, rest, _ := strings.Cut(text, name)
		var bytes float64
		if _, err := fmt.Sscan(rest, &bytes); err != nil {
			return 0, fmt.Errorf("read %q of the server's heap: %w", name, err)
		}
		sum += bytes
	}
	return sum / (1 << 20), nil
}

// profileFor waits for d. If profiles are wanted, keepProfile keeps the CPU profile of that
// time.
func (l *lab) profileFor(ctx context.Context, d time.Duration, name string) error {
	if l.settings.profiles == "" {
		return pause(ctx, d)
	}
	return l.keepProfile(ctx, fmt.Sprintf("profile?seconds=%d", d/time.Second), name)
}

// keepProfile writes a profile of the server for go tool pprof to the directory that
// -profiles names.
func (l *lab) keepProfile(ctx context.Context, query, name string) error {
	if l.settings.profiles == "" {
		return nil
	}
	data, err := l.profile(ctx, query)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(l.settings.profiles, name), []byte(data), 0o600)
}

func (l *lab) profile(ctx context.Context, query string) (string, error) {
	addr, err := os.ReadFile(l.path("data", "run", "debug.addr"))
	if err != nil {
		return "", err
	}
	url := "http://" + strings.TrimSpace(string(addr)) + "/debug/pprof/" + query
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", fmt.Errorf("read a profile of the server: %w", err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("read a profile of the server: %s: %s", answer.Status, data)
	}
	return string(data), err
}
