package browser

import (
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// programs are the names of Chromium, and of browsers that are made of it.
var programs = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// findChromium finds the browser. A machine without one leaves these tests out, but in CI
// that is a failure.
func findChromium(t *testing.T) string {
	t.Helper()
	for _, program := range programs {
		if path, err := exec.LookPath(program); err == nil {
			return path
		}
	}
	const how = "there is no Chromium on this machine, which the tests of pages need; get it with: apt-get install chromium"
	if os.Getenv("CI") != "" {
		t.Fatal(how)
	}
	t.Skip(how)
	return ""
}

// startChromium starts the browser, without a window. It ends with the test.
func startChromium(t *testing.T, program string) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.WindowSize(wide, 900))
	ctx, end := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(end)
	ctx, end = chromedp.NewContext(ctx)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	return ctx
}

// Widths of screens, in CSS pixels.
const (
	wide   = 1280
	narrow = 375
)

// viewer is somebody's browser: it shares no cookies with others. It has one page, as if
// that were in front.
type viewer struct {
	w   *world
	who string
	ctx context.Context
}

// newViewer opens a browser.
func (w *world) newViewer(who string) *viewer {
	w.t.Helper()
	ctx, end := chromedp.NewContext(w.browser, chromedp.WithNewBrowserContext())
	w.root.Cleanup(end)
	v := &viewer{w: w, who: who, ctx: ctx}
	w.must(chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			w.complain(who + ": a script failed: " + e.ExceptionDetails.Text + " " + describe(e.ExceptionDetails.Exception))
		case *log.EventEntryAdded:
			if e.Entry.Source == log.EntrySourceSecurity { // the page's own policy
				w.complain(who + ": " + e.Entry.Text)
			}
		}
	}))
	v.set("in front", func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
		return err
	})
	v.paint("light")
	return v
}

func describe(thrown *runtime.RemoteObject) string {
	if thrown == nil {
		return ""
	}
	return thrown.Description
}

// set changes something about the browser.
func (v *viewer) set(what string, do func(ctx context.Context, t *chromedp.Target) error) {
	v.w.t.Helper()
	if err := chromedp.Do(v.ctx, chromedp.Func(do)); err != nil {
		v.w.t.Fatalf("%s: %s: %v", v.who, what, err)
	}
}

// paint has the browser prefer light or dark colours.
func (v *viewer) paint(scheme string) {
	v.w.t.Helper()
	v.set(scheme+" colours", func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
		})
		return err
	})
}

// resize gives the browser a screen of a width.
func (v *viewer) resize(width int64) {
	v.w.t.Helper()
	if err := chromedp.Do(v.ctx, chromedp.EmulateViewport(width, 900)); err != nil {
		v.w.t.Fatal(err)
	}
}

// withoutScripts has the browser run no scripts of pages.
func (v *viewer) withoutScripts() {
	v.w.t.Helper()
	v.set("no scripts", func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	})
}
