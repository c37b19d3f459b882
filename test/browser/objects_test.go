package browser

import (
	"strings"

	"k8s.io/client-go/dynamic"

	"github.com/pushboat/pushboat/test/cluster"
)

// lookIntoObjects: from an app to one of its objects, from a value to the line of Git that
// decides it, and from an object to what its containers print.
func (w *world) lookIntoObjects(rea, dora *viewer) {
	rea.open("/apps/shop")
	rea.press("Deployment shop/web")
	rea.at("/apps/shop/objects/Deployment.apps/shop/web")
	rea.shows("Fields")
	rea.shows("Scaled up replica set web-") // an Event of Kubernetes
	rea.accessible()
	rea.is("![...document.querySelectorAll('a')].some(a => a.textContent === 'Logs')")
	rea.press("registry.example/web:1.4")
	rea.at("/apps/shop/objects/Deployment.apps/shop/web/why")
	rea.shows("shop/web.yaml, line 9")
	rea.shows("by Ana")
	rea.shows("Open the shop")
	rea.accessible()
	rea.open("/apps/shop/objects/ConfigMap/shop/settings")
	rea.shows("data.greeting")
	rea.is("document.title !== 'hacked'")
	rea.open("/apps/shop/objects/Secret/shop/token")
	rea.shows("data.token")
	rea.open("/apps/shop/objects/Secret/shop/token/why?field=data.token")
	rea.shows("shop/token.yaml, line 1")
	if strings.Contains(rea.source(), canary) {
		w.t.Error("the page of a Secret shows its value")
	}
	rea.open("/apps/shop/objects/Secret/shop/nosuch")
	rea.shows("there is no such page")
	rea.open("/apps/shop/logs")
	rea.shows("not allowed")
	rea.open("/")
	w.followLogs(dora)
}

// followLogs: lines come while the page is open, and the page says when none will.
func (w *world) followLogs(dora *viewer) {
	kubelet := cluster.StartKubelet()
	w.root.Cleanup(kubelet.Stop)
	client, err := dynamic.NewForConfig(w.config)
	w.must(err)
	w.must(kubelet.TakeOver(client))
	kubelet.Say("shop", "POD is open\n<script>document.title = 'hacked'</script>\n")
	dora.open("/apps/shop/objects/Deployment.apps/shop/web")
	dora.press("Logs")
	dora.at("/apps/shop/logs")
	const lines = "[...document.querySelectorAll('#log .line')].map(l => l.textContent)"
	dora.until(lines + ".filter(l => l.endsWith(' is open')).length === 2") // those of two pods, each once
	dora.accessible()
	dora.remember()
	kubelet.End("shop")
	dora.until(lines + ".filter(l => l.endsWith('the end')).length === 2")
	dora.shows("Nothing more comes")
	dora.same()
	dora.is("document.title !== 'hacked'")
}
