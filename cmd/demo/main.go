// Command demo shows Pushboat at work: a Kubernetes control plane, a server, and the
// user's own git and ssh, all on this machine and all real. It installs nothing and
// touches nothing outside a temporary directory.
//
// `make demo` runs it from the top of the repository. Each step says what happens, does
// it, and checks the result; if a step fails, the program ends with exit status 1.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	once := flag.Bool("once", false, "end after the last step instead of serving until Ctrl-C; pause nowhere")
	bin := flag.String("bin", "bin", "directory of the programs devcluster and pushboat")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := watched(ctx, *bin, *once)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// watched runs the demo at the terminal, if there is one.
func watched(ctx context.Context, bin string, once bool) error {
	terminal := &terminal{}
	if !once {
		terminal = openTerminal()
	}
	if err := terminal.take(); err != nil {
		return err
	}
	defer terminal.give()
	terminal.listen()
	return run(ctx, os.Stdout, bin, once, terminal)
}

// step is one part of the demo.
type step struct {
	title string
	do    func(context.Context) error
}

// run does the steps in turn, serves until ctx ends unless once is set, and cleans up.
// At a terminal it pauses after each step. If a step fails, it keeps the temporary
// directory.
func run(ctx context.Context, out io.Writer, bin string, once bool, terminal *terminal) error {
	d, err := newDemo(out, bin)
	if err != nil {
		return err
	}
	steps := []step{
		{"Start a Kubernetes API server (about 10 s)", d.startCluster},
		{"Start Pushboat, with a key for its first operator", d.startServer},
		{"Make a repository from repos/demo", d.makeRepository},
		{"Push it: checked, accepted, applied, watched", d.push},
		{"See what runs", d.seeWhatRuns},
		{"Push two mistakes: both are named, nothing is changed", d.pushMistakes},
		{"Push a Secret: refused as it is, accepted encrypted", d.pushSecret},
		{"Change the live web Deployment by hand, behind Git's back", d.editByHand},
		{"Read what happened, from the record", d.readHistory},
	}
	for i, s := range steps {
		d.heading(i+1, len(steps), s.title)
		err := s.do(ctx)
		if err == nil && i+1 < len(steps) {
			err = terminal.pause(ctx, d.say)
		}
		if err != nil {
			return d.fail(ctx, s, err, once)
		}
	}
	if !once {
		d.printWhatToTry()
		<-ctx.Done()
		d.say("\nstopping")
	}
	return d.close()
}

// fail stops everything and explains: the step, the cause, and the last lines of the
// programs' logs. Ctrl-C is a failure only if a script waits for the demo.
func (d *demo) fail(ctx context.Context, s step, cause error, once bool) error {
	if ctx.Err() != nil && once {
		return errors.Join(errors.New("demo: stopped"), d.close())
	}
	if ctx.Err() != nil || errors.Is(cause, errStopped) {
		d.say("\nstopping")
		return d.close()
	}
	err := fmt.Errorf("\ndemo: the step %q failed:\n  %w", s.title, cause)
	stopped := d.stopPrograms()
	for _, p := range d.programs {
		err = fmt.Errorf("%w\n\n%s", err, p.tail(15))
	}
	err = fmt.Errorf("%w\n\neverything is kept in %s", err, d.dir)
	return errors.Join(err, stopped)
}
