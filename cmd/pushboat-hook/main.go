// Command pushboat-hook is the program that Git's hooks run. It passes Git's input on
// to the server's socket, shows the answer as it comes, and exits with the server's
// verdict. It decides nothing: without a server there is no push.
//
// It imports the standard library only and starts in about two milliseconds, which
// every push pays twice.
package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"strconv"

	"github.com/pushboat/pushboat/hooks"
)

func main() {
	os.Exit(run(os.Args[1:], os.Getenv, os.Stdin, os.Stdout))
}

// run relays one hook. Everything goes to stdout: Git shows both streams of a
// hook to the pusher alike, and one stream keeps its order.
func run(args []string, getenv func(string) string, stdin io.Reader, stdout io.Writer) int {
	if len(args) != 1 || args[0] != hooks.PreReceive && args[0] != hooks.PostReceive {
		return fail(stdout, errors.New("usage: pushboat-hook "+hooks.PreReceive+"|"+hooks.PostReceive), "")
	}
	hook := args[0]
	status, err := relay(hook, getenv, stdin, stdout)
	limit, limited := errors.AsType[*hooks.LimitError](err)
	switch {
	case err == nil:
		return int(status)
	case limited: // pre-receive has refused it before anything else
		return fail(stdout, err, "nothing was changed; "+limit.Hint())
	case hook == hooks.PostReceive:
		return fail(stdout, err, "the commit was kept; the server deploys it when it is back")
	default:
		return fail(stdout, err, "nothing was changed; push again; if that does not help, tell the server's operator")
	}
}

// fail shows the pusher an error and the next thing to try, if there is one, and returns
// the hook's exit status.
func fail(stdout io.Writer, err error, hint string) int {
	text := "error: pushboat: " + err.Error() + "\n"
	if hint != "" {
		text += "hint: " + hint + "\n"
	}
	_, _ = io.WriteString(stdout, text)
	return 1
}

func relay(hook string, getenv func(string) string, stdin io.Reader, stdout io.Writer) (byte, error) {
	socket, token := getenv(hooks.EnvSocket), getenv(hooks.EnvToken)
	if socket == "" || token == "" {
		return 0, errors.New("this repository takes pushes through Pushboat's SSH server only")
	}
	options, err := pushOptions(getenv)
	if err != nil {
		return 0, err
	}
	refs, err := refLines(stdin)
	if err != nil {
		return 0, err
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return 0, errors.New("the server does not answer: " + err.Error())
	}
	defer conn.Close()
	request := hooks.Request{
		Token: token, Hook: hook, Quarantine: getenv("GIT_QUARANTINE_PATH"),
		Options: options, Refs: refs,
	}
	if err := request.Write(conn); err != nil {
		return 0, err
	}
	return hooks.CopyAnswer(stdout, conn)
}

// pushOptions reads GIT_PUSH_OPTION_0 and so on. Git limits neither their number nor
// their size.
func pushOptions(getenv func(string) string) ([]string, error) {
	text := getenv("GIT_PUSH_OPTION_COUNT")
	if text == "" {
		return nil, nil
	}
	count, err := strconv.Atoi(text)
	if err != nil || count < 0 || count > hooks.MaxOptions {
		return nil, hooks.TooManyOptions(text)
	}
	options := make([]string, count)
	for i := range options {
		options[i] = getenv("GIT_PUSH_OPTION_" + strconv.Itoa(i))
	}
	return options, nil
}

// refLines reads Git's "OLD NEW REF" lines, within the limits.
func refLines(stdin io.Reader) ([]string, error) {
	var refs []string
	lines := bufio.NewScanner(stdin)
	lines.Buffer(make([]byte, 0, hooks.MaxRefBytes), hooks.MaxRefBytes)
	for lines.Scan() {
		if len(refs) == hooks.MaxRefs {
			return nil, hooks.TooManyRefs()
		}
		refs = append(refs, lines.Text())
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, hooks.TooLongRef()
	case err != nil:
		return nil, errors.New("read refs: " + err.Error())
	}
	return refs, nil
}
