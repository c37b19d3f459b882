package command

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/view"
)

const repoFilesHelp = "Lists a folder; the default is the whole repository. Of a file, it shows each\n" +
	"line with the commit that it comes from, its author, and the first deploy that\n" +
	"had it. Of files with Secrets or encrypted values, only keys are shown.\n" +
	"Example: repo files shop deploy/web.yaml"

// Limits of one answer. What it costs is bounded by package git, too.
const (
	maxEntries   = 2000      // of a folder
	maxFileBytes = 512 << 10 // of a file of which the lines are shown
	maxFileLines = 5000
	maxLineBytes = 2000
	maxAncestors = 20_000 // commits that are looked through for what deploys brought
	maxFileApps  = 5      // of which deploys are looked for
	maxArrivals  = 200    // deploys of each
)

func repoFilesFlags(f *pflag.FlagSet) {
	output(f)
	f.String("branch", "", "the branch; by default the main one")
}

// repoFilesAnswer is a folder or a file of a repository.
type repoFilesAnswer struct {
	Repo     name.Repo   `json:"repository"`
	Branch   name.Branch `json:"branch"`
	Revision string      `json:"revision"` // the commit that the branch is at
	Path     string      `json:"path"`
	Kind     string      `json:"kind"` // folder, file or link
	// To is where a link leads, as a path of the repository.
	To string `json:"to,omitempty"`
	// Entries are those of a folder, and More the number of those that are left out.
	Entries []fileEntry `json:"entries,omitempty"`
	More    int         `json:"more,omitempty"`
	// Lines are those of a file, and Commits what they come from, by hash.
	Lines   []fileLine            `json:"lines,omitempty"`
	Commits map[string]fileCommit `json:"commits,omitempty"`
	// Apps are those of which deploys were looked at.
	Apps     []name.App `json:"apps,omitempty"`
	KeysOnly bool       `json:"keysOnly,omitempty"`
	// Unshown says why there are no lines.
	Unshown string `json:"unshown,omitempty"`
}

// fileEntry is an entry of a folder.
type fileEntry struct {
	Name string `json:"name"`
	Kind string `json:"kind"`          // folder, file, link, or other
	Why  string `json:"why,omitempty"` // it cannot be opened
}

// fileLine is a line of a file.
type fileLine struct {
	Text   string `json:"text"`
	Commit string `json:"commit"`
}

// fileCommit is a commit that lines come from.
type fileCommit struct {
	Author  string    `json:"author"`
	When    time.Time `json:"when"`
	Subject string    `json:"subject"`
	// Deploy is the first that had the commit; omitted if none had it. Earlier says that it
	// may have been one before, which was not looked at.
	Deploy  string `json:"deploy,omitempty"`
	Earlier bool   `json:"earlier,omitempty"`
}

// The kinds of what is in a repository.
const (
	aFolder = "folder"
	aFile   = "file"
	aLink   = "link"
	another = "other"
)

// repoFiles shows a folder or a file of a repository.
func repoFiles(ctx context.Context, c *call) error {
	repo, err := c.repo(c.args[0])
	if err != nil {
		return err
	}
	at := "."
	if len(c.args) > 1 {
		at = c.args[1]
	}
	found, err := c.look(ctx, repo, at)
	if err != nil {
		return err
	}
	return c.print(found, func(w io.Writer) { found.print(w) })
}

// look finds what is at a path of a repository.
func (c *call) look(ctx context.Context, repo *git.Repository, at string) (repoFilesAnswer, error) {
	found, tree, err := c.fileTree(ctx, repo, at)
	if err != nil {
		return found, err
	}
	info, err := fs.Stat(tree, at)
	if err != nil {
		return found, c.noFile(found, err)
	}
	switch to := throughOf(tree, at); {
	case to != "":
		found.Kind, found.To = aLink, to
	case info.IsDir():
		found.Kind = aFolder
		err = found.list(tree)
	case info.Mode().IsRegular():
		found.Kind = aFile
		err = c.readFile(ctx, repo, tree, &found)
	default:
		return found, c.noFile(found, fs.ErrNotExist)
	}
	return found, err
}

// fileTree finds the branch and the files that it has.
func (c *call) fileTree(ctx context.Context, repo *git.Repository, at string) (found repoFilesAnswer, tree fs.FS, err error) {
	branch, _ := c.flags.GetString("branch") // the flags are those of repoFilesFlags
	found = repoFilesAnswer{Repo: repo.Name(), Branch: name.Branch(branch), Path: at}
	if branch == "" {
		if found.Branch, err = repo.MainBranch(); err != nil {
			return found, nil, err
		}
	}
	if !fs.ValidPath(at) || strings.ContainsFunc(at, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return found, nil, c.noFile(found, fs.ErrInvalid)
	}
	missing := report.WithHint(fmt.Errorf("branch %q not found in repository %q", manifest.Clean(string(found.Branch)), repo.Name()), "list the branches: ssh HOST repo info %s", repo.Name())
	if git.CheckRef(found.Branch.Ref()) != nil {
		return found, nil, missing
	}
	head, err := repo.Head(ctx, found.Branch.Ref())
	if errors.Is(err, git.ErrNoRef) {
		return found, nil, missing
	}
	if err != nil {
		return found, nil, err
	}
	found.Revision = string(head)
	tree, err = repo.Tree(head)
	return found, tree, err
}

// noFile is the error of a path that leads to no folder and no file.
func (c *call) noFile(found repoFilesAnswer, err error) error {
	if entry, ok := errors.AsType[*git.EntryError](err); ok {
		return report.WithHint(fmt.Errorf("%q cannot be shown: %w", manifest.Clean(found.Path), entry.Err), "list the folder that it is in: ssh HOST repo files %s", found.Repo)
	}
	return report.WithHint(fmt.Errorf("branch %s of repository %q has no %q", manifest.Clean(string(found.Branch)), found.Repo, manifest.Clean(found.Path)), "list its files: ssh HOST repo files %s", found.Repo)
}

// throughOf returns where a path leads that goes through links; "" for one that does not.
func throughOf(tree fs.FS, at string) string {
	linked, ok := tree.(interface{ Through(path string) []string })
	if !ok {
		return ""
	}
	if steps := linked.Through(at); len(steps) > 0 {
		return steps[len(steps)-1]
	}
	return ""
}

// list lists the folder: folders first.
func (a *repoFilesAnswer) list(tree fs.FS) error {
	entries, err := fs.ReadDir(tree, a.Path)
	if err != nil {
		return err
	}
	var files []fileEntry
	a.Entries = []fileEntry{}
	for _, entry := range entries {
		e := entryOf(tree, a.Path, entry)
		if e.Kind == aFolder {
			a.Entries = append(a.Entries, e)
		} else {
			files = append(files, e)
		}
	}
	a.Entries = append(a.Entries, files...)
	if a.More = max(len(a.Entries)-maxEntries, 0); a.More > 0 {
		a.Entries = a.Entries[:maxEntries]
	}
	return nil
}

func entryOf(tree fs.FS, folder string, entry fs.DirEntry) fileEntry {
	e := fileEntry{Name: entry.Name(), Kind: another}
	switch _, err := fs.Stat(tree, path.Join(folder, entry.Name())); {
	case entry.Type()&fs.ModeSymlink != 0:
		e.Kind, e.Why = aLink, "it leads nowhere in the repository"
		if refused, ok := errors.AsType[*git.EntryError](err); ok {
			e.Why = manifest.Clean(refused.Err.Error())
		}
	case throughOf(tree, path.Join(folder, entry.Name())) != "" && throughOf(tree, folder) == "":
		e.Kind = aLink
	case entry.IsDir():
		e.Kind = aFolder
	case entry.Type().IsRegular():
		e.Kind = aFile
	default:
		e.Name, e.Why = manifest.Clean(e.Name), "it is no file"
		if refusal := refusedEntry(tree, path.Join(folder, entry.Name())); refusal != nil {
			e.Why = manifest.Clean(refusal.Err.Error())
		}
	}
	return e
}

// refusedEntry says why an entry cannot be opened; nil if that is not known.
func refusedEntry(tree fs.FS, at string) *git.EntryError {
	_, err := fs.ReadFile(tree, at)
	refused, _ := errors.AsType[*git.EntryError](err)
	return refused
}

// readFile reads the lines of a file, and finds out who deployed which.
func (c *call) readFile(ctx context.Context, repo *git.Repository, tree fs.FS, found *repoFilesAnswer) error {
	info, err := fs.Stat(tree, found.Path)
	if err != nil {
		return err
	}
	if info.Size() > maxFileBytes {
		found.Unshown = fmt.Sprintf("it has %d bytes; at most %d are shown", info.Size(), maxFileBytes)
		return nil
	}
	data, err := fs.ReadFile(tree, found.Path)
	if err != nil {
		return err
	}
	switch lines := bytes.Count(data, []byte("\n")); {
	case bytes.IndexByte(data, 0) >= 0:
		found.Unshown = "it is no text"
		return nil
	case lines > maxFileLines:
		found.Unshown = fmt.Sprintf("it has more than %d lines", maxFileLines)
		return nil
	}
	shown, keys := manifest.Veil(data)
	if found.KeysOnly = keys; found.Repo == access.AdminRepo && !keys && hidesRules(found.Path) {
		shown, found.KeysOnly = manifest.VeilAll(data), true
	}
	return c.blame(ctx, repo, shown, found)
}

// hidesRules reports whether a file of admin.git may have credentials or addresses.
func hidesRules(file string) bool {
	top, _, _ := strings.Cut(file, "/")
	return top == "clusters" || top == "receivers" || top == "notifications.yaml"
}

// blame notes from which commit each line comes.
func (c *call) blame(ctx context.Context, repo *git.Repository, shown []string, found *repoFilesAnswer) error {
	_, from, commits, err := repo.BlameFile(ctx, git.Hash(found.Revision), found.Path)
	if errors.Is(err, git.ErrTooLong) {
		found.Unshown = "it takes too long to find out who wrote its lines"
		return nil
	}
	if err != nil {
		return err
	}
	if len(from) != len(shown) { // its ends of lines are counted in another way
		found.Unshown = "its lines cannot be told apart"
		return nil
	}
	found.Lines, found.Commits = make([]fileLine, len(shown)), map[string]fileCommit{}
	for i, text := range shown {
		if len(text) > maxLineBytes {
			text = strings.ToValidUTF8(text[:maxLineBytes], "") + "…"
		}
		found.Lines[i] = fileLine{Text: manifest.CleanLines(text), Commit: string(from[i])}
	}
	for hash, w := range commits {
		found.Commits[string(hash)] = fileCommit{Author: manifest.Clean(w.Author), When: w.When, Subject: manifest.Clean(w.Subject)}
	}
	return c.attribute(ctx, repo, found)
}

// attribute adds to the commits the deploys that brought them.
func (c *call) attribute(ctx context.Context, repo *git.Repository, found *repoFilesAnswer) error {
	if !c.Policy.Allows(c.Caller(), access.ReadDeploys, access.Subject{Repo: found.Repo}) {
		return nil
	}
	apps := appsOfFile(c.statusesOn(found.Repo, found.Branch), found.Path)
	if len(apps) == 0 {
		return nil
	}
	parents, err := repo.Parents(ctx, git.Hash(found.Revision), maxAncestors)
	if errors.Is(err, git.ErrTooLong) {
		return nil // the lines have their commits all the same
	}
	if err != nil {
		return err
	}
	for _, app := range apps {
		arrivals, first, err := c.arrivals(ctx, found.Repo, app)
		if err != nil {
			return err
		}
		found.Apps = append(found.Apps, app)
		for hash, id := range view.Brought(parents, arrivals) {
			if commit, ok := found.Commits[string(hash)]; ok && (commit.Deploy == "" || commit.Earlier) {
				commit.Deploy, commit.Earlier = id, id == first
				found.Commits[string(hash)] = commit
			}
		}
	}
	return nil
}

// statusesOn are the apps that a branch deploys.
func (c *call) statusesOn(repo name.Repo, branch name.Branch) []deploy.Status {
	var list []deploy.Status
	for _, app := range c.Engine.AppsOn(repo, branch) {
		if status, ok := c.Engine.Status(app); ok {
			list = append(list, status)
		}
	}
	return list
}

// appsOfFile are the apps whose folder a file is in; if there is none, all: a file outside
// of their folders may be part of each.
func appsOfFile(all []deploy.Status, file string) []name.App {
	var inside, others []name.App
	for _, s := range all {
		folder := cmp.Or(s.Path, ".")
		if folder == "." || file == folder || strings.HasPrefix(file, folder+"/") {
			inside = append(inside, s.App)
		}
		others = append(others, s.App)
	}
	if len(inside) == 0 {
		inside = others
	}
	return inside[:min(len(inside), maxFileApps)]
}

// arrivals are the deploys of an app that have applied something, oldest first. first is the
// oldest one, if there are others before it; else "".
func (c *call) arrivals(ctx context.Context, repo name.Repo, app name.App) (list []view.Arrival, first string, err error) {
	records, err := c.History.List(ctx, repo, app, 0, maxArrivals)
	if err != nil {
		return nil, "", err
	}
	for _, r := range slices.Backward(records) {
		if r.Result.Applied() {
			list = append(list, view.Arrival{Deploy: r.ID(), Revision: git.Hash(r.Revision)})
		}
	}
	if len(records) == maxArrivals && len(list) > 0 {
		first = list[0].Deploy
	}
	return list, first, nil
}

func (a repoFilesAnswer) print(w io.Writer) {
	switch {
	case a.Kind == aLink:
		fmt.Fprintf(w, "%s is a link to %s\n", manifest.Clean(a.Path), manifest.Clean(a.To))
	case a.Unshown != "":
		fmt.Fprintf(w, "%s is not shown: %s\n", manifest.Clean(a.Path), a.Unshown)
	case a.Kind == aFolder:
		for _, e := range a.Entries {
			fmt.Fprintln(w, e.String())
		}
		if a.More > 0 {
			fmt.Fprintf(w, "and %d more\n", a.More)
		}
	default:
		a.printLines(w)
	}
}

// String writes the entry as ls -F does.
func (e fileEntry) String() string {
	text := manifest.Clean(e.Name)
	switch e.Kind {
	case aFolder:
		text += "/"
	case aLink:
		text += "@"
	}
	if e.Why != "" {
		text += "  (" + e.Why + ")"
	}
	return text
}

// printLines writes each line behind its commit, author and deploy.
func (a repoFilesAnswer) printLines(w io.Writer) {
	table := newTable(w, "DEPLOY", "COMMIT", "AUTHOR", "LINE")
	for i, line := range a.Lines {
		commit := a.Commits[line.Commit]
		deployed := dash(commit.Deploy)
		if commit.Earlier {
			deployed += " or earlier"
		}
		table.row(deployed, short(line.Commit), commit.Author, fmt.Sprintf("%4d  %s", i+1, line.Text))
	}
	table.print()
	if a.KeysOnly {
		fmt.Fprintln(w, "the file holds secrets: only its keys are shown")
	}
}
