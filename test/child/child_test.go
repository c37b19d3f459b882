package child

import (
	"bytes"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// long is more time than anything here takes on a very busy machine.
const long = 3 * time.Minute

func TestStartWaitsForReadyAndStopForTheEnd(t *testing.T) {
	var out bytes.Buffer
	p, err := Start(exec.Command("/bin/sh", "-c", "echo hello; echo ready; exec sleep 600"), &out)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Ready(t.Context(), long); err != nil {
		t.Fatal(err)
	}
	if !p.Running() {
		t.Error("the program does not run")
	}
	if err := p.Stop(syscall.SIGTERM, long); err == nil || !strings.Contains(err.Error(), "terminated") {
		t.Errorf("the program ended with %v", err)
	}
	if p.Running() {
		t.Error("the program still runs")
	}
	if out.String() != "hello\nready\n" {
		t.Errorf("the program wrote %q", out.String())
	}
}

func TestAnEndBeforeReadyIsTold(t *testing.T) {
	for script, want := range map[string]string{
		"exit 3":            "sh ended before it was ready: exit status 3",
		"echo ready or not": "sh ended before it was ready: exit status 0",
	} {
		p, err := Start(exec.Command("/bin/sh", "-c", script), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Ready(t.Context(), long); err == nil || err.Error() != want {
			t.Errorf("script %q: error %v, want %s", script, err, want)
		}
	}
}

func TestWhatDoesNotStopIsKilled(t *testing.T) {
	p, err := Start(exec.Command("/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Ready(t.Context(), long); err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(syscall.SIGTERM, 0); err == nil || !strings.Contains(err.Error(), "had to be killed") {
		t.Errorf("the program ended with %v", err)
	}
}
