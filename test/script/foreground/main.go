// Command foreground runs a program as the foreground job of a terminal: an
// interrupt goes to every process of the job, as it does when somebody presses
// Ctrl-C there. Sent to git push alone, it would leave git's ssh running.
//
// With -kill an interrupt kills the whole job instead, as when the machine goes
// away. With -limit a job that takes longer is killed.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	kill := flag.Bool("kill", false, "let an interrupt kill the job")
	limit := flag.Duration("limit", time.Hour, "kill a job that takes longer")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: foreground [-kill] [-limit DURATION] PROGRAM [ARGUMENT...]")
		os.Exit(2)
	}
	interrupt := syscall.SIGINT
	if *kill {
		interrupt = syscall.SIGKILL
	}
	os.Exit(run(flag.Args(), interrupt, *limit))
}

// run runs the program, and returns its exit status as a shell reports it.
func run(args []string, interrupt syscall.Signal, limit time.Duration) int {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGQUIT, syscall.SIGTERM)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 127
	}
	go pass(signals, cmd.Process.Pid, interrupt, limit)
	err := cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
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

// pass passes signals on to a job, and kills the job when it takes too long.
func pass(signals <-chan os.Signal, job int, interrupt syscall.Signal, limit time.Duration) {
	late := time.After(limit)
	for {
		passOn := syscall.SIGKILL
		select {
		case s := <-signals:
			if s == os.Interrupt {
				passOn = interrupt
			}
		case <-late:
			fmt.Fprintf(os.Stderr, "foreground: killed, it took longer than %s\n", limit)
		}
		_ = syscall.Kill(-job, passOn) // the job may have ended
	}
}
