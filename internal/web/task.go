package web

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/errand"
	"github.com/pushboat/pushboat/internal/name"
)

// task is a verb that a page has begun. It goes on when the page is left, and its output can
// be looked at for a while, by the session that began it.
type task struct {
	id    int
	app   name.App
	title string
	ended chan struct{} // closed at its end

	failed bool // set before ended is closed

	mu    sync.Mutex
	lines []string
	size  int           // of the lines, in bytes
	more  chan struct{} // closed and replaced when there is another one
}

// maxTasks bounds the tasks that a session remembers. The oldest is forgotten, not ended.
const maxTasks = 10

// begin begins a verb about the visitor's app, which outlives the request.
func (v *visit) begin(title string, words []string) *task {
	t := &task{app: v.app.App, title: title, ended: make(chan struct{}), more: make(chan struct{})}
	as := v.asVerb()
	as.Tell = t.add
	v.session.keep(t)
	ctx, cancel := context.WithTimeout(v.door.work.ctx, verbTimeout)
	v.door.work.group.Go(func() { // the request itself is still counted
		defer cancel()
		t.failed = v.door.Run(ctx, as, words) != 0
		as.Finish()
		close(t.ended)
	})
	return t
}

// keep remembers a task, and gives it its id.
func (s *session) keep(t *task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taskIDs++
	t.id = s.taskIDs
	s.tasks = append(s.tasks, t)
	s.tasks = s.tasks[max(len(s.tasks)-maxTasks, 0):]
}

// path is the address of the task's page.
func (t *task) path() string { return "/apps/" + string(t.app) + "/tasks/" + strconv.Itoa(t.id) }

// add keeps a line of the verb, as far as there is room.
func (t *task) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.size += len(line) + 1; t.size <= errand.MaxOutput {
		t.lines = append(t.lines, line)
		close(t.more)
		t.more = make(chan struct{})
	}
}

// state returns what the task has said, whether that is all, and a channel that is closed when
// it says more.
func (t *task) state() (lines []string, over bool, more <-chan struct{}) {
	select {
	case <-t.ended:
		over = true
	default:
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clip(t.lines), over, t.more
}

// taskOf is the task of the address, if the visitor's session has begun it for the app.
func (v *visit) taskOf() (*task, error) {
	id, err := strconv.Atoi(v.r.PathValue("task"))
	if err != nil {
		return nil, errNotFound
	}
	v.session.mu.Lock()
	defer v.session.mu.Unlock()
	for _, t := range v.session.tasks {
		if t.id == id && t.app == v.app.App {
			return t, nil
		}
	}
	return nil, errNotFound
}

// taskPage is the page of a task.
type taskPage struct {
	App    name.App
	Title  string
	Path   string
	Lines  []string
	GoesOn bool
	Failed bool
	From   int // the lines that are shown already
}

// showTask shows what a task has said, and its end when it comes.
func showTask(v *visit) error {
	t, err := v.taskOf()
	if err != nil {
		return err
	}
	lines, over, _ := t.state()
	p := taskPage{App: t.app, Title: t.title, Path: t.path(), Lines: lines, GoesOn: !over, From: len(lines)}
	if over {
		p.Failed = t.failed
	}
	return v.show("task", frame{Title: t.title + " " + string(t.app), Section: "overview", Body: p})
}

// streamTask sends what a task says, from the line of the query on, and then that it has ended.
func streamTask(v *visit) error {
	t, err := v.taskOf()
	if err != nil {
		return err
	}
	number := v.streamsFrom()
	return v.stream(func(s *stream) error {
		for {
			lines, over, more := t.state()
			if len(lines) > number {
				if err := s.sendLines(lines[number:], len(lines)); err != nil {
					return err
				}
				number = len(lines)
			}
			if over {
				return s.send("end", "", "")
			}
			select {
			case <-more:
			case <-t.ended:
			case why := <-s.alarm:
				if err := s.heed(why); err != nil {
					return err
				}
			}
		}
	})
}

// await waits for a task's end, for as long as a page may take. It reports whether the task
// has ended.
func (t *task) await() bool {
	timer := time.NewTimer(doneWithin)
	defer timer.Stop()
	select {
	case <-t.ended:
		return true
	case <-timer.C:
		return false
	}
}
