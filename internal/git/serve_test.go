package git_test

import (
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/git/gittest"
	"github.com/pushboat/pushboat/internal/git/storetest"
)

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
		{"clone"},
		{"clone", "--depth=1"},
		{"clone", "--filter=blob:none"},
		{"clone", "--filter=tree:0"},
		{"clone", "--mirror"},
		{"-c", "protocol.version=0", "clone"},
		{"-c", "protocol.version=1", "clone"},
		{"-c", "protocol.version=0", "clone", "--filter=blob:none"},
		{"-c", "protocol.version=1", "clone", "--filter=blob:none"},
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

// TestProtocolIsChecked: only a GIT_PROTOCOL that Git itself would send reaches Git.
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
		t.Errorf("an archive of a commit that no ref names: %q", out)
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

// TestOddRefs: names that a shell or an option parser would misread are plain data.
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

// TestRecordsAreHidden: a caller who may not read records cannot get them in any way, in
// any version of the protocol: by name, by the hash of a record or of its content, or as an
// archive. The rest of the repository is served as usual.
func TestRecordsAreHidden(t *testing.T) {
	s := newServer(t, map[string]string{"pre-receive": acceptAll}, git.StoreOptions{})
	work := gittest.WorkTree(t, map[string]string{"a": "1"})
	s.Must(work, "push", "--quiet", s.URL("shop"), "main")
	const ref = "refs/pushboat/deploys/shop"
	first, err := s.repo.Append(t.Context(), ref, "", git.NewCommit{Message: "1", Files: map[string][]byte{"secret": []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	tip, err := s.repo.Append(t.Context(), ref, first, git.NewCommit{Message: "2"})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := s.repo.TreeHash(first, ".")
	if err != nil {
		t.Fatal(err)
	}
	s.hideRecords.Store(true)
	for _, version := range []string{"0", "1", "2"} {
		for _, want := range []string{ref, "refs/pushboat/*:refs/pushboat/*", string(tip), string(first), string(tree)} {
			dir := gittest.WorkTree(t, map[string]string{"b": "1"})
			out, err := s.Run(dir, "-c", "protocol.version="+version, "fetch", s.URL("shop"), want)
			if err == nil && !strings.Contains(want, "*") {
				t.Errorf("version %s: %s was fetched:\n%s", version, want, out)
			}
			if err := gittest.Git(dir, "cat-file", "-e", string(tip)).Run(); err == nil {
				t.Errorf("version %s: fetch %s has brought the record", version, want)
			}
		}
		if out := s.Must(work, "-c", "protocol.version="+version, "ls-remote", s.URL("shop")); strings.Contains(out, "pushboat") {
			t.Errorf("version %s advertises\n%s", version, out)
		}
		s.Must(t.TempDir(), "-c", "protocol.version="+version, "clone", "--quiet", "--mirror", s.URL("shop"), "copy")
	}
	if out, err := s.Run(work, "archive", "--remote="+s.URL("shop"), ref); err == nil {
		t.Errorf("an archive of a record: %q", out)
	}
	s.hideRecords.Store(false)
	s.Must(work, "fetch", "--quiet", s.URL("shop"), string(first))
}

// TestFsck: objects that fsck refuses are not stored. Git's client does not create them, so
// the test does.
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

// TestEnvironmentIsBuiltFromNothing: no variable of the server's environment reaches Git,
// and Git reads no configuration from outside.
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
		// Git and sh add variables of their own, which differ between versions.
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
	// Git silently skips a hook that is not executable.
	hooks := t.TempDir()
	if err := os.WriteFile(filepath.Join(hooks, "pre-receive"), []byte(acceptAll), 0o644); err != nil {
		t.Fatal(err)
	}
	repo := storetest.Shop(t, storetest.Open(t, git.StoreOptions{HooksDir: hooks}))
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
	// One pack is over the limit, and the other is a small pack of an object over the
	// limit.
	for name, test := range map[string]struct{ content, want string }{
		"pack":   {string(random), "pack exceeds maximum allowed size"},
		"object": {strings.Repeat("\x00", 64<<20), "over limit"},
	} {
		gittest.Commit(t, work, "big", map[string]string{"big": test.content})
		if out, err := s.Run(work, "push", s.URL("shop"), "main"); err == nil || !strings.Contains(out, test.want) {
			t.Errorf("%s: %v; want %q in\n%s", name, err, test.want, out)
		}
		gittest.Must(t, work, "reset", "--quiet", "--hard", "HEAD^")
	}
	s.noQuarantine()
}

// TestPushFromAShallowClone: such a push succeeds if the repository has the missing
// history. Otherwise it is refused before any hook runs.
func TestPushFromAShallowClone(t *testing.T) {
	s := newServer(t, map[string]string{"pre-receive": "#!/bin/sh\ntouch \"$PUSHBOAT_DIR/asked\"\n"}, git.StoreOptions{})
	work := gittest.WorkTree(t, map[string]string{"a.yaml": "a: 1\n"})
	gittest.Commit(t, work, "second", map[string]string{"b.yaml": "b: 1\n"})
	gittest.Must(t, work, "branch", "old", "HEAD^")
	dir := t.TempDir()
	gittest.Must(t, dir, "clone", "--quiet", "--depth=1", "file://"+work, "copy")
	clone := filepath.Join(dir, "copy")
	gittest.Commit(t, clone, "third", map[string]string{"c.yaml": "c: 1\n"})

	if out, err := s.Run(clone, "push", s.URL("shop"), "main"); err == nil || !strings.Contains(out, "did not receive expected object") {
		t.Errorf("a push without its first commit: %v, %s", err, out)
	}
	if last := <-s.served; !last.talk.Shallow() || !last.talk.Asks() {
		t.Error("the talk does not report that the clone is shallow")
	}
	if _, err := os.Stat(filepath.Join(s.dir, "asked")); err == nil {
		t.Error("the gate was asked about the push")
	}
	s.Must(work, "push", s.URL("shop"), "old")
	s.Must(clone, "push", s.URL("shop"), "main")
	whole := t.TempDir()
	s.Must(whole, "clone", "--quiet", s.URL("shop"), "whole")
	if n := gittest.Must(t, filepath.Join(whole, "whole"), "rev-list", "--count", "HEAD"); n != "3" {
		t.Errorf("the branch has %s commits, want 3", n)
	}
	gittest.Must(t, s.repo.Dir(), "fsck", "--strict")
}

// TestForeignRefsAreRefusedAlone: refs that are neither branches nor tags are refused, and
// the others are stored.
func TestForeignRefsAreRefusedAlone(t *testing.T) {
	s := newServer(t, map[string]string{"pre-receive": acceptAll}, git.StoreOptions{})
	work := gittest.WorkTree(t, map[string]string{"a.yaml": "a: 1\n"})
	gittest.Must(t, work, "notes", "add", "-m", "x")
	for _, ref := range []string{"refs/pull/1/head", "refs/pushboat/deploys/x", "refs/headsx/y"} {
		gittest.Must(t, work, "update-ref", ref, "HEAD")
	}
	out, err := s.Run(work, "push", "--mirror", s.URL("shop"))
	if err == nil || strings.Count(out, "(deny updating a hidden ref)") != 3 {
		t.Errorf("%v, %s", err, out)
	}
	refs, err := s.repo.Refs(t.Context(), "")
	if err != nil || len(refs) != 2 || refs[0].Name != "refs/heads/main" || refs[1].Name != "refs/notes/commits" {
		t.Errorf("stored are %v, %v", refs, err)
	}
	if last := s.repo.LastMove("refs/heads/main"); last.Who != "ana" || last.Why != "push" || last.To != refs[0].Hash {
		t.Errorf("the last move is %+v", last)
	}
	if last := s.repo.LastMove("refs/heads/none"); last != (git.Move{}) {
		t.Errorf("of a missing branch: %+v", last)
	}
}

func TestMainBranch(t *testing.T) {
	s := newServer(t, nil, git.StoreOptions{})
	if branch, err := s.repo.MainBranch(); err != nil || branch != "main" {
		t.Fatalf("%q, %v", branch, err)
	}
	if err := s.repo.SetMainBranch("team/master"); err != nil {
		t.Fatal(err)
	}
	if branch, err := s.repo.MainBranch(); err != nil || branch != "team/master" {
		t.Errorf("%q, %v", branch, err)
	}
	if got := gittest.Must(t, s.repo.Dir(), "symbolic-ref", "HEAD"); got != "refs/heads/team/master" {
		t.Errorf("git reads %s", got)
	}
	if err := s.repo.SetMainBranch("../x"); err == nil {
		t.Error("HEAD could be set to something else than a branch")
	}
	for _, bad := range []string{"", "refs/heads/main\n", "ref: refs/tags/x\n", "ref: refs/heads/../x\n", strings.Repeat("1", 40) + "\n"} {
		if err := os.WriteFile(filepath.Join(s.repo.Dir(), "HEAD"), []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if branch, err := s.repo.MainBranch(); err == nil {
			t.Errorf("%q: %q", bad, branch)
		}
	}
}
