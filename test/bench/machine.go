package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// describeMachine describes the machine and the programs of the measurement.
func describeMachine(bin string) string {
	var b strings.Builder
	line := func(name, value string) { fmt.Fprintf(&b, "%-11s %s\n", name, value) }
	line("date", time.Now().UTC().Format("2006-01-02 15:04 UTC"))
	line("machine", fmt.Sprintf("%d cores (%s), %s memory, Linux %s", runtime.NumCPU(),
		fromFile("/proc/cpuinfo", "model name"), memory(), firstWord("/proc/sys/kernel/osrelease")))
	line("load", "shared by everything: API server, etcd, controllers, server, clients")
	line("pushboat", said(filepath.Join(bin, "pushboat"), "version"))
	line("git", said("git", "--version"))
	line("ssh", said("ssh", "-V"))
	line("kubectl", said("kubectl", "version", "--client"))
	line("go", runtime.Version())
	return b.String()
}

// said returns the first line that a program prints.
func said(program string, args ...string) string {
	out, err := exec.Command(program, args...).CombinedOutput()
	first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil {
		return "none"
	}
	return first
}

// fromFile returns the value of a "name : value" line of a file.
func fromFile(path, name string) string {
	file, err := os.Open(path)
	if err != nil {
		return "unknown"
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		key, value, ok := strings.Cut(lines.Text(), ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func memory() string {
	var kib int64
	if _, err := fmt.Sscanf(fromFile("/proc/meminfo", "MemTotal"), "%d kB", &kib); err != nil {
		return "unknown"
	}
	return fmt.Sprintf("%.0f GiB", float64(kib)/(1<<20))
}

func firstWord(path string) string {
	data, _ := os.ReadFile(path) // shown as nothing if the file cannot be read
	return strings.TrimSpace(string(data))
}
