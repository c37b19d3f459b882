package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/pushboat/pushboat/internal/install"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/render/secrets"
)

func newCluster(version string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cluster",
		Short: "Prepare a cluster for a server",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return serverVerb(nil, append([]string{"cluster"}, args...))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newClusterAdd(version))
	return cmd
}

func newClusterAdd(version string) *cobra.Command {
	var (
		flags  clusterFlags
		add    install.Addition
		labels []string
		print  bool
	)
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Make the server's account on a cluster, and the file that names it to the server",
		Long: "Make a ServiceAccount with the server's rights on the cluster of a kubeconfig: show\n" +
			"the changes, ask, apply them. Then write clusters/NAME.yaml into a clone of the\n" +
			"repository admin, with a token of the account, encrypted for the server. Given again,\n" +
			"it makes another token; the former works until its Secret is deleted. --print writes\n" +
			"the manifests, and asks no cluster. See docs/clusters.md.",
		Example: "  git clone HOST:admin && cd admin\n" +
			"  pushboat cluster add paris --context paris --age \"$(ssh HOST secrets recipient)\"",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := name.CheckLabel(args[0]); err != nil {
				return fmt.Errorf("%q is no name of a cluster: it %w", args[0], err)
			}
			if !slices.Contains(install.Rights, add.Rights) {
				return fmt.Errorf("--rights %q: they are %s", add.Rights, strings.Join(install.Rights, ", "))
			}
			add.Order, add.Name = flags.ready(cmd), args[0]
			add.Version, add.Encrypt = version, encryptKubeconfig
			var err error
			if add.Labels, err = pairsOf("label", labels); err != nil {
				return err
			}
			if print {
				return add.Print(cmd.Context(), cmd.OutOrStdout())
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			return add.Add(ctx, cmd.OutOrStdout())
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&add.Clone, "dir", ".", "a clone of the repository admin")
	cmd.Flags().StringArrayVar(&add.Recipients, "age", nil, "an age recipient or public SSH key for which the file is encrypted; can be repeated; default: those of .sops.yaml")
	cmd.Flags().StringArrayVar(&labels, "label", nil, "a label of the cluster, as KEY=VALUE; can be repeated; default: those of the file that is there")
	cmd.Flags().StringVar(&add.Address, "server", "", "the API server's address, as the server reaches it; default: that of the kubeconfig")
	cmd.Flags().StringVar(&add.Rights, "rights", install.Rights[0], "what apps may have: "+strings.Join(install.Rights, ", "))
	cmd.Flags().StringArrayVar(&add.Accounts, "account", nil, "an existing ServiceAccount of a grant, NAMESPACE/NAME, as which the server deploys there, instead of as itself; can be repeated")
	cmd.Flags().BoolVar(&print, "print", false, "write the manifests to the standard output, and change nothing")
	return cmd
}

// pairsOf reads the KEY=VALUE of a flag; nil if there are none.
func pairsOf(flag string, given []string) (map[string]string, error) {
	if len(given) == 0 {
		return nil, nil
	}
	pairs := map[string]string{}
	for _, text := range given {
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("--%s %q is not KEY=VALUE; for example --%s region=eu", flag, text, flag)
		}
		pairs[key] = value
	}
	return pairs, nil
}

// encryptKubeconfig encrypts the kubeconfig in a cluster's file.
func encryptKubeconfig(ctx context.Context, text []byte, recipients []string) ([]byte, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the running program: %w", err)
	}
	return secrets.Encrypt(ctx, filepath.Join(filepath.Dir(self), "pushboat-sops"), text, "kubeconfig", recipients)
}
