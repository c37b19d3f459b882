package converge

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/pushboat/pushboat/test/server"
)

// chainMost is the most backups in a row that only have what is new since the backup
// before. The next one is whole.
const chainMost = 3

// backups takes backups while everything goes on, restores each into another folder, and
// checks that it has every commit that was acknowledged before the backup began.
type backups struct {
	world   *world
	writers []*writer
	dir     string   // of the backups' files, on another disk than the server's data
	chain   []string // the last whole backup, and those that continue it
	next    int
	proved  int // how many were restored, and were complete
	cut     int // how many were cut off, and were reported as such
}

// backupKind is a way to take a backup and to check it.
type backupKind struct {
	ssh     bool // taken over ssh, by the server; else by a program beside the server, whether that runs or not
	started bool // a server is started on the restored directory
}

// due is everything that a backup must have that begins now.
type due struct {
	refs      refs
	positions []int // of the ledger of each writer
	tags      []map[string]string
}

func (b *backups) due() (due, error) {
	var d due
	for _, p := range b.writers {
		_, position := p.ledger.newest()
		d.positions, d.tags = append(d.positions, position), append(d.tags, p.ledger.keptTags())
	}
	var err error
	d.refs, err = b.world.readRefs(b.world.home.Path("data", "repos"))
	return d, err
}

// run takes a backup, and checks what it restores.
func (b *backups) run(kind backupKind) error {
	b.next++
	file := filepath.Join(b.dir, fmt.Sprintf("%d.backup", b.next))
	d, err := b.due()
	if err != nil {
		return fmt.Errorf("backup %d: %w", b.next, err)
	}
	archives, whole, err := b.take(kind, file)
	if err != nil {
		return fmt.Errorf("backup %d: %w", b.next, err)
	}
	restored := filepath.Join(b.dir, "restored")
	_, failure := b.pushboat(append([]string{"restore", "--data", restored}, archives...)...)
	if failure != nil && !whole {
		b.cut++
		return os.RemoveAll(restored)
	}
	if failure == nil {
		b.chain = archives
		failure = b.prove(restored, kind, d)
	}
	if failure != nil {
		return fmt.Errorf("backup %d (ssh: %t, of %d files): %w", b.next, kind.ssh, len(archives), failure)
	}
	b.proved++
	return os.RemoveAll(restored)
}

// take writes a backup. It reports a backup that was cut off as not whole, although it may
// be. archives are all files that restoring it needs.
func (b *backups) take(kind backupKind, file string) (archives []string, whole bool, err error) {
	if kind.ssh {
		_, err := b.world.run(b.dir, "sh", "-c", `exec ssh -F "$1" pushboat backup >"$2"`, "sh", b.world.home.Path("ssh", "ana"), file)
		b.forget()
		return []string{file}, err == nil, nil
	}
	args := []string{"backup", "--data", b.world.home.Path("data"), "-o", file}
	if len(b.chain) < chainMost && len(b.chain) > 0 {
		args, archives = append(args, "--since", b.chain[len(b.chain)-1]), b.chain
	} else {
		b.forget()
	}
	out, err := b.pushboat(args...)
	if err != nil {
		return nil, false, fmt.Errorf("%w\n%s", err, out)
	}
	return append(archives, file), true, nil
}

// forget removes the files that no later backup continues.
func (b *backups) forget() {
	for _, file := range b.chain {
		_ = os.Remove(file) // no later backup needs the file
	}
	b.chain = nil
}

func (b *backups) pushboat(args ...string) (string, error) {
	return b.world.run(b.dir, filepath.Join(b.world.home.Programs, "pushboat"), args...)
}

// prove returns an error if a restored data directory lacks anything that is due.
func (b *backups) prove(restored string, kind backupKind, d due) error {
	repos := filepath.Join(restored, "repos")
	now, err := b.world.readRefs(repos)
	if err != nil {
		return err
	}
	if err := b.has(now, d, b.world.goesOn(repos)); err != nil || !kind.started {
		return err
	}
	return b.serve(restored, now)
}

// has returns an error if refs lack anything that is due.
func (b *backups) has(now refs, d due, goesOn func(repo, from, to string) bool) error {
	errs := []error{d.refs.setBack(now, goesOn)}
	for i, p := range b.writers {
		key := p.branch.repo + " " + p.branch.full()
		if err := p.ledger.includes(now[key], d.positions[i]); err != nil {
			errs = append(errs, fmt.Errorf("%s %w", key, err))
		}
		for tag, commit := range d.tags[i] {
			if key := p.branch.repo + " " + tag; now[key] != commit {
				errs = append(errs, fmt.Errorf("%s is at %q, not at %.9s", key, now[key], commit))
			}
		}
	}
	return errors.Join(errs...)
}

// serve starts a server on a restored directory, without access to the cluster. It returns
// an error if the server gives a client other refs than Git reads in the directory.
func (b *backups) serve(restored string, want refs) error {
	config, err := server.ReadKubeconfig(b.world.home.Path("kubeconfig"))
	if err != nil {
		return err
	}
	nowhere, err := server.OpenLine(config)
	if err != nil {
		return err
	}
	nowhere.Off()
	kubeconfig := filepath.Join(b.dir, "kubeconfig")
	if err := clientcmd.WriteToFile(*config, kubeconfig); err != nil {
		return err
	}
	other, err := b.world.home.Spawn([]string{"--data", restored, "--kubeconfig", kubeconfig})
	if err != nil {
		return err
	}
	err = b.compare(other, want)
	_ = other.Signal(9)
	_, _ = other.Wait()
	return err
}

// compare asks a server for all its refs, and compares them with those that are wanted.
func (b *backups) compare(other *server.Process, want refs) error {
	if err := errors.Join(other.Serves(leadsWithin), other.Log().Await(servingAt)); err != nil {
		return fmt.Errorf("%w:\n%s", err, lastLines(other.Log().Text()))
	}
	_, port, _ := strings.Cut(servingAt.FindStringSubmatch(other.Log().Text())[1], ":")
	ssh := "core.sshCommand=ssh -F '" + b.world.home.Path("ssh", "ana") + "' -p " + port
	got := refs{}
	for _, repo := range b.world.repos() {
		out, err := b.world.run(b.dir, "env", "-u", "GIT_SSH_COMMAND", "git", "-c", ssh, "ls-remote", "pushboat:"+repo, "refs/heads/*", "refs/tags/*")
		if err != nil {
			return err
		}
		for line := range strings.Lines(out) {
			at, ref, _ := strings.Cut(strings.TrimSpace(line), "\t")
			got[repo+" "+ref] = at
		}
	}
	for key, at := range want {
		if !strings.Contains(key, " refs/pushboat/") && got[key] != at {
			return fmt.Errorf("a server on the restored data has %s at %q, not at %.9s", key, got[key], at)
		}
	}
	return nil
}
