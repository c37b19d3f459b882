package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

const logsHelp = "A single word that names a deploy of an app means that deploy: logs shop-42\n" +
	"shows the output of deploy 42 of shop; -f follows it to its end, and exits 1\n" +
	"unless it ends well. With --pods, or an OBJECT, the word is an app.\n" +
	"OBJECT is a pod, or an object that runs pods: deploy/web, job/import, as in\n" +
	"tree; the default is all pods of the app, up to 20 containers. With several,\n" +
	"each line names pod and container, in a colour for each pod on a terminal.\n" +
	"-f of an app follows its pods as they come and go, up to 50 containers at a\n" +
	"time, until you end it; of an OBJECT, until its containers have ended.\n" +
	"Values of the app's Secrets are masked where they stand as they are; everything\n" +
	"else is shown, so the verb takes the role deploy.\n" +
	"Example: logs shop -f --since 10m"

func logsFlags(f *pflag.FlagSet) {
	f.BoolP("follow", "f", false, "follow new lines, until the deploy or the containers end")
	f.Int("tail", 100, "number of last lines of each container; with --since, 10000 unless set")
	f.Duration("since", 0, "only lines no older than this, such as 10m")
	f.StringP("container", "c", "", "the container with that name, which may be an init container")
	f.BoolP("previous", "p", false, "the run before the last restart")
	f.Bool("pods", false, "take the word for an app, even if it looks like a deploy")
}

// maxTail bounds the lines of one container that a call may ask for.
const maxTail = 10_000

// logs prints the lines of a deploy, or of containers.
func logs(ctx context.Context, c *call) error {
	if c.namesDeploy() {
		for _, flag := range []string{"tail", "since", "container", "previous"} {
			if c.flags.Changed(flag) {
				return usageError{fmt.Sprintf("--%s is for containers, and %s is a deploy; logs APP has the containers of an app", flag, manifest.Clean(c.args[0]))}
			}
		}
		return deployLog(ctx, c)
	}
	return containerLogs(ctx, c)
}

// namesDeploy reports whether the call is about a deploy: its only word looks like a
// deploy of an app that the caller can see, or like a deploy or its number, and is not
// an app.
func (c *call) namesDeploy() bool {
	pods, _ := c.flags.GetBool("pods") // the flags are those of logsFlags
	if pods || len(c.args) > 1 {
		return false
	}
	app, _, err := record.ParseDeployID(c.args[0])
	_, number := strconv.Atoi(c.args[0])
	if err != nil && number != nil {
		return false
	}
	whole, wrong := name.ParseApp(c.args[0])
	return c.sees(app) || wrong != nil || !c.sees(whole)
}

// sees reports whether the app exists and the caller may see it.
func (c *call) sees(app name.App) bool {
	_, ok := c.seen(app)
	return ok
}

// deployLog prints the lines of a deploy, and follows a running one if asked.
func deployLog(ctx context.Context, c *call) error {
	run, entry, err := c.deploy(ctx, c.args[0])
	if err != nil {
		return err
	}
	follow, err := c.flags.GetBool("follow")
	switch {
	case err != nil:
		return err
	case run == nil:
		if _, err = c.lines().Write(entry.Log); err == nil && follow {
			err = verdict(entry.Record)
		}
		return err
	case follow:
		return c.follow(ctx, run)
	}
	_, err = c.lines().Write(run.Log())
	return err
}

// containerLogs prints the output of an app's containers.
func containerLogs(ctx context.Context, c *call) error {
	status, err := c.appFor(c.verb.also[0].right, c.args[0])
	if err != nil {
		return err
	}
	request, err := logRequest(c.flags)
	if err != nil {
		return err
	}
	containers, err := c.containers(ctx, status.App)
	if request.Follow && errors.Is(err, errNoPods) && len(c.args) == 1 {
		fmt.Fprintf(c.Stderr(), "%s has no pods yet; waiting for some\n", status.App)
		err = nil
	}
	if err != nil {
		return err
	}
	if request.Follow {
		return c.followLogs(ctx, status, request, len(containers))
	}
	if len(containers) > deploy.MaxLogs {
		containers = containers[:deploy.MaxLogs]
		fmt.Fprintf(c.Stderr(), "warning: only the first %d containers are shown; name an object for others, as tree %s lists them\n", deploy.MaxLogs, status.App)
	}
	marks := c.marks(len(containers) > 1)
	for _, container := range containers {
		err := c.Engine.ReadLog(ctx, status.App, container, request, func(line string) { marks.print(container, line) })
		if err != nil {
			return noLog(err, status.App)
		}
	}
	return nil
}

// noLog says what to try when a log cannot be read. Where the app's account may not read it,
// that is the role which is shown.
func noLog(err error, app name.App) error {
	if len(manifest.Lacking(err)) > 0 {
		return err
	}
	return report.WithHint(err, "see whether the pod is there: ssh HOST tree %s", app)
}

func logRequest(f *pflag.FlagSet) (kube.LogRequest, error) {
	r := kube.LogRequest{}
	r.Follow, _ = f.GetBool("follow") // the flags are those of logsFlags
	r.Previous, _ = f.GetBool("previous")
	r.Since, _ = f.GetDuration("since")
	if r.Lines, _ = f.GetInt("tail"); r.Since > 0 && !f.Changed("tail") {
		r.Lines = maxTail
	}
	switch {
	case r.Lines < 0 || r.Lines > maxTail:
		return r, usageError{fmt.Sprintf("--tail wants a number from 0 to %d", maxTail)}
	case r.Since < 0:
		return r, usageError{"--since wants how long ago, such as 10m"}
	case r.Follow && r.Previous:
		return r, usageError{"a run that has ended cannot be followed; leave out -f or --previous"}
	}
	return r, nil
}

// errNoPods says that what the call names has no pods now.
var errNoPods = errors.New("has no pods")

// containers finds the containers whose logs the call asks for; at least one.
func (c *call) containers(ctx context.Context, app name.App) ([]deploy.Container, error) {
	object := ""
	if len(c.args) > 1 {
		object = c.args[1]
	}
	name, _ := c.flags.GetString("container") // the flags are those of logsFlags
	found, err := c.Engine.Containers(ctx, app, object, name)
	whose := "app " + string(app)
	if object != "" {
		whose = manifest.Clean(object)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, report.WithHint(fmt.Errorf("app %s has no object %s", app, whose), "see what it has, down to pods: ssh HOST tree %s", app)
	case errors.Is(err, deploy.ErrNaming):
		return nil, usageError{fmt.Sprintf("%q: %v", whose, err)}
	case len(manifest.Lacking(err)) > 0:
		return nil, err
	case err != nil:
		return nil, report.WithHint(err, "see how it is: ssh HOST status %s", app)
	case len(found) == 0 && name != "":
		return nil, report.WithHint(fmt.Errorf("%s has no container %s that runs", whose, manifest.Clean(name)), "leave out -c to see all of them")
	case len(found) == 0:
		return nil, report.WithHint(fmt.Errorf("%s %w", whose, errNoPods), "see why, if it should have some: ssh HOST status %s", app)
	}
	return found, nil
}
