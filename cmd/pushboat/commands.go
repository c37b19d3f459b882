package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/pushboat/pushboat/internal/command"
	"github.com/pushboat/pushboat/internal/render"
	"github.com/pushboat/pushboat/internal/render/worker"
	"github.com/pushboat/pushboat/internal/server"
)

func newRoot(version string) *cobra.Command {
	root := &cobra.Command{
		Use:           "pushboat",
		Short:         "A self-hosted SSH Git server that deploys to Kubernetes",
		Version:       version,
		Args:          serverVerb,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetVersionTemplate("pushboat {{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see: %s --help", err, cmd.CommandPath())
	})
	root.AddCommand(newServe(version), newRender(), newPlan(), newSchema(), newManual(), newRenderWorker(), newVersion(version))
	return root
}

// serverVerb refuses words that are no command. Many of them are verbs of the
// server, which a client gives over ssh.
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
	var flags serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: "Run the server. It prints \"ready\" when it serves, and the address in use is\n" +
			"in DIR/run/ssh.addr. SIGTERM stops it when running pushes have ended; SIGHUP\n" +
			"has it read the key files again. See config/pushboat.yaml for every setting.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := flags.config(cmd)
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			reload := make(chan os.Signal, 1)
			signal.Notify(reload, syscall.SIGHUP)
			return server.Serve(ctx, config, version, cmd.OutOrStdout(), reload)
		},
	}
	flags.add(cmd)
	return cmd
}

// serveFlags are the flags of serve. Each wins over the setting of its name.
type serveFlags struct {
	file, data, ssh, http, kubeconfig, keys, hook, logLevel string
	admins                                                  []string
}

func (f *serveFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.file, "config", "", "configuration file")
	flags.StringVar(&f.data, "data", "", "directory of everything that the server keeps")
	flags.StringVar(&f.ssh, "ssh", "", "address for ssh, such as :2222; port 0 picks one")
	flags.StringVar(&f.http, "http", "", "address for probes, such as :8080; port 0 picks one")
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "kubeconfig of the cluster default; none: in-cluster")
	flags.StringArrayVar(&f.admins, "admin-key", nil, "public key file of an admin; repeatable")
	flags.StringVar(&f.keys, "keys", "", "authorized_keys style file with a role for each key")
	flags.StringVar(&f.hook, "hook", "", "path of pushboat-hook; default: beside pushboat")
	flags.StringVar(&f.logLevel, "log-level", "", "error, warn, info or debug")
}

// config reads the configuration file, if there is one, and puts the flags
// that were given over it.
func (f *serveFlags) config(cmd *cobra.Command) (server.Config, error) {
	var c server.Config
	if f.file != "" {
		var err error
		if c, err = server.ReadConfig(f.file); err != nil {
			return c, err
		}
	}
	for _, flag := range []struct {
		name  string
		value string
		field *string
	}{
		{"data", f.data, &c.Data},
		{"ssh", f.ssh, &c.SSH.Address},
		{"http", f.http, &c.HTTP.Address},
		{"keys", f.keys, &c.Keys.File},
		{"log-level", f.logLevel, &c.Log.Level},
	} {
		if cmd.Flags().Changed(flag.name) {
			*flag.field = flag.value
		}
	}
	c.Keys.Admin = append(c.Keys.Admin, f.admins...)
	if cmd.Flags().Changed("kubeconfig") {
		if c.Clusters == nil {
			c.Clusters = map[string]server.Cluster{}
		}
		c.Clusters["default"] = server.Cluster{Kubeconfig: f.kubeconfig}
	}
	if f.hook != "" {
		hook, err := filepath.Abs(f.hook)
		if err != nil {
			return c, fmt.Errorf("find the hook program %q: %w", f.hook, err)
		}
		c.HookProgram = hook
	}
	return c, nil
}

// newRenderWorker is what the program starts itself as, to render.
func newRenderWorker() *cobra.Command {
	return &cobra.Command{
		Use:    worker.Command,
		Short:  "Render what is asked for on the standard input",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return render.Serve(cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}

func newVersion(version string) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "pushboat "+version)
			return err
		},
	}
}
