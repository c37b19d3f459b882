package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// maxWait bounds how long a program may wait for the end of an action, in seconds.
const maxWait = 600

// waitParam is the only one in the query of an action.
var waitParam = param{
	name: "wait", kind: number, most: maxWait,
	what: "how many seconds to wait for the end; if left out, the answer comes when the verb is accepted",
}

// outcome is the answer to an action.
type outcome struct {
	App    string   `json:"app"`
	Ended  bool     `json:"ended"`            // false: it goes on
	Deploy string   `json:"deploy,omitempty"` // that goes on
	Output []string `json:"output"`           // of the verb so far, for people
}

// doVerb runs the verb of an action. It goes on if the program does not wait for its end.
func doVerb(v *visit) error {
	wait, err := v.wait()
	if err != nil {
		return err
	}
	q, err := v.body()
	if err != nil {
		return err
	}
	end, err := v.door.calls.begin(v.bearer.token.ID)
	if err != nil {
		return err
	}
	as := v.asAPIVerb(make(chan struct{}))
	words := v.words(q, v.actionFlags(wait)...)
	ctx, cancel := context.WithTimeout(v.door.work.ctx, verbTimeout) // it outlives the request
	ended := make(chan struct{})
	v.door.work.group.Go(func() { // the request itself is still counted
		defer end()
		defer cancel()
		defer close(ended)
		v.door.Run(ctx, as, words)
	})
	v.giveTime(wait)
	timer := time.NewTimer(max(wait, doneWithin))
	defer timer.Stop()
	select {
	case <-ended:
		return v.answerEnded(as)
	case <-timer.C:
	case <-v.r.Context().Done():
	}
	v.answerOutcome(as, false)
	return nil
}

// wait is how long the program waits.
func (v *visit) wait() (time.Duration, error) {
	op := operation{params: []param{waitParam}}
	given, err := url.ParseQuery(v.r.URL.RawQuery)
	if err != nil {
		return 0, badRequest("the query cannot be read: %v", err)
	}
	q, err := op.only(given)
	if err != nil {
		return 0, err
	}
	return time.Duration(q.number("wait", 0)) * time.Second, nil
}

// actionFlags are those of the verb for a program that waits, or does not.
func (v *visit) actionFlags(wait time.Duration) []string {
	var flags []string
	if v.api.within != "" && wait == 0 {
		flags = append(flags, "--"+v.api.within)
	}
	if v.api.hasJSON() {
		flags = append(flags, "-o", "json")
	}
	return flags
}

// giveTime has the connection last as long as the program waits.
func (v *visit) giveTime(wait time.Duration) {
	control := http.NewResponseController(v.w)
	_ = control.SetReadDeadline(time.Time{}) // a recorder of a test has no deadlines
	_ = control.SetWriteDeadline(time.Now().Add(wait + pageTimeout))
}

// answerEnded answers with the end of an action.
func (v *visit) answerEnded(as *apiVerb) error {
	switch {
	case v.api.hasJSON() && len(as.Bytes()) > 0:
		return v.answer(as, nil)
	case as.failed != nil && v.door.work.ctx.Err() != nil:
		return errors.Join(errBusy, as.failed)
	case as.failed != nil:
		return &verbError{err: as.failed, output: splitLines(as.Text())}
	}
	v.answerOutcome(as, true)
	return nil
}

// answerOutcome says that an action has ended, or goes on: itself, or the deploy that it has
// begun.
func (v *visit) answerOutcome(as *apiVerb, ended bool) {
	o := outcome{App: string(v.app.App), Ended: ended, Output: []string{}}
	if !v.api.hasJSON() {
		o.Output = append(o.Output, splitLines(as.Text())...)
	}
	if now, ok := v.door.Apps.Engine.Status(v.app.App); ok && now.Running != "" {
		o.Ended, o.Deploy = false, now.Running
		v.w.Header().Set("Location", apiPath+"/deploys/"+now.Running)
	}
	status := http.StatusOK
	if !o.Ended {
		status = http.StatusAccepted
		v.w.Header().Set("Retry-After", strconv.Itoa(1))
	}
	answerJSON(v.w, status, "application/json", o)
}
