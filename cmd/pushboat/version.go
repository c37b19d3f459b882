package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// The Makefile stamps these. All three describe the commit, so that the same commit
// makes the same program.
var (
	version string
	commit  string // of Git, in full
	date    string // of the commit, as RFC 3339
)

// build identifies the program.
type build struct{ version, commit, date string }

// thisBuild returns the values that the Makefile has stamped, or else those that Go
// knows of a program built by go install.
func thisBuild() build {
	b := build{version, commit, date}
	if info, ok := debug.ReadBuildInfo(); ok {
		b = b.or(info)
	}
	b.version = cmp.Or(b.version, "dev")
	return b
}

// or fills in values that are not stamped.
func (b build) or(info *debug.BuildInfo) build {
	known := map[string]string{}
	for _, setting := range info.Settings {
		known[setting.Key] = setting.Value
	}
	if info.Main.Version != "(devel)" {
		b.version = cmp.Or(b.version, info.Main.Version)
	}
	if b.commit == "" && known["vcs.revision"] != "" {
		b.commit = known["vcs.revision"]
		if known["vcs.modified"] == "true" {
			b.commit += ", changed"
		}
	}
	b.date = cmp.Or(b.date, known["vcs.time"])
	return b
}

// write writes one value a line; the first is the version.
func (b build) write(w io.Writer) error {
	const unknown = "unknown"
	_, err := fmt.Fprintf(w, "pushboat %s\ncommit   %s\ndate     %s\ngo       %s %s/%s\n", b.version,
		cmp.Or(b.commit, unknown), cmp.Or(b.date, unknown), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

func newVersion(b build) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print version, commit and date",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return b.write(cmd.OutOrStdout()) },
	}
}
