package mirrortest

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
)

// asks is what was asked of an upstream of HTTP as a forge, by GitHub's API.
type asks struct {
	said []string
	wake chan struct{} // closed with the next one
}

// serveForge takes every status and comment, and knows of no pull request.
func (u *Upstream) serveForge(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	u.mu.Lock()
	if u.forge.wake != nil {
		close(u.forge.wake)
		u.forge.wake = nil
	}
	u.forge.said = append(u.forge.said, fmt.Sprintf("%s %s %s", r.Method, r.URL.Path, text))
	number := len(u.forge.said)
	u.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodGet {
		_, _ = io.WriteString(w, "[]")
		return
	}
	w.WriteHeader(http.StatusCreated)
	_, _ = fmt.Fprintf(w, `{"id": %d}`, number)
}

// Said waits until the upstream was asked something as a forge that matches, and returns all that
// it was asked, a line each. It is false when done is closed before.
func (u *Upstream) Said(pattern *regexp.Regexp, done <-chan struct{}) (text string, ok bool) {
	for {
		u.mu.Lock()
		text = strings.Join(u.forge.said, "\n")
		if u.forge.wake == nil {
			u.forge.wake = make(chan struct{})
		}
		wake := u.forge.wake
		u.mu.Unlock()
		if pattern.MatchString(text) {
			return text, true
		}
		select {
		case <-wake:
		case <-done:
			return text, false
		}
	}
}

// Statuses is all that the upstream was asked as a forge, a line each.
func (u *Upstream) Statuses() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return strings.Join(u.forge.said, "\n")
}
