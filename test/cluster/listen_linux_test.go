package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// listening is the state of a listening socket in /proc/net/tcp (see tcp_states.h).
const listening = "0A"

func TestListensOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	client(t)
	pid := shared.cluster.process.cmd.Process.Pid
	own := socketsOf(t, pid)
	var addresses []string
	for _, table := range []string{"tcp", "tcp6"} {
		for _, fields := range socketTable(t, pid, table) {
			if fields[3] == listening && own["socket:["+fields[9]+"]"] {
				addresses = append(addresses, fields[1])
			}
		}
	}
	// 0100007F is 127.0.0.1 in the machine's byte order.
	want := fmt.Sprintf("0100007F:%04X", port(t, shared.cluster))
	if len(addresses) != 1 || addresses[0] != want {
		t.Errorf("devcluster listens on %v, want only the API server's %s", addresses, want)
	}
	for _, fields := range socketTable(t, pid, "udp") {
		if own["socket:["+fields[9]+"]"] {
			t.Errorf("devcluster has a UDP socket, %s", fields[1])
		}
	}
}

// socketsOf names the open sockets of a process.
func socketsOf(t *testing.T, pid int) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	sockets := map[string]bool{}
	for _, file := range files {
		if name, err := os.Readlink(file); err == nil && strings.HasPrefix(name, "socket:") {
			sockets[name] = true
		}
	}
	if len(sockets) == 0 {
		t.Fatalf("process %d has no sockets", pid)
	}
	return sockets
}

// socketTable is a table of /proc/PID/net without its heading. Column 1 is the local
// address, 3 the state, 9 the inode.
func socketTable(t *testing.T, pid int, table string) [][]string {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
	if os.IsNotExist(err) {
		return nil // this machine has no IPv6
	}
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for line := range strings.Lines(string(data)) {
		if fields := strings.Fields(line); len(fields) > 9 && fields[0] != "sl" {
			rows = append(rows, fields)
		}
	}
	return rows
}
