package render

import (
	"os/exec"
	"path/filepath"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// TestHelmChartsAreThoseOfKustomize: each file of testdata/helmcharts is a repository
// with a kustomization that names charts. Its want.yaml is the output of kubectl
// kustomize --enable-helm (kustomize 5.5, helm 4.3) for the folder app. Where helm is
// installed, kustomize's library is run as well.
func TestHelmChartsAreThoseOfKustomize(t *testing.T) {
	ours := newGoldenSession(t)
	program, _ := exec.LookPath("helm")
	for _, f := range fixtures(t, "testdata/helmcharts/*.txtar") {
		t.Run(f.name, func(t *testing.T) {
			want, err := f.files.ReadFile("want.yaml")
			if err != nil {
				t.Fatal(err)
			}
			got := ours.render(t, f.files, f.app)
			compare(t, "kustomize", got, objectsOf(t, want))
			if program == "" || newerKustomize[f.name] {
				return
			}
			text, err := kustomizeWithHelm(filepath.Join(f.onDisk(t), f.app.Path), program)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, "the library", got, objectsOf(t, text))
		})
	}
}

// newerKustomize are the fixtures that the library builds differently from kustomize before
// 0.21. docs/rendering.md lists them.
var newerKustomize = map[string]bool{
	"namespace": true,
}

func kustomizeWithHelm(folder, program string) ([]byte, error) {
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = types.LoadRestrictionsNone
	options.PluginConfig = types.EnabledPluginConfig(types.BploUseStaticallyLinked)
	options.PluginConfig.HelmConfig.Enabled, options.PluginConfig.HelmConfig.Command = true, program
	built, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		return nil, err
	}
	return built.AsYaml()
}
