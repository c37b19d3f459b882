package server

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhereConnectionsArePassedOn(t *testing.T) {
	const own = "me_1_ab@127.0.0.1:1"
	for holder, want := range map[string]string{
		"other_1_cd@10.0.0.7:2223":       "10.0.0.7:2223",
		"other_1_cd@[2001:db8::1]:2223":  "[2001:db8::1]:2223",
		own:                              "", // this server itself
		"":                               "", // no server leads
		"other_1_cd":                     "", // the leader has no relay
		"other_1_cd@":                    "",
		"other_1_cd@example.org:22":      "", // only addresses are followed: whoever can write leases must not lead anywhere else
		"other_1_cd@10.0.0.7":            "",
		"other_1_cd@10.0.0.7:2223 x":     "",
		"other@10.0.0.8:1@10.0.0.7:2223": "",
	} {
		if got := peerOf(holder, own); got != want {
			t.Errorf("%q: %q, want %q", holder, got, want)
		}
	}
}

func TestIdentitySaysWhereTheRelayIs(t *testing.T) {
	if id := identity("10.0.0.7:2223"); peerOf(id, "") != "10.0.0.7:2223" {
		t.Errorf("%s leads to %q", id, peerOf(id, ""))
	}
	if id := identity(""); strings.Contains(id, "@") {
		t.Errorf("%s has an address", id)
	}
}

// TestWhoTakesConnections: a standby server is ready if it passes connections on, and a
// stopping server is not.
func TestWhoTakesConnections(t *testing.T) {
	for name, test := range map[string]struct {
		phase phase
		front *front
		path  string
		want  int
	}{
		"stands by":                      {standing, &front{}, "/readyz", http.StatusServiceUnavailable},
		"stands by, and passes on":       {standing, &front{}, "/readyz?standbyok", http.StatusOK},
		"stands by, and passes on, true": {standing, &front{}, "/readyz?standbyok=true", http.StatusOK},
		"stands by alone":                {standing, nil, "/readyz?standbyok", http.StatusServiceUnavailable},
		"takes a place":                  {starting, &front{}, "/readyz?standbyok", http.StatusOK},
		"stops":                          {stopping, &front{}, "/readyz?standbyok", http.StatusServiceUnavailable},
	} {
		s := &server{front: test.front}
		s.phase.Store(int32(test.phase))
		answer := httptest.NewRecorder()
		s.answerReady(answer, httptest.NewRequest(http.MethodGet, test.path, nil))
		if answer.Code != test.want {
			t.Errorf("%s: %d, want %d", name, answer.Code, test.want)
		}
	}
}

func TestADamagedRelaySecretSaysWhatToDo(t *testing.T) {
	path := filepath.Join(t.TempDir(), relayKey)
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := keptSecret(path, "delete it"); err == nil || !strings.HasSuffix(err.Error(), "has 5 bytes of 32: delete it") {
		t.Error(err)
	}
	if _, err := readSecret(path); err == nil {
		t.Error("a short secret was read")
	}
}
