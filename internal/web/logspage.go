package web

import (
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/errand"
	"github.com/pushboat/pushboat/internal/name"
)

// This file has what containers print, as the verb logs shows it: the verb itself runs behind
// the page, so what it masks, and what it asks of its caller, is the same.

const (
	// logTail is how many last lines of each container a page begins with.
	logTail = "100"
	// maxLogLines bounds the lines of a page that does not move. In one that does, app.js drops
	// the oldest.
	maxLogLines = 1000
	// maxLogText bounds what is read for them, in bytes.
	maxLogText = 1 << 20
	// logTimeout bounds the reading of them: the page comes with what there is by then.
	logTimeout = 3 * time.Second
	// maxLogsEach bounds the streams of logs of a session that are open at once: each follows
	// up to 50 containers.
	maxLogsEach = 4
	// linesAhead is how many lines may wait for a browser. After that the reading waits, too.
	linesAhead = 32
)

// logsPage is the page of the logs of an app, or of one of its objects.
type logsPage struct {
	App       deploy.Status
	Object    string // as the verb takes it; "": the whole app
	Container string // "": all
	Previous  bool   // of the runs before the last restarts
	Objects   []string
	Lines     []string
	Live      string // the address of the stream; "": nothing moves
	Most      int    // lines that the page keeps
}

// logsPath is the address of the logs of an app's object.
func logsPath(app name.App, object string) string {
	return "/apps/" + url.PathEscape(string(app)) + "/logs?" + url.Values{"object": {object}}.Encode()
}

// logsAsked reads which logs the visitor asks for.
func (v *visit) logsAsked() logsPage {
	q := v.r.URL.Query()
	return logsPage{App: v.app, Object: word(q, "object"), Container: word(q, "container"), Previous: q.Get("previous") != "", Most: maxLogLines}
}

// words is the call of the verb.
func (p logsPage) words(flags ...string) []string {
	words := append([]string{"logs", "--pods", "--tail=" + logTail}, flags...)
	if p.Container != "" {
		words = append(words, "--container="+p.Container)
	}
	if p.Previous {
		words = append(words, "--previous")
	}
	words = append(words, "--", string(p.App.App))
	if p.Object != "" {
		words = append(words, p.Object)
	}
	return words
}

// showLogs shows the last lines of containers. Where scripts run, the stream takes their place.
func showLogs(v *visit) error {
	p := v.logsAsked()
	tree, _ := v.door.Apps.Engine.Tree(v.r.Context(), v.app.App)
	p.Objects = runners(tree.Objects)
	if p.Object != "" && !slices.Contains(p.Objects, p.Object) {
		p.Objects = append(p.Objects, p.Object)
	}
	ctx, cancel := context.WithTimeout(v.r.Context(), logTimeout)
	defer cancel()
	as := v.asVerb()
	as.Most = maxLogText
	v.door.Run(ctx, as, p.words())
	p.Lines = splitLines(as.Text())
	p.Lines = p.Lines[max(len(p.Lines)-maxLogLines, 0):]
	if !p.Previous {
		p.Live = "/apps/" + string(v.app.App) + "/logs/live?" + url.Values{"object": {p.Object}, "container": {p.Container}}.Encode()
	}
	return v.show("logs", frame{Title: "Logs of " + string(v.app.App), Section: "overview", Body: p})
}

// maxRunners bounds the objects to choose from.
const maxRunners = 200

// runners lists the objects that run pods, and the pods, as the verb takes them.
func runners(nodes []deploy.Node) []string {
	var list []string
	for _, node := range nodes {
		if below := runners(node.Children); !node.Old && (node.RunsPods() || len(below) > 0) && len(list) < maxRunners {
			list = append(append(list, logName(node.ID)), below...)
		}
	}
	return list[:min(len(list), maxRunners)]
}

// streamLogs follows the logs until the visitor goes or may not read them any more, or until
// there is nothing to follow.
func streamLogs(v *visit) error {
	p := v.logsAsked()
	p.Previous = false
	leave, ok := v.session.followsLogs()
	if !ok {
		return errManyStreams
	}
	defer leave()
	return v.stream(func(s *stream) error {
		ctx, cancel := context.WithCancel(v.r.Context())
		said, lines := v.telling(ctx)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			v.door.Run(ctx, said, p.words("--follow"))
			said.Finish()
		}()
		defer func() {
			cancel()
			<-ended
		}()
		return s.follow(lines, ended, 0)
	})
}

// followsLogs counts a stream of logs, until leave is called. ok is false if there are too
// many.
func (s *session) followsLogs() (leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.logs >= maxLogsEach {
		return nil, false
	}
	s.logs++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.logs--
	}, true
}

// maxLine bounds a line, in bytes; the verb cuts those of containers itself.
const maxLine = 16 << 10

// telling is a session of a verb whose lines go to a page as they come, with what the verb says
// about them. While the page does not take them, the verb waits, until ctx ends.
func (v *visit) telling(ctx context.Context) (as *errand.Session, lines <-chan string) {
	ahead := make(chan string, linesAhead)
	as = v.asVerb()
	as.Most = maxLine
	as.Tell = func(line string) {
		select {
		case ahead <- line:
		case <-ctx.Done():
		}
	}
	return as, ahead
}
