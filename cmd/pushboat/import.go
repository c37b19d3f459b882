package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/server"
)

func newImport() *cobra.Command {
	var (
		flags   folderFlags
		explain bool
	)
	cmd := &cobra.Command{
		Use:   "import --explain [DIR]",
		Short: "Print the pushboat.yaml that objects of Flux or Argo CD mean",
		Long: "Print the pushboat.yaml that means the same as the objects of Flux or Argo CD in a\n" +
			"repository, without a cluster. Each app has a comment with the line of the object\n" +
			"that means it; fields without effect are comments as well. Problems are on the\n" +
			"standard error, and the exit status is 1 then. Secret values are not printed.\n" +
			"Charts are fetched only from where --registry or --config allows. Nothing is\n" +
			"written: such a repository can be pushed as it is.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !explain {
				return report.WithHint(errors.New("import changes nothing, and prints only with --explain"), "pushboat import --explain %s", placeArg(args))
			}
			flags.branch = appfile.DefaultBranch
			r, err := flags.rendering(args)
			if err != nil {
				return err
			}
			r.out, r.errOut = cmd.OutOrStdout(), cmd.ErrOrStderr()
			return r.explain(cmd)
		},
	}
	flags.addTree(cmd)
	cmd.Flags().BoolVar(&explain, "explain", false, "print the pushboat.yaml")
	return cmd
}

// placeArg is the folder that arguments name, to show.
func placeArg(args []string) string {
	if len(args) == 0 {
		return "."
	}
	return manifest.Clean(args[0])
}

// explain prints the pushboat.yaml of a tree of apps.
func (r rendering) explain(cmd *cobra.Command) error {
	r.plainSecrets, r.choice = true, appfile.Choice{Folder: ".", Real: ".", Branch: appfile.DefaultBranch}
	grown, problems, err := r.walk(cmd.Context(), func(appfile.App, []*manifest.Object) error { return nil })
	if err != nil {
		return err
	}
	if grown == nil && len(problems) == 0 {
		return report.WithHint(fmt.Errorf("nothing in the folder is an app of Flux or Argo CD, or %s says what the apps are", appfile.Name), "pushboat render prints what would be deployed")
	}
	if grown != nil {
		text, more := grown.Explain()
		problems = append(problems, more...)
		if _, err := r.out.Write(text); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	if len(problems) == 0 {
		return nil
	}
	report.WriteProblems(r.errOut, problems, server.FolderDoor(r.alone))
	return errors.New("the lines above are not all of it: each problem says what to do")
}
