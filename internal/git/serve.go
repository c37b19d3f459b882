package git

// Serving clones and pushes with the system's git.
//
// A push has two parts, which its Gate divides. Until the gate judges it, git receives
// and checks the client's data. That part ends with the client, and has limits on time,
// processor time, memory and file size. From then on no client stops it: git has moved
// the ref by the time it notices, and if nobody drains its output, it hangs, and its
// hook with it. So the output of a push is read even when the client is gone, and the
// group gets a signal only when the server itself is forced to stop. A clone has
// nothing to finish: it ends with its client, and has limits to its end.
//
// Pushes to one repository are not queued. The hooks before the commit point change
// nothing, and git's ref transaction compares each ref with the value that the pusher
// saw. Of two concurrent pushes to one branch, the second fails with "cannot lock ref"
// or "failed to update ref", and its user pushes again. With a queue, a push to one
// branch would wait for the rollout of another.
//
// The pushed .gitattributes change the content of an archive, so archives are served to
// people and never read by us (CVE-2022-41903; we would validate other content than we
// apply).

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Service is a program that a git client asks the server to run.
type Service string

// The services that git clients ask for.
const (
	ReceivePack   Service = "git-receive-pack"   // push
	UploadPack    Service = "git-upload-pack"    // clone and fetch
	UploadArchive Service = "git-upload-archive" // git archive --remote, of what a ref names
)

// Valid reports whether s is one of the three services.
func (s Service) Valid() bool {
	return s == ReceivePack || s == UploadPack || s == UploadArchive
}

// Writes reports whether the service changes the repository. The required right derives
// from this alone (CVE-2026-52810).
func (s Service) Writes() bool { return s != UploadPack && s != UploadArchive }

// ServeRequest is one clone or push.
type ServeRequest struct {
	Service  Service
	Protocol string // GIT_PROTOCOL as the client sent it; ignored unless version=0, 1 or 2

	// Stdin is read until its end or until git exits. A Read that is pending when Serve
	// returns stays pending: the caller then closes Stdin.
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// Gone is closed when the client is gone; nil: that cannot be observed.
	Gone <-chan struct{}
	// Gate is begun when the push is judged. Without one, Gone and the limits apply to
	// the end, as for a clone.
	Gate *Gate

	// HookEnv is added to the environment of git and its hooks. Every entry
	// has a name that starts with PUSHBOAT_.
	HookEnv []string
	// Talk, if not nil, receives the first lines of a push's client.
	Talk *Talk
	// Operator is noted in the reflog; default "pushboat".
	Operator string
	// HideRecords hides the refs below RecordRefs, and objects that only they lead to,
	// from a client that clones or fetches.
	HideRecords bool
}

var gitProtocol = regexp.MustCompile(`^version=[012]$`)

// Serve runs the service to its end and returns git's exit status. The error reports
// everything but git's own verdict: the request was invalid, git could not be started,
// ctx ended, or, as a *StoppedError, git was stopped because its client is gone or a
// limit was reached. ctx is the server's: its end stops git, with SIGTERM to the group
// and SIGKILL after the store's KillDelay. The session's end must not end ctx.
func (r *Repository) Serve(ctx context.Context, req ServeRequest) (status int, err error) {
	if err := r.checkRequest(req); err != nil {
		return 128, fmt.Errorf("serve %q: %w", r.name, err)
	}
	s, err := r.prepare(req)
	if err != nil {
		return 128, fmt.Errorf("serve %q: %w", r.name, err)
	}
	if req.Service.Writes() {
		r.store.underway.begin(r.name, s)
		defer func() {
			r.store.underway.end(r.name, s, s.killed(), func(before time.Time) { r.store.sweepPush(r.name, before) })
		}()
	}
	if err := s.cmd.Start(); err != nil {
		return 128, fmt.Errorf("serve %q: start git: %w", r.name, err)
	}
	defer r.opts.counts.begin(req.Service)()
	err = s.attend(ctx)
	return s.verdict(ctx, err)
}

func (r *Repository) checkRequest(req ServeRequest) error {
	if !req.Service.Valid() {
		return fmt.Errorf("service %s is not one of %s, %s, %s", quoteShort(string(req.Service)), UploadPack, ReceivePack, UploadArchive)
	}
	for _, entry := range req.HookEnv {
		if !strings.HasPrefix(entry, "PUSHBOAT_") || strings.ContainsRune(entry, 0) {
			return fmt.Errorf("hook environment %s: want PUSHBOAT_NAME=value", quoteShort(entry))
		}
	}
	if req.Service == UploadArchive && req.HideRecords {
		// This service accepts any ref's name, hidden or not.
		return errors.New("archives are for those who may read the records of deploys")
	}
	if req.Service.Writes() {
		return r.checkHooks()
	}
	return nil
}

// checkHooks makes sure that there is a gate: git silently accepts a push when the hook
// is missing or not executable.
func (r *Repository) checkHooks() error {
	if !filepath.IsAbs(r.opts.HooksDir) {
		return fmt.Errorf("hooks directory %q: want an absolute path", r.opts.HooksDir)
	}
	info, err := os.Stat(filepath.Join(r.opts.HooksDir, "pre-receive"))
	if err != nil {
		return fmt.Errorf("hooks directory: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode()&0o100 == 0 {
		return fmt.Errorf("hook %q is not an executable file", filepath.Join(r.opts.HooksDir, "pre-receive"))
	}
	return nil
}

func (r *Repository) serveEnv(req ServeRequest) []string {
	operator := req.Operator
	if operator == "" {
		operator = "pushboat"
	}
	env := append(identityEnv(operator), req.HookEnv...)
	if protocol := protocolOf(req); protocol != "" {
		env = append(env, "GIT_PROTOCOL="+protocol)
	}
	if req.Service.Writes() {
		// A delta of a few bytes can ask for an object of gigabytes. The minimum leaves
		// room for git's own tables.
		env = append(env, "GIT_ALLOC_LIMIT="+strconv.FormatInt(max(r.opts.MaxPush, 16<<20), 10))
	}
	return env
}

// identityEnv names the operator; git then needs no passwd entry for the server's user.
func identityEnv(name string) []string {
	name = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c == '<' || c == '>' {
			return -1
		}
		return c
	}, name)
	return []string{
		"GIT_AUTHOR_NAME=" + name, "GIT_AUTHOR_EMAIL=" + serverEmail,
		"GIT_COMMITTER_NAME=" + name, "GIT_COMMITTER_EMAIL=" + serverEmail,
	}
}

// serverEmail is an address for git, which requires one.
const serverEmail = "pushboat@localhost"

func (r *Repository) serveArgs(req ServeRequest) []string {
	verb := strings.TrimPrefix(string(req.Service), "git-")
	if req.Service.Writes() {
		threads := min(runtime.NumCPU(), maxIndexThreads)
		return []string{"-c", "pack.threads=" + strconv.Itoa(threads), verb, r.dir}
	}
	if req.Service == UploadArchive {
		return []string{verb, r.dir}
	}
	var args []string
	if protocolOf(req) != "version=2" {
		// A partial clone fetches single objects later, which only version 2 allows.
		// With this setting, git makes a full clone.
		args = append(args, "-c", "uploadpack.allowFilter=false")
	}
	if req.HideRecords {
		args = append(args, "-c", "uploadpack.hideRefs="+strings.TrimSuffix(RecordRefs, "/"))
	}
	return append(args, verb, "--strict", r.dir)
}

// protocolOf returns the protocol version for the client, in the form of GIT_PROTOCOL;
// "" is version 0. Version 2 serves any object to a client that names its hash, hidden
// or not (gitprotocol-v2, want); version 0 serves only advertised objects.
func protocolOf(req ServeRequest) string {
	if !gitProtocol.MatchString(req.Protocol) || req.HideRecords {
		return ""
	}
	return req.Protocol
}
