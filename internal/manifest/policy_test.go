package manifest

import (
	"os"
	"strings"
	"testing"
)

func policyOf(t *testing.T, metadata string) (Policy, Problems) {
	t.Helper()
	objects, problems := Parse("a.yaml", []byte("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"+metadata))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return objects[0].Policy()
}

func TestPolicyOf(t *testing.T) {
	tests := []struct {
		metadata string
		want     Policy
	}{
		{"", Policy{}},
		{`  annotations: {argocd.argoproj.io/sync-wave: "5"}`, Policy{Wave: 5}},
		{`  annotations: {argocd.argoproj.io/sync-wave: " -12 "}`, Policy{Wave: -12}},
		{`  annotations: {argocd.argoproj.io/sync-options: "Prune=false, Delete=false,ServerSideApply=true"}`, Policy{Policies: KeepOnPrune | KeepOnDelete}},
		{`  annotations: {argocd.argoproj.io/sync-options: "Force=true,Replace=true"}`, Policy{Policies: Force | Replace}},
		{`  annotations: {argocd.argoproj.io/compare-options: IgnoreExtraneous}`, Policy{Policies: KeepOnPrune}},
		{`  annotations: {argocd.argoproj.io/hook: "PreSync, SyncFail"}`, Policy{Phase: PreSync | SyncFail, After: BeforeHookCreation}},
		{`  annotations: {argocd.argoproj.io/hook: Sync, argocd.argoproj.io/hook-delete-policy: "HookSucceeded,HookFailed"}`, Policy{Phase: Sync, After: HookSucceeded | HookFailed}},
		{`  annotations: {kustomize.toolkit.fluxcd.io/prune: Disabled}`, Policy{Policies: KeepOnPrune | KeepOnDelete}},
		{`  labels: {kustomize.toolkit.fluxcd.io/ssa: ifnotpresent}`, Policy{Policies: IfNotPresent}},
		{`  labels: {argocd.argoproj.io/sync-wave: "3"}`, Policy{}}, // Argo CD reads annotations only
		{`  annotations: {helm.sh/resource-policy: keep}`, Policy{Policies: KeepOnPrune | KeepOnDelete}},
		{`  annotations: {kustomize.toolkit.fluxcd.io/reconcile: enabled}`, Policy{}},
	}
	for _, test := range tests {
		if got, problems := policyOf(t, test.metadata); got != test.want || len(problems) > 0 {
			t.Errorf("%s: %+v, want %+v %v", test.metadata, got, test.want, problems)
		}
	}
}

func TestPolicyNamesMistakes(t *testing.T) {
	tests := []struct{ metadata, message, hint string }{
		{`  annotations: {argocd.argoproj.io/sync-wave: "1.5"}`, `argocd.argoproj.io/sync-wave has no value "1.5"`, "whole number"},
		{`  annotations: {argocd.argoproj.io/sync-wave: "3000000000"}`, "sync-wave", "whole number"},
		{`  annotations: {argocd.argoproj.io/sync-options: "Prune=fasle"}`, `no value "Prune=fasle"`, "did you mean Prune=false?"},
		{`  annotations: {argocd.argoproj.io/hook: presync}`, `no value "presync"`, "did you mean PreSync?"},
		{`  annotations: {kustomize.toolkit.fluxcd.io/ssa: never}`, `no value "never"`, "known are Override, Merge, IfNotPresent, Ignore"},
	}
	for _, test := range tests {
		_, problems := policyOf(t, test.metadata)
		if len(problems) != 1 || !strings.Contains(problems[0].Message, test.message) || !strings.Contains(problems[0].Hint, test.hint) {
			t.Errorf("%s: %v", test.metadata, problems)
			continue
		}
		if problems[0].Source.Line != 5 || problems[0].Object != "ConfigMap a" {
			t.Errorf("%s: at %s, of %q", test.metadata, problems[0].Source, problems[0].Object)
		}
	}
}

// TestPeersAreDocumented: the page for users of other tools and the table in the code say
// the same about each value.
func TestPeersAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/migrating.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !strings.Contains(cells[1], "`") {
			continue
		}
		key := strings.Trim(strings.TrimSpace(cells[1]), "`")
		for value := range strings.SplitSeq(cells[2], ",") {
			rows[key+" "+strings.Trim(strings.TrimSpace(value), "`")] = strings.TrimSpace(cells[3])
		}
	}
	for _, peer := range Peers {
		said, ok := rows[peer.Key+" "+peer.Value]
		if !ok {
			t.Errorf("docs/migrating.md does not have %s: %s", peer.Key, peer.Value)
			continue
		}
		if strings.HasPrefix(said, "no effect") != peer.NoEffect {
			t.Errorf("docs/migrating.md says of %s: %s %q; without effect: %v", peer.Key, peer.Value, said, peer.NoEffect)
		}
		delete(rows, peer.Key+" "+peer.Value)
	}
	for row := range rows {
		if key, _, _ := strings.Cut(row, " "); isPeerKey(key) && key != waveAnnotation {
			t.Errorf("docs/migrating.md has %q, which is not in the table", row)
		}
	}
}

func isPeerKey(key string) bool {
	for _, peer := range Peers {
		if peer.Key == key {
			return true
		}
	}
	return false
}

func BenchmarkPolicyOf(b *testing.B) {
	objects, problems := Parse("a.yaml", []byte("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels: {app: a}\n  annotations: {argocd.argoproj.io/sync-wave: '5', note: b}\n"))
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	for b.Loop() {
		PolicyOf(objects[0].Unstructured)
	}
}
