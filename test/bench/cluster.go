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

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// rawAgent is the user agent of our own reference client, by which the audit
// log tells its requests from those of others.
const rawAgent = "bench-raw"

// connect makes the clients of the reference.
func (l *lab) connect() (err error) {
	config := rest.CopyConfig(l.cluster.Config)
	config.UserAgent = rawAgent
	config.QPS = -1
	if l.client, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	l.dynamic, err = dynamic.NewForConfig(config)
	return err
}

// namespace makes a namespace, if it is not there yet.
func (l *lab) namespace(ctx context.Context, name string) error {
	object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	_, err := l.client.CoreV1().Namespaces().Create(ctx, object, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// audit counts requests in the API server's audit log from a moment on.
type audit struct {
	path string
	from int64
}

// auditFromNow begins to count.
func (l *lab) auditFromNow() (audit, error) {
	info, err := os.Stat(l.auditLog)
	if err != nil {
		return audit{}, fmt.Errorf("read the audit log: %w", err)
	}
	return audit{l.auditLog, info.Size()}, nil
}

// counted are requests by what they do: "get configmaps", "patch deployments".
type counted map[string]int

func (c counted) total() int {
	n := 0
	for _, k := range c {
		n += k
	}
	return n
}

// requests returns the finished requests since the beginning of clients whose
// user agent has the prefix.
func (a audit) requests(agent string) (counted, error) {
	file, err := os.Open(a.path)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.NewSectionReader(file, a.from, 1<<62))
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	found := counted{}
	for line := range bytes.Lines(data) {
		var event struct {
			Stage, Verb, UserAgent string
			ObjectRef              struct{ Resource string }
		}
		if json.Unmarshal(line, &event) != nil { // the last line may still be written
			continue
		}
		if event.Stage == "ResponseComplete" && strings.HasPrefix(event.UserAgent, agent) {
			found[event.Verb+" "+event.ObjectRef.Resource]++
		}
	}
	return found, nil
}

// requestTotal is the sum of the API server's counters apiserver_request_total:
// the requests of every client, the control plane's own controllers included.
func (l *lab) requestTotal(ctx context.Context) (float64, error) {
	text, err := l.client.RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the API server's metrics: %w", err)
	}
	var total float64
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "apiserver_request_total{") {
			continue
		}
		var n float64
		if _, err := fmt.Sscan(line[strings.LastIndexByte(line, '}')+1:], &n); err != nil {
			return 0, fmt.Errorf("read the API server's metrics: line %q: %w", line, err)
		}
		total += n
	}
	return total, nil
}

// pause waits for d, where what is measured is time itself.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
