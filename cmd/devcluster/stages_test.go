package main

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/kwok/pkg/apis/internalversion"
	"sigs.k8s.io/kwok/pkg/utils/lifecycle"
)

func podStages(t *testing.T) lifecycle.Lifecycle {
	t.Helper()
	stages, err := loadStages()
	if err != nil {
		t.Fatal(err)
	}
	pods, err := lifecycle.NewLifecycle(stages[internalversion.StageResourceRef{APIGroup: "v1", Kind: "Pod"}])
	if err != nil {
		t.Fatal(err)
	}
	return pods
}

// next lists every stage that may come next. KWOK would pick one of them at random, so
// there must be at most one.
func next(t *testing.T, stages lifecycle.Lifecycle, pod *corev1.Pod) []string {
	t.Helper()
	event := &lifecycle.Event{Labels: pod.Labels, Annotations: pod.Annotations, Data: pod}
	possible, err := stages.ListAllPossible(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, stage := range possible {
		names = append(names, stage.Name())
	}
	return names
}

func TestPodStages(t *testing.T) {
	waiting := func(reason string) []corev1.ContainerStatus {
		return []corev1.ContainerStatus{{State: corev1.ContainerState{
			Waiting: &corev1.ContainerStateWaiting{Reason: reason},
		}}}
	}
	tests := []struct {
		annotation string
		phase      corev1.PodPhase
		ofJob      bool
		containers []corev1.ContainerStatus
		want       string // "" for none
	}{
		{"", corev1.PodPending, false, nil, "pod-ready"},
		{"", corev1.PodRunning, false, nil, ""},
		{"", corev1.PodPending, true, nil, "pod-ready"},
		{"", corev1.PodRunning, true, nil, "pod-complete"},
		{"", corev1.PodSucceeded, true, nil, ""},
		{"no-such-word", corev1.PodPending, false, nil, "pod-ready"},
		{"image-pull-error", corev1.PodPending, false, nil, "pod-image-pull-error"},
		{"image-pull-error", corev1.PodPending, false, waiting("ErrImagePull"), "pod-image-pull-backoff"},
		{"image-pull-error", corev1.PodPending, false, waiting("ImagePullBackOff"), ""},
		{"image-pull-error", corev1.PodPending, true, waiting("ImagePullBackOff"), ""},
		{"crash-loop", corev1.PodPending, false, nil, "pod-crash-loop"},
		{"crash-loop", corev1.PodRunning, false, waiting("CrashLoopBackOff"), ""},
		{"crash-loop", corev1.PodRunning, true, waiting("CrashLoopBackOff"), ""},
		{"never-ready", corev1.PodPending, false, nil, "pod-never-ready"},
		{"never-ready", corev1.PodRunning, true, nil, ""},
		{"job-fail", corev1.PodPending, true, nil, "pod-ready"},
		{"job-fail", corev1.PodRunning, true, nil, "pod-job-fail"},
		{"job-fail", corev1.PodFailed, true, nil, ""},
	}
	stages := podStages(t)
	for _, test := range tests {
		pod := &corev1.Pod{Status: corev1.PodStatus{Phase: test.phase, ContainerStatuses: test.containers}}
		if test.annotation != "" {
			pod.Annotations = map[string]string{"devcluster.pushboat.io/pod": test.annotation}
		}
		if test.ofJob {
			pod.OwnerReferences = []metav1.OwnerReference{{Kind: "Job"}}
		}
		var want []string
		if test.want != "" {
			want = []string{test.want}
		}
		if got := next(t, stages, pod); !slices.Equal(got, want) {
			t.Errorf("pod %q, phase %s, of a Job %v: next stage %q, want %q",
				test.annotation, test.phase, test.ofJob, got, want)
		}
		now := metav1.Now()
		pod.DeletionTimestamp = &now
		if got := next(t, stages, pod); !slices.Equal(got, []string{"pod-delete"}) {
			t.Errorf("deleted pod %q, phase %s: next stage %q, want pod-delete", test.annotation, test.phase, got)
		}
	}
}
