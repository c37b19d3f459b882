package deploy

import "time"

// An attempt that is to be made again is after retryFirst, then ever more slowly up to
// retryMost, for as long as the branch wants the same.
const (
	retryFirst = 10 * time.Second
	retryMost  = 5 * time.Minute
)

// retries says when an app's failed attempt is made again. The zero value is that of an
// app of which nothing has failed.
type retries struct {
	pending bool          // a timer runs
	last    time.Duration // how long the newest timer was to run; 0 for none since all went well
}

// after is how the retries go on after an attempt. wait says how long a timer is to run
// from now on; 0: one that runs goes on, and is stopped if none is pending any more. A look
// at some objects neither repeats the attempt that failed before, nor puts it off.
func (r retries) after(again, looked bool) (next retries, wait time.Duration) {
	switch {
	case again && looked && r.pending, !again && looked: // tried again with the rest
		return r, 0
	case !again:
		return retries{}, 0
	}
	wait = min(max(2*r.last, retryFirst), retryMost)
	return retries{pending: true, last: wait}, wait
}

// due is how the retries go on when the timer has run down.
func (r retries) due() retries { return retries{last: r.last} }

// hurried is how the retries go on when the app's cluster answers again; atOnce reports
// whether there is anything to try.
func (r retries) hurried() (next retries, atOnce bool) {
	if !r.pending {
		return r, false
	}
	return retries{}, true
}
