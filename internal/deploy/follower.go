package deploy

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
)

// LogRequest selects the logs of an app's containers.
type LogRequest struct {
	Object    string // see Engine.Containers; "" for all pods of the app
	Container string // "" for all but the init containers
	Each      kube.LogRequest
}

// LogReader receives merged logs. Its functions are called one at a time, and may wait: the
// logs are not read any faster.
type LogReader struct {
	Line func(of Container, line string)
	Note func(text string) // about containers that come, leave or cannot be read
}

// MaxFollowed bounds the logs that one call follows at a time.
const MaxFollowed = 50

const (
	// lookEvery is the time from a change to the look at it, which others may join.
	lookEvery = time.Second
	// lookAgain is the time to the next look after one that failed.
	lookAgain = 5 * time.Second
	// maxNewLines bounds the first part of the log of a container that has come since.
	maxNewLines = 10_000
)

// follower merges the logs of containers that come and go.
type follower struct {
	list    func(ctx context.Context) ([]seenContainer, error)
	read    func(ctx context.Context, of Container, request kube.LogRequest, tell func(line string)) error
	nudge   <-chan struct{} // receives whenever pods may have changed
	request kube.LogRequest
	lasting bool // wait for more containers when all logs have ended, and read on those that break off
	to      LogReader

	streams streams
	cancels map[Container]context.CancelFunc
	lines   chan logLine
	ends    chan logEnd
	looks   chan look
	reading sync.WaitGroup
	listed  bool   // the containers could be listed
	worked  bool   // a log could be read
	full    bool   // it was told that there is no room for all
	failing string // the trouble that was told last
}

type logLine struct {
	of   Container
	text string
}

type logEnd struct {
	of  Container
	err error
}

// look is the outcome of a look at the containers.
type look struct {
	there []seenContainer
	err   error
}

// run follows until ctx ends; without lasting, also until all logs have ended and no
// container is to begin. It returns the error that keeps it from reading at all.
func (f *follower) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	f.cancels, f.lines, f.ends, f.looks = map[Container]context.CancelFunc{}, make(chan logLine), make(chan logEnd), make(chan look)
	f.streams.lasting = f.lasting
	defer f.reading.Wait()
	defer cancel()
	timer := time.NewTimer(0)
	defer timer.Stop()
	looking, missed := false, false // missed: it was time for another look meanwhile
	soon := func() { timer.Reset(lookEvery) }
	nudge := f.nudge
	for {
		select {
		case <-ctx.Done():
			return nil
		case line := <-f.lines:
			f.worked = true
			f.to.Line(line.of, line.text)
		case end := <-f.ends:
			if err := f.ended(end); err != nil {
				return err
			}
			soon()
		case <-nudge:
			nudge = nil // until the next look
			soon()
		case <-timer.C:
			nudge = f.nudge
			if missed = looking; !looking {
				looking = true
				f.reading.Go(func() { f.look(ctx) })
			}
		case seen := <-f.looks:
			looking = false
			again, over, err := f.see(ctx, seen)
			switch {
			case over || err != nil:
				return err
			case missed:
				soon()
			case again > 0 && nudge != nil: // else one is due sooner
				timer.Reset(again)
			}
		}
	}
}

// look looks at the containers, for run.
func (f *follower) look(ctx context.Context) {
	there, err := f.list(ctx)
	select {
	case f.looks <- look{there, err}:
	case <-ctx.Done():
	}
}

// see acts on a look. again is when to look again if nothing happens until then; over says
// that there is nothing left to follow.
func (f *follower) see(ctx context.Context, seen look) (again time.Duration, over bool, err error) {
	if seen.err != nil {
		if !f.listed || hopeless(seen.err) {
			return 0, true, seen.err
		}
		f.fail("the pods cannot be listed: " + seen.err.Error())
		return lookAgain, false, nil
	}
	f.failing, f.listed = "", true
	todo := f.streams.next(seen.there, MaxFollowed-f.streams.open(), time.Now())
	for _, of := range todo.end {
		f.cancels[of]()
	}
	for _, of := range todo.left {
		f.to.Note("gone: " + of.Pod + "/" + of.Name)
	}
	for _, o := range todo.begin {
		f.begin(ctx, o)
	}
	if todo.full && !f.full {
		f.full = true
		f.to.Note(fmt.Sprintf("only %d containers are followed at a time; others when one of them ends", MaxFollowed))
	}
	over = !f.lasting && f.streams.open() == 0 && !todo.waits && todo.again == 0
	return todo.again, over, nil
}

// begin begins to read a log.
func (f *follower) begin(all context.Context, o opening) {
	if o.came {
		f.to.Note("new: " + o.Pod + "/" + o.Name)
	}
	request := requestOf(f.request, o)
	ctx, cancel := context.WithCancel(all)
	f.cancels[o.Container] = cancel
	f.reading.Go(func() {
		err := f.read(ctx, o.Container, request, func(line string) {
			select {
			case f.lines <- logLine{o.Container, line}:
			case <-ctx.Done():
			}
		})
		select {
		case f.ends <- logEnd{o.Container, err}:
		case <-all.Done():
		}
	})
}

// ended acts on the end of a log. It returns the error that keeps the follower from going on.
func (f *follower) ended(end logEnd) error {
	f.cancels[end.of]()
	delete(f.cancels, end.of)
	f.streams.ended(end.of, time.Now())
	switch {
	case end.err == nil || kube.IsNotFound(end.err): // gone with its pod
		f.worked = true
	case !f.worked || !f.lasting || hopeless(end.err):
		return end.err
	default:
		f.fail(end.err.Error())
	}
	return nil
}

// hopeless reports whether an error will not go away by itself.
func hopeless(err error) bool {
	return manifest.LackedBy(err) != (manifest.Right{}) || errors.Is(err, ErrTooManyLogs) || errors.Is(err, ErrNoApp)
}

// requestOf is the request for a log, of those that the call asks for.
func requestOf(request kube.LogRequest, o opening) kube.LogRequest {
	if o.fresh {
		request.Lines, request.Since = maxNewLines, 0
	}
	if o.since > 0 {
		request.Since = o.since
	}
	return request
}

// fail tells a trouble once, until another look goes well.
func (f *follower) fail(text string) {
	if f.failing != text {
		f.failing = text
		f.to.Note(manifest.OneLine(text))
	}
}
