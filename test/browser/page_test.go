package browser

import (
	"context"
	_ "embed" // axe-core
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const (
	// within is how long anything may take on a very busy machine.
	within = 5 * time.Minute
	// lookAgain is the time between two looks at a page.
	lookAgain = 50 * time.Millisecond
)

// quoted is a text as a script writes it.
func quoted(text string) string {
	written, _ := json.Marshal(text) // a string is always written
	return string(written)
}

// open opens a page by its address.
func (v *viewer) open(path string) {
	v.w.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, within)
	defer cancel()
	if !strings.HasPrefix(path, "http://") {
		path = v.w.base + path
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(path)); err != nil {
		v.w.t.Fatalf("%s: open %s: %v", v.who, path, err)
	}
}

// until waits until a script's expression is true on the page, which may be another one by
// then.
func (v *viewer) until(condition string) {
	v.w.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, within)
	defer cancel()
	for {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("document.readyState === 'complete' && !!("+condition+")"))
		if err == nil && ok {
			return
		}
		select {
		case <-time.After(lookAgain):
		case <-ctx.Done():
			v.w.t.Fatalf("%s: never: %s (%v); the page is\n%s", v.who, condition, err, v.text())
		}
	}
}

// text is what the page shows, below its address.
func (v *viewer) text() string {
	ctx, cancel := context.WithTimeout(v.ctx, within)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href + '\\n' + document.body.innerText"))
	if err != nil {
		return err.Error()
	}
	return text
}

// shows waits until the page shows a text, and hides until it does not.
func (v *viewer) shows(text string) {
	v.w.t.Helper()
	v.until("document.body.innerText.includes(" + quoted(text) + ")")
}

func (v *viewer) hides(text string) {
	v.w.t.Helper()
	v.until("!document.body.innerText.includes(" + quoted(text) + ")")
}

// at waits until the page is the one of a path.
func (v *viewer) at(path string) {
	v.w.t.Helper()
	v.until("location.pathname === " + quoted(path))
}

// is checks what is true of the page already.
func (v *viewer) is(condition string) {
	v.w.t.Helper()
	if ok, err := chromedp.Run(v.ctx, chromedp.Evaluate[bool]("!!("+condition+")")); err != nil || !ok {
		v.w.t.Errorf("%s: not so: %s (%v); the page is\n%s", v.who, condition, err, v.text())
	}
}

// remember marks the page. It is the same one, and not loaded anew, as long as same passes.
func (v *viewer) remember() {
	v.w.t.Helper()
	v.is("window.remembered = true")
}

func (v *viewer) same() {
	v.w.t.Helper()
	v.is("window.remembered")
}

// pressing is a script that presses the link or the button with a text, as a mouse would:
// it has to be seen, and nothing may lie above it.
const pressing = `(() => {
	const found = [...document.querySelectorAll("a, button, summary")].filter(e => e.textContent.trim() === %s && e.checkVisibility());
	if (found.length === 0) return "it is not there";
	found[0].scrollIntoView({block: "center"});
	const {x, y, width, height} = found[0].getBoundingClientRect();
	const top = document.elementFromPoint(x + width / 2, y + height / 2);
	if (!found[0].contains(top)) return "above it lies " + (top ? top.outerHTML.slice(0, 200) : "the edge");
	found[0].click();
	return "";
})()`

// press presses a link or a button.
func (v *viewer) press(text string) {
	v.w.t.Helper()
	v.until("[...document.querySelectorAll('a, button, summary')].some(e => e.textContent.trim() === " + quoted(text) + ")")
	problem, err := chromedp.Run(v.ctx, chromedp.Evaluate[string](fmt.Sprintf(pressing, quoted(text))))
	if err != nil || problem != "" {
		v.w.t.Fatalf("%s: press %q: %s%v; the page is\n%s", v.who, text, problem, err, v.text())
	}
}

// fill types into the field with a name.
func (v *viewer) fill(name, text string) {
	v.w.t.Helper()
	v.until("(e => e && (e.focus(), document.activeElement === e))(document.querySelector('[name=" + name + "]'))")
	v.keys(text)
}

// keys presses keys, one after the other. As on a keyboard, a script that takes a key for
// itself keeps it from being typed.
func (v *viewer) keys(keys string) {
	v.w.t.Helper()
	for _, key := range keys {
		events := kb.Encode(key)
		if len(events) == 3 { // down, what is typed, and up
			events[0].Type, events[0].Text, events[0].UnmodifiedText = input.DispatchKeyEventTypeKeyDown, events[1].Text, events[1].UnmodifiedText
			events = append(events[:1], events[2])
		}
		for _, event := range events {
			v.set("press "+strconv.QuoteRune(key), func(ctx context.Context, t *chromedp.Target) error {
				_, err := cdp.Call(ctx, t, input.DispatchKeyEvent, *event)
				return err
			})
		}
	}
}

// focusedText is the text of what the next key goes to.
const focusedText = "document.activeElement.textContent.trim()"

// tabTo presses the Tab key until the focus is on what has a text.
func (v *viewer) tabTo(text string) {
	v.w.t.Helper()
	const most = 100 // a page has fewer stops
	for range most {
		v.keys("\t")
		at, err := chromedp.Run(v.ctx, chromedp.Evaluate[string](focusedText))
		if err != nil {
			v.w.t.Fatal(err)
		}
		if at == text {
			v.is("document.activeElement.matches(':focus-visible') && getComputedStyle(document.activeElement).outlineStyle !== 'none'")
			return
		}
	}
	v.w.t.Fatalf("%s: %d times Tab do not lead to %q on\n%s", v.who, most, text, v.text())
}

// logIn opens a link of the verb web, and presses its button.
func (v *viewer) logIn() {
	v.w.t.Helper()
	v.open(v.w.link(v.who))
	v.shows("Log in as " + v.who + "?")
	v.press("Log in")
	v.at("/")
}

// axe is axe-core 4.14.1, from npmjs.com, under the licence in axe.LICENSE.
//
//go:embed testdata/axe.min.js
var axe string

// finding is one of axe-core's.
type finding struct {
	ID, Impact, Help string
	Nodes            []struct {
		HTML           string
		FailureSummary string
	}
}

// accessible has axe-core look at the page, in light and in dark colours. The test fails in
// the end, with all that was found.
func (v *viewer) accessible() {
	v.w.t.Helper()
	v.accessibleIn("light", "dark")
}

func (v *viewer) accessibleIn(schemes ...string) {
	v.w.t.Helper()
	for _, scheme := range schemes {
		v.paint(scheme)
		v.until("matchMedia('(prefers-color-scheme: " + scheme + ")').matches")
		for _, f := range v.examine() {
			for _, node := range f.Nodes {
				where := fmt.Sprintf("%s (%s): %s\n%s\n%s", f.ID, f.Impact, f.Help, node.HTML, node.FailureSummary)
				v.w.found[where] = v.path() + ", " + scheme
			}
		}
	}
	v.paint("light")
}

// examine runs axe-core.
func (v *viewer) examine() (list []finding) {
	v.w.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, within)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("window.axe || (() => {"+axe+"})(), true")); err != nil {
		v.w.t.Fatalf("%s: load axe-core: %v", v.who, err)
	}
	const run = "axe.run(document, {resultTypes: ['violations']}).then(r => JSON.stringify(r.violations))"
	found, err := chromedp.Run(ctx, chromedp.Evaluate[string](run, chromedp.EvalAwaitPromise))
	if err != nil {
		v.w.t.Fatalf("%s: axe-core: %v", v.who, err)
	}
	v.w.must(json.Unmarshal([]byte(found), &list))
	return list
}

// path is the path of the page.
func (v *viewer) path() string {
	path, err := chromedp.Run(v.ctx, chromedp.Evaluate[string]("location.pathname"))
	v.w.must(err)
	return path
}

// keepsOut fails the test for what axe-core has found, if that is serious.
func (w *world) keepsOut() {
	for _, what := range slices.Sorted(maps.Keys(w.found)) {
		if strings.Contains(what, " (serious): ") || strings.Contains(what, " (critical): ") {
			w.t.Errorf("%s: %s", w.found[what], what)
		} else {
			w.t.Logf("%s: %s", w.found[what], what)
		}
	}
}
