package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// settledWithin is how long the deploys of all apps together may take.
const settledWithin = 10 * time.Minute

// startUp measures the start of a server on a directory of many repositories, each with an
// app that is deployed and has a record.
func startUp(ctx context.Context, l *lab) (*result, error) {
	n := l.settings.fleet
	if err := l.server.stop(); err != nil {
		return nil, err
	}
	if err := l.fillStore(ctx, n); err != nil {
		return nil, err
	}
	if err := l.namespace(ctx, "many"); err != nil {
		return nil, err
	}
	first, err := l.startServer(ctx)
	if err != nil {
		return nil, err
	}
	deployed, err := l.awaitApps(ctx, n)
	if err != nil {
		return nil, err
	}
	r := &result{}
	ready := &series{of: fmt.Sprintf("to ready, %d repositories with an app and a record each", n)}
	known := &series{of: "to the first answer of status with every app"}
	for range l.rounds(5) {
		if err := l.server.stop(); err != nil {
			return nil, err
		}
		took, err := l.startServer(ctx)
		if err != nil {
			return nil, err
		}
		ready.add(took)
		all, err := l.awaitApps(ctx, n)
		if err != nil {
			return nil, err
		}
		known.add(took + all)
	}
	r.series = append(r.series, ready, known)
	r.fact(fact{what: "start to ready", value: ready.median(), unit: " s", goal: atMost, limit: 0.5})
	r.note("the first start, with all apps to deploy: ready after %.2f s, all deployed %.1f s later", first.Seconds(), deployed.Seconds())
	return r, l.memory(ctx, r, 0)
}

// fillStore writes n repositories into the store of a stopped server. The first is made by
// the server's own git; the others are copies of it with another app in each.
func (l *lab) fillStore(ctx context.Context, n int) error {
	for i := range n {
		name := fmt.Sprintf("repo-%04d", i)
		bare := l.path("data", "repos", name+".git")
		if _, err := l.run(ctx, l.dir, "git", "init", "-q", "--bare", "--template=", "-b", "main", bare); err != nil {
			return err
		}
		if err := l.importCommit(ctx, bare, name); err != nil {
			return err
		}
	}
	return nil
}

// importCommit makes the branch main, with one app of one ConfigMap.
func (l *lab) importCommit(ctx context.Context, bare, name string) error {
	var b strings.Builder
	b.WriteString("commit refs/heads/main\ncommitter Bench <bench@example.org> 1790000000 +0000\ndata 5\nBegin\n")
	for path, text := range map[string]string{
		"pushboat.yaml":      fmt.Sprintf("apps:\n  - {name: %s, path: deploy, namespace: many}\n", name),
		"deploy/config.yaml": fmt.Sprintf(configText, name),
	} {
		fmt.Fprintf(&b, "M 100644 inline %s\ndata %d\n%s\n", path, len(text), text)
	}
	b.WriteString("done\n")
	script := filepath.Join(l.dir, "import")
	if err := os.WriteFile(script, []byte(b.String()), 0o600); err != nil {
		return err
	}
	_, err := l.run(ctx, bare, "sh", "-c", `exec git fast-import --quiet --done <"$0"`, script)
	return err
}

// awaitApps asks for the status until all apps are in sync and healthy, and returns the
// time that this took.
func (l *lab) awaitApps(ctx context.Context, n int) (time.Duration, error) {
	if err := l.writeSSHConfig(ctx); err != nil { // the server has a new port
		return 0, err
	}
	start := time.Now()
	for {
		text, err := l.verb(ctx, "status", "-o", "json")
		if err != nil {
			return 0, err
		}
		var apps []struct{ Sync, Health string }
		if err := json.Unmarshal([]byte(text), &apps); err != nil {
			return 0, fmt.Errorf("read the status: %w", err)
		}
		well := 0
		for _, a := range apps {
			if a.Sync == "in sync" && a.Health == "healthy" {
				well++
			}
		}
		if well >= n {
			return time.Since(start), nil
		}
		if time.Since(start) > settledWithin {
			return 0, fmt.Errorf("%d of %d apps are deployed after %s", well, n, settledWithin)
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return 0, err
		}
	}
}
