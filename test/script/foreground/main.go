// Command foreground runs a program as the foreground job of a terminal: an
// interrupt goes to every process of the job, as it does when somebody presses
// Ctrl-C there. Sent to git push alone, it would leave git's ssh running.
//
// With -kill the job is killed outright instead, as when the machine goes away.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

func main() {
	args, passOn := os.Args[1:], syscall.SIGINT
	if len(args) > 0 && args[0] == "-kill" {
		args, passOn = args[1:], syscall.SIGKILL
	}
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: foreground [-kill] PROGRAM [ARGUMENT...]")
		os.Exit(2)
	}
	os.Exit(run(args, passOn))
}

// run runs the program and returns its exit status, as shells have it.
func run(args []string, passOn syscall.Signal) int {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 127
	}
	go func() {
		for range interrupts {
			_ = syscall.Kill(-cmd.Process.Pid, passOn) // the job may have ended
		}
	}()
	err := cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return 128 + int(status.Signal())
		}
		return exit.ExitCode()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
