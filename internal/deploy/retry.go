package deploy

import "time"

// A retry comes after retryFirst, then ever more slowly up to retryMost, for as long as
// the branch wants the same.
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

// after returns the state of the retries after an attempt. wait is the new time for the
// timer; 0: a running timer continues, and is stopped if no retry is pending. A look at
// some objects neither repeats a failed attempt nor delays its retry.
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

// due returns the state of the retries when the timer fires.
func (r retries) due() retries { return retries{last: r.last} }

// hurried returns the state of the retries when the app's cluster answers again; atOnce
// reports whether there is anything to retry.
func (r retries) hurried() (next retries, atOnce bool) {
	if !r.pending {
		return r, false
	}
	return retries{}, true
}
