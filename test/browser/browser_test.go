package browser

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// files are those of the repository. The claim is not bound before somebody makes a volume,
// so that the test decides how long the deploy takes; and the registry of blog's image has
// no such image, so that something is wrong.
var files = map[string]string{
	"pushboat.yaml": `apps:
  - {name: shop, path: shop, namespace: shop, createNamespace: true, drift: warn, plainSecrets: allow, timeout: 30m}
  - {name: blog, path: blog, namespace: blog, createNamespace: true, timeout: 10s}
`,
	"shop/settings.yaml": `{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {colour: red, greeting: "<b>hello</b><script>document.title = 'hacked'</script>"}}
`,
	"shop/token.yaml": `{apiVersion: v1, kind: Secret, metadata: {name: token}, stringData: {token: ` + canary + `}}
`,
	"shop/data.yaml": `apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], storageClassName: by-hand, resources: {requests: {storage: 1Gi}}}
`,
	"shop/web.yaml": `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: registry.example/web:1.4}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`,
	"blog/api.yaml": `apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  progressDeadlineSeconds: 5
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}, annotations: {devcluster.pushboat.io/pod: image-pull-error}}
    spec: {containers: [{name: api, image: registry.example/api:2.0}]}
`,
}

// canary is the value of a Secret, which no page may show.
const canary = "canary-in-a-coal-mine"

// TestPages looks at the pages as people do: one server, one cluster, and what happens there
// in the course of a day.
func TestPages(t *testing.T) {
	w := newWorld(t)
	rea, dora := w.newViewer("rea"), w.newViewer("dora")
	w.step("log in by a link", func() { w.logIn(rea, dora) })
	w.step("watch a push", func() { w.watchPush(rea) })
	w.step("an object, its fields and its logs", func() { w.lookIntoObjects(rea, dora) })
	w.step("drift arrives and goes", func() { w.watchDrift(rea, dora) })
	w.step("roll back", func() { w.rollBack(dora) })
	w.step("a refused push", func() { w.refusePush(rea) })
	w.step("the tests of a chart", func() { w.runTests(dora) })
	w.step("deletions to confirm", func() { w.confirmDeletions(dora) })
	w.step("two operators", func() { w.compareRights(rea, dora) })
	w.step("the keyboard alone", func() { w.useKeys(dora) })
	w.step("without JavaScript", w.goWithoutScripts)
	w.step("a narrow screen, and everybody", w.lookAtAll)
	w.step("axe-core finds nothing serious", w.keepsOut)
	w.step("log out", func() { w.logOut(rea, dora) })
}

// logIn: a link shows a button, and is good once.
func (w *world) logIn(rea, dora *viewer) {
	link := w.link("rea")
	rea.open(link)
	rea.shows("Log in as rea?")
	rea.accessible()
	dora.open(link) // looking does not use it up
	dora.shows("Log in as rea?")
	rea.press("Log in")
	rea.at("/")
	rea.shows("No apps yet")
	rea.accessible()
	dora.press("Log in")
	dora.shows("this link is used up")
	dora.accessible()
	dora.logIn()
	dora.is("document.cookie === ''") // no script sees the session
}

// watchPush: what a push does appears on pages that are open, without loading them again.
func (w *world) watchPush(rea *viewer) {
	w.git("init", "-q", w.repo)
	w.git("remote", "add", "origin", "pushboat:shop")
	w.write(files)
	rea.remember()
	pushed := w.push("Open the shop")
	rea.until("document.querySelector('.running a[href=\"/deploys/shop-1\"]')")
	rea.same()
	rea.press("shop-1")
	rea.at("/deploys/shop-1")
	rea.remember()
	rea.until("document.getElementById('log')?.innerText.includes('PersistentVolumeClaim shop/data')")
	rea.accessible()
	w.makeVolume()
	rea.until("document.querySelector('.head .badge')?.textContent === 'deployed'")
	rea.shows("2 of 2 pods") // the output stays
	rea.is("document.querySelectorAll('#course svg[role=img] rect.wait').length > 1 && document.querySelector('#course table').innerText.includes('PersistentVolumeClaim shop/data')")
	rea.same()
	said, err := pushed()
	if err == nil || !strings.Contains(said, "shop: deployed") { // blog is not healthy
		w.t.Errorf("the push said %v: %s", err, said)
	}
	rea.press("Apps")
	rea.until("document.querySelector('#app-blog.urgent') && document.querySelector('#app-shop:not(.urgent)')")
	rea.is("document.querySelector('table.apps a.open').textContent === 'blog'") // what is wrong is first
	rea.is("document.title === 'Overview · Pushboat'")
}

// makeVolume lets the deploy end.
func (w *world) makeVolume() {
	volume := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "by-hand"}}
	volume.Spec.StorageClassName = "by-hand"
	volume.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	volume.Spec.Capacity = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
	volume.Spec.HostPath = &corev1.HostPathVolumeSource{Path: "/none"}
	_, err := w.client.CoreV1().PersistentVolumes().Create(w.ctx, volume, metav1.CreateOptions{})
	w.must(err)
}

// watchDrift: somebody edits an object by hand; who may look sees it come, and go when who
// may deploy presses the button.
func (w *world) watchDrift(rea, dora *viewer) {
	rea.press("shop")
	rea.at("/apps/shop")
	rea.shows("Nothing differs from Git")
	rea.remember()
	edit := []byte(`{"data": {"colour": "blue"}}`)
	_, err := w.client.CoreV1().ConfigMaps("shop").Patch(w.ctx, "settings", types.MergePatchType, edit, metav1.PatchOptions{FieldManager: "kubectl-edit"})
	w.must(err)
	rea.until("[...document.querySelectorAll('.head .badge')].some(b => b.textContent === 'drifted')")
	rea.shows("changed by kubectl-edit")
	rea.until("[...document.querySelectorAll('.fields tr')].some(r => r.innerText.includes('data.colour') && r.innerText.includes('blue') && r.innerText.includes('red'))")
	rea.accessible()
	dora.pictures("overview", "/")
	dora.pictures("app", "/apps/shop")
	dora.open("/apps/shop")
	dora.press("Sync")
	dora.at("/apps/shop/sync")
	dora.shows("data.colour") // the plan
	dora.accessible()
	dora.press("Sync")
	dora.until("document.querySelector('#news')?.textContent.match(/^Sync: (done|it goes on)$/)")
	rea.until("[...document.querySelectorAll('.head .badge')].some(b => b.textContent === 'in sync')")
	rea.shows("Nothing differs from Git")
	rea.same()
}

// rollBack: a second revision, taken back with the button.
func (w *world) rollBack(dora *viewer) {
	w.write(map[string]string{"shop/settings.yaml": strings.Replace(files["shop/settings.yaml"], "red", "green", 1)})
	pushed := w.push("Paint the shop green")
	said, _ := pushed() // blog is still not healthy
	if !strings.Contains(said, "shop: deployed") {
		w.t.Fatalf("the push said: %s", said)
	}
	dora.open("/deploys/shop-1")
	dora.press("Roll back to this")
	dora.at("/apps/shop/rollback")
	dora.shows("green -> red")
	dora.is("document.querySelector('[name=to]').value === 'shop-1'")
	dora.accessible()
	dora.press("Roll back")
	dora.until("location.pathname.startsWith('/deploys/') || location.pathname === '/apps/shop'")
	dora.open("/apps/shop")
	dora.until("[...document.querySelectorAll('.history tr')].some(r => r.innerText.includes('rollback') && r.innerText.includes('deployed'))")
	settings, err := w.client.CoreV1().ConfigMaps("shop").Get(w.ctx, "settings", metav1.GetOptions{})
	w.must(err)
	if settings.Data["colour"] != "red" {
		w.t.Errorf("after the rollback the shop is %s", settings.Data["colour"])
	}
}

// compareRights: a page offers what its visitor may do, and the server holds to that.
func (w *world) compareRights(rea, dora *viewer) {
	dora.until("document.querySelector('.actions')")
	rea.open("/apps/shop")
	rea.is("!document.querySelector('.actions')")
	rea.open("/apps/shop/sync")
	rea.shows("not allowed to deploy from repository")
	rea.accessible()
	dora.is("![...document.querySelectorAll('nav a')].some(a => a.textContent === 'Audit')")
	dora.open("/audit")
	dora.shows("not allowed")
	rea.open("/server")
	rea.shows("Cluster default")
	rea.hides("Examination")
	rea.open("/access")
	rea.shows("What rea may do in shop")
	rea.open("/access?who=ana&repo=shop")
	rea.shows("not allowed")
	rea.open("/apps/nosuch")
	rea.shows("there is no such page")
	rea.accessible()
}
