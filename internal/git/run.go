package git

// Running git: its environment, its configuration, its process group.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// maxOutput bounds what run keeps of git's output, in bytes.
const maxOutput = 16 << 20

// baseEnv is git's whole initial environment. It contains nothing from the server's
// environment or a session's (CVE-2024-41956: GIT_* and LD_* of a session reached git).
func baseEnv(path string) []string {
	return []string{
		"PATH=" + path,
		"HOME=/nonexistent",
		"LC_ALL=C",
		"TZ=UTC",
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0",
		"GIT_NO_LAZY_FETCH=1",
		// go-git reads refs as files; git 2.45 can be built for others.
		"GIT_DEFAULT_REF_FORMAT=files",
	}
}

// config is the configuration for every git that we run, whatever a repository's own
// file says. -c reaches git's children, too.
func (o StoreOptions) config() []string {
	hooks := o.HooksDir
	if hooks == "" {
		hooks = "/dev/null"
	}
	settings := []string{
		// Durability. By default git syncs only packs: after a power loss, a ref can be
		// empty or name nothing.
		"core.fsync=all",
		"core.fsyncMethod=fsync",
		"core.filesRefLockTimeout=5000",
		// Keep the reflog, and collect nothing automatically.
		"core.logAllRefUpdates=true",
		"gc.auto=0",
		"maintenance.auto=false",
		"receive.autogc=false",
		// The volume may belong to another user than the server's; only the server can
		// reach the directory, so its owner does not matter.
		"safe.directory=*",
		"core.hooksPath=" + hooks,
		// A push or a record is one pack and one ref: two things to sync. This takes a
		// third of the time of loose objects. Maintain rolls the packs up.
		"receive.unpackLimit=1",
		"fastimport.unpackLimit=1",
		// With that, Git writes no loose objects here, and this setting only affects
		// how it packs the objects that a client used as the bases of its own. For a
		// folder of 10,000 files, a quarter of a push's index-pack went to shrinking
		// 510 kB to 250 (measured). Maintain makes the packs small.
		"core.looseCompression=0",
		// Receiving.
		"receive.fsckObjects=true",
		"transfer.fsckObjects=true",
		"receive.maxInputSize=" + strconv.FormatInt(o.MaxPush, 10),
		"receive.advertisePushOptions=true",
		"receive.advertiseAtomic=true",
		"receive.keepAlive=5",
		"receive.updateServerInfo=false",
		"receive.shallowUpdate=false",
		// Before it accepts a push, git asks which refs lead to the objects that a
		// quarantine borrows, beside asking its own refs, which are the same: one more
		// process, which reads every record's ref, hidden or not. "true" answers that
		// there are none; nothing is checked less.
		"core.alternateRefsCommand=true",
		// A repository's own config shuts it; see shut. This opens the refs that a push
		// may move. git refuses every other ref by itself, as forges do, and takes the
		// rest of the push (a mirror of a forge's repository has the forge's own refs,
		// such as refs/pull). So it also refuses the records, which are the server's;
		// callers who may read them can fetch them (that is the backup), see
		// ServeRequest.HideRecords.
		"receive.hideRefs=!refs/heads",
		"receive.hideRefs=!refs/tags",
		"receive.hideRefs=!refs/notes",
		// Sending.
		"uploadpack.allowFilter=true",
		"uploadpack.allowAnySHA1InWant=false",
		"pack.windowMemory=256m",
	}
	args := make([]string, 0, 2*len(settings))
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	return args
}

// command prepares a git process in a process group of its own, so that it and its
// children can be stopped together, and so that a Ctrl-C on the server's terminal does
// not reach a push.
func (o StoreOptions) command(dir string, env, args []string) *exec.Cmd {
	cmd := exec.Command(o.Git, append(o.config(), args...)...)
	cmd.Dir = dir
	cmd.Env = append(baseEnv(o.Path), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// stopWith ends the process group when ctx ends: SIGTERM, and SIGKILL after the delay
// or when git itself has gone, because a child that ignores SIGTERM would stay. The
// returned function ends the watch; call it after Wait.
func (o StoreOptions) stopWith(ctx context.Context, cmd *exec.Cmd) (done func()) {
	finished, stopped := make(chan struct{}), make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(stopped)
		signalGroup(cmd, syscall.SIGTERM)
		timer := time.NewTimer(o.KillDelay)
		defer timer.Stop()
		select {
		case <-finished:
		case <-timer.C:
		}
		signalGroup(cmd, syscall.SIGKILL)
	})
	return func() {
		close(finished)
		if !cancel() {
			<-stopped
		}
	}
}

func signalGroup(cmd *exec.Cmd, signal syscall.Signal) {
	_ = syscall.Kill(-cmd.Process.Pid, signal) // ESRCH: already gone
}

// runRequest is one short git command of our own.
type runRequest struct {
	args  []string
	dir   string
	env   []string
	stdin io.Reader
	// bounds are limits of the kernel, from when the program has begun; nil: none.
	bounds *Bounds
	// files are what Git inherits beside its usual three; run closes them.
	files []*os.File
}

// exitError is a nonzero exit of git, with its message.
type exitError struct {
	verb   string
	status int
	stdout []byte
	stderr string
}

func (e *exitError) Error() string {
	return fmt.Sprintf("git %s: exit status %d: %s", e.verb, e.status, strings.TrimSpace(e.stderr))
}

// run runs git to its end and returns its output. An exit status other than 0
// is an *exitError.
func (o StoreOptions) run(ctx context.Context, req runRequest) ([]byte, error) {
	defer closeAll(req.files)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	cmd := o.command(req.dir, req.env, req.args)
	cmd.ExtraFiles = req.files
	stdout, stderr := &limitedBuffer{limit: maxOutput}, &limitedBuffer{limit: 4 << 10}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = req.stdin, stdout, stderr
	cmd.WaitDelay = o.KillDelay
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start git: %w", err)
	}
	closeAll(req.files) // Git has its own, and the far end of a pipe has to see when that goes
	defer o.counts.begin(ownService)()
	if req.bounds != nil {
		if err := req.bounds.impose(cmd.Process.Pid); err != nil {
			o.Log.WithError(err).Warn("git runs without limits of the kernel")
		}
	}
	done := o.stopWith(ctx, cmd)
	err := cmd.Wait()
	done()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("git %s: %w", req.args[0], ctx.Err())
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && !stdout.cut {
		return nil, &exitError{verb: req.args[0], status: exit.ExitCode(), stdout: stdout.Bytes(), stderr: stderr.String()}
	}
	if err != nil {
		return nil, fmt.Errorf("git %s: %w", req.args[0], err)
	}
	if stdout.cut {
		return nil, fmt.Errorf("git %s: more than %d bytes of output", req.args[0], maxOutput)
	}
	return stdout.Bytes(), nil
}

// closeAll closes files; one that is closed already stays so.
func closeAll(files []*os.File) {
	for _, file := range files {
		_ = file.Close()
	}
}

// limitedBuffer keeps the first limit bytes and discards the rest, so that the writer
// never blocks.
type limitedBuffer struct {
	bytes.Buffer
	limit int
	cut   bool
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	room := b.limit - b.Len()
	if len(p) > room {
		b.cut = true
		b.Buffer.Write(p[:room])
	} else {
		b.Buffer.Write(p)
	}
	return len(p), nil
}
