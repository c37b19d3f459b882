package browser

import (
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// desk is an app of a chart that has a test.
var desk = map[string]string{
	"pushboat.yaml":   files["pushboat.yaml"] + "  - {name: desk, path: desk, namespace: desk, createNamespace: true}\n",
	"desk/Chart.yaml": "apiVersion: v2\nname: desk\nversion: 1.0.0\n",
	"desk/templates/lamp.yaml": `{apiVersion: v1, kind: ConfigMap, metadata: {name: lamp}, data: {light: warm}}
`,
	"desk/templates/try.yaml": `apiVersion: batch/v1
kind: Job
metadata: {name: try, annotations: {helm.sh/hook: test}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: try, image: registry.example/try:1}]}}}
`,
}

// drawer is an object that nobody may lose by mistake.
const drawer = `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: drawer}
spec:
  serviceName: drawer
  selector: {matchLabels: {app: drawer}}
  template:
    metadata: {labels: {app: drawer}}
    spec: {containers: [{name: drawer, image: registry.example/drawer:1}]}
`

// runTests: the button runs the tests of a chart on the cluster, and their page says how they
// end.
func (w *world) runTests(dora *viewer) {
	w.git("fetch", "-q", "origin")
	w.git("reset", "-q", "--hard", "origin/main")
	w.write(desk)
	if said, _ := w.push("Set up a desk")(); !strings.Contains(said, "desk: deployed") { // blog is still not healthy
		w.t.Fatalf("the push said: %s", said)
	}
	dora.open("/apps/desk")
	dora.press("Run tests")
	dora.at("/apps/desk/test")
	dora.shows("The tests of the app's chart run on cluster default")
	dora.accessible()
	dora.press("Run tests")
	dora.until("location.pathname.startsWith('/apps/desk/tasks/')")
	dora.until("document.querySelector('.head .badge')?.textContent === 'succeeded'")
	dora.shows("1 test passed in")
	dora.accessible()
	try, err := w.client.BatchV1().Jobs("desk").Get(w.ctx, "try", metav1.GetOptions{})
	w.must(err)
	if try.Status.Succeeded != 1 {
		w.t.Errorf("the test is %+v", try.Status)
	}
}

// confirmDeletions: a plan that deletes what nobody may lose by mistake is carried out once
// somebody has said that they mean it.
func (w *world) confirmDeletions(dora *viewer) {
	w.write(map[string]string{"desk/templates/drawer.yaml": drawer})
	if said, _ := w.push("Give the desk a drawer")(); !strings.Contains(said, "desk: deployed") {
		w.t.Fatalf("the push said: %s", said)
	}
	drawers := w.client.AppsV1().StatefulSets("desk")
	dora.open("/deploys/desk-1")
	dora.press("Roll back to this")
	dora.at("/apps/desk/rollback")
	dora.shows("The plan is refused")
	dora.shows("would delete StatefulSet desk/drawer")
	dora.accessible()
	const agreed = "Roll back, and delete 1 object"
	dora.press(agreed)
	dora.is("location.pathname === '/apps/desk/rollback' && document.querySelector('[name=confirm-prune]:invalid')") // the browser asks for the tick
	if _, err := drawers.Get(w.ctx, "drawer", metav1.GetOptions{}); err != nil {
		w.t.Fatalf("without the tick: %v", err)
	}
	dora.until("(e => e && (e.focus(), document.activeElement === e))(document.querySelector('[name=confirm-prune]'))")
	dora.keys(" ")
	dora.until("document.querySelector('[name=confirm-prune]').checked")
	dora.press(agreed)
	dora.until("location.pathname !== '/apps/desk/rollback'")
	dora.open("/apps/desk")
	dora.until("[...document.querySelectorAll('.history tr')].some(r => r.innerText.includes('rollback') && r.innerText.includes('deployed'))")
	if _, err := drawers.Get(w.ctx, "drawer", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		w.t.Errorf("after the rollback, the drawer is there: %v", err)
	}
}
