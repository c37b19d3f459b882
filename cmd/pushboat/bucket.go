package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pushboat/pushboat/internal/backup"
	"github.com/pushboat/pushboat/internal/backup/bucket"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/server"
)

// bucketFlags are the settings that lead to a bucket.
type bucketFlags struct{ settings settingFlags }

func (f *bucketFlags) add(cmd *cobra.Command) {
	f.settings.addSome(cmd, "backup.endpoint", "backup.region", "backup.credentials",
		"outgoing.ca", "outgoing.proxy", "outgoing.proxyCredentials", "outgoing.noProxy")
}

// open makes a bucket ready: that of an address, or that of the settings if it is "".
func (f *bucketFlags) open(address string) (*bucket.Bucket, error) {
	c, err := f.settings.sources().ReadSections("backup", "outgoing")
	if err != nil {
		return nil, err
	}
	if address == "" {
		address = c.Backup.Bucket
	}
	if address == "" {
		return nil, errors.New("which bucket? give s3://BUCKET/FOLDER, or --config FILE with backup.bucket")
	}
	at, err := bucket.ParseAddress(address)
	if err != nil {
		return nil, fmt.Errorf("the bucket: %w", err)
	}
	return server.OpenBucket(c, at)
}

// archives are those that arguments name: files, or a backup in a bucket with those that it
// goes on from. If branches are wanted as of a time, it is the first backup after it that
// is taken of a bucket, unless the argument says which.
func (f *bucketFlags) archives(ctx context.Context, args []string, at time.Time) ([]backup.Archive, error) {
	if !bucket.IsAddress(args[0]) {
		return backup.Files(args...), nil
	}
	if len(args) > 1 {
		return nil, errors.New("give the address of the bucket alone: what its backups go on from is found there")
	}
	address, which, chosen := strings.Cut(args[0], "@")
	moment, err := parseMoment(which, time.Now())
	if err != nil {
		return nil, err
	}
	if !chosen {
		moment.After = at
	}
	from, err := f.open(address)
	if err != nil {
		return nil, err
	}
	objects, err := from.List(ctx)
	if err != nil {
		return nil, err
	}
	chain, err := bucket.Choose(objects, moment, time.Now())
	if err != nil {
		return nil, inBucket(err, from.Address())
	}
	archives := make([]backup.Archive, len(chain))
	for i, object := range chain {
		archives[i] = from.Archive(object)
	}
	return archives, nil
}

// parseMoment reads which backup is meant: "" the newest, an ID, or a time.
func parseMoment(text string, now time.Time) (bucket.Moment, error) {
	if backup.IsID(text) {
		return bucket.Moment{ID: text}, nil
	}
	at, err := parseAt("@", text, now)
	return bucket.Moment{UpTo: at}, err
}

// inBucket says in which bucket something is not to be found, and where else.
func inBucket(err error, at bucket.Address) error {
	several, ok := errors.AsType[*bucket.SeveralError](err)
	if !ok {
		return fmt.Errorf("%s: %w", at, err)
	}
	hints := make([]string, len(several.Folders))
	for i, folder := range several.Folders {
		hints[i] = bucket.Address{Bucket: at.Bucket, Folder: folder}.String()
	}
	return report.WithHint(fmt.Errorf("%s: %w", at, err), "%s", strings.Join(hints, "\n"))
}

func newBackupList() *cobra.Command {
	var (
		flags  bucketFlags
		format string
	)
	cmd := &cobra.Command{
		Use:   "list [s3://BUCKET/FOLDER]",
		Short: "List the backups in a bucket",
		Long: "List the backups in a bucket, oldest first, with what each of them goes on from.\n" +
			"Without an address it is that of the setting backup.bucket.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			if format != "text" && format != "json" {
				return fmt.Errorf("-o %s: the formats are text and json", format)
			}
			from, err := flags.open(strings.Join(args, ""))
			if err != nil {
				return err
			}
			objects, err := from.List(ctx)
			if err != nil {
				return err
			}
			if format == "json" {
				return writeJSON(cmd.OutOrStdout(), listed(objects, from.Address()))
			}
			return printObjects(cmd.OutOrStdout(), objects, from.Address())
		},
	}
	cmd.Flags().StringVarP(&format, "output", "o", "text", "output format: text or json")
	flags.add(cmd)
	return cmd
}

// listedObject is a backup of a list.
type listedObject struct {
	Folder string `json:"folder"` // the address of the server's folder
	bucket.Object
	Made     time.Time `json:"made"`
	Complete bool      `json:"complete"` // all is there that it goes on from
}

func listed(objects []bucket.Object, at bucket.Address) []listedObject {
	list := make([]listedObject, len(objects))
	for i, object := range objects {
		_, complete := bucket.Chain(objects, object)
		list[i] = listedObject{bucket.Address{Bucket: at.Bucket, Folder: object.Folder}.String(), object, object.Made(), complete}
	}
	return list
}

func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// printObjects lists backups by servers.
func printObjects(w io.Writer, objects []bucket.Object, at bucket.Address) error {
	list := listed(objects, at)
	if len(list) == 0 {
		fmt.Fprintf(w, "there is no backup in %s\n", at)
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	folder := ""
	for _, object := range list {
		if object.Folder != folder {
			folder = object.Folder
			fmt.Fprintf(table, "%s\nBACKUP\tSIZE\tGOES ON FROM\n", folder)
		}
		since := object.Since
		if since == "" {
			since = "-, it is full"
		}
		if !object.Complete {
			since += ", which lacks what it needs"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", object.ID, backup.SizeText(object.Size), since)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	last := list[len(list)-1]
	_, err := fmt.Fprintf(w, "restore one: pushboat restore %s@%s --data DIR --identity FILE\n", last.Folder, last.ID)
	return err
}
