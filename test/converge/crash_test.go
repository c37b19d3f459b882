package converge

import (
	"bufio"
	"io"
	"os/exec"
	"syscall"
	"time"
)

// pushAmid begins a push of the clone. It calls happens when the pusher reads the line of
// that number, or at the end if there are fewer lines.
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
	_ = cmd.Wait() // how the push ends depends on what has happened
}

// cutShort begins the push of a change, during which something happens. Then it pushes the
// same commit until the server has it, so that the following steps depend on the seed
// alone.
func cutShort(w *world, what string, happens func(pusher int)) {
	b := pick(w, w.branches)
	s := b.state().clone()
	said := w.mutate(b, s)
	line := w.rand.IntN(8)
	skip := w.rand.IntN(6) == 0 && w.maySkip(b)
	var options []string
	if skip {
		w.converge() // whether unfinished work comes to its end is left to chance
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
		_ = syscall.Kill(-pusher, syscall.SIGKILL) // the push may have ended
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
