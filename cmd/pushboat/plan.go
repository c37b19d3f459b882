package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/render/secrets"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/server"
)

// folderFlags name the repository and branch that a folder stands for, and replace the
// server's keys and values.
type folderFlags struct {
	branch, name string
	substitute   []string
	keys         server.FolderKeys
	charts       server.FolderCharts
	plainSecrets bool
	apps         []string
	labels       []string
	annotations  []string
}

func (f *folderFlags) add(cmd *cobra.Command) {
	f.addTree(cmd)
	cmd.Flags().StringVar(&f.branch, "branch", appfile.DefaultBranch, "the branch that the folder stands for")
	cmd.Flags().StringArrayVar(&f.substitute, "substitute", nil, "a value to substitute, as NAME=VALUE, instead of that of pushboat.yaml; can be repeated")
	cmd.Flags().BoolVar(&f.plainSecrets, "plain-secrets", false, "accept Secrets that are not encrypted, as push -o plain-secrets does")
	cmd.Flags().StringArrayVar(&f.apps, "app", nil, "an app of pushboat.yaml; can be repeated; default: those in the folder")
}

// addTree adds the flags that say what the whole tree is rendered with.
func (f *folderFlags) addTree(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.name, "repository", "", "the repository's name; default: the folder's")
	cmd.Flags().StringArrayVar(&f.keys.Age, "age-key", nil, "a file of age identities, for encrypted files; default: $SOPS_AGE_KEY_FILE")
	cmd.Flags().StringArrayVar(&f.keys.SSH, "ssh-key", nil, "a private SSH key, for encrypted files; default: $SOPS_AGE_SSH_PRIVATE_KEY_FILE")
	cmd.Flags().StringArrayVar(&f.keys.PGP, "pgp-key", nil, "a file of PGP private keys, for encrypted files")
	cmd.Flags().BoolVar(&f.keys.None, "no-secrets", false, "do without the values of encrypted files: each is "+secrets.Placeholder)
	cmd.Flags().StringArrayVar(&f.charts.Registries, "registry", nil, "an address from which charts may be fetched, with everything below it; can be repeated; default: none")
	cmd.Flags().StringVar(&f.charts.File, "config", "", "a server's configuration, of which only the section charts counts: registries, credentials, ca, cacheSize")
	cmd.Flags().StringVar(&f.charts.Dir, "cache", "", "where to keep fetched charts; default: pushboat/charts in the user's cache folder")
	cmd.Flags().StringArrayVar(&f.labels, "cluster-labels", nil, "a cluster from which entries with clusters select, as NAME:KEY=VALUE,KEY=VALUE; can be repeated")
	cmd.Flags().StringArrayVar(&f.annotations, "cluster-annotation", nil, "an annotation of a cluster for ApplicationSets, as NAME:KEY=VALUE; can be repeated")
	cmd.MarkFlagsMutuallyExclusive("no-secrets", "age-key")
	cmd.MarkFlagsMutuallyExclusive("no-secrets", "ssh-key")
	cmd.MarkFlagsMutuallyExclusive("no-secrets", "pgp-key")
}

// values returns the values of --substitute, by name.
func (f *folderFlags) values() (map[string]string, error) {
	values := map[string]string{}
	for _, given := range f.substitute {
		name, value, ok := strings.Cut(given, "=")
		if !ok {
			return nil, fmt.Errorf("--substitute %q is not NAME=VALUE; for example --substitute app_region=eu", given)
		}
		values[name] = value
	}
	return values, nil
}

// clusters returns the clusters of --cluster-labels and --cluster-annotation.
func (f *folderFlags) clusters() (appfile.Clusters, error) {
	clusters := appfile.Clusters{}
	for _, given := range f.labels {
		name, list, _ := strings.Cut(given, ":")
		labels := map[string]string{}
		for pair := range strings.SplitSeq(list, ",") {
			key, value, ok := strings.Cut(pair, "=")
			if list != "" && !ok || name == "" {
				return nil, fmt.Errorf("--cluster-labels %q is not NAME:KEY=VALUE,KEY=VALUE; for example --cluster-labels paris:region=eu", given)
			}
			if ok {
				labels[key] = value
			}
		}
		clusters[name] = labels
	}
	for _, given := range f.annotations {
		name, pair, _ := strings.Cut(given, ":")
		key, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" || !manifest.IsAnnotation(key, value) {
			return nil, fmt.Errorf("--cluster-annotation %q is not NAME:KEY=VALUE; for example --cluster-annotation paris:addons_repo_url=https://git.example.org/addons", given)
		}
		clusters[name] = appfile.Annotated(clusters[name], map[string]string{key: value})
	}
	return clusters, nil
}

func newPlan() *cobra.Command {
	var (
		flags      folderFlags
		kubeconfig string
		context    string
		output     string
		clusters   []string
	)
	cmd := &cobra.Command{
		Use:   "plan [DIR]",
		Short: "Print what a push of a folder would change on a cluster",
		Long: "Print what a push of the folder would change on its clusters, or everything that\n" +
			"is wrong with it: what the server's gate does, without a server. Nothing is\n" +
			"changed. The exit status is 0 if a push would change nothing, 2 if it would\n" +
			"change something, and 1 if it would be refused or cannot be planned. Charts are\n" +
			"fetched only from where --registry or --config allows.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			at, err := flags.place(args)
			if err != nil {
				return err
			}
			values, err := flags.values()
			if err != nil {
				return err
			}
			labels, err := flags.clusters()
			if err != nil {
				return err
			}
			format := report.Format(output)
			if !slices.Contains(report.Formats, format) {
				return fmt.Errorf("-o %s: the formats are text, json and markdown", output)
			}
			folder := server.Folder{
				Tree: at.tree, Repository: at.repository, Branch: name.Branch(flags.branch), Choice: at.choice,
				Clusters: map[string]string{appfile.DefaultCluster: kubeconfig}, Context: context,
				Keys: flags.keys, Charts: flags.charts, PlainSecrets: flags.plainSecrets, Values: values, Alone: at.alone, Labels: labels,
			}
			for _, cluster := range clusters {
				name, file, ok := strings.Cut(cluster, "=")
				if !ok {
					return fmt.Errorf("--cluster %q is not NAME=FILE; for example --cluster prod=prod.kubeconfig", cluster)
				}
				folder.Clusters[name] = file
			}
			return server.Plan(cmd.Context(), folder, format, cmd.OutOrStdout())
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&kubeconfig, "kubeconfig", "", "kubeconfig file of the cluster default; default: $KUBECONFIG, ~/.kube/config")
	cmd.Flags().StringVar(&context, "context", "", "context of that file; default: the current one")
	cmd.Flags().StringVarP(&output, "output", "o", string(report.Text), "text, json, or markdown for a comment on a merge request")
	cmd.Flags().StringArrayVar(&clusters, "cluster", nil, "a further cluster, as NAME=FILE; can be repeated")
	return cmd
}
