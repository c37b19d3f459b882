package datadir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/sirupsen/logrus"
)

// A step is carried out in this order, with each line on disk before the next:
//
//	.upgrade.new/    the plan, the new contents, and the files as they are now
//	.upgrade/        the same, renamed: from here on the step is done to its end
//	the files        each replaced by a rename, or removed
//	version          the new one
//	before/N/        the plan and the former files, where they stay
//
// The remains of a crash in the first line are removed; later lines are done again, and
// have the same result however often they are done.
const (
	preparing = ".upgrade.new"
	prepared  = ".upgrade"
	planFile  = "plan.json"
	newFiles  = "new"    // in prepared
	oldFiles  = "files"  // in prepared, and later in before/N
	kept      = "before" // in the data directory
)

// maxPlan bounds a plan that is read, in bytes.
const maxPlan = 16 << 20

// plan lists the changes of a step.
type plan struct {
	To     int      `json:"to"`
	Does   string   `json:"does"`
	Write  []string `json:"write"`  // replaced or added
	Remove []string `json:"remove"` // existing files
}

// Upgrade brings a directory to the current version, step by step. The caller must be
// its only user, and Check must have succeeded.
func Upgrade(dir string, log *logrus.Entry) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("upgrade the data directory: %w", err)
	}
	defer root.Close()
	u := upgrade{disk: disk{root: root}, steps: steps, log: log}
	if err := u.run(dir); err != nil {
		return fmt.Errorf("upgrade data directory %q: %w; it is finished at the next start", dir, err)
	}
	return nil
}

// upgrade is the upgrade of one directory.
type upgrade struct {
	disk  disk
	steps table
	log   *logrus.Entry
}

func (u *upgrade) run(dir string) error {
	if err := u.disk.removeAll(preparing); err != nil {
		return err
	}
	if at, ok, err := underway(dir); err != nil {
		return err
	} else if ok {
		if err := u.finish(at); err != nil {
			return err
		}
	}
	has, err := u.steps.read(dir)
	if err != nil {
		return err
	}
	for ; has < u.steps.current(); has++ {
		if err := u.step(has, u.steps[has-1]); err != nil {
			return fmt.Errorf("from version %d to %d: %w", has, has+1, err)
		}
	}
	return u.mark(has)
}

// mark writes the version of a directory that has no version file. For version 1, that
// can wait until the disk has space: no file means the same.
func (u *upgrade) mark(version int) error {
	if _, err := u.disk.root.Lstat(versionFile); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err := u.disk.write(versionFile, []byte(strconv.Itoa(version)+"\n"))
	if err != nil && version == 1 {
		u.log.Warnf("the version of the data directory is not written yet: %v", err)
		return nil
	}
	return err
}

// underway returns the plan of a step that was prepared and not finished, if there is
// one.
func underway(dir string) (plan, bool, error) {
	file, err := os.Open(filepath.Join(dir, prepared, planFile))
	if errors.Is(err, fs.ErrNotExist) {
		return plan{}, false, nil
	}
	var at plan
	if err == nil {
		defer file.Close()
		err = json.NewDecoder(io.LimitReader(file, maxPlan)).Decode(&at)
	}
	if err != nil {
		return plan{}, false, fmt.Errorf("read the plan of an upgrade: %w", err)
	}
	return at, true, nil
}

// step carries out one step.
func (u *upgrade) step(from int, s step) error {
	old, err := u.read(s.reads)
	if err != nil {
		return err
	}
	changed, err := s.change(maps.Clone(old))
	if err != nil {
		return err
	}
	at := plan{To: from + 1, Does: s.does}
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		_, was := old[name]
		switch {
		case !fs.ValidPath(name) || name == ".":
			return fmt.Errorf("%q is no path of a file", name)
		case changed[name] != nil:
			at.Write = append(at.Write, name)
		case was:
			at.Remove = append(at.Remove, name)
		}
	}
	u.log.Infof("data directory: to version %d: %s; the files that it changes stay in %s/%d as they were", at.To, s.does, kept, from)
	if err := u.prepare(at, old, changed); err != nil {
		return err
	}
	return u.finish(at)
}

// read reads the files that a step asks for.
func (u *upgrade) read(patterns []string) (files, error) {
	found, size := files{}, 0
	for _, pattern := range patterns {
		names, err := fs.Glob(u.disk.root.FS(), pattern)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", pattern, err)
		}
		for _, name := range names {
			info, err := u.disk.root.Lstat(name)
			if err != nil || !info.Mode().IsRegular() {
				continue
			}
			if size += int(info.Size()); size > maxRead {
				return nil, fmt.Errorf("%s: there is more than %d MiB", pattern, maxRead>>20)
			}
			if found[name], err = u.disk.root.ReadFile(name); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

// prepare puts everything that a step needs on disk, and then gives it its name.
func (u *upgrade) prepare(at plan, old, changed files) error {
	text, err := json.MarshalIndent(at, "", "  ")
	if err != nil {
		return err
	}
	if err := u.disk.write(path.Join(preparing, planFile), append(text, '\n')); err != nil {
		return err
	}
	for _, name := range at.Write {
		if err := u.disk.write(path.Join(preparing, newFiles, name), changed[name]); err != nil {
			return err
		}
	}
	for _, name := range slices.Concat(at.Write, at.Remove) {
		if content, was := old[name]; was {
			if err := u.disk.write(path.Join(preparing, oldFiles, name), content); err != nil {
				return err
			}
		}
	}
	return u.disk.rename(preparing, prepared)
}

// finish completes a prepared step.
func (u *upgrade) finish(at plan) error {
	for _, name := range at.Write {
		content, err := u.disk.root.ReadFile(path.Join(prepared, newFiles, name))
		if err == nil {
			err = u.disk.write(name, content)
		}
		if err != nil {
			return err
		}
	}
	for _, name := range at.Remove {
		if err := u.disk.removeAll(name); err != nil {
			return err
		}
	}
	if err := u.disk.write(versionFile, []byte(strconv.Itoa(at.To)+"\n")); err != nil {
		return err
	}
	into := path.Join(kept, strconv.Itoa(at.To-1))
	if err := u.disk.removeAll(into); err != nil { // of an earlier upgrade, before somebody went back
		return err
	}
	if err := u.disk.mkdir(kept); err != nil {
		return err
	}
	return u.disk.rename(prepared, into)
}
