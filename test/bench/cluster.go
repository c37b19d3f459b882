package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// rawAgent is the user agent of the benchmark's reference client. The audit log tells its
// requests from those of others by this name.
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

// namespace makes a namespace, unless it exists.
func (l *lab) namespace(ctx context.Context, name string) error {
	object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	_, err := l.client.CoreV1().Namespaces().Create(ctx, object, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// requestTotal is the sum of the API server's counters apiserver_request_total: the
// requests of every client, including the controllers of the control plane.
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

// pause waits for d, for measurements over a fixed time.
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
