package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Each of many repositories has as many packs as the pushes of one day leave, together 335
// kB.
const (
	packsOfEach = 20
	bytesOfPack = 15 << 10 // written in hex, so that packs need half of it
)

// backups measures a backup of many repositories to a file, next to tar of the same files;
// a push during a backup; and the restore, until a server serves.
func backups(ctx context.Context, l *lab) (*result, error) {
	n := l.settings.fleet
	if err := l.server.stop(); err != nil {
		return nil, err
	}
	if err := l.fillPacks(ctx, n); err != nil {
		return nil, err
	}
	if _, err := l.startServer(ctx); err != nil {
		return nil, err
	}
	if err := l.writeSSHConfig(ctx); err != nil {
		return nil, err
	}
	r := &result{}
	for _, measure := range []func(context.Context, *lab, *result) error{backupSpeed, pushBeside, restoreTime} {
		if err := measure(ctx, l, r); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// backupSpeed measures backups to a file that is on disk at the end: of files that are read
// from the disk, and of files in memory, where only the processor counts.
func backupSpeed(ctx context.Context, l *lab, r *result) error {
	for _, from := range []fact{{what: onDisk, goal: atLeast, limit: 0.8}, {what: "files in memory"}} {
		if err := l.backupNextToTar(ctx, r, from); err != nil {
			return err
		}
	}
	_, err := l.run(ctx, l.dir, l.program(), "backup", "--data", l.path("data"), "-o", l.path("backup"))
	return err
}

// onDisk names files whose content is read from the disk.
const onDisk = "files on disk"

func (l *lab) backupNextToTar(ctx context.Context, r *result, from fact) error {
	backup := &series{of: fmt.Sprintf("backup of %d repositories of %d packs each, %s", l.settings.fleet, packsOfEach, from.what)}
	tar := &series{of: "tar of the same files"}
	var size int64
	for i := range l.rounds(5) {
		for _, turn := range inTurn(i) {
			// Both write a new file, and neither waits for data of the other that is not
			// yet on the disk.
			if _, err := l.run(ctx, l.dir, "sh", "-c", "rm -f backup tar && sync"); err != nil {
				return err
			}
			if from.what == onDisk {
				if err := dropFromMemory(l.path("data")); err != nil {
					return err
				}
			}
			start := time.Now()
			var err error
			if turn == ours {
				_, err = l.run(ctx, l.dir, l.program(), "backup", "--data", l.path("data"), "-o", l.path("backup"))
				backup.add(time.Since(start))
				size = max(size, fileSize(l.path("backup")))
			} else {
				_, err = l.run(ctx, l.dir, "sh", "-c", "tar -C data -cf tar repos && sync tar")
				tar.add(time.Since(start))
			}
			if err != nil {
				return err
			}
		}
	}
	r.series = append(r.series, backup, tar)
	r.fact(fact{what: "speed of the backup, " + from.what, value: tar.median() / backup.median(), goal: from.goal, limit: from.limit})
	r.note("%s: %.0f MB, %.0f MB/s", from.what, float64(size)/1e6, float64(size)/1e6/backup.median())
	return os.RemoveAll(l.path("tar"))
}

// fileSize returns a file's size in bytes; 0 if the file does not exist.
func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// pushBeside measures pushes while backups are taken over ssh, one after the other.
func pushBeside(ctx context.Context, l *lab, r *result) error {
	w, err := l.workingCopy(ctx, "beside", map[string]string{"n": "0"})
	if err != nil {
		return err
	}
	alone, beside := &series{of: "push"}, &series{of: "push beside a backup"}
	for i := range 2 * l.rounds(8) {
		of, end := alone, func() error { return nil }
		if i%2 == 1 {
			of, end = beside, l.backUpMeanwhile(ctx)
		}
		if err := w.write("n", strconv.Itoa(i+1)); err != nil {
			return err
		}
		if err := w.commit(ctx, "Change"); err != nil {
			return err
		}
		start := time.Now()
		_, err := w.git(ctx, "push", ours, "main:data")
		of.add(time.Since(start))
		if stopped := end(); err == nil {
			err = stopped
		}
		if err != nil {
			return err
		}
	}
	r.series = append(r.series, beside, alone)
	r.fact(fact{what: "push beside a backup", value: beside.median() / alone.median(), goal: atMost, limit: 1.1})
	return nil
}

// backUpMeanwhile begins a backup over ssh. It returns a function that waits for the end of
// the backup. In real use the backup's client is another machine: here its ssh has a low
// priority, and stores nothing.
func (l *lab) backUpMeanwhile(ctx context.Context) func() error {
	ended := make(chan error, 1)
	go func() {
		_, err := l.run(ctx, l.dir, "sh", "-c", "exec nice -n 19 ssh -F ssh_config "+ours+" backup >/dev/null")
		ended <- err
	}()
	return func() error { return <-ended }
}

// restoreTime measures the time from a backup to a server that is ready.
func restoreTime(ctx context.Context, l *lab, r *result) error {
	restored, ready := &series{of: "restore"}, &series{of: "restore, and a start to ready"}
	cp := &series{of: "cp -a of the data directory, and sync"}
	if err := l.server.stop(); err != nil {
		return err
	}
	if err := os.Rename(l.path("data"), l.path("former")); err != nil {
		return err
	}
	for range l.rounds(3) {
		start := time.Now()
		if _, err := l.run(ctx, l.dir, "sh", "-c", "cp -a former copy && sync -f copy"); err != nil {
			return err
		}
		cp.add(time.Since(start))
		start = time.Now()
		if _, err := l.run(ctx, l.dir, l.program(), "restore", l.path("backup"), "--data", l.path("data")); err != nil {
			return err
		}
		took := time.Since(start)
		restored.add(took)
		started, err := l.startServer(ctx)
		if err != nil {
			return err
		}
		ready.add(took + started)
		if err := l.server.stop(); err != nil {
			return err
		}
		for _, dir := range []string{"copy", "data"} {
			if err := os.RemoveAll(l.path(dir)); err != nil {
				return err
			}
		}
	}
	r.series = append(r.series, restored, ready, cp)
	r.fact(fact{what: "restore, and a start to ready", value: ready.median(), unit: " s", goal: atMost, limit: 60})
	return nil
}

// program is the path of the program under test.
func (l *lab) program() string { return filepath.Join(l.settings.bin, "pushboat") }

// fillPacks writes n repositories into the store of a stopped server. Their objects are in
// packs, on a branch that deploys nothing.
func (l *lab) fillPacks(ctx context.Context, n int) error {
	first := l.path("data", "repos", "repo-0000.git")
	if _, err := l.run(ctx, l.dir, "git", "init", "-q", "--bare", "--template=", "-b", "main", first); err != nil {
		return err
	}
	for i := range packsOfEach {
		if err := l.importPack(ctx, first, i); err != nil {
			return err
		}
	}
	for i := 1; i < n; i++ {
		if _, err := l.run(ctx, l.dir, "cp", "-a", first, l.path("data", "repos", fmt.Sprintf("repo-%04d.git", i))); err != nil {
			return err
		}
	}
	return nil
}

// importPack commits a file in a pack of its own.
func (l *lab) importPack(ctx context.Context, bare string, i int) error {
	data := make([]byte, bytesOfPack)
	_, _ = rand.Read(data) // never fails, see its documentation
	text := hex.EncodeToString(data)
	var b strings.Builder
	b.WriteString("commit refs/heads/data\ncommitter Bench <bench@example.org> 1790000000 +0000\ndata 5\nBegin\n")
	if i > 0 {
		b.WriteString("from refs/heads/data^0\n")
	}
	fmt.Fprintf(&b, "M 100644 inline file-%d\ndata %d\n%s\ndone\n", i, len(text), text)
	script := filepath.Join(l.dir, "import")
	if err := os.WriteFile(script, []byte(b.String()), 0o600); err != nil {
		return err
	}
	_, err := l.run(ctx, bare, "sh", "-c", `exec git -c fastimport.unpackLimit=1 fast-import --quiet --done <"$0"`, script)
	return err
}
