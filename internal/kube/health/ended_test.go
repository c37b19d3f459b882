package health

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func parsed(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatal(err)
	}
	return u
}

func TestEndOf(t *testing.T) {
	rules, problems := NewCompiler().Compile([]Rule{{Kind: "Dump", Current: "status.phase == 'Done'", Failed: "status.phase == 'Broken'", Ended: "status.phase in ['Done', 'Broken']"}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	const job, pod, signing = "apiVersion: batch/v1\nkind: Job\n", "apiVersion: v1\nkind: Pod\n", "apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\n"
	for _, c := range []struct {
		name, text string
		want       End
	}{
		{"running job", job + "status: {active: 1}", ""},
		{"finished job", job + "status: {conditions: [{type: Complete, status: 'True'}]}", Succeeded},
		{"failed job", job + "status: {conditions: [{type: Failed, status: 'True'}]}", Exhausted},
		{"job about to fail", job + "status: {conditions: [{type: FailureTarget, status: 'True'}]}", ""},
		{"job being deleted", job + "metadata: {deletionTimestamp: '2026-01-01T00:00:00Z'}\nstatus: {conditions: [{type: Complete, status: 'True'}]}", ""},
		{"running pod", pod + "status: {phase: Running}", ""},
		{"completed pod", pod + "spec: {restartPolicy: Never}\nstatus: {phase: Succeeded}", Succeeded},
		{"failed pod", pod + "spec: {restartPolicy: Never}\nstatus: {phase: Failed}", Exhausted},
		{"evicted pod", pod + "spec: {restartPolicy: Never}\nstatus: {phase: Failed, reason: Evicted}", ""},
		{"failed pod that restarts", pod + "spec: {restartPolicy: Always}\nstatus: {phase: Failed}", ""},
		{"issued certificate", signing + "status: {certificate: eA==}", Succeeded},
		{"denied certificate", signing + "status: {conditions: [{type: Denied, status: 'True'}]}", Exhausted},
		{"deployment", "apiVersion: apps/v1\nkind: Deployment\nstatus: {completionTime: x}", ""},
		{"config map", "apiVersion: v1\nkind: ConfigMap", ""},
		{"workflow", "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nstatus: {phase: Succeeded}", Succeeded},
		{"failed workflow", "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nstatus: {phase: Error}", Exhausted},
		{"task run", "apiVersion: tekton.dev/v1\nkind: TaskRun\nstatus: {conditions: [{type: Succeeded, status: 'False'}]}", Exhausted},
		{"by convention", "apiVersion: velero.io/v1\nkind: Backup\nstatus: {phase: Completed, completionTimestamp: '2026-01-01T00:00:00Z'}", Succeeded},
		{"failed by convention", "apiVersion: example.org/v1\nkind: Load\nstatus: {phase: Failed, completionTime: '2026-01-01T00:00:00Z'}", Exhausted},
		{"under way by convention", "apiVersion: example.org/v1\nkind: Load\nstatus: {phase: Running}", ""},
		{"by a rule", "apiVersion: example.org/v1\nkind: Dump\nstatus: {phase: Done}", Succeeded},
		{"failed by a rule", "apiVersion: example.org/v1\nkind: Dump\nstatus: {phase: Broken}", Exhausted},
		{"under way by a rule", "apiVersion: example.org/v1\nkind: Dump\nstatus: {phase: Half}", ""},
	} {
		if got := rules.EndOf(parsed(t, c.text)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestExpiry(t *testing.T) {
	made := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		key, text string
		want      time.Time
	}{
		{"janitor/ttl", "90m", made.Add(90 * time.Minute)},
		{"janitor/ttl", "7d", made.AddDate(0, 0, 7)},
		{"janitor/ttl", "2w", made.AddDate(0, 0, 14)},
		{"janitor/ttl", "forever", time.Time{}},
		{"janitor/ttl", "-1h", time.Time{}},
		{"janitor/expires", "2026-02-03T04:05", time.Date(2026, 2, 3, 4, 5, 0, 0, time.UTC)},
		{"cleanup.kyverno.io/ttl", "3d", made.AddDate(0, 0, 3)},
		{"cleanup.kyverno.io/ttl", "2026-02-03T040500Z", time.Date(2026, 2, 3, 4, 5, 0, 0, time.UTC)},
		{"cleanup.kyverno.io/ttl", "d", time.Time{}},
		{"example.org/ttl", "1h", time.Time{}},
	} {
		values := map[string]string{c.key: c.text}
		if got := Expiry(made, values, values); !got.Equal(c.want) {
			t.Errorf("%s: %s: %v, want %v", c.key, c.text, got, c.want)
		}
	}
}

func TestUnusedClaim(t *testing.T) {
	const claim = "apiVersion: v1\nkind: PersistentVolumeClaim\n"
	for _, c := range []struct{ name, text, want string }{
		{"pending", claim + "spec: {storageClassName: lazy}\nstatus: {phase: Pending}", "lazy"},
		{"new", claim + "spec: {storageClassName: lazy}", "lazy"},
		{"by the old annotation", claim + "metadata: {annotations: {volume.beta.kubernetes.io/storage-class: old}}", "old"},
		{"without a class", claim + "status: {phase: Pending}", ""},
		{"bound", claim + "spec: {storageClassName: lazy}\nstatus: {phase: Bound}", ""},
		{"with a volume", claim + "spec: {storageClassName: lazy, volumeName: v}\nstatus: {phase: Pending}", ""},
		{"with a consumer", claim + "metadata: {annotations: {volume.kubernetes.io/selected-node: node-1}}\nspec: {storageClassName: lazy}", ""},
		{"another kind", "apiVersion: v1\nkind: Pod\nspec: {storageClassName: lazy}", ""},
	} {
		if got := UnusedClaim(parsed(t, c.text)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
