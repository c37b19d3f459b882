package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushboat/pushboat/internal/backup"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
)

// toStdout stands for the standard output as a file to write.
const toStdout = "-"

// backupFlags are the flags of backup.
type backupFlags struct {
	data, output, since    string
	recipients, identities []string
}

func newBackup(version string) *cobra.Command {
	var flags backupFlags
	cmd := &cobra.Command{
		Use:   "backup --data DIR -o FILE",
		Short: "Write everything that a server keeps to a file",
		Long: "Write everything that a server keeps to a file, while it runs or not: repositories,\n" +
			"the records of deploys, sealed values, and the server's own keys. So the file is\n" +
			"secret; --recipient encrypts it. It contains every push that ended before.\n\n" +
			"Run it as the server's user. ssh HOST backup > FILE does the same remotely.\n" +
			"With the setting backup.bucket, the server keeps backups in a bucket by itself.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			return flags.run(ctx, cmd, version)
		},
	}
	cmd.Flags().StringVar(&flags.data, "data", "", "the server's data directory")
	cmd.Flags().StringVarP(&flags.output, "output", "o", "", "file to write; - is the standard output")
	cmd.Flags().StringVar(&flags.since, "since", "", "leave out the content of an earlier backup: its FILE or its ID")
	cmd.Flags().StringArrayVar(&flags.recipients, "recipient", nil, "encrypt for a public key: age1…, \"ssh-ed25519 …\"; repeatable")
	identityFlag(cmd, &flags.identities)
	cmd.AddCommand(newVerify(), newBackupList())
	return cmd
}

func identityFlag(cmd *cobra.Command, files *[]string) {
	cmd.Flags().StringArrayVar(files, "identity", nil, "file of a private key that decrypts, of age or SSH; repeatable")
}

func (f *backupFlags) run(ctx context.Context, cmd *cobra.Command, version string) error {
	if f.data == "" || f.output == "" {
		return errors.New("what to back up, and where to? give --data DIR and -o FILE")
	}
	data, err := filepath.Abs(f.data)
	if err != nil {
		return err
	}
	repos, err := git.ViewStore(filepath.Join(data, "repos"))
	if err != nil {
		return fmt.Errorf("%q is no server's data directory that can be read: %w", f.data, err)
	}
	defer repos.Close()
	source := backup.Source{Data: data, Repos: repos, Program: version}
	request, err := f.request(source)
	if err != nil {
		return err
	}
	summary, err := f.write(ctx, cmd.OutOrStdout(), source, request)
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.ErrOrStderr(), summary)
	if summary.NotKept != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: %v\n", summary.NotKept)
		return nil
	}
	if f.output != toStdout {
		fmt.Fprintf(cmd.ErrOrStderr(), "look whether it is whole: pushboat backup verify %s\n", f.output)
	}
	return nil
}

// request returns the backup that the flags ask for.
func (f *backupFlags) request(source backup.Source) (request backup.Request, err error) {
	if request.Recipients, err = backup.ParseRecipients(f.recipients); err != nil || f.since == "" {
		return request, err
	}
	if backup.IsID(f.since) {
		request.Since, err = source.Kept(f.since)
		if unknown := (*backup.UnknownError)(nil); errors.As(err, &unknown) {
			err = fmt.Errorf("%w; give the file, or %s", err, unknown.Next("pushboat backup"))
		}
		return request, err
	}
	keys, err := backup.ReadKeys(f.identities)
	if err != nil {
		return request, err
	}
	file, err := os.Open(f.since)
	if err != nil {
		return request, fmt.Errorf("read the backup to go on from: %w", err)
	}
	defer file.Close()
	if request.Since, err = backup.ReadBase(file, keys); err != nil {
		err = fmt.Errorf("read the backup to go on from: %q: %w", f.since, err)
	}
	return request, err
}

// write writes the backup to its file, which gets its name when it is complete and on
// disk.
func (f *backupFlags) write(ctx context.Context, out io.Writer, source backup.Source, request backup.Request) (backup.Summary, error) {
	if f.output == toStdout {
		return source.Write(ctx, out, request)
	}
	file, err := os.CreateTemp(filepath.Dir(f.output), "."+filepath.Base(f.output)+".*")
	if err != nil {
		return backup.Summary{}, fmt.Errorf("write the backup: %w", err)
	}
	defer os.Remove(file.Name()) // renamed by then, if all went well
	summary, err := source.Write(ctx, backup.Steady(file), request)
	if err != nil {
		return summary, errors.Join(err, file.Close())
	}
	if err = errors.Join(file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), f.output)
	}
	if err != nil {
		return summary, fmt.Errorf("write the backup: %w", err)
	}
	return summary, nil
}

func newVerify() *cobra.Command {
	var (
		identities []string
		from       bucketFlags
	)
	cmd := &cobra.Command{
		Use:   "verify FILE...|s3://BUCKET/FOLDER[@TIME|@ID]",
		Short: "Check that a backup is complete",
		Long: "Check that a backup is complete: restore it into a temporary folder (in TMPDIR,\n" +
			"with space for all of it), compare every hash, and have Git read every object\n" +
			"and everything that refs lead to. A backup that builds on others is checked with\n" +
			"them: give their files first, in order. In a bucket, they are found.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			keys, err := backup.ReadKeys(identities)
			if err != nil {
				return err
			}
			archives, err := from.archives(ctx, args, time.Time{})
			if err != nil {
				return err
			}
			result, err := backup.Verify(ctx, archives, keys)
			if err != nil {
				return fmt.Errorf("%w; it cannot be restored", err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "whole: %s\n", result)
			return nil
		},
	}
	identityFlag(cmd, &identities)
	from.add(cmd)
	return cmd
}

// restoreFlags are the flags of restore.
type restoreFlags struct {
	data, repo, at string
	identities     []string
	from           bucketFlags
}

func newRestore() *cobra.Command {
	var flags restoreFlags
	cmd := &cobra.Command{
		Use:   "restore FILE...|s3://BUCKET/FOLDER[@TIME|@ID] --data DIR",
		Short: "Restore a data directory from a backup",
		Long: "Restore a data directory from a backup, and those that build on it, given in\n" +
			"order. The directory must be empty or missing. Everything is checked as by\n" +
			"backup verify before anything is put in place. A server that is started on it\n" +
			"continues where the backup ends, and changes nothing that runs as its branches\n" +
			"say. Do not start it while the old server runs: both are the same one.\n\n" +
			"From a bucket, it takes the newest backup, the newest until a time, or the one with\n" +
			"an ID, with all those that it builds on. --config has the settings of the bucket.\n\n" +
			"--repo NAME restores one repository alone: clone DIR/repos/NAME.git and push the\n" +
			"missing commits. --at restores branches as they were then, by the logs that\n" +
			"Git keeps of them; records and tags stay as they are, and branches that were\n" +
			"deleted before the backup are in earlier ones only.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			return flags.run(ctx, cmd, args)
		},
	}
	cmd.Flags().StringVar(&flags.data, "data", "", "the directory to create")
	cmd.Flags().StringVar(&flags.repo, "repo", "", "the only repository to restore")
	cmd.Flags().StringVar(&flags.at, "at", "", "a time (2026-01-31T18:00, in UTC), or how long ago (90m, 8h, 2d)")
	identityFlag(cmd, &flags.identities)
	flags.from.add(cmd)
	return cmd
}

func (f *restoreFlags) run(ctx context.Context, cmd *cobra.Command, args []string) (err error) {
	if f.data == "" {
		return errors.New("where to? give an empty directory: --data DIR")
	}
	restore := backup.Restore{Data: f.data}
	if f.repo != "" {
		if restore.Repo, err = name.ParseRepo(f.repo); err != nil {
			return err
		}
	}
	if restore.At, err = parseAt("--at", f.at, time.Now()); err != nil {
		return err
	}
	if restore.Keys, err = backup.ReadKeys(f.identities); err != nil {
		return err
	}
	if restore.Archives, err = f.from.archives(ctx, args, restore.At); err != nil {
		return err
	}
	result, err := restore.Run(ctx)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "restored: %s\n", result)
	for _, repo := range slices.Sorted(maps.Keys(result.Rewound)) {
		fmt.Fprintf(out, "as of %s: %s: %s\n", restore.At.UTC().Format(time.RFC3339), repo, strings.Join(result.Rewound[repo], ", "))
	}
	if f.repo != "" {
		fmt.Fprintf(out, "clone from it: git clone %s\n", filepath.Join(f.data, "repos", string(restore.Repo)+".git"))
		return nil
	}
	fmt.Fprintf(out, "start the server on it when the former one has stopped: pushboat serve --data %s …\n", f.data)
	return nil
}

// moments are the forms of a time; those without a zone are in UTC.
var moments = []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly}

// parseAt parses a time in the past; the zero time if text is empty. Errors begin with
// called.
func parseAt(called, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, ok := ago(text, now)
	for _, form := range moments {
		if moment, err := time.Parse(form, text); !ok && err == nil {
			at, ok = moment, true
		}
	}
	switch {
	case !ok:
		return time.Time{}, fmt.Errorf("%s %q is no time; write 2026-01-31T18:00 (UTC), 2026-01-31T18:00:00+02:00, 90m, 8h or 2d", called, text)
	case at.After(now):
		return time.Time{}, fmt.Errorf("%s %q has yet to come", called, text)
	}
	return at, nil
}

// ago parses the time since something, which may also be in days.
func ago(text string, now time.Time) (time.Time, bool) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		return now.AddDate(0, 0, -n), err == nil && n >= 0 && n < 100_000
	}
	d, err := time.ParseDuration(text)
	return now.Add(-d), err == nil && d >= 0
}
