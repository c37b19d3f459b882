package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// The rows of pages: a server with 10,000 apps of four objects, and pages that are open.
// The apps' ConfigMaps and inventories are simulated (see simulated), for 40,000 of them in
// a real API server would take most of an hour to make; everything else is real.

// herd is what those rows share.
type herd struct {
	*simulated
	apps int
	took time.Duration // of the pushes
}

const (
	appsEach   = 1000 // of a repository
	treeSize   = 1000 // objects of the app "tree", of all kinds
	events     = 20   // at most, that are watched for; each is shown and taken back
	pagesOpen  = 200  // that hear of an event
	pagesAside = 50   // that are open while something is deployed
	budget     = 64   // KB for a page that is open
)

// deployedHerd returns the apps. The first call deploys them.
func (l *lab) deployedHerd(ctx context.Context) (*herd, error) {
	if l.herd != nil {
		return l.herd, nil
	}
	if err := l.server.stop(); err != nil {
		return nil, err
	}
	var h *herd
	f, err := l.before("simulated", l.cluster.Config, func(next http.Handler) http.Handler {
		h = &herd{simulated: simulate(next)}
		return h
	})
	if err != nil {
		return nil, err
	}
	l.ends, l.kubeconfig = append(l.ends, f.close), f.kubeconfig
	if _, err := l.startServer(ctx); err != nil {
		return nil, err
	}
	if err := l.writeSSHConfig(ctx); err != nil { // the server has a new port
		return nil, err
	}
	start := time.Now()
	for h.apps < l.settings.herd {
		n := min(appsEach, l.settings.herd-h.apps)
		if err := l.pushHerd(ctx, h.apps/appsEach, n); err != nil {
			return nil, err
		}
		h.apps += n
	}
	h.took = time.Since(start)
	tree, err := l.newApp(ctx, "tree", treeSize)
	if err != nil {
		return nil, err
	}
	if _, err := tree.push(ctx, ours); err != nil {
		return nil, err
	}
	files := map[string]string{"pushboat.yaml": "apps: [{name: watched, path: deploy, namespace: watched, createNamespace: true, drift: warn}]\n"}
	for i := range events { // an object that drifts again and again is looked at ever later
		files[fmt.Sprintf("deploy/%d.yaml", i)] = fmt.Sprintf(configText, watchedObject(i))
	}
	watched, err := l.workingCopy(ctx, "watched", files)
	if err != nil {
		return nil, err
	}
	if _, err := watched.push(ctx, ours); err != nil {
		return nil, err
	}
	l.herd = h
	return h, pause(ctx, 15*time.Second) // what the pushes have left to do
}

// pushHerd deploys a repository with a number of apps. They are checked once an hour, so
// that no check is part of a measurement.
func (l *lab) pushHerd(ctx context.Context, number, apps int) error {
	name := fmt.Sprintf("herd-%d", number)
	if err := l.namespace(ctx, name); err != nil {
		return err
	}
	files := map[string]string{"pushboat.yaml": "apps: [{path: apps/*, namespace: " + name + ", schedule: '@every 1h'}]\n"}
	for i := range apps {
		app := herdApp(number*appsEach + i)
		var objects strings.Builder
		for j := range kindsOfObject {
			objects.WriteString("---\n" + fmt.Sprintf(configText, fmt.Sprintf("%s-%d", app, j)))
		}
		files["apps/"+app+"/objects.yaml"] = objects.String()
	}
	w, err := l.workingCopy(ctx, name, files)
	if err != nil {
		return err
	}
	_, err = w.push(ctx, ours)
	return err
}

func watchedObject(n int) string { return fmt.Sprintf("watched-%d", n) }

func herdApp(n int) string { return fmt.Sprintf("h%05d", n) }

// disturb edits objects of the herd by hand, one after the other, which the server corrects,
// until the context ends.
func (h *herd) disturb(ctx context.Context) (wait func() error) {
	ended := make(chan error, 1)
	go func() {
		var err error
		for i := 0; err == nil; i++ {
			n := i * 37 % h.apps
			_, _, err = h.editByHand(fmt.Sprintf("herd-%d", n/appsEach), herdApp(n)+"-0", "level", "debug")
			if pause(ctx, disturbEach) != nil {
				break
			}
		}
		ended <- err
	}()
	return func() error { return <-ended }
}

// disturbEach is the time from one hand edit to the next.
const disturbEach = 200 * time.Millisecond

// pagesFirst measures the first byte of pages of the overview, while the objects of apps
// are edited by hand.
func pagesFirst(ctx context.Context, l *lab) (*result, error) {
	paths := []string{"/", "/?page=2", "/?page=100", "/?state=fine&page=7", "/?repo=herd-0", "/?operator=bench&page=3"}
	g, err := l.readPages(ctx, paths, 300, "pages-first")
	if err != nil {
		return nil, err
	}
	r := &result{}
	g.budgets(r, "first byte", g.first, 100)
	r.note("%d apps, pushed in %.0f s", l.herd.apps, l.herd.took.Seconds())
	return r, l.memory(ctx, r, 0)
}

// pagesFilter measures the overview with filters.
func pagesFilter(ctx context.Context, l *lab) (*result, error) {
	paths := []string{"/?q=h0123", "/?q=9", "/?state=drifted", "/?namespace=herd-0", "/?q=herd-0&state=fine&operator=bench", "/?q=nothing"}
	g, err := l.readPages(ctx, paths, 300, "pages-filter")
	if err != nil {
		return nil, err
	}
	r := &result{}
	g.budgets(r, "filter", g.whole, 100)
	return r, nil
}

// pagesTree measures the page of an app of 1,000 objects.
func pagesTree(ctx context.Context, l *lab) (*result, error) {
	g, err := l.readPages(ctx, []string{"/apps/tree"}, 100, "pages-tree")
	if err != nil {
		return nil, err
	}
	r := &result{}
	g.budgets(r, fmt.Sprintf("tree of %d objects", treeSize), g.whole, 150)
	return r, nil
}

// reading is what reading pages took.
type reading struct {
	first, whole *series
	spent        *series // the server's processor time for a page, while nothing else happens
	largest      float64 // in KB
}

// budgets adds the facts of a reading to a result.
func (g *reading) budgets(r *result, what string, took *series, limit float64) {
	r.series = append(r.series, g.first, g.whole, g.spent)
	r.fact(fact{what: what + ", 99 %", value: 1000 * took.quantile(0.99), unit: " ms", goal: atMost, limit: limit})
	r.fact(fact{what: "largest page", value: g.largest, unit: " KB", goal: atMost, limit: 100})
}

// readPages reads pages in turn, first alone and then while the herd is disturbed.
func (l *lab) readPages(ctx context.Context, paths []string, times int, profile string) (*reading, error) {
	h, err := l.deployedHerd(ctx)
	if err != nil {
		return nil, err
	}
	v, err := l.viewer(ctx, maxViewers)
	if err != nil {
		return nil, err
	}
	g := &reading{first: &series{of: "to the first byte"}, whole: &series{of: "to the end of the page"}, spent: &series{of: "server's CPU of a page, alone"}}
	if err := l.readAlone(ctx, v, g, paths); err != nil {
		return nil, err
	}
	ctx, end := context.WithCancel(ctx)
	disturbed := h.disturb(ctx)
	profiled := make(chan error, 1)
	go func() { profiled <- l.keepProfile(ctx, "profile?seconds=10", profile+".cpu") }()
	for i := range l.rounds(times) {
		var p page
		if p, err = v.get(ctx, paths[i%len(paths)]); err != nil {
			break
		}
		g.first.add(p.first)
		g.whole.add(p.whole)
		g.largest = max(g.largest, float64(len(p.text))/1000)
		if err = pause(ctx, readEach); err != nil { // within the limit of requests
			break
		}
	}
	err = errors.Join(err, <-profiled)
	end()
	return g, errors.Join(err, disturbed())
}

// readAlone reads each page a few times while nothing else happens, for the server's
// processor time, which does not depend on who else uses the machine.
func (l *lab) readAlone(ctx context.Context, v *viewer, g *reading, paths []string) error {
	const each = 10
	for _, path := range paths {
		before, err := l.server.cpu()
		if err != nil {
			return err
		}
		for range each {
			if _, err := v.get(ctx, path); err != nil {
				return err
			}
		}
		after, err := l.server.cpu()
		if err != nil {
			return err
		}
		g.spent.add((after - before) / each)
		if err := pause(ctx, time.Second); err != nil { // within the limit of requests
			return err
		}
	}
	return nil
}

const (
	// readEach is the pause between two pages: the server lets an address have 20 in a
	// second.
	readEach = 60 * time.Millisecond
	// maxViewers is above the number of viewers that open pages.
	maxViewers = 100
)

// pagesEvent measures the time from a hand edit to the last of the pages that shows it.
func pagesEvent(ctx context.Context, l *lab) (*result, error) {
	h, err := l.deployedHerd(ctx)
	if err != nil {
		return nil, err
	}
	pages, err := l.openMany(ctx, pagesOpen, func(int) string { return "/" })
	if err != nil {
		return nil, err
	}
	shown := &series{of: fmt.Sprintf("from a hand edit to the last of %d pages that shows it", pagesOpen)}
	spent := &series{of: "of the server's CPU"}
	err = h.shownOn(ctx, l, pages, shown, spent)
	if err = errors.Join(err, closeAll(pages)); err != nil {
		return nil, err
	}
	r := &result{series: []*series{shown, spent}}
	r.fact(fact{what: "event in all pages, at most", value: shown.quantile(1), unit: " s", goal: atMost, limit: 1})
	return r, nil
}

// shownOn edits and restores an object whose drift is left alone, so that its app comes to
// the top of the pages and leaves it.
func (h *herd) shownOn(ctx context.Context, l *lab, pages []*opened, shown, spent *series) error {
	for i := range min(l.rounds(10), events) {
		if err := pause(ctx, 2*time.Second); err != nil {
			return err
		}
		before, err := l.server.cpu()
		if err != nil {
			return err
		}
		at, undo, err := h.editByHand("watched", watchedObject(i), "level", "debug")
		if err != nil {
			return err
		}
		for _, there := range []bool{true, false} {
			for _, o := range pages {
				if err := o.until(ctx, `id="app-watched"`, there); err != nil {
					return err
				}
			}
			shown.add(time.Since(at))
			after, err := l.server.cpu()
			if err != nil {
				return err
			}
			spent.add(after - before)
			if before = after; there {
				if err := pause(ctx, 2*time.Second); err != nil {
					return err
				}
				at = undo()
			}
		}
	}
	return nil
}

// pagesMemory measures the memory of pages that are open: the heap that is reachable, and
// the stacks.
func pagesMemory(ctx context.Context, l *lab) (*result, error) {
	if _, err := l.deployedHerd(ctx); err != nil {
		return nil, err
	}
	one, err := l.openMany(ctx, 1, func(int) string { return "/" }) // what pages share is there before and after
	if err != nil {
		return nil, err
	}
	if err := pause(ctx, 2*time.Second); err != nil { // the connections of the rows before are closed by then
		return nil, errors.Join(err, closeAll(one))
	}
	before, err := l.heapAndStacks(ctx)
	if err != nil {
		return nil, errors.Join(err, closeAll(one))
	}
	pages, err := l.openMany(ctx, pagesOpen, func(int) string { return "/" })
	if err != nil {
		return nil, errors.Join(err, closeAll(one))
	}
	spent, err := l.idleCPU(ctx, 10*time.Second)
	if err != nil {
		return nil, errors.Join(err, closeAll(pages), closeAll(one))
	}
	after, err := l.heapAndStacks(ctx)
	if err = errors.Join(err, closeAll(pages), closeAll(one)); err != nil {
		return nil, err
	}
	r := &result{}
	r.fact(fact{what: "a page that is open", value: perPage(before, after, pagesOpen), unit: " KB", goal: atMost, limit: budget})
	r.note("%d open pages that nothing moves take %.2f %% of a core", pagesOpen, spent)
	return r, nil
}

// perPage is the memory in KB of each of n pages, from that of the server in MiB before and
// after they were opened.
func perPage(before, after float64, n int) float64 {
	return (after - before) * (1 << 20) / 1000 / float64(n)
}

// idleCPU is the share of a core, in percent, that the server takes for a while.
func (l *lab) idleCPU(ctx context.Context, d time.Duration) (float64, error) {
	before, err := l.server.cpu()
	if err != nil {
		return 0, err
	}
	if err := pause(ctx, d); err != nil {
		return 0, err
	}
	after, err := l.server.cpu()
	return 100 * float64(after-before) / float64(d), err
}

// pagesFirstDeploy measures first deploys of 200 objects while pages are open.
func pagesFirstDeploy(ctx context.Context, l *lab) (*result, error) {
	n := 0
	return l.besidePages(ctx, 8, func(ctx context.Context) (time.Duration, error) {
		n++
		a, err := l.newApp(ctx, fmt.Sprintf("seen-%d", n), objectsOfApp)
		if err != nil {
			return 0, err
		}
		return a.push(ctx, ours)
	})
}

// pagesOneChange measures changes of one object of 200 while pages are open, some of them
// of the app itself.
func pagesOneChange(ctx context.Context, l *lab) (*result, error) {
	if _, err := l.deployedHerd(ctx); err != nil {
		return nil, err
	}
	a, err := l.deployedApp(ctx)
	if err != nil {
		return nil, err
	}
	return l.besidePages(ctx, 15, func(ctx context.Context) (time.Duration, error) {
		if err := a.change(ctx); err != nil {
			return 0, err
		}
		return a.push(ctx, ours)
	})
}

// besidePages measures pushes with and without open pages, in turn: a tenth of them are of
// the app "shop" if there is one, the others are overviews.
func (l *lab) besidePages(ctx context.Context, rounds int, push func(ctx context.Context) (time.Duration, error)) (*result, error) {
	if _, err := l.deployedHerd(ctx); err != nil {
		return nil, err
	}
	with, without := &series{of: fmt.Sprintf("git push with %d pages open", pagesAside)}, &series{of: "git push with none"}
	spentWith, spentWithout := &series{of: "of the server's CPU"}, &series{of: "of the server's CPU"}
	profiled := make(chan error, 1)
	for round := range l.rounds(rounds) {
		if round == 0 { // which has pages open first
			go func() { profiled <- l.keepProfile(ctx, "profile?seconds=10", "pages-beside.cpu") }()
		}
		for _, open := range [][]bool{{true, false}, {false, true}}[round%2] {
			took, spent, err := l.pushBeside(ctx, open, push)
			if err != nil {
				return nil, err
			}
			if open {
				with.add(took)
				spentWith.add(spent)
			} else {
				without.add(took)
				spentWithout.add(spent)
			}
		}
	}
	if err := <-profiled; err != nil {
		return nil, err
	}
	r := &result{}
	r.ratio(with, without, atMost, 1.03)
	r.series = append(r.series, spentWith, spentWithout)
	r.fact(fact{what: "more of the server's CPU", value: 1000 * (spentWith.median() - spentWithout.median()), unit: " ms"})
	return r, nil
}

// pushBeside pushes once, and returns how long that took, and the server's time until two
// seconds later.
func (l *lab) pushBeside(ctx context.Context, open bool, push func(ctx context.Context) (time.Duration, error)) (took, spent time.Duration, err error) {
	var pages []*opened
	if open {
		pages, err = l.openMany(ctx, pagesAside, func(n int) string {
			if n%10 == 9 && l.app != nil {
				return "/apps/" + l.app.name
			}
			return "/"
		})
		if err != nil {
			return 0, 0, err
		}
	}
	err = l.awaitQuiet(ctx)
	before, failed := l.server.cpu()
	if err = errors.Join(err, failed); err == nil {
		took, err = push(ctx)
	}
	err = errors.Join(err, pause(ctx, 2*time.Second)) // what pages ask for afterwards counts as well
	after, failed := l.server.cpu()
	return took, after - before, errors.Join(err, failed, closeAll(pages))
}
