package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// audit reads the API server's audit log from a certain moment on.
type audit struct {
	path string
	from int64
}

// auditFromNow returns an audit that begins at the present end of the log.
func (l *lab) auditFromNow() (audit, error) {
	info, err := os.Stat(l.auditLog)
	if err != nil {
		return audit{}, fmt.Errorf("read the audit log: %w", err)
	}
	return audit{l.auditLog, info.Size()}, nil
}

// answered is a request that the API server has answered, as the audit log records it
// (audit.k8s.io/v1, Event).
type answered struct {
	Stage, Verb, UserAgent, RequestURI string

	StageTimestamp time.Time // when the request was answered, to the microsecond
	ObjectRef      struct{ Resource, Namespace, Subresource string }
}

// each passes every request that was answered since the beginning.
func (a audit) each(pass func(answered)) error {
	file, err := os.Open(a.path)
	if err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.NewSectionReader(file, a.from, 1<<62))
	if err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	for line := range bytes.Lines(data) {
		var request answered
		if json.Unmarshal(line, &request) != nil { // the last line may be incomplete
			continue
		}
		if request.Stage == "ResponseComplete" {
			pass(request)
		}
	}
	return nil
}

// counted is how many requests there were, by verb and resource: "get configmaps", "patch
// deployments".
type counted map[string]int

func (c counted) total() int {
	n := 0
	for _, k := range c {
		n += k
	}
	return n
}

// requests counts the requests since the beginning that are finished and come from clients
// whose user agent has the prefix.
func (a audit) requests(agent string) (counted, error) {
	found := counted{}
	err := a.each(func(request answered) {
		if strings.HasPrefix(request.UserAgent, agent) {
			found[request.Verb+" "+request.ObjectRef.Resource]++
		}
	})
	return found, err
}

// course is when the parts of a deploy were over, by the clock of the API server, which is
// the clock of this machine.
type course struct {
	gate   time.Time // before the first dry-run was answered
	apply  time.Time // the last dry-run was answered
	live   time.Time // the last apply was answered: all objects exist
	status time.Time // a controller wrote the last status: all objects are healthy
}

// courseOf returns the course of a first deploy into a namespace. The deploy ended at the
// given time.
func (a audit) courseOf(namespace string, ended time.Time) (c course, err error) {
	err = a.each(func(request answered) {
		ours, at := strings.HasPrefix(request.UserAgent, "pushboat"), request.StageTimestamp
		dry := strings.Contains(request.RequestURI, "dryRun=")
		switch {
		case at.After(ended):
		case ours && request.Verb == "patch" && dry:
			if c.gate.IsZero() {
				c.gate = at
			}
			c.apply = later(c.apply, at)
		case request.ObjectRef.Namespace != namespace:
		case ours && request.Verb == "patch":
			c.live = later(c.live, at)
		case !ours && request.Verb == "update" && request.ObjectRef.Subresource == "status":
			c.status = later(c.status, at)
		}
	})
	if err == nil && (c.gate.IsZero() || c.live.IsZero()) {
		err = fmt.Errorf("the audit log %q has no dry-run, or no apply to namespace %s: was it rotated?", a.path, namespace)
	}
	return c, err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// How quiet a cluster is when nobody works on it: there are only its heartbeats.
const (
	quietFor   = time.Second
	quietBytes = 16 << 10 // of the audit log, about 20 requests

	quietWithin = 5 * time.Minute
)

// awaitQuiet returns when the controllers have finished the work that the previous round
// has left. It is an error if that takes too long: something works on for ever.
func (l *lab) awaitQuiet(ctx context.Context) error {
	begin := time.Now()
	for {
		before, err := l.auditFromNow()
		if err != nil {
			return err
		}
		if err := pause(ctx, quietFor); err != nil {
			return err
		}
		after, err := l.auditFromNow()
		if err != nil || after.from-before.from < quietBytes {
			return err
		}
		if time.Since(begin) > quietWithin {
			return fmt.Errorf("the cluster does not come to rest within %s; %s has who asks it for what", quietWithin, l.auditLog)
		}
	}
}
