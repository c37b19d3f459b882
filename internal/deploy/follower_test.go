package deploy

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
)

// fakeLogs are containers whose logs the tests write.
type fakeLogs struct {
	nudge chan struct{}

	mu    sync.Mutex
	there []seenContainer
	err   error               // the error of a list
	open  map[string]*fakeLog // by name of the pod
	asked []kube.LogRequest
	fails error         // the error of reading
	slow  chan struct{} // a list waits until it is closed; nil: a list does not wait
}

type fakeLog struct{ lines chan string }

func (l *fakeLogs) set(there ...seenContainer) {
	l.mu.Lock()
	l.there = there
	l.mu.Unlock()
	l.nudge <- struct{}{}
}

func (l *fakeLogs) list(context.Context) ([]seenContainer, error) {
	l.mu.Lock()
	there, err, slow := slices.Clone(l.there), l.err, l.slow
	l.mu.Unlock()
	if slow != nil {
		<-slow
	}
	return there, err
}

func (l *fakeLogs) read(ctx context.Context, of Container, request kube.LogRequest, tell func(string)) error {
	l.mu.Lock()
	log := &fakeLog{make(chan string)}
	l.open[of.Pod] = log
	l.asked = append(l.asked, request)
	err := l.fails
	l.mu.Unlock()
	if err != nil {
		return err
	}
	for {
		select {
		case line, ok := <-log.lines:
			if !ok {
				return nil
			}
			tell(line)
		case <-ctx.Done():
			return nil
		}
	}
}

func (l *fakeLogs) of(pod string) *fakeLog {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open[pod]
}

// following is a follower that works in a bubble of synctest.
type following struct {
	*fakeLogs
	told   []string
	result error
	cancel context.CancelFunc
	done   chan struct{}
}

func follow(t *testing.T, lasting bool, first *fakeLogs) *following {
	first.nudge, first.open = make(chan struct{}, 1), map[string]*fakeLog{}
	ctx, cancel := context.WithCancel(t.Context())
	f := &following{fakeLogs: first, cancel: cancel, done: make(chan struct{})}
	one := &follower{
		list: first.list, read: first.read, nudge: first.nudge, lasting: lasting, request: kube.LogRequest{Lines: 7, Follow: true},
		to: LogReader{
			Line: func(of Container, line string) { f.told = append(f.told, of.Pod+": "+line) },
			Note: func(text string) { f.told = append(f.told, "("+text+")") },
		},
	}
	go func() {
		defer close(f.done)
		f.result = one.run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-f.done })
	synctest.Wait()
	return f
}

func (f *following) over() bool {
	synctest.Wait()
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

func TestFollowerMergesLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := follow(t, true, &fakeLogs{there: []seenContainer{runs("a")}})
		f.of("a").lines <- "one"
		f.set(runs("a"), runs("b"))
		f.pass(lookEvery)
		f.of("b").lines <- "two"
		synctest.Wait() // or the two logs' lines come in any order
		f.of("a").lines <- "three"
		close(f.of("a").lines)
		f.set(runs("b"))
		f.pass(lookEvery)
		wantLines(t, "told", f.told, "a: one", "(new: b/main)", "b: two", "a: three", "(gone: a/main)")
		if f.asked[0].Lines != 7 || f.asked[1].Lines != maxNewLines || !f.asked[1].Follow {
			t.Errorf("the follower asked %+v", f.asked)
		}
		close(f.of("b").lines)
		f.set()
		f.pass(lookEvery)
		if f.over() {
			t.Error("the follower ends with the last log, although it should wait for more")
		}
		f.cancel()
		if !f.over() || f.result != nil {
			t.Errorf("the follower does not end, or ends with %v", f.result)
		}
	})
}

// TestFollowerMissesNoChange: a change during a look causes another look.
func TestFollowerMissesNoChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := follow(t, true, &fakeLogs{there: []seenContainer{runs("a")}})
		f.slow = make(chan struct{})
		f.set(runs("a"), runs("b"))
		f.pass(lookEvery) // the look begins
		f.set(runs("a"), runs("b"), runs("c"))
		f.pass(lookEvery)
		close(f.slow)
		f.pass(lookEvery)
		wantLines(t, "told", f.told, "(new: b/main)", "(new: c/main)")
	})
}

// TestFollowerLeavesLogsThatDoNotEnd: the log of a deleted container may hang.
func TestFollowerLeavesLogsThatDoNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := follow(t, true, &fakeLogs{there: []seenContainer{runs("a"), runs("b")}})
		f.set(runs("b"))
		f.pass(lookEvery)
		f.pass(leaveAfter)
		f.pass(lookEvery)
		wantLines(t, "told", f.told, "(gone: a/main)")
	})
}

func TestFollowerOfOneObjectEndsWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := follow(t, false, &fakeLogs{there: []seenContainer{runs("a"), runs("b", waits)}})
		close(f.of("a").lines)
		f.set(runs("a", ended), runs("b", waits))
		f.pass(lookEvery)
		if f.over() {
			t.Fatal("the follower does not wait for a container that will start")
		}
		f.set(runs("a", ended), runs("b"))
		f.pass(lookEvery)
		close(f.of("b").lines)
		f.set(runs("a", ended), runs("b", ended))
		f.pass(lookEvery)
		if !f.over() || f.result != nil {
			t.Errorf("the follower continues, or ends with %v", f.result)
		}
	})
}

func TestFollowerThatCannotRead(t *testing.T) {
	forbidden := &kube.RefusedError{Right: manifest.Right{Verbs: "get", Resource: "pods/log"}}
	for name, test := range map[string]struct {
		logs *fakeLogs
		then func(f *following)
		want error  // the error with which the follower ends
		told string // the message, if the follower continues
	}{
		"no list at first":     {&fakeLogs{err: away}, nil, away, ""},
		"no log at first":      {&fakeLogs{there: []seenContainer{runs("a")}, fails: away}, nil, away, ""},
		"too many logs":        {&fakeLogs{there: []seenContainer{runs("a")}, fails: ErrTooManyLogs}, nil, ErrTooManyLogs, ""},
		"no list any more":     {&fakeLogs{there: []seenContainer{runs("a")}}, func(f *following) { f.listsFail(away) }, nil, "(the pods cannot be listed: "},
		"the app is gone":      {&fakeLogs{there: []seenContainer{runs("a")}}, func(f *following) { f.listsFail(ErrNoApp) }, ErrNoApp, ""},
		"the right is no more": {&fakeLogs{there: []seenContainer{runs("a")}}, func(f *following) { f.listsFail(forbidden) }, forbidden, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := follow(t, true, test.logs)
			if test.then != nil {
				f.of("a").lines <- "one"
				test.then(f)
				f.pass(lookEvery)
				f.pass(lookAgain)
			}
			told := strings.Join(f.told, "\n")
			switch over := f.over(); {
			case test.want != nil && (!over || !errors.Is(f.result, test.want)):
				t.Errorf("%s: ended: %v, with %v", name, over, f.result)
			case test.told != "" && (over || strings.Count(told, test.told) != 1):
				t.Errorf("%s: ended: %v, messages %q", name, over, told)
			}
		})
	}
}

// listsFail lets lists fail from now on.
func (f *following) listsFail(err error) {
	f.mu.Lock()
	f.err = err
	f.mu.Unlock()
	f.nudge <- struct{}{}
}

// pass lets the follower look again.
func (f *following) pass(d time.Duration) {
	<-time.After(d + time.Millisecond)
	synctest.Wait()
}
