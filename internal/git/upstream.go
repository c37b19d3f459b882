package git

// Fetching from another server.
//
// What comes from there is a stranger's until Git has checked it, so it comes into a
// repository of its own, which borrows the objects of the real one. Only whole packs that
// passed index-pack with transfer.fsckObjects move over, and a process that is killed leaves
// nothing but a folder that the next start sweeps. Git gets no terminal, no configuration of
// its user's, no helper for credentials, one protocol, and no address but the given one.

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// UpstreamRefs is the prefix of the refs that say where the refs of another server are.
const UpstreamRefs = RecordRefs + "upstream/"

// fetchDir is where repositories of fetches are, in the store's directory.
const fetchDir = ".fetch"

// Far is a repository on another server.
type Far struct {
	// URL is an address of http or https, without credentials. "": In and Out lead to a
	// git-upload-pack or git-receive-pack that has said nothing yet.
	URL     string
	In, Out *os.File
	// Settings are settings of Git, by name. They may be secrets: they are not on its command
	// line. An empty value is the setting without its former values.
	Settings map[string]string
}

// Fetching is what is to be fetched, and from where.
type Fetching struct {
	Far
	Refs []string // of the other server, in full
}

// ErrTooMuch is of a fetch that reached a limit: on the size of a pack, on memory or on time
// of the processor.
var ErrTooMuch = errors.New("it is larger, or more work, than the settings of git let it be")

// RefusedError is of a fetch that Git ended, with its words; the other server may have written
// them.
type RefusedError struct{ Said string }

// Error implements error.
func (e *RefusedError) Error() string { return e.Said }

// Fetch gets refs with everything that they lead to, and moves those below UpstreamRefs to
// them: refs/heads/main is refs/pushboat/upstream/heads/main. Branches stay where they are.
// ctx bounds its time.
func (r *Repository) Fetch(ctx context.Context, f Fetching) (map[string]Hash, error) {
	for _, ref := range f.Refs {
		if err := CheckRef(ref); err != nil {
			return nil, err
		}
	}
	scratch, err := r.openScratch(ctx)
	if err != nil {
		return nil, fmt.Errorf("fetch into %q: %w", r.name, err)
	}
	defer os.RemoveAll(scratch.dir)
	if err := scratch.fetchInto(ctx, f); err != nil {
		return nil, err
	}
	found, err := scratch.readRefs(ctx, strings.TrimSuffix(fetchedRefs, "/"))
	if err != nil {
		return nil, fmt.Errorf("fetch into %q: %w", r.name, err)
	}
	if err := r.takePacks(scratch); err != nil {
		return nil, fmt.Errorf("fetch into %q: %w", r.name, err)
	}
	return r.moveUpstream(ctx, found)
}

// fetchedRefs is the prefix of what was fetched, and haveRefs that of what is there already.
const (
	fetchedRefs = "refs/fetched/"
	haveRefs    = "refs/have/"
)

// openScratch makes a repository that has the objects of r, and refs to those that r has
// already, so that they are not sent again.
func (r *Repository) openScratch(ctx context.Context) (*Repository, error) {
	if err := r.opts.Fence(); err != nil {
		return nil, err
	}
	refs, err := r.readRefs(ctx, "refs")
	if err != nil {
		return nil, err
	}
	dir, err := r.store.workDir(fetchDir)
	if err != nil {
		return nil, err
	}
	files := map[string]string{
		"HEAD": "ref: refs/heads/none\n", "config": "[core]\n\trepositoryformatversion = 0\n\tbare = true\n",
		"objects/info/alternates": quoteAlternate(filepath.Join(r.dir, "objects")) + "\n", "packed-refs": haves(refs),
	}
	for _, folder := range []string{"objects/info", "objects/pack", "refs"} {
		err = errors.Join(err, os.MkdirAll(filepath.Join(dir, folder), 0o700))
	}
	for name, text := range files {
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)
		}
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &Repository{name: r.name, dir: dir, opts: r.opts, store: r.store}, nil
}

// haves are refs to branches, tags and what is known of the other server, as packed-refs.
func haves(refs []Ref) string {
	known := map[Hash]bool{}
	for _, ref := range refs {
		for _, prefix := range []string{"refs/heads/", "refs/tags/", UpstreamRefs} {
			if strings.HasPrefix(ref.Name, prefix) {
				known[ref.Hash] = true
			}
		}
	}
	var text strings.Builder
	for i, hash := range slices.Sorted(maps.Keys(known)) {
		fmt.Fprintf(&text, "%s %s%08d\n", hash, haveRefs, i)
	}
	return text.String()
}

// fetchInto runs Git in the scratch repository.
func (r *Repository) fetchInto(ctx context.Context, f Fetching) error {
	req := r.farRequest(f.Far, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance", "--force", "--")
	for _, ref := range f.Refs {
		req.args = append(req.args, "+"+ref+":"+fetchedRefs+strings.TrimPrefix(ref, "refs/"))
	}
	_, err := r.opts.run(ctx, req)
	exit, ended := errors.AsType[*exitError](err)
	switch {
	case !ended:
		return err
	case exit.status < 0, died.MatchString(exit.stderr), strings.Contains(exit.stderr, "exceeds limit"), silentlyDied(exit.stderr):
		return ErrTooMuch
	}
	return &RefusedError{Said: strings.TrimSpace(exit.stderr)}
}

// farRequest is a command of Git that ends in where another server is.
func (r *Repository) farRequest(far Far, args ...string) runRequest {
	req := runRequest{
		dir: r.dir, bounds: r.opts.fetchBounds(),
		env: append(far.environment(), "GIT_DIR="+r.dir, "GIT_ALLOC_LIMIT="+strconv.FormatInt(max(r.opts.MaxPush, 16<<20), 10)),
	}
	if far.URL != "" {
		req.args = append(args, far.URL)
	} else {
		req.args = append(args, "fd::3,4") // the first two files that a process inherits beside the usual three
		req.files = []*os.File{far.In, far.Out}
	}
	return req
}

// silentlyDied reports whether index-pack ended without a word: a signal ended it. Where it
// finds something wrong, it says so before.
func silentlyDied(said string) bool {
	return strings.Contains(said, "invalid index-pack output") && !strings.Contains(said, "error:") && strings.Count(said, "fatal:") == 1
}

// fetchBounds are the limits of the kernel for one fetch: those of a push, and a pack may be
// as large as one that is pushed, with the objects that Git adds to it.
func (o StoreOptions) fetchBounds() *Bounds {
	return &Bounds{CPU: o.MaxCPU, Memory: tablesMemory + 4*o.MaxPush, File: o.MaxPush + o.MaxPush/2}
}

// farSettings are those of every command that speaks to another server. Redirects would lead past the check of the address,
// and so would bundles, packs at other addresses, and alternates of dumb servers, which Git
// follows only where it follows redirects.
var farSettings = map[string]string{
	"protocol.allow": "never", "http.followRedirects": "false", "credential.helper": "", "core.askPass": "", "http.proxy": "", "http.cookieFile": "",
	"http.sslVerify": "true", "http.lowSpeedLimit": "1000", "http.lowSpeedTime": "60", "http.userAgent": "git/pushboat",
	"fetch.fsckObjects": "true", "fetch.unpackLimit": "1", "fetch.recurseSubmodules": "false", "fetch.writeCommitGraph": "false",
	"push.followTags": "false", "push.gpgSign": "false", "push.recurseSubmodules": "no", "push.negotiate": "false", "pack.threads": "1",
	"fetch.uriProtocols": "", "transfer.bundleURI": "false", "fetch.parallel": "1", "fetch.prune": "false",
}

// environment gives Git its settings.
func (f Far) environment() []string {
	settings := maps.Clone(farSettings)
	maps.Copy(settings, f.Settings)
	switch protocol, _, _ := strings.Cut(f.URL, "://"); protocol {
	case "https", "http":
		settings["protocol."+protocol+".allow"] = "always"
	case "":
		settings["protocol.fd.allow"] = "always"
	}
	env := []string{"GIT_CONFIG_COUNT=" + strconv.Itoa(len(settings))}
	for i, name := range slices.Sorted(maps.Keys(settings)) {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, name), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, settings[name]))
	}
	return env
}

// errDumb is of a server that sends files, and not packs that Git checks as a whole.
var errDumb = errors.New("the server speaks the dumb protocol of HTTP, which sends objects unchecked; it has to serve git-upload-pack")

// takePacks moves the packs of a scratch repository over: the index last, by which Git finds
// a pack.
func (r *Repository) takePacks(scratch *Repository) error {
	entries, err := os.ReadDir(filepath.Join(scratch.dir, "objects"))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() != "pack" && entry.Name() != "info" {
			return errDumb
		}
	}
	from, to := filepath.Join(scratch.dir, "objects", "pack"), filepath.Join(r.dir, "objects", "pack")
	files, err := os.ReadDir(from)
	if err != nil || len(files) == 0 {
		return err
	}
	slices.SortFunc(files, func(a, b os.DirEntry) int { return packRank(a.Name()) - packRank(b.Name()) })
	if err := r.opts.Fence(); err != nil {
		return err
	}
	for _, file := range files {
		if !strings.HasPrefix(file.Name(), "pack-") || strings.HasSuffix(file.Name(), ".keep") {
			continue
		}
		if err := os.Rename(filepath.Join(from, file.Name()), filepath.Join(to, file.Name())); err != nil {
			return err
		}
	}
	return syncPath(to)
}

func packRank(file string) int {
	if strings.HasSuffix(file, ".idx") {
		return 1
	}
	return 0
}

// moveUpstream moves the refs below UpstreamRefs, and returns the fetched refs by the names
// that they have on the other server.
func (r *Repository) moveUpstream(ctx context.Context, found []Ref) (map[string]Hash, error) {
	if err := r.dropStale(ctx, found); err != nil {
		return nil, err
	}
	fetched, moves := map[string]Hash{}, []refMove{}
	errs := make([]error, len(found))
	for i, ref := range found {
		short := strings.TrimPrefix(ref.Name, fetchedRefs)
		fetched["refs/"+short] = ref.Hash
		old, err := r.Head(ctx, UpstreamRefs+short)
		if err != nil && !errors.Is(err, ErrNoRef) {
			return nil, err
		}
		if old != ref.Hash {
			moves = append(moves, refMove{ref: UpstreamRefs + short, old: old, new: ref.Hash, err: &errs[i]})
		}
	}
	r.moveRefs(ctx, moves)
	return fetched, errors.Join(errs...)
}

// dropStale removes refs below UpstreamRefs that stand in the way of others: where the other
// server has a/b now, it has a no more.
func (r *Repository) dropStale(ctx context.Context, found []Ref) error {
	known, err := r.readRefs(ctx, strings.TrimSuffix(UpstreamRefs, "/"))
	if err != nil {
		return err
	}
	for _, old := range known {
		name := strings.TrimPrefix(old.Name, UpstreamRefs)
		inTheWay := slices.ContainsFunc(found, func(ref Ref) bool {
			short := strings.TrimPrefix(ref.Name, fetchedRefs)
			return strings.HasPrefix(short, name+"/") || strings.HasPrefix(name, short+"/")
		})
		if !inTheWay {
			continue
		}
		if err := r.opts.Fence(); err != nil {
			return err
		}
		if _, err := r.run(ctx, Quarantine{}, "update-ref", "-d", "--", old.Name, string(old.Hash)); err != nil {
			return err
		}
	}
	return nil
}

// Related reports whether two commits have an ancestor in common.
func (r *Repository) Related(ctx context.Context, one, other Hash) (bool, error) {
	for _, hash := range []Hash{one, other} {
		if _, err := ParseHash(string(hash)); err != nil {
			return false, err
		}
	}
	_, err := r.run(ctx, Quarantine{}, "merge-base", string(one), string(other))
	if exit, ended := errors.AsType[*exitError](err); ended && exit.status == 1 {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("compare %s with %s in %q: %w", one.Short(), other.Short(), r.name, err)
	}
	return true, nil
}
