package server

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestProfilesAreNotForAnotherHostsPages(t *testing.T) {
	handler := sameHost(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	for host, want := range map[string]int{"127.0.0.1:6060": http.StatusNoContent, "evil.example:6060": http.StatusForbidden} {
		request := httptest.NewRequest(http.MethodGet, "/debug/pprof/", nil)
		request.Host = host
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if answer.Code != want {
			t.Errorf("a request for %s is answered with %d, want %d", host, answer.Code, want)
		}
	}
}
