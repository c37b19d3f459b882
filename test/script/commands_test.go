package script

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// commands are the commands of scripts besides testscript's own.
var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"server":     cmdServer,
	"sigterm":    plain(0, "sigterm", cmdSigterm),
	"stopserver": plain(0, "stopserver", func(ts *testscript.TestScript, _ []string) error { return on(ts).Server.Stop(syscall.SIGTERM) }),
	"killserver": plain(0, "killserver", func(ts *testscript.TestScript, _ []string) error { return on(ts).Server.Stop(syscall.SIGKILL) }),
	"restart":    plain(0, "restart", cmdRestart),
	"standby":    cmdStandby,
	"freeze":     plain(0, "freeze", func(ts *testscript.TestScript, _ []string) error { return on(ts).Freeze() }),
	"thaw":       plain(0, "thaw", func(ts *testscript.TestScript, _ []string) error { return on(ts).Thaw() }),
	"ended":      plain(1, "ended STATUS", cmdEnded),
	"reload":     plain(0, "reload", func(ts *testscript.TestScript, _ []string) error { return on(ts).Server.Signal(syscall.SIGHUP) }),
	"log":        cmdLog,
	"another":    plain(2, anotherUsage, cmdAnother),
	"at":         cmdAt,
	"cluster":    plain(1, "cluster on|off|hold|own", cmdCluster),
	"account":    plain(1, "account NAMESPACE/NAME", cmdAccount),
	"charts":     cmdCharts,
	"bucket":     cmdBucket,
	"receiver":   cmdReceiver,
	"told":       cmdTold,
	"upstream":   cmdUpstream,
	"data":       plain(1, "data VERSION", cmdData),
	"disk":       plain(1, "disk own|full|free", cmdDisk),
	"kubelet":    cmdKubelet,
	"git":        program("git"),
	"pushboat":   program("pushboat"),
	"ssh":        program("as", "ana", "ssh"),
	"as":         program("as"),
	"exits":      cmdExits,
	"until":      cmdUntil,
	"k":          cmdObjects,
	"requests":   cmdRequests,
	"repo":       cmdRepo,
	"commit":     plain(1, "commit MESSAGE", cmdCommit),
	"edit":       plain(3, "edit FILE OLD NEW", cmdEdit),
	"gen":        plain(3, "gen N FILE TEMPLATE", cmdGen),
	"example":    cmdExample,
	"recipe":     cmdRecipe,
	"let":        plain(3, "let NAME stdout|stderr|FILE PATTERN", cmdLet),
	"lines":      plain(2, "lines N stdout|stderr|FILE", cmdLines),
	"get":        cmdGet,
	"browse":     cmdBrowse,
	"assistant":  cmdAssistant,
	"screen":     cmdScreen,
	"api":        cmdAPI,
	"json":       plain(3, "json stdout|FILE POINTER VALUE", cmdJSON),
}

// plain is a command with a fixed number of words that cannot be negated.
func plain(words int, usage string, run func(ts *testscript.TestScript, args []string) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg {
			ts.Fatalf("unsupported: ! %s", usage)
		}
		if len(args) != words {
			ts.Fatalf("usage: %s", usage)
		}
		ts.Check(run(ts, args))
	}
}

// program is a command that runs a program.
func program(name string, first ...string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if len(args) > 0 && strings.HasPrefix(args[len(args)-1], "&") {
			ts.Fatalf("to run a program in the background, write the command in full: exec %s … &NAME&", strings.Join(append([]string{name}, first...), " "))
		}
		err := execute(ts, append(append([]string{name}, first...), args...)...)
		switch {
		case err == nil && neg:
			ts.Fatalf("unexpected success")
		case err != nil && !neg:
			ts.Fatalf("unexpected failure: %v", err)
		case err != nil && status(err) < 0:
			ts.Fatalf("the program did not fail by itself: %v", err)
		}
	}
}

// commandLimit is how long a program may take on a very busy machine.
const commandLimit = "5m"

// execute runs a program to its end, with all processes that it starts.
func execute(ts *testscript.TestScript, words ...string) error {
	err := ts.Exec("foreground", append([]string{"-limit", commandLimit}, words...)...)
	ts.Check(checkOutput(words, ts.ReadFile("stdout")))
	return err
}

// status is the exit status of a program that has ended; -1 if it was killed or could not
// be run.
func status(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case !errors.As(err, &exit), exit.ExitCode() > bySignal && exit.ExitCode() <= bySignal+lastSignal:
		return -1
	}
	return exit.ExitCode()
}

// The command foreground reports bySignal plus the number of the signal as the exit status
// of a program that a signal has ended. Git's own fatal errors have 128, ssh's 255.
const (
	bySignal   = 128
	lastSignal = 64
)

// run runs one of the commands that run programs.
func run(ts *testscript.TestScript, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "git", "as", "pushboat":
			return execute(ts, args...)
		case "ssh":
			return execute(ts, append([]string{"as", "ana"}, args...)...)
		case "exec":
			return execute(ts, args[1:]...)
		}
	}
	ts.Fatalf("%q: only git, ssh, as, pushboat and exec can be run here", args)
	return nil
}

func cmdServer(ts *testscript.TestScript, neg bool, args []string) {
	s := on(ts)
	if s.Server.Running() {
		ts.Fatalf("the server is already running")
	}
	err := s.Start(args)
	switch {
	case err != nil && !neg:
		ts.Fatalf("%v\n%s", err, s.log())
	case err == nil && neg:
		ts.Fatalf("the server has started")
	case neg:
		fmt.Fprint(ts.Stderr(), s.log())
	}
}

// log is the log of the script's servers.
func (s *stage) log() string {
	if s.Server == nil {
		return ""
	}
	return s.Server.Log().Text()
}

func cmdRestart(ts *testscript.TestScript, _ []string) error { return on(ts).Restart() }

// cmdSigterm sends the server SIGTERM, and does not wait.
func cmdSigterm(ts *testscript.TestScript, _ []string) error { return on(ts).Server.Ask() }

// cmdLog waits for a line of the server's log or, if negated, checks that there is none.
func cmdLog(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 1 || len(args) > 2 || neg && len(args) > 1 || on(ts).Server == nil {
		ts.Fatalf("usage: log [NAME] PATTERN, after the server was started")
	}
	pattern, err := regexp.Compile("(?m)" + args[len(args)-1])
	ts.Check(err)
	book := on(ts).Server.Log()
	if !neg {
		ts.Check(book.Await(pattern))
		if len(args) == 2 {
			found := pattern.FindStringSubmatch(book.Text())
			ts.Setenv(args[0], found[len(found)-1])
		}
		return
	}
	if found := book.Find(pattern); found != "" {
		ts.Fatalf("the server's log has the line %q", found)
	}
}

func cmdCluster(ts *testscript.TestScript, args []string) error {
	switch args[0] {
	case "on":
		return on(ts).line.On()
	case "off":
		on(ts).line.Off()
		return nil
	case "hold":
		on(ts).line.Hold()
		return nil
	case "own":
		return on(ts).ownCluster()
	}
	return fmt.Errorf("cluster %s: want on, off, hold or own", args[0])
}

// cmdExits runs a command that must end with the given exit status.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if err := run(ts, args[1:]); status(err) != want {
		ts.Fatalf("the exit status is %d, want %d (%v)", status(err), want, err)
	}
}

// slow is how many times longer than a script says it waits for a change: what a script says
// is for a machine with nothing else to do.
const slow = 4

// cmdUntil repeats a command until it succeeds or until its output matches. It is for
// changes that no event announces.
func cmdUntil(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: [!] until DURATION [PATTERN] COMMAND…")
	}
	limit, err := time.ParseDuration(args[0])
	ts.Check(err)
	limit *= slow
	args = args[1:]
	var pattern *regexp.Regexp
	if !slices.Contains([]string{"git", "ssh", "as", "exec"}, args[0]) && len(args) > 1 {
		pattern, err = regexp.Compile("(?m)" + args[0])
		ts.Check(err)
		args = args[1:]
	}
	late := time.After(limit)
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		err := run(ts, args)
		if pattern != nil && pattern.MatchString(ts.ReadFile("stdout")) != neg {
			return
		}
		if pattern == nil && (err != nil) == neg {
			return
		}
		select {
		case <-again.C:
		case <-late:
			ts.Fatalf("not true after %s: %v", limit, err)
		}
	}
}

// cmdRepo makes a folder of the script a repository with one commit, whose origin is on the
// server, and changes into the folder.
func cmdRepo(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: repo DIR [NAME]")
	}
	name := on(ts).app
	if len(args) == 2 {
		name = args[1]
	}
	ts.Check(os.MkdirAll(ts.MkAbs(args[0]), 0o777))
	ts.Check(ts.Chdir(args[0]))
	for _, words := range [][]string{
		{"init", "-q"},
		{"remote", "add", "origin", "pushboat:" + name},
		{"config", "branch.main.remote", "origin"},
		{"config", "branch.main.merge", "refs/heads/main"},
		{"add", "-A"},
		{"commit", "-q", "--allow-empty", "-m", "Begin"},
	} {
		ts.Check(ts.Exec("git", words...))
	}
}

func cmdCommit(ts *testscript.TestScript, args []string) error {
	if err := ts.Exec("git", "add", "-A"); err != nil {
		return err
	}
	return ts.Exec("git", "commit", "-q", "-m", args[0])
}

// cmdEdit replaces a text that is in a file exactly once.
func cmdEdit(ts *testscript.TestScript, args []string) error {
	file := ts.MkAbs(args[0])
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	lineBreaks := strings.NewReplacer(`\n`, "\n")
	old, text := lineBreaks.Replace(args[1]), string(data)
	if n := strings.Count(text, old); n != 1 {
		return fmt.Errorf("%s has %q %d times, not once:\n%s", args[0], old, n, text)
	}
	return os.WriteFile(file, []byte(strings.Replace(text, old, lineBreaks.Replace(args[2]), 1)), 0o666)
}

// cmdGen makes N files, or N documents of one file, from a template.
func cmdGen(ts *testscript.TestScript, args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	template := ts.ReadFile(args[2])
	files := map[string][]string{}
	for i := 1; i <= n; i++ {
		number := strconv.Itoa(i)
		name := strings.ReplaceAll(args[1], "{i}", number)
		files[name] = append(files[name], strings.ReplaceAll(template, "{i}", number))
	}
	for name, documents := range files {
		path := ts.MkAbs(name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(strings.Join(documents, "---\n")), 0o666); err != nil {
			return err
		}
	}
	return nil
}

// cmdLet stores a part of a text in a variable: the match of the pattern's group, or of the
// whole pattern if it has no group.
func cmdLet(ts *testscript.TestScript, args []string) error {
	pattern, err := regexp.Compile("(?m)" + args[2])
	if err != nil {
		return err
	}
	found := pattern.FindStringSubmatch(ts.ReadFile(args[1]))
	if found == nil {
		return fmt.Errorf("no match for %#q in %s", args[2], args[1])
	}
	ts.Setenv(args[0], found[len(found)-1])
	return nil
}

func cmdLines(ts *testscript.TestScript, args []string) error {
	want, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	if n := strings.Count(ts.ReadFile(args[1]), "\n"); n != want {
		return fmt.Errorf("%s has %d lines, not %d", args[1], n, want)
	}
	return nil
}

// cmdGet requests a URL, by its own host or by another host name, and prints the answer,
// whatever its status.
func cmdGet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: get URL [HOST]")
	}
	ctx, cancel := context.WithTimeout(context.Background(), waitWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, args[0], http.NoBody)
	ts.Check(err)
	if len(args) == 2 {
		request.Host = args[1]
	}
	response, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s\n%s", response.Status, body)
}

// cmdJSON compares one value in a JSON text.
func cmdJSON(ts *testscript.TestScript, args []string) error {
	var value any
	if err := json.Unmarshal([]byte(ts.ReadFile(args[0])), &value); err != nil {
		return fmt.Errorf("%s is not JSON: %w", args[0], err)
	}
	found, err := lookUp(value, args[1])
	if err != nil {
		return err
	}
	if asText(found) != args[2] {
		return fmt.Errorf("%s is %s, not %s", args[1], asText(found), args[2])
	}
	return nil
}
