package golden

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/name"
)

// roots are the files of the repositories that flux bootstrap has written.
var roots = map[string]string{
	"monorepo":    "clusters/prod/flux-system/gotk-sync.yaml",
	"corners":     "clusters/main/flux-system/gotk-sync.yaml",
	"rootpatches": "kubernetes/flux/cluster/flux-system/gotk-sync.yaml",
	"releases":    "clusters/main/flux-system/gotk-sync.yaml",
}

// TestFluxBuildsTheSame: each app of a repository of Flux has the objects that Flux applies.
func TestFluxBuildsTheSame(t *testing.T) {
	for repository, root := range roots {
		t.Run(repository, func(t *testing.T) {
			folder := checkedOut(t, repository)
			c := &controller{repository: folder, scratch: t.TempDir, applied: map[string][]object{}, data: map[string]object{}}
			if err := c.run(root); err != nil {
				t.Fatal(err)
			}
			want := map[name.App]map[string]string{}
			for made, objects := range c.applied {
				want[appOf(repository, made)] = keyed(t, objects)
			}
			compare(t, want, rendered(t, folder))
		})
	}
}

// TestArgoBuildsTheSame: each app of a repository of Argo CD has the objects that Argo CD applies. Its
// libraries bring half of its server with them, so what they make is written down, in want.
func TestArgoBuildsTheSame(t *testing.T) {
	for _, repository := range []string{"appofapps", "directories"} {
		t.Run(repository, func(t *testing.T) {
			want, err := os.ReadFile(filepath.Join("want", repository+".yaml"))
			if err != nil {
				t.Fatal(err)
			}
			compare(t, byApp(t, string(want)), rendered(t, checkedOut(t, repository)))
		})
	}
}

// checkedOut is a folder with a repository, which is called like it.
func checkedOut(t *testing.T, repository string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), repository)
	if err := os.CopyFS(folder, os.DirFS(filepath.Join("trees", repository))); err != nil {
		t.Fatal(err)
	}
	return folder
}

// appOf is the app that a Kustomization or HelmRelease, as Kind/name, is here.
func appOf(repository, made string) name.App {
	kind, called, _ := strings.Cut(made, "/")
	switch {
	case kind == "Kustomization" && called == "flux-system":
		return name.App(repository)
	case kind == "HelmRelease" && called == "same":
		return "same-release"
	}
	return name.App(called)
}

// rendered are the objects of each app of a folder, as the server would deploy them.
func rendered(t *testing.T, folder string) map[name.App]map[string]string {
	t.Helper()
	var out, wrong bytes.Buffer
	cmd := exec.CommandContext(t.Context(), filepath.Join("..", "..", "bin", "pushboat"), "render", "--show-secrets", "--plain-secrets", folder)
	cmd.Stdout, cmd.Stderr, cmd.Env = &out, &wrong, []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	if err := cmd.Run(); err != nil {
		t.Fatalf("pushboat render: %v (make build makes it)\n%s", err, wrong.String())
	}
	return byApp(t, out.String())
}

// byApp are the objects of each app, in the text that pushboat render prints.
func byApp(t *testing.T, text string) map[name.App]map[string]string {
	t.Helper()
	apps := map[name.App][]object{}
	for _, part := range strings.Split(text, "---\n# app ")[1:] {
		head, _, _ := strings.Cut(part, "\n")
		app, _, _ := strings.Cut(head, ",")
		o, err := plain([]byte("# " + part))
		if err != nil {
			t.Fatal(err)
		}
		apps[name.App(app)] = append(apps[name.App(app)], o)
	}
	all := map[name.App]map[string]string{}
	for app, objects := range apps {
		all[app] = keyed(t, objects)
	}
	return all
}

// keyed are objects as JSON, by what names them. A hook may be called as another object.
func keyed(t *testing.T, objects []object) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, o := range objects {
		text, err := json.MarshalIndent(o, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		metadata, _ := o["metadata"].(map[string]any)
		annotations, _ := metadata["annotations"].(map[string]any)
		key := fmt.Sprint(o["apiVersion"], " ", o["kind"], " ", metadata["namespace"], "/", metadata["name"])
		if annotations["helm.sh/hook"] != nil {
			key += " hook"
		}
		if all[key] != "" {
			t.Errorf("%s is there twice", key)
		}
		all[key] = string(text)
	}
	return all
}

// compare reports each difference.
func compare(t *testing.T, want, got map[name.App]map[string]string) {
	t.Helper()
	for app, objects := range want {
		for key, text := range objects {
			switch is, has := got[app][key]; {
			case !has:
				t.Errorf("app %s lacks %s\nand has %s", app, key, strings.Join(slices.Collect(keys(got[app])), ", "))
			case is != text:
				t.Errorf("app %s: %s\n%s", app, key, difference(text, is))
			}
		}
	}
	for app, objects := range got {
		for key := range objects {
			if _, has := want[app][key]; !has {
				t.Errorf("app %s has %s, which is not wanted", app, key)
			}
		}
	}
}

func keys(of map[string]string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for key := range of {
			if !yield(key) {
				return
			}
		}
	}
}

// difference are the lines that only one of two texts has.
func difference(want, is string) string {
	var text strings.Builder
	wanted, got := strings.Split(want, "\n"), strings.Split(is, "\n")
	for _, line := range wanted {
		if !slices.Contains(got, line) {
			fmt.Fprintf(&text, "  want %s\n", strings.TrimSpace(line))
		}
	}
	for _, line := range got {
		if !slices.Contains(wanted, line) {
			fmt.Fprintf(&text, "  is   %s\n", strings.TrimSpace(line))
		}
	}
	if text.Len() == 0 {
		return "  the lines are in another order\n"
	}
	return text.String()
}
