package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
)

// examineMachine is about the machine that the server runs on.
func (d *Doctor) examineMachine(ctx context.Context) []Finding {
	version, err := d.Git(ctx)
	findings := []Finding{judgeGit(version, err)}
	disk, err := diskOf(d.Data)
	if err != nil {
		findings = append(findings, Finding{Check: "disk", Level: Problem, Says: err.Error(), Hint: "see whether the disk of the data directory is mounted"})
	} else {
		findings = append(findings, judgeSpace(disk.free, disk.all, d.Data), judgeInodes(disk.freeFiles, disk.files))
	}
	took, err := measureSync(d.Data)
	return append(findings, judgeSync(took, err))
}

// Space returns the free bytes of the disk of a directory, and all of them.
func Space(dir string) (free, all uint64, err error) {
	disk, err := diskOf(dir)
	return disk.free, disk.all, err
}

// disk is a disk in figures: bytes and files.
type disk struct{ free, all, freeFiles, files uint64 }

func diskOf(dir string) (disk, error) {
	var is syscall.Statfs_t
	if err := syscall.Statfs(dir, &is); err != nil {
		return disk{}, err
	}
	block := uint64(max(is.Bsize, 1)) // it is positive
	//nolint:unconvert // of other types on other systems
	return disk{uint64(is.Bavail) * block, uint64(is.Blocks) * block, uint64(is.Ffree), uint64(is.Files)}, nil
}

func judgeGit(version string, err error) Finding {
	if err != nil {
		return Finding{Check: "git", Level: Problem, Says: err.Error(), Hint: "install git 2.39 or newer where the server runs"}
	}
	return Finding{Check: "git", Level: OK, Says: version}
}

// Bounds of the disk: below which part of it, and below how many bytes, free space is
// little, and next to nothing. A small part of a large disk is enough.
const (
	littlePart, nothingPart   = 0.10, 0.02
	littleBytes, nothingBytes = 2 << 30, 256 << 20
)

func judgeSpace(free, all uint64, dir string) Finding {
	f := Finding{Check: "disk", Level: OK, Says: fmt.Sprintf("%s of %s free in %s", size(free), size(all), dir)}
	part := float64(free) / float64(max(all, 1))
	switch {
	case part < nothingPart && free < littleBytes || free < nothingBytes:
		f.Level = Problem
	case part < littlePart && free < 10*littleBytes || free < littleBytes:
		f.Level = Warning
	}
	if f.Level != OK {
		f.Hint = "make room, or give it a larger disk: a server that cannot write refuses every push"
	}
	return f
}

func judgeInodes(free, all uint64) Finding {
	if all == 0 {
		return Finding{Check: "inodes", Level: OK, Says: "the file system has no limit"}
	}
	f := Finding{Check: "inodes", Level: OK, Says: fmt.Sprintf("%d of %d free", free, all)}
	switch part := float64(free) / float64(all); {
	case part < nothingPart:
		f.Level = Problem
	case part < littlePart:
		f.Level = Warning
	}
	if f.Level != OK {
		f.Hint = "remove small files that are not the server's, or give it a file system with more inodes"
	}
	return f
}

// size is a number of bytes for people.
func size(bytes uint64) string {
	const unit = 1 << 10
	value, units := float64(bytes), []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	for len(units) > 1 && value >= unit {
		value, units = value/unit, units[1:]
	}
	return fmt.Sprintf("%.1f %s", value, units[0])
}

// Bounds of the time that a small write takes to be on disk. A push waits for about five.
const (
	slowSync = 50 * time.Millisecond
	badSync  = 500 * time.Millisecond
	syncs    = 5 // how many writes are measured
)

func judgeSync(took time.Duration, err error) Finding {
	f := Finding{Check: "fsync", Level: OK, Says: fmt.Sprintf("a write is on disk in %s", manifest.Roughly(took))}
	if took < time.Second {
		f.Says = fmt.Sprintf("a write is on disk in %.1f ms", float64(took)/float64(time.Millisecond))
	}
	switch {
	case err != nil:
		return Finding{Check: "fsync", Level: Problem, Says: "the data directory cannot be written to: " + err.Error(), Hint: "make room, and see whether the disk is mounted read-only"}
	case took >= badSync:
		f.Level = Problem
	case took >= slowSync:
		f.Level = Warning
	}
	if f.Level != OK {
		f.Hint = "each push waits for several such writes: give the data directory a faster disk"
	}
	return f
}

// measureSync returns the median time in which a few small writes to a file of its own are
// on disk.
func measureSync(dir string) (took time.Duration, err error) {
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	times := make([]time.Duration, syncs)
	for i := range times {
		began := time.Now()
		_, err := f.Write(make([]byte, 4<<10))
		if err := errors.Join(err, f.Sync()); err != nil {
			return 0, err
		}
		times[i] = time.Since(began)
	}
	slices.Sort(times)
	return times[syncs/2], nil
}
