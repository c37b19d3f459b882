package install

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/kube"
)

// parsed reads an object for a test.
func parsed(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatal(err)
	}
	return u
}

// set is a StatefulSet with the given number of ready pods.
func set(t *testing.T, ready int) *unstructured.Unstructured {
	t.Helper()
	u := parsed(t, `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: pushboat, namespace: pushboat-system, uid: a, generation: 1}
spec: {replicas: 1, selector: {matchLabels: {app: pushboat}}}
status: {observedGeneration: 1, replicas: 1, updatedReplicas: 1, currentRevision: r2, updateRevision: r2}
`)
	if err := unstructured.SetNestedField(u.Object, int64(ready), "status", "readyReplicas"); err != nil {
		t.Fatal(err)
	}
	for _, path := range [][]string{{"metadata", "generation"}, {"spec", "replicas"}, {"status", "observedGeneration"}, {"status", "replicas"}, {"status", "updatedReplicas"}} {
		if err := unstructured.SetNestedField(u.Object, int64(1), path...); err != nil {
			t.Fatal(err)
		}
	}
	return u
}

// pod is a pod of a revision, whose container waits for the given reason.
func pod(t *testing.T, revision, reason, message string) *unstructured.Unstructured {
	t.Helper()
	return parsed(t, `
apiVersion: v1
kind: Pod
metadata:
  name: pushboat-0
  namespace: pushboat-system
  labels: {app: pushboat, controller-revision-hash: `+revision+`}
  ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: pushboat, uid: a, controller: true}]
status:
  phase: Pending
  containerStatuses:
    - {name: pushboat, image: "r/p:1", state: {waiting: {reason: `+reason+`, message: "`+message+`"}}}
`)
}

func TestJudge(t *testing.T) {
	unbound := parsed(t, `
apiVersion: v1
kind: Pod
metadata:
  name: pushboat-0
  namespace: pushboat-system
  labels: {app: pushboat, controller-revision-hash: r2}
  ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: pushboat, uid: a, controller: true}]
status:
  phase: Pending
  conditions: [{type: PodScheduled, status: "False", reason: Unschedulable, message: "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims."}]
`)
	for name, tt := range map[string]struct {
		seen view
		want verdict
	}{
		"gone":       {view{}, verdict{line: "the StatefulSet is gone", never: true}},
		"serving":    {view{set: set(t, 1)}, verdict{serving: true, line: "1 of 1 pod ready"}},
		"no pod yet": {view{set: set(t, 0)}, verdict{line: "0 of 1 pod ready"}},
		"an image that cannot be pulled": {
			view{set: set(t, 0), pods: []*unstructured.Unstructured{pod(t, "r2", "ImagePullBackOff", "r/p:1: not found")}},
			verdict{line: "0 of 1 pod ready: ImagePullBackOff (container pushboat): r/p:1: not found", stuck: true},
		},
		"an image that has no name": {
			view{set: set(t, 0), pods: []*unstructured.Unstructured{pod(t, "r2", "InvalidImageName", "x")}},
			verdict{line: "0 of 1 pod ready: InvalidImageName (container pushboat): x", stuck: true, never: true},
		},
		"the pod of the former version": {
			view{set: set(t, 0), pods: []*unstructured.Unstructured{pod(t, "r1", "ImagePullBackOff", "x")}},
			verdict{line: "0 of 1 pod ready"},
		},
		"a volume that nobody binds": {
			view{set: set(t, 0), pods: []*unstructured.Unstructured{unbound}},
			verdict{line: "0 of 1 pod ready: Unschedulable: 0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims."},
		},
		"what only events tell": {
			view{set: set(t, 0), pods: []*unstructured.Unstructured{pod(t, "r2", "ContainerCreating", "")}, events: []string{"older", "configmap not found"}},
			verdict{line: "0 of 1 pod ready: configmap not found"},
		},
	} {
		if got := judge(tt.seen); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

// TestWaitIsPatient: a failing container ends the wait if it still fails after some time.
// Each line is written once.
func TestWaitIsPatient(t *testing.T) {
	var out bytes.Buffer
	w := waiter{out: &out}
	start := time.Now()
	failing := verdict{line: "0 of 1 pod ready: ImagePullBackOff: x", stuck: true}
	for _, tt := range []struct {
		after time.Duration
		v     verdict
		done  bool
		ends  bool
	}{
		{0, verdict{line: "0 of 1 pod ready"}, false, false},
		{time.Second, failing, false, false},
		{20 * time.Second, failing, false, false},
		{30 * time.Second, failing, false, false},
		{40 * time.Second, verdict{line: "0 of 1 pod ready"}, false, false}, // the container is tried again
		{50 * time.Second, failing, false, true},
		{61 * time.Second, verdict{serving: true, line: "1 of 1 pod ready"}, true, false},
	} {
		done, err := w.tell(tt.v, start.Add(tt.after))
		if done != tt.done || (err != nil) != tt.ends {
			t.Errorf("after %s: %t, %v", tt.after, done, err)
		}
	}
	want := []string{"0 of 1 pod ready", "ImagePullBackOff", "0 of 1 pod ready", "ImagePullBackOff", "1 of 1 pod ready"}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != len(want) {
		t.Fatalf("the output is %q", lines)
	}
	for i := range want {
		if !strings.Contains(lines[i], want[i]) {
			t.Errorf("line %d is %q, want %q", i, lines[i], want[i])
		}
	}
}

// TestEndOfTheWait: after an interrupt, the message does not mention the timeout.
func TestEndOfTheWait(t *testing.T) {
	for _, tt := range []struct {
		line        string
		interrupted bool
		want        string
	}{
		{"0 of 1 pod ready: x", false, "the server does not serve after 5m: 0 of 1 pod ready: x"},
		{"", false, "after 5m: the cluster says nothing of it"},
		{"0 of 1 pod ready: x", true, "interrupted; the applied objects stay"},
	} {
		w := waiter{line: tt.line}
		if err := w.ended(tt.interrupted, DefaultTimeout); !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}

// TestRemedies checks that the suggested remedy fits the failure.
func TestRemedies(t *testing.T) {
	for line, want := range map[string]string{
		"ImagePullBackOff (container pushboat): r/p:1: not found":                                            "--image REF",
		`MountVolume.SetUp failed for volume "keys" : configmap "pushboat-keys" not found`:                   "--admin-key",
		"Unschedulable: pod has unbound immediate PersistentVolumeClaims":                                    "StorageClass",
		"CrashLoopBackOff (container pushboat): exit code 1: error: keys.file: line 1: that is no key":       "describe pod",
		"MountVolume.MountDevice failed: volume does not support ReadWriteOncePod":                           "StorageClass",
		"0/1 nodes are available: 1 Insufficient memory":                                                     "describe pod",
		"pods \"pushboat-0\" is forbidden: violates PodSecurity \"restricted:latest\": privileged container": "describe pod",
	} {
		if got := remedy(line); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

// TestWarningsOf: only warnings about the server count, sorted by time.
func TestWarningsOf(t *testing.T) {
	event := func(kind, about, message, last string) unstructured.Unstructured {
		return unstructured.Unstructured{Object: map[string]any{
			"type": kind, "message": message, "lastTimestamp": last,
			"involvedObject": map[string]any{"name": about},
		}}
	}
	got := warningsOf([]unstructured.Unstructured{
		event("Warning", "pushboat-0", "second\nline", "2026-11-28T15:00:02Z"),
		event("Warning", "pushboat", "first", "2026-11-28T15:00:01Z"),
		event("Normal", "pushboat-0", "pulling", "2026-11-28T15:00:03Z"),
		event("Warning", "another", "of another", "2026-11-28T15:00:03Z"),
	})
	if len(got) != 2 || got[0] != "first" || !strings.HasPrefix(got[1], "second") || strings.Contains(got[1], "\n") {
		t.Errorf("%q", got)
	}
}

// TestReach checks the address for git, for each type of Service.
func TestReach(t *testing.T) {
	service := func(kind, status string, port, node int64) *unstructured.Unstructured {
		u := parsed(t, "status: "+status)
		_ = unstructured.SetNestedField(u.Object, kind, "spec", "type")
		_ = unstructured.SetNestedSlice(u.Object, []any{map[string]any{"port": port, "nodePort": node}}, "spec", "ports")
		return u
	}
	server := []*unstructured.Unstructured{
		parsed(t, "{metadata: {name: other}, status: {hostIP: 192.0.2.9}}"),
		parsed(t, "{metadata: {name: pushboat-0, labels: {app.kubernetes.io/name: pushboat}}, status: {hostIP: 192.0.2.1}}"),
	}
	for _, tt := range []struct {
		service   *unstructured.Unstructured
		url, says string
	}{
		{service("ClusterIP", "{}", 22, 0), "ssh://git@localhost:2222/NAME.git", "port-forward service/pushboat 2222:22"},
		{service("ClusterIP", "{}", 2022, 0), "ssh://git@localhost:2222/NAME.git", "port-forward service/pushboat 2222:2022"},
		{service("NodePort", "{}", 22, 30022), "ssh://git@192.0.2.1:30022/NAME.git", "192.0.2.1:30022"},
		{service("LoadBalancer", "{loadBalancer: {ingress: [{ip: 192.0.2.2}]}}", 22, 30022), "ssh://git@192.0.2.2/NAME.git", "It is at 192.0.2.2:22"},
		{service("LoadBalancer", "{loadBalancer: {ingress: [{hostname: git.example.org}]}}", 2022, 0), "ssh://git@git.example.org:2022/NAME.git", "git.example.org:2022"},
		{service("LoadBalancer", `{loadBalancer: {ingress: [{ip: "2001:db8::1"}]}}`, 22, 0), "ssh://git@[2001:db8::1]/NAME.git", "[2001:db8::1]:22"},
		{service("LoadBalancer", "{}", 22, 0), "ssh://git@ADDRESS/NAME.git", "get service pushboat"},
	} {
		r := reachOf(tt.service, server)
		r.kubectl = kubectl(kube.Kubeconfig{Context: "prod", File: "f"})
		text := r.text()
		for _, want := range []string{tt.url, tt.says, "kubectl --kubeconfig f --context prod -n pushboat-system"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s without %q", text, want)
			}
		}
	}
}

// TestRemains: an uninstallation names the objects that keep running.
func TestRemains(t *testing.T) {
	var many []kube.Parent
	for range 12 {
		many = append(many, kube.NewParent("app", "repo"))
	}
	for _, tt := range []struct {
		parents []kube.Parent
		want    string
	}{
		{nil, "no app had anything"},
		{many[:1], "1 app (app)"},
		{many, "and 2 more"},
	} {
		if got := remains(tt.parents, "kubectl"); !strings.Contains(got, tt.want) || !strings.Contains(got, "pushboat install goes on") {
			t.Errorf("%s\nwithout %q", got, tt.want)
		}
	}
}
