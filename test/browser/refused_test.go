package browser

import (
	"regexp"
	"strings"
)

var refusedText = regexp.MustCompile(`http://\S+/refused/\w+`)

// refusePush: the answer to a refused push leads to its problems beside their lines, and the
// lines of a file lead to the deploys that brought them.
func (w *world) refusePush(rea *viewer) {
	w.git("fetch", "-q", "origin")
	w.git("reset", "-q", "--hard", "origin/main")
	w.write(map[string]string{
		"shop/web.yaml":   strings.NewReplacer("replicas: 2", "replicas: two", "image: registry", "imagePulPolicy: Always, image: registry").Replace(files["shop/web.yaml"]),
		"shop/token.yaml": strings.Replace(files["shop/token.yaml"], "{apiVersion: v1", "{apiVersion: v1, <b>dta</b>: "+canary, 1),
		"shop/long.yaml":  "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: long}\ndta: " + strings.Repeat("wide ", 100) + "\n",
	})
	said, err := w.push("Break <b>the shop</b>")()
	link := refusedText.FindString(said)
	if err == nil || link == "" {
		w.t.Fatalf("the push said %v: %s", err, said)
	}
	w.refused = strings.TrimPrefix(link, w.base)
	w.git("reset", "-q", "--hard", "HEAD~1")
	rea.open(link)
	rea.shows("Refused push to shop")
	rea.shows("Break <b>the shop</b>")
	rea.is("[...document.querySelectorAll('.source tr.marked')].some(r => r.innerText.includes('replicas: two'))")
	rea.shows("What to try: did you mean")
	rea.accessible()
	rea.open("/repos/shop")
	rea.is("document.querySelector('a[href=\"" + w.refused + "\"]')")
	rea.press("main")
	rea.at("/files/shop")
	rea.press("shop/")
	rea.press("settings.yaml")
	rea.until("document.querySelector('.blame a[href^=\"/deploys/shop-\"]')")
	rea.accessible()
	rea.open("/")
	rea.until("!document.querySelector('.running')") // the deploys of the former steps
	rea.open("/server")
	rea.press("Cluster default")
	rea.at("/clusters/default")
	rea.shows("Nothing goes on, and nothing waits")
}
