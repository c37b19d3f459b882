package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/pushboat/pushboat/internal/install"
)

// clusterFlags select the server's cluster, and whether to ask for confirmation.
type clusterFlags struct {
	order install.Order
	yes   bool
}

func (f *clusterFlags) add(cmd *cobra.Command) {
	f.order.Cluster.Personal = true
	cmd.Flags().StringVar(&f.order.Cluster.File, "kubeconfig", "", "kubeconfig file; default: $KUBECONFIG, ~/.kube/config")
	cmd.Flags().StringVar(&f.order.Cluster.Context, "context", "", "context of that file; default: the current one")
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask for confirmation")
}

// ready returns the order, which asks for confirmation unless that is not wanted.
func (f *clusterFlags) ready(cmd *cobra.Command) install.Order {
	order := f.order
	if !f.yes {
		order.Ask = asker(cmd)
	}
	return order
}

// asker asks the user at the terminal.
func asker(cmd *cobra.Command) func(string) (bool, error) {
	return func(question string) (bool, error) {
		file, isFile := cmd.InOrStdin().(*os.File)
		if !isFile || !term.IsTerminal(int(file.Fd())) {
			return false, errors.New("there is no terminal to ask at; --yes goes on without asking")
		}
		fmt.Fprint(cmd.OutOrStdout(), question+" [y/N] ")
		return saysYes(file)
	}
}

// saysYes reads an answer. An empty one means no.
func saysYes(in io.Reader) (bool, error) {
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("read the answer: %w", err)
	}
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes", nil
}

func newInstall(version string) *cobra.Command {
	var (
		flags clusterFlags
		print bool
		dir   string
	)
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Install the server on Kubernetes, or upgrade it",
		Long: "Install the server on Kubernetes, or upgrade the existing one: show the changes,\n" +
			"ask, apply them, and wait until the server serves. The cluster remembers the\n" +
			"values of earlier installations, in the ConfigMap pushboat-values: give only new\n" +
			"ones. --print writes the manifests, and asks no cluster. See docs/install.md.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			order := flags.ready(cmd)
			order.Version = version
			if print {
				return install.Print(cmd.Context(), order.Given, version, cmd.OutOrStdout())
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			if dir != "" {
				return install.WriteRepository(ctx, order, dir, cmd.OutOrStdout())
			}
			return install.Install(ctx, order, cmd.OutOrStdout())
		},
	}
	flags.add(cmd)
	given := &flags.order.Given
	cmd.Flags().StringVar(&given.Image, "image", "", "the image, REPOSITORY[:TAG][@DIGEST]; the tag's default is this program's version")
	cmd.Flags().StringArrayVar(&given.AdminKeys, "admin-key", nil, "public key file of an admin, added to those already there; repeatable")
	cmd.Flags().StringVar(&given.Service, "service", "", "how git and ssh come in: ClusterIP, NodePort or LoadBalancer")
	cmd.Flags().StringVar(&given.File, "values", "", "a file of values, see config/install/chart/README.md, which replaces all earlier values")
	cmd.Flags().DurationVar(&flags.order.Timeout, "timeout", install.DefaultTimeout, "how long the server may take to serve")
	cmd.Flags().StringVar(&given.SelfDeploy, "self-deploy", "", "let a repository of the server deploy the server itself; "+install.NoSelf+": no more")
	cmd.Flags().Lookup("self-deploy").NoOptDefVal = install.App
	cmd.Flags().StringVar(&dir, "print-repository", "", "write the content of that repository into a new folder, and change nothing else")
	cmd.Flags().BoolVar(&print, "print", false, "write the manifests to the standard output, and change nothing")
	return cmd
}

func newUninstall() *cobra.Command {
	var flags clusterFlags
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Remove the server from Kubernetes, and leave the apps that it deployed",
		Long: "Remove the server from Kubernetes: show what is deleted, ask, delete it. The apps\n" +
			"keep running; repositories, keys and values stay, and pushboat install continues\n" +
			"from there.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return install.Uninstall(cmd.Context(), flags.ready(cmd), cmd.OutOrStdout())
		},
	}
	flags.add(cmd)
	return cmd
}
