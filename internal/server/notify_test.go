package server

import (
	"net"
	"path/filepath"
	"testing"
)

// TestNotify: the service manager receives a state on its socket. Without a socket, nothing
// is sent.
func TestNotify(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if err := sendState(path, stateReady); err != nil {
		t.Fatal(err)
	}
	heard := make([]byte, 100)
	n, err := socket.Read(heard)
	if err != nil || string(heard[:n]) != "READY=1" {
		t.Errorf("heard %q, %v", heard[:n], err)
	}
	if err := sendState("", stateReady); err != nil {
		t.Errorf("without a socket: %v", err)
	}
	if err := sendState(path+"-none", stateReady); err == nil {
		t.Error("a missing socket is no error")
	}
}
