package main

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/pushboat/pushboat/internal/command"
	"github.com/pushboat/pushboat/internal/notify/shout"
	"github.com/pushboat/pushboat/internal/render"
	"github.com/pushboat/pushboat/internal/render/worker"
	"github.com/pushboat/pushboat/internal/server"
)

func newRoot(b build) *cobra.Command {
	root := &cobra.Command{
		Use:           "pushboat",
		Short:         "A self-hosted SSH Git server that deploys to Kubernetes",
		Version:       b.version,
		Args:          serverVerb,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetVersionTemplate("pushboat {{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see: %s --help", err, cmd.CommandPath())
	})
	root.AddCommand(newServe(b.version), newConfig(), newInstall(b.version), newUninstall(), newCluster(b.version), newBackup(b.version), newRestore(),
		newRender(), newPlan(), newImport(), newSchema(), newManual(b), newRenderWorker(), newNotifyService(), newVersion(b), newSBOM(b))
	return root
}

// serverVerb refuses unknown commands. Many of them are verbs of the server, which
// clients run over ssh.
func serverVerb(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if command.IsVerb(args[0]) {
		return fmt.Errorf("%s is a verb of the server; give it over ssh: ssh -p PORT HOST %s", args[0], strings.Join(args, " "))
	}
	hint := "pushboat --help lists the commands"
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean " + near[0] + "? " + hint
	}
	return fmt.Errorf("%q is no command; %s", args[0], hint)
}

func newServe(version string) *cobra.Command {
	var flags settingFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: "Run the server. It prints \"ready\" when it serves, and the address in use is\n" +
			"in DIR/run/ssh.addr. SIGTERM stops it when running pushes have ended; SIGHUP\n" +
			"makes it read the settings and the key files again.\n\n" +
			"Every setting has a flag, an environment variable and a place in the file; the\n" +
			"first that is given counts: ssh.idleTimeout in the file is\n" +
			"--ssh-idle-timeout and PUSHBOAT_SSH_IDLE_TIMEOUT. The usual flags are below;\n" +
			"pushboat config table lists all, pushboat config sample explains them.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			reload := make(chan os.Signal, 1)
			signal.Notify(reload, syscall.SIGHUP)
			return server.Serve(ctx, flags.sources(), version, cmd.OutOrStdout(), reload)
		},
	}
	flags.add(cmd)
	return cmd
}

// newRenderWorker is the command with which the program starts itself as a renderer.
func newRenderWorker() *cobra.Command {
	return &cobra.Command{
		Use:    worker.Command,
		Short:  "Render what is asked for on the standard input",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return render.Serve(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}

// newNotifyService is the command with which the program starts itself to tell a service
// something.
func newNotifyService() *cobra.Command {
	return &cobra.Command{
		Use:    shout.Command,
		Short:  "Send the message on the standard input to a service",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(cmd *cobra.Command, _ []string) error { return shout.Serve(cmd.InOrStdin(), cmd.OutOrStdout()) },
	}
}
