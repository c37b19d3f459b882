package kube

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/manifest"
)

// TestOccurrences: an Event says the same, whether an old or a new program has written it.
func TestOccurrences(t *testing.T) {
	for what, test := range map[string]struct {
		event map[string]any
		want  string
	}{
		"old": {
			map[string]any{
				"type": "Warning", "reason": "BackOff", "message": "back-off", "count": int64(3), "lastTimestamp": "2026-01-02T03:04:05Z", "eventTime": nil,
				"source": map[string]any{"component": "kubelet"}, "reportingComponent": "",
			}, "03:04:05 true BackOff back-off kubelet 3",
		},
		"new": {
			map[string]any{
				"type": "Normal", "reason": "Pulled", "message": "pulled", "eventTime": "2026-01-02T03:04:06.123456Z", "reportingComponent": "scheduler",
			}, "03:04:06 false Pulled pulled scheduler 1",
		},
		"series": {
			map[string]any{
				"eventTime": "2026-01-02T03:04:06Z", "series": map[string]any{"count": int64(7), "lastObservedTime": "2026-01-02T03:05:00.5Z"},
			}, "03:05:00 false    7",
		},
		"bare": {
			map[string]any{"metadata": map[string]any{"creationTimestamp": "2026-01-02T03:04:05Z"}}, "03:04:05 false    1",
		},
	} {
		o := occurrenceOf(&unstructured.Unstructured{Object: test.event})
		if got := fmt.Sprintln(o.Time.Format("15:04:05"), o.Warning, o.Reason, o.Note, o.By, o.Times); got != test.want+"\n" {
			t.Errorf("%s: got %q, want %q", what, got, test.want)
		}
	}
}

func TestOccurrencesAreOfTheGroup(t *testing.T) {
	for version, want := range map[string]bool{"apps/v1": true, "apps/v1beta1": true, "": true, "v1": false, "other.example.org/v1": false, "a/b/c": false} {
		event := &unstructured.Unstructured{Object: map[string]any{"involvedObject": map[string]any{"apiVersion": version}}}
		if got := isAbout(event, manifest.ID{Group: "apps", Kind: "Deployment", Name: "web"}); got != want {
			t.Errorf("%q: %v", version, got)
		}
	}
}
