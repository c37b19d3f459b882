package git_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/git/gittest"
)

func TestMain(m *testing.M) { gittest.Main(m) }

// server is a store with one repository, shop, that git can reach.
type server struct {
	*gittest.Remote
	t        *testing.T
	store    *git.Store
	repo     *git.Repository
	dir      string       // for the hooks' fifos
	protocol chan string  // of each session, as it was sent
	served   chan outcome // of each session, when Serve has returned
	stop     context.CancelFunc
}

type outcome struct {
	status int
	err    error
}

const acceptAll = "#!/bin/sh\nexit 0\n"

// newServer starts a server whose hooks are the given scripts, by name. They
// see $PUSHBOAT_DIR, a directory of the test.
func newServer(t *testing.T, scripts map[string]string, opts git.StoreOptions) *server {
	t.Helper()
	opts.HooksDir = t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(opts.HooksDir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	store, err := git.OpenStore(t.TempDir(), opts)
	if err != nil {
		t.Fatal(err)
	}
	repo, err := store.Create(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, store: store, repo: repo, dir: t.TempDir(), protocol: make(chan string, 100), served: make(chan outcome, 100)}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	t.Cleanup(func() {
		stop()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	s.Remote = gittest.Serve(t, func(session gittest.Session) int { return s.serve(ctx, session) })
	return s
}

func (s *server) serve(ctx context.Context, session gittest.Session) int {
	s.protocol <- session.Protocol
	name, err := git.ParseName(session.Repo)
	if err != nil {
		fmt.Fprintln(session.Stderr, err)
		return 128
	}
	repo, err := s.store.Open(name)
	if err != nil {
		fmt.Fprintln(session.Stderr, err)
		return 128
	}
	status, err := repo.Serve(ctx, git.ServeRequest{
		Service: git.Service(session.Service), Protocol: session.Protocol,
		Stdin: session.Stdin, Stdout: session.Stdout, Stderr: session.Stderr,
		HookEnv: []string{"PUSHBOAT_DIR=" + s.dir}, Operator: "ana",
	})
	s.served <- outcome{status, err}
	return status
}

func (s *server) head(ref string) git.Hash {
	s.t.Helper()
	hash, err := s.repo.Head(s.t.Context(), ref)
	if err != nil && !errors.Is(err, git.ErrNoRef) {
		s.t.Fatal(err)
	}
	return hash
}

// fifo makes a named pipe for a hook to meet the test at.
func (s *server) fifo(name string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// receive waits for a hook to write to a fifo.
func receive(t *testing.T, fifo string) string {
	t.Helper()
	data, err := os.ReadFile(fifo)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

// send waits for a hook to read from a fifo.
func send(t *testing.T, fifo, text string) {
	t.Helper()
	if err := os.WriteFile(fifo, []byte(text+"\n"), 0); err != nil {
		t.Fatal(err)
	}
}

// gone fails unless every process of a group has gone.
func gone(t *testing.T, group string) {
	t.Helper()
	pid, err := strconv.Atoi(group)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(-pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process group %d is still there: %v", pid, err)
	}
}

func (s *server) noQuarantine() {
	s.t.Helper()
	left, err := filepath.Glob(filepath.Join(s.repo.Dir(), "objects", "tmp_objdir-*"))
	if err != nil || len(left) != 0 {
		s.t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestCloneAndPush(t *testing.T) {
	s := newServer(t, map[string]string{"pre-receive": acceptAll}, git.StoreOptions{})
	work := gittest.WorkTree(t, map[string]string{"a.yaml": "a: 1\n"})
	gittest.Must(t, work, "tag", "-a", "-m", "one", "v1")
	s.Must(work, "push", s.URL("shop.git"), "main", "main:topic/x", "v1")
	gittest.Commit(t, work, "second", map[string]string{"b.yaml": "b: 1\n"})
	s.Must(work, "push", s.URL("shop"), "main")
	want := gittest.Must(t, work, "rev-parse", "HEAD")
	if got := s.head("HEAD"); string(got) != want {
		t.Errorf("HEAD is at %s, want %s", got, want)
	}
	refs, err := s.repo.Refs(t.Context(), "refs/heads/")
	if err != nil || len(refs) != 2 || refs[0].Name != "refs/heads/main" || refs[1].Name != "refs/heads/topic/x" {
		t.Errorf("refs = %v, %v", refs, err)
	}
	if refs, err := s.repo.Refs(t.Context(), ""); err != nil || len(refs) != 3 {
		t.Errorf("all refs = %v, %v", refs, err)
	}
	for _, args := range [][]string{
		{"clone"}, {"clone", "--depth=1"}, {"clone", "--filter=blob:none"}, {"clone", "--filter=tree:0"},
		{"clone", "--mirror"}, {"-c", "protocol.version=0", "clone"}, {"-c", "protocol.version=1", "clone"},
	} {
		dir := t.TempDir()
		s.Must(dir, append(args, "--quiet", s.URL("shop"), "copy")...)
		if got := gittest.Must(t, filepath.Join(dir, "copy"), "rev-parse", "HEAD"); got != want {
			t.Errorf("%v: HEAD is %s, want %s", args, got, want)
		}
		shallow := gittest.Must(t, filepath.Join(dir, "copy"), "rev-parse", "--is-shallow-repository")
		if wantShallow := slices.Contains(args, "--depth=1"); (shallow == "true") != wantShallow {
			t.Errorf("%v: shallow = %s", args, shallow)
		}
	}
	s.Must(work, "push", "--quiet", s.URL("shop"), ":topic/x")
	if got := s.head("refs/heads/topic/x"); !got.IsZero() {
		t.Errorf("the deleted branch is at %s", got)
	}
	if log := gittest.Must(t, s.repo.Dir(), "reflog", "show", "--format=%gn %gs", "main"); !strings.HasPrefix(log, "ana push\nana push") {
		t.Errorf("reflog = %q", log)
	}
}

func TestFetchIntoShallowAndPushFromIt(t *testing.T) {
	s := newServer(t, map[string]string{"pre-receive": acceptAll}, git.StoreOptions{})
	work := gittest.WorkTree(t, map[string]string{"a": "1"})
	for i := range 5 {
		gittest.Commit(t, work, fmt.Sprint(i), map[string]string{"a": fmt.Sprint(i)})
	}
	s.Must(work, "push", s.URL("shop"), "main")
	dir := t.TempDir()
	s.Must(dir, "clone", "--quiet", "--depth=1", s.URL("shop"), "copy")
	copied := filepath.Join(dir, "copy")
	want := gittest.Commit(t, copied, "from shallow", map[string]string{"b": "1"})
	s.Must(copied, "push", "--quiet", "origin", "main")
	if got := s.head("refs/heads/main"); string(got) != want {
		t.Errorf("main is at %s, want %s", got, want)
	}
	s.Must(copied, "fetch", "--quiet", "--deepen=2")
	s.Must(copied, "fetch", "--quiet", "--unshallow")
	if n := gittest.Must(t, copied, "rev-list", "--count", "HEAD"); n != "7" {
		t.Errorf("%s commits after --unshallow, want 7", n)
	}
}

func TestProtocol(t *testing.T) {
	s := newServer(t, nil, git.StoreOptions{})
	for _, version := range []string{"0", "1", "2"} {
		cmd := s.Command(t.TempDir(), "-c", "protocol.version="+version, "ls-remote", s.URL("shop"))
		cmd.Env = append(cmd.Env, "GIT_TRACE_PACKET=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("version %s: %v\n%s", version, err, out)
		}
		<-s.protocol
		if answered := strings.Contains(string(out), "< version "+version); answered != (version != "0") {
			t.Errorf("version %s was answered: %v\n%s", version, answered, out)
		}
	}
}

// Only a GIT_PROTOCOL that git itself would send reaches git.
func TestProtocolIsChecked(t *testing.T) {
	s := newServer(t, map[string]string{"pre-receive": acceptAll}, git.StoreOptions{})
	for protocol, version2 := range map[string]bool{
		"version=2": true, "version=2:x=y": false, "version=2\nLD_PRELOAD=/x": false, "": false, strings.Repeat("v", 1<<20): false,
	} {
		var out strings.Builder
		status, err := s.repo.Serve(t.Context(), git.ServeRequest{
			Service: git.UploadPack, Protocol: protocol, Stdin: strings.NewReader("0000"), Stdout: &out, Stderr: io.Discard,
		})
		if err != nil || status != 0 || strings.Contains(out.String(), "version 2") != version2 {
			t.Errorf("protocol %.30q: %d, %v, answer %q", protocol, status, err, out.String())
		}
	}
}

func TestArchive(t *testing.T) {
	s := newServer(t, map[string]string{"pre-receive": acceptAll}, git.StoreOptions{})
	work := gittest.WorkTree(t, map[string]string{"a.yaml": "a: 1\n"})
	s.Must(work, "push", s.URL("shop"), "main")
	if out := s.Must(work, "archive", "--remote="+s.URL("shop"), "main"); !strings.Contains(out, "a.yaml") {
		t.Errorf("archive has no a.yaml: %q", out)
	}
	out, err := s.Run(work, "archive", "--remote="+s.URL("shop"), string(s.head("refs/heads/main")))
	if err == nil {
		t.Errorf("an archive of what no ref names: %q", out)
	}
}

func TestPushOptionsAndAtomic(t *testing.T) {
	const hook = `#!/bin/sh
i=0; while [ $i -lt ${GIT_PUSH_OPTION_COUNT:-0} ]; do eval "echo option=\$GIT_PUSH_OPTION_$i"; i=$((i+1)); done
while read old new ref; do case $ref in refs/heads/bad) echo no bad; exit 1;; esac; done
`
	s := newServer(t, map[string]string{"pre-receive": hook}, git.StoreOptions{})
	work := gittest.WorkTree(t, map[string]string{"a": "1"})
	out := s.Must(work, "push", "-o", "plan", "-o", "confirm-prune=3", s.URL("shop"), "main")
	if !strings.Contains(out, "option=plan") || !strings.Contains(out, "option=confirm-prune=3") {
		t.Errorf("options did not arrive:\n%s", out)
	}
	if out, err := s.Run(work, "push", "--atomic", s.URL("shop"), "main:good", "main:bad"); err == nil || !s.head("refs/heads/good").IsZero() {
		t.Errorf("atomic push: %v, good at %q\n%s", err, s.head("refs/heads/good"), out)
	}
}

// Names that a shell or an option parser would take for something else are
// plain data.
func TestOddRefs(t *testing.T) {
	s := newServer(t, map[string]string{"pre-receive": acceptAll}, git.StoreOptions{})
	work := gittest.WorkTree(t, map[string]string{"a": "1"})
	var want []string
	for _, ref := range []string{"$(id)", "--upload-pack=x", "a;echo${IFS}x", "`id`", "ünï", "-x"} {
		s.Must(work, "push", s.URL("shop"), "main:refs/heads/"+ref)
		want = append(want, "refs/heads/"+ref)
		if s.head("refs/heads/" + ref).IsZero() {
			t.Errorf("%q was not made", ref)
		}
	}
	slices.Sort(want)
	refs, err := s.repo.Refs(t.Context(), "refs/heads")
	var got []string
	for _, ref := range refs {
		got = append(got, ref.Name)
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("refs = %q, %v; want %q", got, err, want)
	}
	s.Must(t.TempDir(), "clone", "--quiet", "--mirror", s.URL("shop"), "copy")
}

func TestRecordsAreReadOnly(t *testing.T) {
	s := newServer(t, map[string]string{"pre-receive": acceptAll}, git.StoreOptions{})
	const ref = "refs/pushboat/deploys/shop"
	want, err := s.repo.Append(t.Context(), ref, "", git.NewCommit{Message: "deploy 1"})
	if err != nil {
		t.Fatal(err)
	}
	work := gittest.WorkTree(t, map[string]string{"a": "1"})
	for _, refspec := range []string{"+main:" + ref, "main:refs/pushboat/x", ":" + ref} {
		if out, err := s.Run(work, "push", s.URL("shop"), refspec); err == nil {
			t.Errorf("push %s was taken:\n%s", refspec, out)
		}
	}
	if got := s.head(ref); got != want {
		t.Errorf("the record is at %s, want %s", got, want)
	}
	s.Must(work, "fetch", "--quiet", s.URL("shop"), "refs/pushboat/*:refs/pushboat/*")
	if got := gittest.Must(t, work, "rev-parse", ref); got != string(want) {
		t.Errorf("fetched %s, want %s", got, want)
	}
}

// Objects that fsck refuses do not come in. (A client of git does not make
// them, so they are made by hand.)
func TestFsck(t *testing.T) {
	s := newServer(t, map[string]string{"pre-receive": acceptAll}, git.StoreOptions{})
	work := gittest.WorkTree(t, map[string]string{"a": "1"})
	blob := gittest.MustIn(t, work, "x", "hash-object", "-w", "--stdin")
	raw, err := hex.DecodeString(blob)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range []string{"100644 ..\x00", "100644 .git\x00", "100644 a/b\x00", "100644 .GIT\x00", "120000 .gitmodules\x00"} {
		tree := gittest.MustIn(t, work, entry+string(raw), "hash-object", "-w", "-t", "tree", "--literally", "--stdin")
		commit := gittest.Must(t, work, "commit-tree", "-m", "evil", tree)
		out, err := s.Run(work, "push", s.URL("shop"), commit+":refs/heads/evil")
		if err == nil || !s.head("refs/heads/evil").IsZero() {
			t.Errorf("%q came in:\n%s", entry, out)
		}
	}
	s.noQuarantine()
}

// Nothing of the server's environment reaches git, and nothing of a git
// process's configuration comes from outside.
func TestEnvironmentIsBuiltFromNothing(t *testing.T) {
	evil := filepath.Join(t.TempDir(), "gitconfig")
	if err := os.WriteFile(evil, []byte("[core]\n\thooksPath = /nonexistent\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"LD_PRELOAD": "/nonexistent.so", "GIT_CONFIG_GLOBAL": evil, "GIT_CONFIG_SYSTEM": evil, "GIT_DIR": "/nonexistent",
		"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.hooksPath", "GIT_CONFIG_VALUE_0": "/nonexistent",
		"GIT_EXTERNAL_DIFF": "/nonexistent", "KUBECONFIG": "/secret", "AWS_SECRET_ACCESS_KEY": "secret", "XDG_CONFIG_HOME": "/nonexistent",
	} {
		t.Setenv(name, value)
	}
	s := newServer(t, map[string]string{"pre-receive": "#!/bin/sh\nenv | sed 's/=.*//' | sort | tr '\\n' ' ' > \"$PUSHBOAT_DIR/env\"\n"}, git.StoreOptions{})
	work := t.TempDir()
	gittest.Must(t, work, "init", "--quiet", "--initial-branch=main")
	gittest.Commit(t, work, "x", map[string]string{"a": "1"})
	s.Must(work, "push", s.URL("shop"), "main")
	got, err := os.ReadFile(filepath.Join(s.dir, "env"))
	if err != nil {
		t.Fatal(err)
	}
	want := "GIT_ALLOC_LIMIT GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_ATTR_NOSYSTEM GIT_AUTHOR_EMAIL GIT_AUTHOR_NAME" +
		" GIT_COMMITTER_EMAIL GIT_COMMITTER_NAME GIT_CONFIG_GLOBAL GIT_CONFIG_NOSYSTEM GIT_CONFIG_PARAMETERS GIT_DEFAULT_REF_FORMAT GIT_DIR" +
		" GIT_EXEC_PATH GIT_NO_LAZY_FETCH GIT_OBJECT_DIRECTORY GIT_QUARANTINE_PATH GIT_TERMINAL_PROMPT" +
		" HOME LC_ALL PATH PUSHBOAT_DIR PWD TZ"
	seen := strings.Fields(string(got))
	for _, name := range seen {
		// What git and sh add by themselves may differ between versions.
		if !slices.Contains(strings.Fields(want), name) && name != "_" && name != "OLDPWD" && name != "SHLVL" && name != "GIT_PUSH_OPTION_COUNT" {
			t.Errorf("%s reached the hook", name)
		}
	}
	if len(seen) < 15 {
		t.Errorf("only %q was in the environment", seen)
	}
}

func TestServeRefuses(t *testing.T) {
	s := newServer(t, nil, git.StoreOptions{})
	for name, req := range map[string]git.ServeRequest{
		"another service":      {Service: "git-shell"},
		"an option as service": {Service: "--help"},
		"foreign hook env":     {Service: git.UploadPack, HookEnv: []string{"LD_PRELOAD=/x"}},
		"NUL in hook env":      {Service: git.UploadPack, HookEnv: []string{"PUSHBOAT_X=a\x00LD_PRELOAD=/x"}},
		"a push without hooks": {Service: git.ReceivePack},
	} {
		req.Stdin, req.Stdout, req.Stderr = strings.NewReader(""), io.Discard, io.Discard
		if status, err := s.repo.Serve(t.Context(), req); err == nil || status == 0 {
			t.Errorf("%s: %d, %v", name, status, err)
		}
	}
	// A hook that is not executable is one that git silently skips.
	hooks := t.TempDir()
	if err := os.WriteFile(filepath.Join(hooks, "pre-receive"), []byte(acceptAll), 0o644); err != nil {
		t.Fatal(err)
	}
	store, err := git.OpenStore(t.TempDir(), git.StoreOptions{HooksDir: hooks})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	repo, err := store.Create(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	status, err := repo.Serve(t.Context(), git.ServeRequest{Service: git.ReceivePack, Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard})
	if err == nil || status == 0 || !strings.Contains(err.Error(), "not an executable file") {
		t.Errorf("a hook that is not executable: %d, %v", status, err)
	}
}

func TestMaxPush(t *testing.T) {
	s := newServer(t, map[string]string{"pre-receive": acceptAll}, git.StoreOptions{MaxPush: 1 << 20})
	work := gittest.WorkTree(t, map[string]string{"a": "1"})
	s.Must(work, "push", s.URL("shop"), "main")
	random := make([]byte, 2<<20)
	for i, x := 0, uint64(1); i < len(random); i++ {
		x = x*6364136223846793005 + 1442695040888963407
		random[i] = byte(x >> 56)
	}
	// A pack over the limit, and a small pack of an object over the limit.
	for name, content := range map[string]string{"pack": string(random), "object": strings.Repeat("\x00", 64<<20)} {
		gittest.Commit(t, work, "big", map[string]string{"big": content})
		out, err := s.Run(work, "push", s.URL("shop"), "main")
		if err == nil {
			t.Errorf("%s: came in", name)
		}
		if !strings.Contains(out, "pack exceeds maximum allowed size") && !strings.Contains(out, "over limit") {
			t.Errorf("%s: the answer does not say why:\n%s", name, out)
		}
		gittest.Must(t, work, "reset", "--quiet", "--hard", "HEAD^")
	}
	s.noQuarantine()
}

// The client is killed while a hook runs, which then is quiet or says more than
// a pipe holds. The push goes on to its end: the ref moves, the other hook
// runs, and nothing is left.
func TestClientKilledInHook(t *testing.T) {
	for _, in := range []string{"pre-receive", "post-receive"} {
		for name, chatter := range map[string]string{
			"quiet":  "",
			"chatty": "i=0; while [ $i -lt 3000 ]; do echo 'line after the client has gone, of more than sixty-four bytes'; i=$((i+1)); done",
		} {
			t.Run(in+"/"+name, func(t *testing.T) {
				const meet = "echo $PPID > \"$PUSHBOAT_DIR/started\"; read x < \"$PUSHBOAT_DIR/go\"\n"
				scripts := map[string]string{
					"pre-receive":  "#!/bin/sh\ncat >/dev/null\n",
					"post-receive": "#!/bin/sh\ncat >/dev/null\n",
				}
				scripts[in] += meet + chatter + "\n"
				scripts["post-receive"] += "echo ran > \"$PUSHBOAT_DIR/post\"\n"
				s := newServer(t, scripts, git.StoreOptions{})
				started, goOn := s.fifo("started"), s.fifo("go")
				work := gittest.WorkTree(t, map[string]string{"a": "1"})
				cmd := s.Command(work, "push", s.URL("shop"), "main")
				cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				group := receive(t, started)
				if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
				_ = cmd.Wait() // "signal: killed"
				send(t, goOn, "go")
				if got := <-s.served; got != (outcome{0, nil}) {
					t.Errorf("Serve = %d, %v; want 0", got.status, got.err)
				}
				if want := gittest.Must(t, work, "rev-parse", "HEAD"); string(s.head("refs/heads/main")) != want {
					t.Errorf("main is at %q, want %s", s.head("refs/heads/main"), want)
				}
				if _, err := os.Stat(filepath.Join(s.dir, "post")); err != nil {
					t.Errorf("post-receive did not run to its end: %v", err)
				}
				gone(t, group)
				s.noQuarantine()
			})
		}
	}
}

// A client that goes away in the middle of a clone ends git; nobody generates
// the rest.
func TestClientGoneInClone(t *testing.T) {
	s := newServer(t, map[string]string{"pre-receive": acceptAll}, git.StoreOptions{})
	work := gittest.WorkTree(t, map[string]string{"a": "1"})
	s.Must(work, "push", s.URL("shop"), "main")
	status, err := s.repo.Serve(t.Context(), git.ServeRequest{
		Service: git.UploadPack, Stdin: strings.NewReader("0000"), Stdout: brokenWriter{}, Stderr: io.Discard,
	})
	if err != nil {
		t.Errorf("Serve = %d, %v", status, err)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// Only the server's own end stops a push: SIGTERM to the whole group, and
// SIGKILL when that is ignored.
func TestForcedStop(t *testing.T) {
	for name, trap := range map[string]string{"heeds": "", "ignores": "trap '' TERM\n"} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, map[string]string{
				"pre-receive": "#!/bin/sh\n" + trap + "echo $PPID > \"$PUSHBOAT_DIR/started\"\nwhile :; do read x < \"$PUSHBOAT_DIR/never\"; done\n",
			}, git.StoreOptions{KillDelay: 100 * time.Millisecond})
			started := s.fifo("started")
			s.fifo("never")
			work := gittest.WorkTree(t, map[string]string{"a": "1"})
			result := make(chan error, 1)
			go func() {
				_, err := s.Run(work, "push", s.URL("shop"), "main")
				result <- err
			}()
			group := receive(t, started)
			s.stop()
			if got := <-s.served; !errors.Is(got.err, context.Canceled) || got.status == 0 {
				t.Errorf("Serve = %d, %v; want context.Canceled", got.status, got.err)
			}
			if err := <-result; err == nil {
				t.Error("the push succeeded")
			}
			if got := s.head("refs/heads/main"); !got.IsZero() {
				t.Errorf("main is at %s", got)
			}
			waitGone(t, group)
		})
	}
}

// waitGone waits until every process of a group is gone: after a SIGKILL the
// kernel takes a moment, and orphans are reaped by init.
func waitGone(t *testing.T, group string) {
	t.Helper()
	pid, err := strconv.Atoi(group)
	if err != nil {
		t.Fatal(err)
	}
	for t.Context().Err() == nil && !zombies(pid) {
		if err := syscall.Kill(-pid, 0); errors.Is(err, syscall.ESRCH) {
			return
		}
	}
}

// zombies reports whether all that is left of a group waits to be reaped.
func zombies(group int) bool {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(data), ") ")
		fields := strings.Fields(rest)
		if len(fields) > 2 && fields[2] == strconv.Itoa(group) && fields[0] != "Z" {
			return false
		}
	}
	return len(stats) > 0
}

// Two pushes to one branch from the same commit pass their pre-receive at the
// same time; git lets one of them move the ref.
func TestConcurrentPushes(t *testing.T) {
	s := newServer(t, map[string]string{
		"pre-receive": "#!/bin/sh\n[ -e \"$PUSHBOAT_DIR/first\" ] || { touch \"$PUSHBOAT_DIR/first\"; exit 0; }\n" +
			"echo in > \"$PUSHBOAT_DIR/in$GIT_PUSH_OPTION_0\"; read x < \"$PUSHBOAT_DIR/out$GIT_PUSH_OPTION_0\"\n",
	}, git.StoreOptions{})
	work := gittest.WorkTree(t, map[string]string{"a": "1"})
	s.Must(work, "push", s.URL("shop"), "main")
	results := make(chan error, 2)
	var tips []string
	for _, n := range []string{"1", "2"} {
		s.fifo("in" + n)
		s.fifo("out" + n)
		dir := t.TempDir()
		gittest.Must(t, dir, "clone", "--quiet", work, ".")
		tips = append(tips, gittest.Commit(t, dir, "by "+n, map[string]string{"a": "by " + n}))
		go func() {
			_, err := s.Run(dir, "push", "-o", n, s.URL("shop"), "main")
			results <- err
		}()
	}
	receive(t, filepath.Join(s.dir, "in1"))
	receive(t, filepath.Join(s.dir, "in2"))
	send(t, filepath.Join(s.dir, "out2"), "go")
	send(t, filepath.Join(s.dir, "out1"), "go")
	won := 0
	for range 2 {
		if <-results == nil {
			won++
		}
	}
	if won != 1 {
		t.Errorf("%d pushes succeeded, want 1", won)
	}
	if got := s.head("refs/heads/main"); !slices.Contains(tips, string(got)) {
		t.Errorf("main is at %s, want one of %v", got, tips)
	}
	s.noQuarantine()
}

// meetInQuarantine pushes and calls use while pre-receive waits.
func (s *server) meetInQuarantine(work string, use func(git.Quarantine), push ...string) {
	s.t.Helper()
	result := make(chan string, 1)
	go func() {
		out, err := s.Run(work, append([]string{"push", s.URL("shop")}, push...)...)
		result <- fmt.Sprint(err, "\n", out)
	}()
	path := receive(s.t, filepath.Join(s.dir, "quarantine"))
	use(git.Quarantine{ObjectDir: path})
	send(s.t, filepath.Join(s.dir, "go"), "go")
	if out := <-result; !strings.HasPrefix(out, "<nil>") {
		s.t.Errorf("push: %s", out)
	}
}

func newQuarantineServer(t *testing.T) *server {
	s := newServer(t, map[string]string{
		"pre-receive": "#!/bin/sh\necho \"$GIT_QUARANTINE_PATH\" > \"$PUSHBOAT_DIR/quarantine\"; read x < \"$PUSHBOAT_DIR/go\"\n",
	}, git.StoreOptions{})
	s.fifo("quarantine")
	s.fifo("go")
	return s
}

func manyFiles(n int, suffix string) map[string]string {
	files := map[string]string{}
	for i := range n {
		files[fmt.Sprintf("deploy/%03d/app.yaml", i)] = fmt.Sprintf("name: app-%d\n%s%s", i, strings.Repeat("# padding that deltas well\n", 20), suffix)
	}
	return files
}

func wantFiles(t *testing.T, tree fs.FS, files map[string]string) {
	t.Helper()
	found := 0
	err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		found++
		data, err := fs.ReadFile(tree, path)
		if string(data) != files[path] {
			t.Errorf("%s = %q, want %q", path, data, files[path])
		}
		return err
	})
	if err != nil || found != len(files) {
		t.Errorf("read %d files, %v; want %d", found, err, len(files))
	}
}

// The pushed revision is read before the push is accepted: a big first push, an
// empty change, and a thin pack whose deltas lean on objects that are there.
// Directories that other pushes left or use lie beside it all the while.
func TestReadFromQuarantine(t *testing.T) {
	s := newQuarantineServer(t)
	for _, stale := range []string{"tmp_objdir-incoming-000000", "tmp_objdir-incoming-zzzzzz"} {
		if err := os.MkdirAll(filepath.Join(s.repo.Dir(), "objects", stale, "pack"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	files := manyFiles(400, "")
	work := gittest.WorkTree(t, files)
	first := git.Hash(gittest.Must(t, work, "rev-parse", "HEAD"))
	read := func(hash git.Hash, old git.Hash) func(git.Quarantine) {
		return func(q git.Quarantine) {
			if _, err := s.repo.Tree(hash); err == nil {
				t.Error("the commit is visible outside quarantine")
			}
			commit, err := s.repo.QuarantinedCommit(hash, q)
			if err != nil || commit.Hash != hash || commit.Author.Name != "Ana" {
				t.Errorf("commit = %+v, %v", commit, err)
			}
			tree, err := s.repo.QuarantinedTree(hash, q)
			if err != nil {
				t.Error(err)
				return
			}
			wantFiles(t, tree, files)
			if old.IsZero() {
				return
			}
			if ok, err := s.repo.IsAncestor(t.Context(), old, hash, q); err != nil || !ok {
				t.Errorf("fast-forward = %v, %v", ok, err)
			}
			if ok, err := s.repo.IsAncestor(t.Context(), hash, old, q); err != nil || ok {
				t.Errorf("the other way = %v, %v", ok, err)
			}
		}
	}
	s.meetInQuarantine(work, read(first, ""), "main")

	files["deploy/007/app.yaml"] += "changed: true\n"
	delete(files, "deploy/008/app.yaml")
	gittest.Must(t, work, "rm", "--quiet", "deploy/008/app.yaml")
	second := git.Hash(gittest.Commit(t, work, "second", map[string]string{"deploy/007/app.yaml": files["deploy/007/app.yaml"]}))
	s.meetInQuarantine(work, read(second, first), "--thin", "main")

	for name := range files {
		files[name] += "all: changed\n"
	}
	third := git.Hash(gittest.Commit(t, work, "third", files))
	s.meetInQuarantine(work, read(third, second), "--thin", "main")
	if tree, err := s.repo.Tree(third); err != nil {
		t.Error(err)
	} else {
		wantFiles(t, tree, files)
	}
}

// A quarantine is named by a process that anybody could have written; only one
// that lies in this repository is read.
func TestQuarantineIsChecked(t *testing.T) {
	s := newQuarantineServer(t)
	other, err := s.store.Create(t.Context(), "other")
	if err != nil {
		t.Fatal(err)
	}
	objects := filepath.Join(other.Dir(), "objects")
	link := filepath.Join(objects, "tmp_objdir-incoming-linked")
	if err := os.Symlink("/tmp", link); err != nil {
		t.Fatal(err)
	}
	work := gittest.WorkTree(t, map[string]string{"a": "1"})
	hash := git.Hash(gittest.Must(t, work, "rev-parse", "HEAD"))
	s.meetInQuarantine(work, func(q git.Quarantine) {
		for name, dir := range map[string]string{
			"another repository's": q.ObjectDir, "root": "/", "relative": "objects/tmp_objdir-incoming-abcdef",
			"not there": filepath.Join(objects, "tmp_objdir-incoming-abcdef"), "a symlink": link,
			"the objects": objects, "traversal": filepath.Join(objects, "tmp_objdir-incoming-abcdef") + "/../../../shop.git/objects/" + filepath.Base(q.ObjectDir),
		} {
			bad := git.Quarantine{ObjectDir: dir}
			if _, err := other.QuarantinedTree(hash, bad); err == nil || errors.Is(err, git.ErrNotCommit) || strings.Contains(err.Error(), "object not found") {
				t.Errorf("%s: tree: %v", name, err)
			}
			if _, err := other.IsAncestor(t.Context(), hash, hash, bad); err == nil {
				t.Errorf("%s: was used", name)
			}
		}
	}, "main")
}
