package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/pushboat/pushboat/internal/appfile"
)

// newManual writes the man pages, which are made from the commands' own help.
func newManual(b build) *cobra.Command {
	return &cobra.Command{
		Use:   "man [DIR]",
		Short: "Print the man page, or write one for each command into a folder",
		Long: "Print the man page of pushboat, or write the man pages of all commands into\n" +
			"a folder that exists. To read the first: pushboat man | man -l -",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			header := &doc.GenManHeader{Title: "PUSHBOAT", Section: "1", Source: "pushboat " + b.version}
			if made, err := time.Parse(time.RFC3339, b.date); err == nil {
				header.Date = &made // otherwise it is today
			}
			cmd.Root().DisableAutoGenTag = true // the same commands make the same pages
			if len(args) == 0 {
				return doc.GenMan(cmd.Root(), header, cmd.OutOrStdout())
			}
			if err := doc.GenManTree(cmd.Root(), header, args[0]); err != nil {
				return fmt.Errorf("write the man pages into %q: %w", args[0], err)
			}
			return nil
		},
	}
}

// newSchema prints the JSON schema of pushboat.yaml.
func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON schema of " + appfile.Name + ", for editors",
		Long: "Print the JSON schema of " + appfile.Name + ", by which an editor completes its\n" +
			"fields and marks mistakes. With the YAML language server, for example:\n\n" +
			"    pushboat schema > pushboat.schema.json\n\n" +
			"and as the first line of " + appfile.Name + ":\n\n" +
			"    # yaml-language-server: $schema=pushboat.schema.json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(appfile.Schema())
			return err
		},
	}
}
