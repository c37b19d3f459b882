package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/server"
	"github.com/pushboat/pushboat/internal/settings"
)

// settingFlags are the flags of all settings, and --config.
type settingFlags struct {
	file  string
	flags []*settingFlag
}

// settingFlag collects the values given for a setting, for the table to parse.
type settingFlag struct {
	settings.Setting
	given []string
}

func (f *settingFlag) String() string { return strings.Join(f.given, ", ") }
func (f *settingFlag) Set(text string) error {
	f.given = append(f.given, text)
	return nil
}

func (f *settingFlags) add(cmd *cobra.Command) {
	f.addFile(cmd)
	for _, s := range settings.Table() {
		f.addOne(cmd, s).Hidden = !s.Usual
	}
}

// addSome adds the flags of some settings, and --config.
func (f *settingFlags) addSome(cmd *cobra.Command, names ...string) {
	f.addFile(cmd)
	for _, s := range settings.Table() {
		if slices.Contains(names, s.Name) {
			f.addOne(cmd, s)
		}
	}
}

func (f *settingFlags) addFile(cmd *cobra.Command) {
	cmd.Flags().SortFlags = false // they are in the order of the table
	cmd.Flags().StringVar(&f.file, "config", "", "configuration file; default: $PUSHBOAT_CONFIG, or none")
}

func (f *settingFlags) addOne(cmd *cobra.Command, s settings.Setting) *pflag.Flag {
	value := &settingFlag{Setting: s}
	f.flags = append(f.flags, value)
	usage := s.Brief()
	if s.Repeatable() {
		usage += "; can be repeated"
	}
	cmd.Flags().Var(value, s.Flag(), usage)
	flag := cmd.Flags().Lookup(s.Flag())
	flag.DefValue = s.Default
	return flag
}

// sources returns the file, the environment and the given flags.
func (f *settingFlags) sources() settings.Sources {
	sources := settings.Sources{File: f.file, Flags: map[string][]string{}}
	for _, flag := range f.flags {
		if len(flag.given) > 0 {
			sources.Flags[flag.Name] = flag.given
		}
	}
	return sources
}

func newConfig() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check, show and list the server's settings",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newConfigCheck(), newConfigShow(), newConfigSample(), newConfigTable())
	return cmd
}

// namedFile takes the file from the argument, if there is one.
func (f *settingFlags) namedFile(args []string) error {
	if len(args) == 0 {
		return nil
	}
	if f.file != "" {
		return fmt.Errorf("two files are named, %s and --config %s; name one", args[0], f.file)
	}
	f.file = args[0]
	return nil
}

func newConfigCheck() *cobra.Command {
	var (
		flags   settingFlags
		noFiles bool
	)
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "List everything that is wrong with a configuration",
		Long: "List everything that would keep the server from starting with a configuration\n" +
			"file, the environment and the given flags, each with its line. The files that\n" +
			"settings name are tried too: key files, kubeconfigs, certificates, programs; no\n" +
			"cluster or registry is asked. The exit status is 1 if anything is wrong.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := flags.namedFile(args); err != nil {
				return err
			}
			read := server.Settings
			if noFiles {
				read = settings.Sources.Read
			}
			for _, line := range settings.Strangers() {
				fmt.Fprintln(cmd.ErrOrStderr(), "warning: "+line)
			}
			sources := flags.sources()
			if _, err := read(sources); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "nothing is wrong; a server that runs takes changes up with SIGHUP")
			return nil
		},
	}
	cmd.Flags().BoolVar(&noFiles, "no-files", false, "do not try the files that the settings name")
	flags.add(cmd)
	return cmd
}

func newConfigShow() *cobra.Command {
	var flags settingFlags
	cmd := &cobra.Command{
		Use:   "show [FILE]",
		Short: "Print the value of every setting, and its source",
		Long: "Print the value of every setting as the server would see it with a configuration\n" +
			"file, the environment and the given flags, and the source of each.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := flags.namedFile(args); err != nil {
				return err
			}
			c, err := flags.sources().Read()
			if err != nil {
				return err
			}
			return c.WriteValues(cmd.OutOrStdout())
		},
	}
	flags.add(cmd)
	return cmd
}

func newConfigSample() *cobra.Command {
	return &cobra.Command{
		Use:   "sample",
		Short: "Print a configuration file with every setting and its meaning",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return settings.WriteSample(cmd.OutOrStdout()) },
	}
}

func newConfigTable() *cobra.Command {
	var markdown bool
	cmd := &cobra.Command{
		Use:   "table",
		Short: "List every setting: type, default, flag, and whether a reload applies it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if markdown {
				return settings.WriteMarkdown(cmd.OutOrStdout())
			}
			return settings.WriteTable(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&markdown, "markdown", false, "with the meaning of each, as in docs/configuration.md")
	return cmd
}
