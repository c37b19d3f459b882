package health

import (
	"strings"
	"testing"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func parse(t testing.TB, text string) *unstructured.Unstructured {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(strings.TrimSpace(text)))
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{} // decoded as by the API client: int64, not float64
	if err := u.UnmarshalJSON(data); err != nil {
		t.Fatal(err)
	}
	return u
}

const (
	deploymentHead = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop, generation: 2}\n"
	setHead        = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db, namespace: shop, generation: 2}\n"
	daemonHead     = "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: log, namespace: shop, generation: 1}\nspec: {}\n"
	replicaHead    = "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: web-1, namespace: shop, generation: 1}\n"
	jobHead        = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate, namespace: shop}\n"
	podHead        = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\n"
	serviceHead    = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\n"
	claimHead      = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: shop}\n"
	scalerHead     = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web, namespace: shop}\nspec: {maxReplicas: 5}\n"
	crdHead        = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: boats.example.org}\n"
	apiServiceHead = "apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1.example.org}\n"
	volumeHead     = "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: disk}\n"
	budgetHead     = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web, generation: 1}\n"
	signingHead    = "apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\nmetadata: {name: web}\n"
	policyHead     = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: web, generation: 1}\n"
	boatHead       = "apiVersion: example.org/v1\nkind: Boat\nmetadata: {name: anna, namespace: shop, generation: 3}\n"
)

func TestOf(t *testing.T) {
	tests := []struct {
		name, object, want string
	}{
		{"deployment not seen", deploymentHead + "spec: {replicas: 0}\nstatus: {}", "progressing: not seen by its controller yet"},
		{
			"deployment with an old status", deploymentHead + "spec: {replicas: 1}\nstatus: {observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1}",
			"progressing: the newest change has not been seen by its controller yet",
		},
		{
			"deployment begins", deploymentHead + "spec: {replicas: 3}\nstatus: {observedGeneration: 2, replicas: 4, updatedReplicas: 1, readyReplicas: 3, availableReplicas: 3}",
			"progressing: 1 of 3 pods updated",
		},
		{
			"deployment half ready", deploymentHead + "spec: {replicas: 3}\nstatus: {observedGeneration: 2, replicas: 3, updatedReplicas: 3, readyReplicas: 2, availableReplicas: 2}",
			"progressing: 2 of 3 pods ready",
		},
		{
			"deployment ready, not available", deploymentHead + "spec: {replicas: 3, minReadySeconds: 10}\nstatus: {observedGeneration: 2, replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 2}",
			"progressing: 2 of 3 pods available",
		},
		{
			"deployment with old pods", deploymentHead + "spec: {replicas: 3}\nstatus: {observedGeneration: 2, replicas: 4, updatedReplicas: 3, readyReplicas: 4, availableReplicas: 4}",
			"progressing: 1 of 1 pod of the old revision still there",
		},
		{
			"deployment done", deploymentHead + "spec: {replicas: 3}\nstatus: {observedGeneration: 2, replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3}",
			"healthy: 3 of 3 pods ready",
		},
		{"deployment of none", deploymentHead + "spec: {replicas: 0}\nstatus: {observedGeneration: 2}", "healthy: 0 of 0 pods ready"},
		{"deployment of one by default", deploymentHead + "spec: {}\nstatus: {observedGeneration: 2, replicas: 1, updatedReplicas: 1}", "progressing: 0 of 1 pod ready"},
		{
			"deployment out of time", deploymentHead + "spec: {replicas: 3, progressDeadlineSeconds: 60}\nstatus: {observedGeneration: 2, replicas: 4, updatedReplicas: 1, readyReplicas: 3, availableReplicas: 3, conditions: [{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded, message: 'ReplicaSet \"web-1\" has timed out progressing.'}]}",
			"failed: no progress for 60 s; 1 of 3 pods updated",
		},
		{"deployment paused", deploymentHead + "spec: {replicas: 3, paused: true}\nstatus: {observedGeneration: 2, replicas: 3, updatedReplicas: 1}", "suspended: rollout paused"},
		{
			"deployment over quota", deploymentHead + "spec: {replicas: 1}\nstatus: {observedGeneration: 2, conditions: [{type: ReplicaFailure, status: 'True', reason: FailedCreate, message: 'exceeded quota: small'}]}",
			"progressing: pods cannot be created: exceeded quota: small",
		},
		{"deployment deleted", strings.Replace(deploymentHead, "generation: 2", "generation: 2, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: [foregroundDeletion]", 1), "terminating: is being deleted, waits for foregroundDeletion"},

		{"statefulset not seen", setHead + "spec: {replicas: 0}\nstatus: {replicas: 0}", "progressing: not seen by its controller yet"},
		{
			"statefulset updates", setHead + "spec: {replicas: 3}\nstatus: {observedGeneration: 2, replicas: 3, readyReplicas: 3, currentReplicas: 2, updatedReplicas: 1, currentRevision: db-1, updateRevision: db-2}",
			"progressing: 1 of 3 pods updated",
		},
		{
			"statefulset starts", setHead + "spec: {replicas: 3}\nstatus: {observedGeneration: 2, replicas: 1, currentReplicas: 1, updatedReplicas: 1, currentRevision: db-1, updateRevision: db-1}",
			"progressing: 1 of 3 pods updated",
		},
		{
			"statefulset not ready", setHead + "spec: {replicas: 3}\nstatus: {observedGeneration: 2, replicas: 3, readyReplicas: 2, currentReplicas: 3, updatedReplicas: 3, currentRevision: db-1, updateRevision: db-1}",
			"progressing: 2 of 3 pods ready",
		},
		{
			"statefulset done", setHead + "spec: {replicas: 3}\nstatus: {observedGeneration: 2, replicas: 3, readyReplicas: 3, currentReplicas: 3, updatedReplicas: 3, currentRevision: db-1, updateRevision: db-1}",
			"healthy: 3 of 3 pods ready",
		},
		{
			"statefulset with a partition", setHead + "spec: {replicas: 3, updateStrategy: {rollingUpdate: {partition: 2}}}\nstatus: {observedGeneration: 2, replicas: 3, readyReplicas: 3, currentReplicas: 2, updatedReplicas: 1, currentRevision: db-1, updateRevision: db-2}",
			"healthy: 3 of 3 pods ready",
		},
		{
			"statefulset updated by hand", setHead + "spec: {replicas: 1, updateStrategy: {type: OnDelete}}\nstatus: {observedGeneration: 2, replicas: 1, readyReplicas: 1, currentRevision: db-1, updateRevision: db-2}",
			"healthy: 1 of 1 pod ready",
		},
		{
			"statefulset shrinks", setHead + "spec: {replicas: 1}\nstatus: {observedGeneration: 2, replicas: 2, readyReplicas: 2, currentReplicas: 2, updatedReplicas: 2, currentRevision: db-1, updateRevision: db-1}",
			"progressing: 1 of 1 pod to be removed",
		},

		{"daemonset not seen", daemonHead + "status: {}", "progressing: not seen by its controller yet"},
		{"daemonset updates", daemonHead + "status: {observedGeneration: 1, desiredNumberScheduled: 2, updatedNumberScheduled: 1, numberReady: 2, numberAvailable: 2}", "progressing: 1 of 2 pods updated"},
		{"daemonset not ready", daemonHead + "status: {observedGeneration: 1, desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberReady: 1}", "progressing: 1 of 2 pods ready"},
		{"daemonset done", daemonHead + "status: {observedGeneration: 1, desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberReady: 2, numberAvailable: 2}", "healthy: 2 of 2 pods ready"},

		{"replicaset not ready", replicaHead + "spec: {replicas: 2}\nstatus: {observedGeneration: 1, replicas: 2, readyReplicas: 1}", "progressing: 1 of 2 pods ready"},
		{"replicaset done", replicaHead + "spec: {replicas: 2}\nstatus: {observedGeneration: 1, replicas: 2, readyReplicas: 2}", "healthy: 2 of 2 pods ready"},

		{"job not started", jobHead + "spec: {completions: 1}\nstatus: {}", "progressing: not started yet"},
		{"job runs", jobHead + "spec: {completions: 2}\nstatus: {startTime: '2026-01-01T00:00:00Z', active: 1, succeeded: 1, failed: 1}", "progressing: 1 of 2 completed, 1 failed"},
		{"job done", jobHead + "spec: {completions: 1}\nstatus: {startTime: '2026-01-01T00:00:00Z', succeeded: 1, conditions: [{type: SuccessCriteriaMet, status: 'True'}, {type: Complete, status: 'True'}]}", "healthy: 1 of 1 completed"},
		{"job about to be done", jobHead + "spec: {completions: 1}\nstatus: {startTime: '2026-01-01T00:00:00Z', conditions: [{type: SuccessCriteriaMet, status: 'True'}]}", "progressing: succeeded, its last pods end"},
		{
			"job failed", jobHead + "spec: {}\nstatus: {failed: 7, conditions: [{type: Failed, status: 'True', reason: BackoffLimitExceeded, message: Job has reached the specified backoff limit}]}",
			"failed: BackoffLimitExceeded: Job has reached the specified backoff limit",
		},
		{"job suspended", jobHead + "spec: {suspend: true}\nstatus: {conditions: [{type: Suspended, status: 'True'}]}", "suspended: job suspended"},
		{"cron job", "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec: {suspend: false}", "healthy"},
		{"cron job suspended", "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec: {suspend: true}", "suspended: schedule suspended"},

		{"claim pending", claimHead + "status: {phase: Pending}", "progressing: not bound to a volume yet"},
		{"claim bound", claimHead + "status: {phase: Bound}", "healthy: bound"},
		{"claim lost", claimHead + "status: {phase: Lost}", "failed: its volume is lost"},

		{"service", serviceHead + "spec: {type: ClusterIP, clusterIP: 10.0.0.1}", "healthy"},
		{"load balancer pending", serviceHead + "spec: {type: LoadBalancer, clusterIP: 10.0.0.1}\nstatus: {loadBalancer: {}}", "progressing: waiting for the load balancer's address"},
		{"load balancer", serviceHead + "spec: {type: LoadBalancer}\nstatus: {loadBalancer: {ingress: [{ip: 192.0.2.1}, {hostname: a.example}]}}", "healthy: at 192.0.2.1, a.example"},
		{"ingress without an address", "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nstatus: {loadBalancer: {}}", "healthy"},

		{"autoscaler", scalerHead + "status: {currentReplicas: 2, conditions: [{type: AbleToScale, status: 'True'}, {type: ScalingActive, status: 'True'}]}", "healthy: 2 of 1 to 5 replicas"},
		{"autoscaler without metrics", scalerHead + "status: {conditions: [{type: AbleToScale, status: 'True'}, {type: ScalingActive, status: 'False', reason: FailedGetResourceMetric, message: no metrics}]}", "healthy: not scaling: no metrics"},
		{"autoscaler without target", scalerHead + "status: {conditions: [{type: AbleToScale, status: 'False', reason: FailedGetScale, message: 'deployments.apps \"web\" not found'}]}", "progressing: cannot scale: deployments.apps \"web\" not found"},

		{"definition installing", crdHead + "status: {conditions: [{type: NamesAccepted, status: 'True'}, {type: Established, status: 'False', reason: Installing}]}", "progressing: not established yet"},
		{"definition established", crdHead + "status: {conditions: [{type: NamesAccepted, status: 'True'}, {type: Established, status: 'True'}]}", "healthy: established"},
		{"definition without its names", crdHead + "status: {conditions: [{type: NamesAccepted, status: 'False', reason: PluralConflict, message: '\"boats\" is already in use'}]}", "failed: its names are taken: \"boats\" is already in use"},
		{"api service", apiServiceHead + "status: {conditions: [{type: Available, status: 'False', reason: MissingEndpoints, message: no endpoints}]}", "progressing: not available yet: no endpoints"},

		{"node", "apiVersion: v1\nkind: Node\nmetadata: {name: a}\nspec: {unschedulable: true}\nstatus: {conditions: [{type: Ready, status: 'True'}]}", "healthy: ready, cordoned"},
		{"node that is gone", "apiVersion: v1\nkind: Node\nmetadata: {name: a}\nstatus: {conditions: [{type: Ready, status: Unknown, reason: NodeStatusUnknown, message: Kubelet stopped posting node status.}]}", "progressing: not ready: Kubelet stopped posting node status."},
		{"replication controller", "apiVersion: v1\nkind: ReplicationController\nmetadata: {name: a, generation: 1}\nspec: {replicas: 2}\nstatus: {observedGeneration: 1, replicas: 2, readyReplicas: 1}", "progressing: 1 of 2 pods ready"},
		{"claim that grows", claimHead + "status: {phase: Bound, conditions: [{type: Resizing, status: 'True'}]}", "healthy: bound, its volume is being resized"},
		{"claim that cannot grow", claimHead + "status: {phase: Bound, conditions: [{type: ControllerResizeError, status: 'True', message: quota}]}", "healthy: bound, but its volume cannot be resized: quota"},
		{"volume", volumeHead + "spec: {claimRef: {namespace: shop, name: data}}\nstatus: {phase: Bound}", "healthy: bound to shop/data"},
		{"volume released", volumeHead + "status: {phase: Released}", "healthy: released; its claim is gone"},
		{"volume failed", volumeHead + "status: {phase: Failed, message: disk in use}", "failed: cannot be reclaimed: disk in use"},
		{"volume pending", volumeHead + "status: {phase: Pending}", "progressing: not available yet"},
		{"attachment", "apiVersion: storage.k8s.io/v1\nkind: VolumeAttachment\nmetadata: {name: a}\nstatus: {attached: false, attachError: {message: disk in use}}", "progressing: not attached yet: disk in use"},
		{"budget not counted", budgetHead + "status: {}", "progressing: not seen by its controller yet"},
		{"budget", budgetHead + "status: {observedGeneration: 1, expectedPods: 3, disruptionsAllowed: 1}", "healthy: 1 disruption allowed"},
		{"budget that is used up", budgetHead + "status: {observedGeneration: 1, expectedPods: 3, disruptionsAllowed: 0, conditions: [{type: DisruptionAllowed, status: 'False', reason: InsufficientPods}]}", "healthy: 0 disruptions allowed"},
		{"budget without pods", budgetHead + "status: {observedGeneration: 1, expectedPods: 0}", "healthy: selects no pods"},
		{"budget that cannot be counted", budgetHead + "status: {observedGeneration: 1, conditions: [{type: DisruptionAllowed, status: 'False', reason: SyncFailed, message: found no controllers}]}", "progressing: cannot be counted: found no controllers"},
		{"signing request", signingHead + "status: {}", "progressing: waiting for approval"},
		{"signing request approved", signingHead + "status: {conditions: [{type: Approved, status: 'True'}]}", "progressing: approved, not issued yet"},
		{"signing request denied", signingHead + "status: {conditions: [{type: Denied, status: 'True', message: not you}]}", "failed: denied: not you"},
		{"signing request issued", signingHead + "status: {certificate: LS0t, conditions: [{type: Approved, status: 'True'}]}", "healthy: issued"},
		{"eviction", "apiVersion: lifecycle.k8s.io/v1alpha1\nkind: EvictionRequest\nmetadata: {name: a}\nstatus: {conditions: [{type: Failed, status: 'True', reason: Canceled}]}", "failed: Canceled"},
		{"flow schema", "apiVersion: flowcontrol.apiserver.k8s.io/v1\nkind: FlowSchema\nmetadata: {name: a}\nstatus: {conditions: [{type: Dangling, status: 'True', message: no level low}]}", "progressing: its priority level is not there: no level low"},
		{"admission policy", policyHead + "status: {observedGeneration: 1, typeChecking: {}}", "healthy"},
		{"admission policy not seen", policyHead + "status: {observedGeneration: 0}", "progressing: the newest change has not been seen by its controller yet"},
		{"admission policy with a slip", policyHead + "status: {observedGeneration: 1, typeChecking: {expressionWarnings: [{fieldRef: 'spec.validations[0].expression', warning: \"apps/v1, Kind=Deployment: undefined field 'replica'\\n more\"}]}}", "healthy: in force, with type errors: apps/v1, Kind=Deployment: undefined field 'replica'"},
		{"device claim", "apiVersion: resource.k8s.io/v1\nkind: ResourceClaim\nmetadata: {name: a}\nstatus: {}", "healthy: not in use"},
		{"device claim in use", "apiVersion: resource.k8s.io/v1\nkind: ResourceClaim\nmetadata: {name: a}\nstatus: {allocation: {devices: {}}}", "healthy: allocated"},
		{"address range", "apiVersion: networking.k8s.io/v1\nkind: ServiceCIDR\nmetadata: {name: a}\nstatus: {conditions: [{type: Ready, status: 'False', reason: Terminating, message: in use}]}", "progressing: not ready: in use"},
		{"pod group", "apiVersion: scheduling.k8s.io/v1beta1\nkind: PodGroup\nmetadata: {name: a}\nstatus: {conditions: [{type: PodGroupInitiallyScheduled, status: 'False', reason: Unschedulable, message: 2 of 3 fit}]}", "progressing: cannot be scheduled: 2 of 3 fit"},
		{"storage version", "apiVersion: internal.apiserver.k8s.io/v1alpha1\nkind: StorageVersion\nmetadata: {name: a}\nstatus: {conditions: [{type: AllEncodingVersionsEqual, status: 'False', message: v1 and v2}]}", "progressing: the API servers differ: v1 and v2"},
		{"migration", "apiVersion: storagemigration.k8s.io/v1\nkind: StorageVersionMigration\nmetadata: {name: a}\nstatus: {conditions: [{type: Running, status: 'True'}]}", "progressing: migrating"},
		{"migration failed", "apiVersion: storagemigration.k8s.io/v1\nkind: StorageVersionMigration\nmetadata: {name: a}\nstatus: {conditions: [{type: Failed, status: 'True', message: conflict}]}", "failed: conflict"},
		{"webhook configuration", "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: a}", "healthy"},
		{"lease being deleted", "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: a, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: [example.org/keep]}", "terminating: is being deleted, waits for example.org/keep"},

		{"namespace", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\nstatus: {phase: Active}", "healthy"},
		{
			"namespace terminating", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, deletionTimestamp: '2026-01-01T00:00:00Z'}\nstatus: {phase: Terminating, conditions: [{type: NamespaceFinalizersRemaining, status: 'True', message: 'Some content in the namespace has finalizers remaining: a in 1 resource instances'}]}",
			"terminating: is being deleted: Some content in the namespace has finalizers remaining: a in 1 resource instances",
		},
		{"config map", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}", "healthy"},

		{"pod ready", podHead + "status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}", "healthy: ready"},
		{"pod starting", podHead + "status: {phase: Pending, containerStatuses: [{name: web, state: {waiting: {reason: ContainerCreating}}}]}", "progressing: not running yet"},
		{"pod completed", podHead + "status: {phase: Succeeded}", "healthy: completed"},
		{"pod failed", podHead + "spec: {restartPolicy: Never}\nstatus: {phase: Failed, containerStatuses: [{name: web, state: {terminated: {exitCode: 3, reason: Error}}}]}", "failed: Error (container web): exit code 3"},
		{
			"pod crash looping", podHead + "status: {phase: Running, containerStatuses: [{name: web, restartCount: 4, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 1, reason: Error}}}]}",
			"progressing: CrashLoopBackOff (container web): exit code 1, restarted 4 times",
		},
		{"pod with a bad image name", podHead + "status: {phase: Pending, containerStatuses: [{name: web, state: {waiting: {reason: InvalidImageName, message: bad}}}]}", "failed: InvalidImageName (container web): bad"},

		{"custom resource without conditions", boatHead + "spec: {}", "healthy"},
		{"custom resource ready", boatHead + "status: {observedGeneration: 3, conditions: [{type: Ready, status: 'True'}]}", "healthy"},
		{"custom resource not ready", boatHead + "status: {observedGeneration: 3, conditions: [{type: Ready, status: 'False', reason: Building, message: still building}]}", "progressing: still building"},
		{"custom resource stalled", boatHead + "status: {observedGeneration: 3, conditions: [{type: Stalled, status: 'True', message: no wood}]}", "failed: no wood"},
		{"custom resource not seen", boatHead + "status: {observedGeneration: 2, conditions: [{type: Ready, status: 'True'}]}", "progressing: the newest change has not been seen by its controller yet"},
		{"custom resource available", boatHead + "status: {conditions: [{type: Available, status: 'True'}]}", "healthy"},
		{"custom resource not available", boatHead + "status: {conditions: [{type: Available, status: 'False', reason: MinimumReplicas}]}", "progressing: not available yet: MinimumReplicas"},
		{"custom resource ready, not available", boatHead + "status: {conditions: [{type: Available, status: 'False'}, {type: Ready, status: 'True'}]}", "healthy"},
		{"custom resource without a message", boatHead + "status: {conditions: [{type: Ready, status: 'False', reason: Building}]}", "progressing: Building"},
		{"custom resource with an empty status", boatHead + "status: {}", "healthy"},
		{"status of the wrong type", boatHead + "status: {conditions: 7}", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Of(parse(t, test.object))
			if test.want == "" { // any verdict without a panic is fine
				return
			}
			if got.String() != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	if got := Of(nil); got.Status != Unknown {
		t.Errorf("without an object, the health is %v", got)
	}
}

// TestOfAnything judges objects whose fields have unexpected types.
func TestOfAnything(t *testing.T) {
	for gk := range table {
		for _, status := range []string{"7", "text", "[]", "{conditions: text}", "{conditions: [7]}", "{conditions: [{type: 7}]}", "{observedGeneration: x, containerStatuses: [7], phase: {}}", "{observedGeneration: 1.5}"} {
			u := parse(t, "apiVersion: "+strings.TrimPrefix(gk.Group+"/v1", "/")+"\nkind: "+gk.Kind+"\nmetadata: {name: a}\nspec: 7\nstatus: "+status)
			if got := Of(u); got.Status == "" {
				t.Errorf("%s with status %s has no verdict", gk, status)
			}
		}
	}
}

func TestOK(t *testing.T) {
	for status, want := range map[Status]bool{
		Healthy: true, Suspended: true, Failed: false, Progressing: false, Terminating: false, Unknown: false,
	} {
		h := Health{Status: status}
		if got := h.OK(); got != want {
			t.Errorf("%s: ok = %v, want %v", status, got, want)
		}
	}
}

func TestMessagesAreBounded(t *testing.T) {
	long := strings.Repeat("wörter ", 1000)
	h := Of(parse(t, boatHead+"status: {conditions: [{type: Ready, status: 'False', message: '"+long+"'}]}"))
	if len(h.Message) > maxMessage || !strings.HasSuffix(h.Message, "…") || !utf8.ValidString(h.Message) {
		t.Errorf("a message of %d bytes became %d: %q", len(long), len(h.Message), h.Message)
	}
}
