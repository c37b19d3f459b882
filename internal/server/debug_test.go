package server

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestProfilesAreForThisMachineOnly(t *testing.T) {
	for address, ok := range map[string]bool{
		"127.0.0.1:6060":   true,
		"127.8.9.1:0":      true,
		"[::1]:6060":       true,
		"localhost:6060":   true,
		":6060":            false,
		"0.0.0.0:6060":     false,
		"[::]:6060":        false,
		"192.0.2.1:6060":   false,
		"example.org:6060": false,
		"127.0.0.1":        false,
	} {
		if err := checkLoopback(address); (err == nil) != ok {
			t.Errorf("%s: %v, want it taken: %v", address, err, ok)
		}
	}
}

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
