package main

import (
	"flag"
	"fmt"
	stdlog "log"
	"os"
	"runtime/debug"

	"golang.org/x/sys/unix"
	"k8s.io/klog/v2"
)

// keepStderr returns a copy of standard error that outlasts openLog, and has crashes
// reported there too.
func keepStderr() (*os.File, error) {
	fd, err := unix.Dup(int(os.Stderr.Fd()))
	if err != nil {
		return os.Stderr, fmt.Errorf("keep standard error: %w", err)
	}
	unix.CloseOnExec(fd)
	file := os.NewFile(uintptr(fd), "stderr")
	return file, debug.SetCrashOutput(file, debug.CrashOptions{})
}

// openLog sends the logs of all components, and everything else written to standard
// error, to the file at path; it keeps the previous run's beside it as path.1.
func openLog(path string) (*os.File, error) {
	if err := os.Rename(path, path+".1"); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("keep the last log: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	for name, value := range map[string]string{"logtostderr": "false", "stderrthreshold": "FATAL", "one_output": "true"} {
		if err := flags.Set(name, value); err != nil {
			return nil, fmt.Errorf("set up klog: %w", err)
		}
	}
	klog.SetOutput(file)
	stdlog.SetOutput(file)
	// The API server's etcd client logs to standard error and nowhere else.
	if err := unix.Dup2(int(file.Fd()), int(os.Stderr.Fd())); err != nil {
		return nil, fmt.Errorf("send standard error to the log: %w", err)
	}
	return file, nil
}
