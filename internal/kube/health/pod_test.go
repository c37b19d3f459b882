package health

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestPodCause(t *testing.T) {
	tests := []struct {
		name, pod, want string // "" in want means no cause
		terminal        bool
	}{
		{"ready", "status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}", "", false},
		{"completed", "status: {phase: Succeeded, conditions: [{type: Ready, status: 'False', reason: PodCompleted}]}", "", false},
		{"creating", "status: {phase: Pending, conditions: [{type: Ready, status: 'False', message: 'containers with unready status: [web]'}], containerStatuses: [{name: web, state: {waiting: {reason: ContainerCreating}}}]}", "", false},
		{"initializing", "status: {phase: Pending, initContainerStatuses: [{name: init, state: {running: {}}}], containerStatuses: [{name: web, state: {waiting: {reason: PodInitializing}}}]}", "", false},
		{"init done", "status: {phase: Pending, initContainerStatuses: [{name: init, state: {terminated: {exitCode: 0, reason: Completed}}}]}", "", false},

		{
			"pull error",
			`status: {phase: Pending, containerStatuses: [{name: api, image: "registry.example/api:2.0", state: {waiting: {reason: ErrImagePull, message: 'failed to pull and unpack image "registry.example/api:2.0": rpc error: code = NotFound desc = failed to resolve reference "registry.example/api:2.0": registry.example/api:2.0: not found'}}}]}`,
			`ErrImagePull (container api): failed to resolve reference "registry.example/api:2.0": registry.example/api:2.0: not found`, false,
		},
		{
			"pull back-off",
			`status: {phase: Pending, containerStatuses: [{name: api, image: "registry.example/api:2.0", state: {waiting: {reason: ImagePullBackOff, message: 'Back-off pulling image "registry.example/api:2.0"'}}}]}`,
			`ImagePullBackOff (container api): Back-off pulling image "registry.example/api:2.0"`, false,
		},
		{
			"pull back-off without words", `status: {phase: Pending, containerStatuses: [{name: api, image: "registry.example/api:2.0", state: {waiting: {reason: ImagePullBackOff}}}]}`,
			"ImagePullBackOff (container api): registry.example/api:2.0", false,
		},
		{"never pulled", "status: {phase: Pending, containerStatuses: [{name: api, state: {waiting: {reason: ErrImageNeverPull, message: not present}}}]}", "ErrImageNeverPull (container api): not present", true},
		{
			"missing secret", "status: {phase: Pending, containerStatuses: [{name: api, state: {waiting: {reason: CreateContainerConfigError, message: 'secret \"db\" not found'}}}]}",
			`CreateContainerConfigError (container api): secret "db" not found`, false,
		},
		{
			"crash loop", "status: {phase: Running, containerStatuses: [{name: api, restartCount: 5, state: {waiting: {reason: CrashLoopBackOff, message: back-off 40s}}, lastState: {terminated: {exitCode: 2, reason: Error, message: 'no database\n'}}}]}",
			"CrashLoopBackOff (container api): exit code 2: no database, restarted 5 times", false,
		},
		{
			"crash loop out of memory", "status: {phase: Running, containerStatuses: [{name: api, restartCount: 1, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 137, reason: OOMKilled}}}]}",
			"CrashLoopBackOff (container api): OOMKilled, exit code 137, restarted 1 times", false,
		},
		{"crash loop without history", "status: {containerStatuses: [{name: api, state: {waiting: {reason: CrashLoopBackOff}}}]}", "CrashLoopBackOff (container api): the container keeps ending", false},
		{"out of memory", "status: {phase: Running, containerStatuses: [{name: api, state: {terminated: {exitCode: 137, reason: OOMKilled}}}]}", "OOMKilled (container api): exit code 137", false},
		{"killed", "status: {phase: Running, containerStatuses: [{name: api, state: {terminated: {exitCode: 137, signal: 9}}}]}", "Error (container api): signal 9", false},
		{"ended for good", "spec: {restartPolicy: Never}\nstatus: {phase: Failed, containerStatuses: [{name: api, state: {terminated: {exitCode: 1, reason: Error}}}]}", "Error (container api): exit code 1", true},
		{
			"init container crashes", "status: {phase: Pending, initContainerStatuses: [{name: migrate, restartCount: 3, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 1}}}], containerStatuses: [{name: web, state: {waiting: {reason: PodInitializing}}}]}",
			"CrashLoopBackOff (container migrate): exit code 1, restarted 3 times", false,
		},
		{
			"unschedulable", "status: {phase: Pending, conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable, message: '0/1 nodes are available: 1 Insufficient cpu.'}]}",
			"Unschedulable: 0/1 nodes are available: 1 Insufficient cpu.", false,
		},
		{"gated", "status: {phase: Pending, conditions: [{type: PodScheduled, status: 'False', reason: SchedulingGated, message: gated}]}", "SchedulingGated: gated", false},
		{
			"not ready", "status: {phase: Running, conditions: [{type: Ready, status: 'False', reason: ContainersNotReady, message: 'containers with unready status: [web side]'}], containerStatuses: [{name: web, state: {running: {}}}]}",
			"NotReady: running, but the readiness of web, side is not reported", false,
		},
		{"evicted", "status: {phase: Failed, reason: Evicted, message: 'The node was low on resource: memory.'}", "Evicted: The node was low on resource: memory.", true},
		{"failed", "status: {phase: Failed}", "Failed", true},
		{"nonsense", "status: {containerStatuses: [7, {state: 7}, {state: {waiting: 7}}]}", "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cause, ok := PodCause(parse(t, podHead+test.pod))
			if ok != (test.want != "") || ok && cause.String() != test.want {
				t.Fatalf("got %q (%v), want %q", cause, ok, test.want)
			}
			if cause.Terminal != test.terminal {
				t.Errorf("terminal is %v", cause.Terminal)
			}
			if cause.Incurable != hopeless[cause.Reason] {
				t.Errorf("incurable is %v", cause.Incurable)
			}
		})
	}
	deleted := parse(t, strings.Replace(podHead, "name: web,", "name: web, deletionTimestamp: '2026-01-01T00:00:00Z',", 1)+"status: {phase: Failed, reason: Evicted}")
	if cause, ok := PodCause(deleted); ok {
		t.Errorf("a pod that is being deleted is blamed: %v", cause)
	}
}

const podOf = `
apiVersion: v1
kind: Pod
metadata:
  name: p
  namespace: shop
  labels: {app: web, controller-revision-hash: db-2, pod-template-generation: "4"}
  ownerReferences: [{apiVersion: apps/v1, kind: OWNER, name: NAME, uid: u1, controller: true}]
`

func pod(t *testing.T, owner, name string) *unstructured.Unstructured {
	t.Helper()
	return parse(t, strings.NewReplacer("OWNER", owner, "NAME", name).Replace(podOf))
}

func TestSelects(t *testing.T) {
	deployment := func(message string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop, uid: d1}\nspec: {selector: {matchLabels: {app: web}}}\n" +
			"status: {conditions: [{type: Progressing, status: 'True', message: '" + message + "'}]}"
	}
	tests := []struct {
		name, workload string
		owner, ownedBy string
		want           bool
	}{
		{"of the new replica set", deployment(`ReplicaSet "web-2" is progressing.`), "ReplicaSet", "web-2", true},
		{"of the old replica set", deployment(`ReplicaSet "web-2" is progressing.`), "ReplicaSet", "web-1", false},
		{"of a new one just made", deployment(`Created new replica set "web-2"`), "ReplicaSet", "web-1", false},
		{"revision not known", deployment(""), "ReplicaSet", "web-1", true},
		{"other labels", strings.Replace(deployment(""), "app: web", "app: shop", 1), "ReplicaSet", "web-1", false},
		{"no selector", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: {}}", "ReplicaSet", "web-1", false},
		{"other namespace", strings.Replace(deployment(""), "namespace: shop", "namespace: blog", 1), "ReplicaSet", "web-1", false},
		{"of the stateful set", "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db, namespace: shop, uid: u1}\nstatus: {updateRevision: db-2}", "StatefulSet", "db", true},
		{"of its old revision", "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db, namespace: shop, uid: u1}\nstatus: {updateRevision: db-3}", "StatefulSet", "db", false},
		{"of the daemon set", "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: log, namespace: shop, uid: u1, annotations: {deprecated.daemonset.template.generation: '4'}}", "DaemonSet", "log", true},
		{"of its old template", "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: log, namespace: shop, uid: u1, annotations: {deprecated.daemonset.template.generation: '5'}}", "DaemonSet", "log", false},
		{"of the job", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate, namespace: shop, uid: u1}", "Job", "migrate", true},
		{"of an earlier job of that name", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate, namespace: shop, uid: u2}", "Job", "migrate", false},
		{"itself", "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}", "Job", "migrate", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := Selects(parse(t, test.workload), pod(t, test.owner, test.ownedBy)); got != test.want {
				t.Errorf("selects: %v, want %v", got, test.want)
			}
		})
	}
	if Selects(nil, nil) {
		t.Error("without a workload, Selects returns true")
	}
}
