package browser

import (
	"slices"
	"strings"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// useKeys: everything can be done without a mouse, and it is seen where the focus is.
func (w *world) useKeys(dora *viewer) {
	dora.open("/")
	dora.until("!document.querySelector('.running')") // the deploys of the former steps
	dora.keys("\t")
	dora.is(focusedText + " === 'Skip to the content'")
	dora.keys("/")
	dora.until("document.activeElement.id === 'find'")
	dora.keys("blo")
	dora.until("document.querySelectorAll('table.apps a.open').length === 1 && location.search === '?q=blo'")
	dora.is("document.activeElement.id === 'find'") // the results come, and the focus stays
	dora.keys(kb.Escape)
	dora.keys("?")
	dora.until("document.querySelector('dialog').open")
	dora.accessible()
	dora.keys(kb.Escape)
	dora.until("!document.querySelector('dialog').open")
	dora.keys("j")
	dora.until(focusedText + " === 'blog'")
	dora.keys("\r")
	dora.at("/apps/blog")
	dora.tabTo("Suspend")
	dora.keys("\r")
	dora.at("/apps/blog/suspend")
	dora.tabToField("reason")
	dora.keys("it has no image")
	dora.tabTo("Suspend")
	dora.keys("\r")
	dora.at("/apps/blog")
	dora.shows("suspended by dora")
	dora.shows("it has no image")
	dora.accessible()
	dora.keys("ga")
	dora.at("/")
	dora.keys("gh")
	dora.at("/help")
	dora.keys("/")
	dora.until("location.pathname === '/' && document.activeElement.id === 'find'")
}

// tabToField presses the Tab key until the focus is on the field with a name.
func (v *viewer) tabToField(name string) {
	v.w.t.Helper()
	for range 100 {
		v.keys("\t")
		at, err := chromedp.Run(v.ctx, chromedp.Evaluate[string]("document.activeElement.name || ''"))
		v.w.must(err)
		if at == name {
			return
		}
	}
	v.w.t.Fatalf("%s: Tab does not lead to the field %s", v.who, name)
}

// goWithoutScripts: a browser that runs no scripts shows the same, and does the same.
func (w *world) goWithoutScripts() {
	ana := w.newViewer("ana")
	ana.withoutScripts()
	ana.logIn()
	ana.is("!document.documentElement.classList.contains('js')")
	ana.fill("q", "blog")
	ana.press("Find")
	ana.until("location.search.includes('q=blog') && document.querySelectorAll('table.apps a.open').length === 1")
	ana.press("blog")
	ana.at("/apps/blog")
	ana.press("Resume")
	ana.at("/apps/blog/resume")
	ana.press("Resume")
	ana.until("document.querySelector('#news')?.textContent.startsWith('Resume: ')")
	ana.open("/apps/blog")
	ana.until("![...document.querySelectorAll('.head .badge')].some(b => b.textContent === 'suspended')") // an event still tells of it
	ana.press("Log out")
	ana.shows("you are logged out")
	ana.open("/")
	ana.shows("you are not logged in")
}

// pages are all those that a browser can open. A page whose address is not known before is
// reached by the other tests.
var pages = []string{
	"/", "/?q=nosuch", "/?state=trouble", "/apps/shop", "/apps/blog", "/deploys/shop-1", "/deploys/blog-1", "/apps/shop/sync",
	"/apps/shop/check", "/apps/desk", "/apps/desk/test", "/deploys/desk-1", "/apps/shop/rollback", "/apps/shop/suspend", "/apps/shop/restart", "/apps/nosuch", "/help",
	"/apps/shop?all=1", "/apps/shop/objects/Deployment.apps/shop/web", "/apps/shop/objects/Secret/shop/token", "/apps/shop/objects/Namespace/-/shop",
	"/apps/blog/objects/Deployment.apps/blog/api", "/apps/shop/objects/ConfigMap/shop/settings/why?field=data.colour", "/apps/shop/logs", "/apps/shop/logs?previous=1", "/apps/shop/tasks/99",
	"/server", "/audit", "/audit?operator=nosuch&since=never", "/access", "/access?who=nosuch", "/repos/shop", "/repos/nosuch",
	"/files/shop", "/files/shop?path=shop", "/files/shop?path=shop/web.yaml", "/files/shop?path=shop/token.yaml", "/files/shop?path=nosuch",
	"/clusters/default", "/clusters/nosuch", "/audit?event=push&decision=allowed", "/refused/nosuch",
}

// lookAtAll: no page is wider than a phone, none keeps anybody out, none shows a Secret's
// value, and dark is dark.
func (w *world) lookAtAll() {
	ana := w.newViewer("ana") // the first admin
	ana.logIn()
	for _, path := range append(slices.Clone(pages), w.refused) {
		ana.resize(narrow)
		ana.open(path)
		ana.is("document.documentElement.scrollWidth <= innerWidth")
		ana.is("innerWidth === 375")
		ana.accessibleIn("light")
		ana.resize(wide)
		ana.accessibleIn("dark")
		if strings.Contains(ana.source(), canary) {
			w.t.Errorf("%s shows the value of a Secret", path)
		}
		ana.is("document.title !== 'hacked'")
	}
	ana.open("/")
	const brightness = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number).reduce((a, b) => a + b) / 3"
	ana.is(brightness + " > 200")
	ana.paint("dark")
	ana.until(brightness + " < 60")
	ana.paint("light")
}

// source is the text of the page as the browser has it.
func (v *viewer) source() string {
	v.w.t.Helper()
	text, err := chromedp.Run(v.ctx, chromedp.Evaluate[string]("document.documentElement.outerHTML"))
	v.w.must(err)
	return text
}

// logOut: the button ends the session, and so does the verb.
func (w *world) logOut(rea, dora *viewer) {
	rea.open("/")
	rea.press("Log out")
	rea.shows("you are logged out")
	rea.accessible()
	rea.open(w.refused) // as whoever was sent the link does
	rea.shows("you are not logged in")
	rea.shows("it leads back to this page")
	rea.accessible()
	rea.open(w.link("rea"))
	rea.shows("You go on to " + w.refused)
	rea.press("Log in")
	rea.at(w.refused)
	rea.shows("Refused push to shop")
	listed := w.ssh("dora", "web", "sessions")
	for line := range strings.Lines(listed) {
		if id, rest, ok := strings.Cut(line, " "); ok && strings.Contains(rest, "dora") {
			w.ssh("dora", "web", "sessions", "--end", id)
		}
	}
	dora.open("/apps/shop")
	dora.shows("you are not logged in")
}
