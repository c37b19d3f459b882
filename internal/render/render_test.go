package render

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render/worker"
)

// object returns the manifest of a ConfigMap.
func object(name string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n", name)
}

// revision makes a tree from path, text, path, text.
func revision(pairs ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for i := 0; i+1 < len(pairs); i += 2 {
		fsys[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return fsys
}

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == worker.Command {
		if err := Serve(context.Background(), os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) == 2 && os.Args[1] == hostileCommand {
		if err := serve(context.Background(), os.Stdin, os.Stdout, hostileLimits); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// renderApp renders an app in a session of its own.
func renderApp(fsys fs.FS, app appfile.App) (Result, manifest.Problems) {
	program, err := worker.Program()
	if err != nil {
		return Result{}, manifest.Problems{{Message: err.Error()}}
	}
	pool := worker.NewPool(program, worker.DefaultLimits, logrus.NewEntry(logrus.New()))
	defer pool.Close()
	session := New(pool, nil).Session(fsys)
	defer session.Close()
	return session.App(context.Background(), app)
}

func TestAppNamesItselfInProblems(t *testing.T) {
	fsys := revision("b.yaml", "x: 1", "a.yaml", "y: [", "c.yaml", object("c"))
	result, problems := renderApp(fsys, appfile.App{Name: "shop", Path: "."})
	var got []string
	for _, p := range problems {
		got = append(got, string(p.App)+" "+p.Source.String())
	}
	if want := []string{"shop a.yaml:1", "shop b.yaml:1"}; !slices.Equal(got, want) {
		t.Errorf("problems %v, want %v", got, want)
	}
	if len(result.Objects) != 1 {
		t.Errorf("%d objects beside the problems, want 1", len(result.Objects))
	}
}

func TestAppLeavesOutFoldersOfOtherApps(t *testing.T) {
	fsys := revision(appfile.Name, "apps: [{path: .}, {path: sub/inner}]", "a.yaml", object("a"), "sub/b.yaml", object("b"), "sub/inner/c.yaml", object("c"))
	file, problems := appfile.Read(fsys, appfile.Place{Repo: "site", Main: appfile.DefaultBranch})
	apps := file.Apps
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for i, want := range []string{"a b", "c"} {
		result, problems := renderApp(fsys, apps[i])
		if got := names(result.Objects); len(problems) > 0 || got != want {
			t.Errorf("app %s: objects %s, problems %v, want %s", apps[i].Name, got, problems, want)
		}
	}
}

func names(objects []*manifest.Object) string {
	var out []string
	for _, o := range objects {
		out = append(out, o.GetName())
	}
	return strings.Join(out, " ")
}

func TestDigestIsThatOfTheObjects(t *testing.T) {
	digest := func(fsys fs.FS) string {
		t.Helper()
		result, problems := renderApp(fsys, appfile.App{Path: "."})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return result.Digest
	}
	one := digest(revision("a.yaml", object("a")+"---\n"+object("b")))
	if two := digest(revision("x/b.yaml", object("b"), "z.yaml", "# moved\n"+object("a"))); two != one {
		t.Errorf("the same objects in other files have digests %s and %s", one, two)
	}
	if again := digest(revision("a.yaml", object("a")+"---\n"+object("b"))); again != one {
		t.Errorf("two renderings of one revision have digests %s and %s", one, again)
	}
	seen := map[string]string{one: "two objects"}
	for name, fsys := range map[string]fs.FS{
		"another object": revision("a.yaml", object("a")+"---\n"+object("c")),
		"one object":     revision("a.yaml", object("a")),
		"one, twice":     revision("a.yaml", object("a")+"---\n"+object("a")),
		"nothing":        revision("README", ""),
	} {
		d := digest(fsys)
		if other, ok := seen[d]; ok || len(d) != 64 {
			t.Errorf("%s and %s have digest %s", name, other, d)
		}
		seen[d] = name
	}
}
