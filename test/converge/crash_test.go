package converge

import (
	"bufio"
	"io"
	"os/exec"
	"syscall"
	"time"
)

// pushAmid begins to push the clone, and makes something happen at a line that
// the pusher sees, or at the end if there are not as many.
func (w *world) pushAmid(b *branch, line int, happens func(pusher int), options ...string) {
	args := []string{"push", "-o", "confirm-prune=0"}
	for _, o := range options {
		args = append(args, "-o", o)
	}
	cmd := exec.Command("git", append(args, "origin", "HEAD:"+b.full())...)
	cmd.Dir, cmd.Env = b.dir, w.environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StderrPipe()
	w.must(err)
	w.must(cmd.Start())
	late := time.AfterFunc(commandLimit, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer late.Stop()
	lines := bufio.NewScanner(out)
	for range line {
		if !lines.Scan() {
			break
		}
	}
	happens(cmd.Process.Pid)
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait() // its end depends on the events before
}

// cutShort pushes a change, and something happens amid it; afterwards the same
// commit is pushed until Git has it, so that all goes on as the seed says.
func cutShort(w *world, what string, happens func(pusher int)) {
	b := pick(w, w.branches)
	s := b.state().clone()
	said := w.mutate(b, s)
	line := w.rand.IntN(8)
	skip := w.rand.IntN(6) == 0 && w.maySkip(b)
	var options []string
	if skip {
		w.converge() // work under way might come to its end, or not
		options = append(options, "skip")
	}
	w.say("%s at line %d of a push to %s%s: %s", what, line, b.name, options, said)
	hash := w.commit(b, s)
	w.pushAmid(b, line, happens, options...)
	if !w.home.Server.Running() {
		w.must(w.home.Start(nil))
	}
	w.settle(b, hash, options...)
	if skip {
		w.hold(b, hash)
		return
	}
	w.accept(b, hash)
}

func killClient(w *world) {
	cutShort(w, "kill the client", func(pusher int) {
		_ = syscall.Kill(-pusher, syscall.SIGKILL) // it may have ended
	})
}

func killServer(w *world) {
	cutShort(w, "kill the server", func(int) { w.must(w.home.Server.Stop(syscall.SIGKILL)) })
}

func restartServer(w *world) {
	cutShort(w, "restart the server", func(int) { w.must(w.home.Restart()) })
}

func killCluster(w *world) {
	cutShort(w, "kill the API server", func(int) {
		w.cluster.Kill()
		w.must(w.startCluster())
	})
}

func restartCluster(w *world) {
	cutShort(w, "restart the API server", func(int) {
		w.must(w.cluster.Stop())
		w.must(w.startCluster())
	})
}

func cutLine(w *world) {
	cutShort(w, "cut the line to the API server", func(int) {
		w.line.Off()
		w.must(w.line.On())
	})
}
