package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"sync"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/access"
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
	"each line names pod and container. Values of the app's Secrets are masked\n" +
	"where they stand as they are; everything else is shown, so the verb takes the\n" +
	"role deploy."

func logsFlags(f *pflag.FlagSet) {
	f.BoolP("follow", "f", false, "follow new lines, until the deploy or the containers end")
	f.Int("tail", 100, "number of last lines of each container")
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
	status, ok := c.Engine.Status(app)
	return ok && c.Policy.Allows(c.Caller(), access.ReadRepo, access.Subject{Repo: status.Repo})
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
	status, err := c.app(c.args[0], access.ReadLogs)
	if err != nil {
		return err
	}
	request, err := logRequest(c.flags)
	if err != nil {
		return err
	}
	containers, err := c.containers(ctx, status.App)
	if err != nil {
		return err
	}
	if len(containers) > deploy.MaxLogs {
		containers = containers[:deploy.MaxLogs]
		fmt.Fprintf(c.Stderr(), "warning: only the first %d containers are shown; name an object for others, as tree %s lists them\n", deploy.MaxLogs, status.App)
	}
	if request.Follow {
		return c.followLogs(ctx, status.App, containers, request)
	}
	for _, container := range containers {
		if err := c.printLog(ctx, status.App, container, request, len(containers) > 1); err != nil {
			return err
		}
	}
	return nil
}

func logRequest(f *pflag.FlagSet) (kube.LogRequest, error) {
	r := kube.LogRequest{}
	r.Follow, _ = f.GetBool("follow") // the flags are those of logsFlags
	r.Previous, _ = f.GetBool("previous")
	r.Since, _ = f.GetDuration("since")
	r.Lines, _ = f.GetInt("tail")
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
	case err != nil:
		return nil, report.WithHint(err, "see how it is: ssh HOST status %s", app)
	case len(found) == 0 && name != "":
		return nil, report.WithHint(fmt.Errorf("%s has no container %s that runs", whose, manifest.Clean(name)), "leave out -c to see all of them")
	case len(found) == 0:
		return nil, report.WithHint(fmt.Errorf("%s has no pods", whose), "see why, if it should have some: ssh HOST status %s", app)
	}
	return found, nil
}

// printLog prints a container's log. With several containers, lines are marked.
func (c *call) printLog(ctx context.Context, app name.App, of deploy.Container, request kube.LogRequest, marked bool) error {
	mark := ""
	if marked {
		mark = "[" + of.Pod + "/" + of.Name + "] "
	}
	err := c.Engine.ReadLog(ctx, app, of, request, func(line string) { fmt.Fprintln(c, mark+line) })
	if err != nil {
		return report.WithHint(err, "see whether the pod is there: ssh HOST tree %s", app)
	}
	return nil
}

// followLogs prints the logs of all containers as they come, until all have ended or
// the caller is gone.
func (c *call) followLogs(ctx context.Context, app name.App, containers []deploy.Container, request kube.LogRequest) error {
	var (
		all    sync.WaitGroup
		mu     sync.Mutex
		failed []error
	)
	for _, container := range containers {
		all.Go(func() {
			if err := c.printLog(ctx, app, container, request, len(containers) > 1); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, err)
			}
		})
	}
	all.Wait()
	if len(failed) > 0 {
		return failed[0]
	}
	return nil
}
