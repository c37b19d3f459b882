package datadir

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
)

// three leads from version 1 to 3: the first step renames a file and changes its form, and
// the second step adds a file beside it.
var three = table{
	{does: "rename old.key", reads: []string{"old.key", "many/*"}, change: func(old files) (files, error) {
		changed := files{"keys/new.key": append([]byte("v2 "), old["old.key"]...), "old.key": nil, "absent": nil}
		for name := range old {
			if strings.HasPrefix(name, "many/") {
				changed[name] = append([]byte("v2 "), old[name]...)
			}
		}
		return changed, nil
	}},
	{does: "add keys/next", reads: []string{"keys/*"}, change: func(old files) (files, error) {
		return files{"keys/next": old["keys/new.key"], "keys/new.key": append([]byte("v3 "), old["keys/new.key"]...)}, nil
	}},
}

// lay writes files into a new directory.
func lay(t *testing.T, content map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range content {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// first is a directory of version 1.
func first(t *testing.T) string {
	return lay(t, map[string]string{"server.id": "id", "old.key": "key", "many/a": "A", "many/b": "B", "other": "stays"})
}

// has reads all files of a directory, except the plans, which have a test of their own.
func has(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == planFile {
			return err
		}
		text, err := os.ReadFile(path)
		found[filepath.ToSlash(strings.TrimPrefix(path, dir+"/"))] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func same(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s: %s is %q, want %q", what, name, got[name], text)
		}
	}
	for name := range got {
		if _, wanted := want[name]; !wanted {
			t.Errorf("%s: the directory also has %s", what, name)
		}
	}
}

// third is the directory of first after both steps.
var third = map[string]string{
	"server.id": "id", "other": "stays", "version": "3\n",
	"many/a": "v2 A", "many/b": "v2 B", "keys/new.key": "v3 v2 key", "keys/next": "v2 key",
	"before/1/files/old.key": "key", "before/1/files/many/a": "A", "before/1/files/many/b": "B",
	"before/1/new/keys/new.key": "v2 key", "before/1/new/many/a": "v2 A", "before/1/new/many/b": "v2 B",
	"before/2/files/keys/new.key": "v2 key", "before/2/new/keys/new.key": "v3 v2 key", "before/2/new/keys/next": "v2 key",
}

var errStopped = errors.New("stopped")

// run upgrades a directory, and stops before the n-th change; 0 for never.
func run(t *testing.T, dir string, steps table, n int) error {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	log := logrus.New()
	log.SetOutput(io.Discard)
	u := upgrade{disk: disk{root: root}, steps: steps, log: logrus.NewEntry(log)}
	if n > 0 {
		u.disk.act = func() error {
			if n--; n == 0 {
				return errStopped
			}
			return nil
		}
	}
	return u.run(dir)
}

func TestDirectoryIsUpgradedStepByStep(t *testing.T) {
	dir := first(t)
	if err := run(t, dir, three, 0); err != nil {
		t.Fatal(err)
	}
	same(t, "upgraded", has(t, dir), third)
	if err := run(t, dir, three, 0); err != nil {
		t.Fatal(err)
	}
	same(t, "upgraded again", has(t, dir), third)
}

// TestCrashAnywhereComesToTheSameEnd: the server is killed before each change of an
// upgrade, and twice more while it continues the upgrade.
func TestCrashAnywhereComesToTheSameEnd(t *testing.T) {
	changes := 0
	for n := 1; ; n++ {
		dir := first(t)
		err := run(t, dir, three, n)
		if err == nil {
			break
		}
		if !errors.Is(err, errStopped) {
			t.Fatal(err)
		}
		changes++
		for _, again := range []int{1, 3} {
			if err := run(t, dir, three, again); err != nil && !errors.Is(err, errStopped) {
				t.Fatalf("stopped before change %d, and change %d later: %v", n, again, err)
			}
		}
		if err := run(t, dir, three, 0); err != nil {
			t.Fatalf("after a stop before change %d: %v", n, err)
		}
		same(t, "after a stop", has(t, dir), third)
		if t.Failed() {
			t.Fatalf("stopped before change %d", n)
		}
	}
	if changes < 20 {
		t.Errorf("an upgrade of two steps made %d changes: were they all tried?", changes)
	}
}

// TestStepThatFailsChangesNothing: a step is prepared before it changes files, so a step
// that fails has changed none.
func TestStepThatFailsChangesNothing(t *testing.T) {
	broken := errors.New("broken")
	for name, change := range map[string]func(files) (files, error){
		"it says so":       func(files) (files, error) { return nil, broken },
		"a path leads out": func(files) (files, error) { return files{"../out": []byte("x"), "old.key": nil}, nil },
		"no path":          func(files) (files, error) { return files{".": []byte("x"), "old.key": nil}, nil },
	} {
		dir := first(t)
		before := has(t, dir)
		if err := run(t, dir, table{{does: name, reads: []string{"old.key"}, change: change}}, 0); err == nil {
			t.Errorf("%s: no error", name)
		}
		same(t, name, has(t, dir), before)
	}
}

// TestOlderServerRefuses: only a newer server can finish the step that it has prepared.
func TestOlderServerRefuses(t *testing.T) {
	dir := first(t)
	for n := 1; ; n++ {
		if _, err := os.Lstat(filepath.Join(dir, prepared)); err == nil {
			break
		}
		dir = first(t)
		if err := run(t, dir, three, n); err == nil {
			t.Fatal("no stop left a step that was prepared and not done")
		}
	}
	for name, dir := range map[string]string{
		"a newer directory":  lay(t, map[string]string{"version": "3\n"}),
		"a half newer one":   dir,
		"a much newer one":   lay(t, map[string]string{"version": "999\n"}),
		"without final line": lay(t, map[string]string{"version": "2"}),
	} {
		before := has(t, dir)
		var newer *NewerError
		err := table{}.check(dir)
		if !errors.As(err, &newer) || newer.Supports != 1 || newer.Has < 2 {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !strings.Contains(err.Error(), "pushboat restore") {
			t.Errorf("%s: the error names no way back: %v", name, err)
		}
		same(t, name, has(t, dir), before)
	}
}

func TestVersions(t *testing.T) {
	for name, test := range map[string]struct {
		content map[string]string
		want    int // 0 for an error
	}{
		"nothing":            {nil, 3},
		"folders of a start": {map[string]string{"run/probe": "", "hooks/pre-receive": "", "repos/.lock": ""}, 3},
		"an id":              {map[string]string{"server.id": "x"}, 1},
		"a secret":           {map[string]string{"mask.key": "x"}, 1},
		"a host key":         {map[string]string{"ssh/host_ed25519": "x"}, 1},
		"a repository":       {map[string]string{"repos/team/shop.git/HEAD": "x"}, 1},
		"version 2":          {map[string]string{"version": "2\n", "server.id": "x"}, 2},
		"no number":          {map[string]string{"version": "two\n"}, 0},
		"an empty file":      {map[string]string{"version": ""}, 0},
		"zero":               {map[string]string{"version": "0\n"}, 0},
		"a long text":        {map[string]string{"version": strings.Repeat("1", 1<<16)}, 0},
	} {
		got, err := three.read(lay(t, test.content))
		if got != test.want || (err == nil) != (test.want > 0) {
			t.Errorf("%s: version %d, %v; want %d", name, got, err, test.want)
		}
	}
	if got, err := three.read(filepath.Join(t.TempDir(), "absent")); got != 3 || err != nil {
		t.Errorf("a directory that does not exist: version %d, %v", got, err)
	}
}

func TestUnfinishedRestoreIsRefused(t *testing.T) {
	dir := lay(t, map[string]string{Unfinished + "/server.id": "x", "server.id": "x"})
	if err := Check(dir); err == nil || !strings.Contains(err.Error(), "restore again") {
		t.Error(err)
	}
}

// TestPresentVersionIsWritten: a directory that this program opens gets the current
// version, and can be opened again.
func TestPresentVersionIsWritten(t *testing.T) {
	log := logrus.New()
	log.SetOutput(io.Discard)
	for name, content := range map[string]map[string]string{
		"a new directory": {}, "one of before versions": {"server.id": "x"},
	} {
		dir := lay(t, content)
		if err := Check(dir); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := Upgrade(dir, logrus.NewEntry(log)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := Read(dir); err != nil || got != steps.current() {
			t.Errorf("%s: version %d, %v", name, got, err)
		}
		if err := Check(dir); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
