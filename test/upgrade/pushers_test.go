package upgrade

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// crowd is a number of people who push without a pause, each to a repository of their own.
type crowd struct {
	w       *world
	people  []*pusher
	running sync.WaitGroup
	done    chan struct{} // closed when they must stop
	pushed  chan struct{} // has a value after each push
	began   time.Time

	mu       sync.Mutex
	times    []time.Duration // of pushes
	failures []error
}

// pusher is one person of the crowd.
type pusher struct {
	app  string
	dir  string
	acks int // number of the last acknowledged push
}

// namespace is the namespace of all pushers' apps.
const namespace = "shops"

// startPushers makes people push, and returns when each has pushed once.
func (w *world) startPushers(n int) *crowd {
	w.t.Helper()
	c := &crowd{w: w, done: make(chan struct{}), pushed: make(chan struct{}, 1), began: time.Now()}
	for i := range n {
		app := "shop-" + strconv.Itoa(i+1)
		p := &pusher{app: app, dir: filepath.Join(w.t.TempDir(), app)}
		w.must(os.Mkdir(p.dir, 0o700))
		_, err := w.run(p.dir, "git", "init", "-q")
		w.must(err)
		_, err = w.run(p.dir, "git", "remote", "add", "origin", "pushboat:"+app)
		w.must(err)
		w.must(os.WriteFile(filepath.Join(p.dir, "pushboat.yaml"), fmt.Appendf(nil,
			"apps:\n  - {name: %s, path: ., namespace: %s, createNamespace: true}\n", app, namespace+"-"+strconv.Itoa(i+1)), 0o600))
		c.people = append(c.people, p)
	}
	for _, p := range c.people {
		c.running.Go(func() { c.push(p) })
	}
	c.await(n)
	return c
}

// await waits for the given number of further pushes.
func (c *crowd) await(n int) {
	c.w.t.Helper()
	c.mu.Lock()
	goal := len(c.times) + n
	c.mu.Unlock()
	late := time.After(commandLimit)
	for c.count() < goal {
		select {
		case <-c.pushed:
		case <-late:
			c.w.t.Fatalf("%d pushes after %s, not %d; failed: %v", c.count(), commandLimit, goal, c.failures)
		}
	}
}

func (c *crowd) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.times)
}

// push is the loop of one pusher.
func (c *crowd) push(p *pusher) {
	for n := 1; ; n++ {
		select {
		case <-c.done:
			return
		default:
		}
		took, err := c.pushOnce(p, n)
		c.note(p, n, took, err)
	}
}

func (c *crowd) pushOnce(p *pusher, n int) (time.Duration, error) {
	text := fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: counter}\ndata: {count: \"%d\"}\n", n)
	if err := os.WriteFile(filepath.Join(p.dir, "counter.yaml"), []byte(text), 0o600); err != nil {
		return 0, err
	}
	for _, args := range [][]string{{"add", "-A"}, {"commit", "-q", "-m", "Count " + strconv.Itoa(n)}} {
		if _, err := c.w.run(p.dir, "git", args...); err != nil {
			return 0, err
		}
	}
	began := time.Now()
	_, err := c.w.run(p.dir, "git", "push", "origin", "main")
	return time.Since(began), err
}

func (c *crowd) note(p *pusher, n int, took time.Duration, err error) {
	c.mu.Lock()
	c.times = append(c.times, took)
	if err != nil {
		c.failures = append(c.failures, fmt.Errorf("app %s, push %d: %w", p.app, n, err))
	} else {
		p.acks = n
	}
	c.mu.Unlock()
	select {
	case c.pushed <- struct{}{}:
	default: // a failure is known already
	}
}

// pushes is the result of all pushers.
type pushes struct {
	during   time.Duration
	times    []time.Duration // sorted
	failures []error
}

func (c *crowd) stop() pushes {
	close(c.done)
	c.running.Wait()
	slices.Sort(c.times)
	return pushes{during: time.Since(c.began), times: c.times, failures: c.failures}
}

func (p pushes) longest() time.Duration { return p.times[len(p.times)-1].Round(time.Millisecond) }

func (p pushes) median() time.Duration { return p.times[len(p.times)/2].Round(time.Millisecond) }

// holdsEveryPush checks that the repositories and the cluster have the last acknowledged
// push of each pusher.
func (w *world) holdsEveryPush(c *crowd) {
	for _, p := range c.people {
		if err := w.holds(p); err != nil {
			w.t.Errorf("%s, after %d pushes: %v", p.app, p.acks, err)
		}
	}
}

func (w *world) holds(p *pusher) error {
	want, err := w.run(p.dir, "git", "log", "-1", "--format=%H", "--grep=^Count "+strconv.Itoa(p.acks)+"$")
	if err != nil {
		return err
	}
	got, err := w.run(p.dir, "git", "ls-remote", "origin", "refs/heads/main")
	if err != nil {
		return err
	}
	if head, _, _ := strings.Cut(got, "\t"); head != strings.TrimSpace(want) {
		return fmt.Errorf("main is %s, not %s", head, want)
	}
	if _, err := w.run(p.dir, "ssh", "-F", w.home.Path("ssh", "ana"), "pushboat", "wait", p.app); err != nil {
		return err
	}
	return w.runs(p)
}

// runs checks that the cluster has a pusher's last push.
func (w *world) runs(p *pusher) error {
	number := strings.TrimPrefix(p.app, "shop-")
	object, err := w.client.CoreV1().ConfigMaps(namespace+"-"+number).Get(context.Background(), "counter", metav1.GetOptions{})
	if err == nil && object.Data["count"] != strconv.Itoa(p.acks) {
		err = fmt.Errorf("the cluster has push %s", object.Data["count"])
	}
	return err
}
