package kube

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func TestContainersOfAPod(t *testing.T) {
	const written = `
apiVersion: v1
kind: Pod
metadata: {name: web, uid: u}
spec:
  initContainers: [{name: setup}]
  containers: [{name: runs}, {name: starts}, {name: done}, {name: loops}, {name: again}, {notAName: x}, text]
  ephemeralContainers: [{name: debug}]
status:
  initContainerStatuses: [{name: setup, state: {terminated: {exitCode: 0}}}]
  containerStatuses:
    - {name: runs, state: {running: {startedAt: x}}}
    - {name: starts, state: {waiting: {reason: ContainerCreating}}}
    - {name: done, state: {terminated: {exitCode: 0}}}
    - {name: loops, restartCount: 3, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 1}}}
    - {name: again, restartCount: 1, state: {running: {}}, lastState: {terminated: {exitCode: 1}}}
`
	text, err := yaml.YAMLToJSON([]byte(written))
	if err != nil {
		t.Fatal(err)
	}
	var pod unstructured.Unstructured
	if err := pod.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]Container{
		"": {
			{Name: "runs", Pod: "u", Begun: true},
			{Name: "starts", Pod: "u"},
			{Name: "done", Pod: "u", Begun: true, Ended: true},
			{Name: "loops", Pod: "u", Restarts: 3, Begun: true, Ended: true},
			{Name: "again", Pod: "u", Restarts: 1, Begun: true},
		},
		"setup":  {{Name: "setup", Pod: "u", Begun: true, Ended: true}},
		"debug":  {{Name: "debug", Pod: "u"}},
		"nosuch": nil,
	} {
		if got := ContainersOf(&pod, name); !slices.Equal(got, want) {
			t.Errorf("%q: got %+v", name, got)
		}
	}
}
