package main

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"
)

// patience bounds the waits of these tests.
const patience = 2 * time.Minute

func TestWatchProcess(t *testing.T) {
	process := exec.Command("cat") // runs until its input ends
	input, err := process.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	gone, err := watchProcess(t.Context(), process.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-gone:
		t.Fatal("reported as gone while it runs")
	default:
	}
	input.Close()
	await(t, gone, "the end of a process that nobody has waited for")
	if err := process.Wait(); err != nil {
		t.Fatal(err)
	}

	if gone, err = watchProcess(t.Context(), process.Process.Pid); err != nil {
		t.Fatal(err)
	}
	await(t, gone, "the end of a process that was gone before")
}

func TestPollParent(t *testing.T) {
	await(t, pollParent(t.Context(), os.Getppid()+1), "a change of parent")

	ctx, cancel := context.WithCancel(t.Context())
	polling := pollParent(ctx, os.Getppid())
	select {
	case <-polling:
		t.Fatal("reported the parent as gone while it runs")
	default:
	}
	cancel()
	await(t, polling, "the end of the polling")
}

func TestNoParentToEndWith(t *testing.T) {
	if err := endWithParent(t.Context(), 0, func() { t.Error("ended") }); err != nil {
		t.Fatal(err)
	}
}

func await(t *testing.T, event <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-event:
	case <-time.After(patience):
		t.Fatal("not seen: " + what)
	}
}
