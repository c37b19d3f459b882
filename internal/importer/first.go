package importer

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/name"
)

// encrypted matches a file that sops has encrypted.
var encrypted = regexp.MustCompile(`(?m)^sops:`)

// harmless matches what a shell takes as it is.
var harmless = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9_./-]*$`)

// makeFirst says what to do before the first push of a pushboat.yaml in which an app has values of an
// object that another app makes: there, they are read from the cluster.
func (t *Tree) makeFirst(app name.App, from appfile.ValuesFrom) []string {
	on := ""
	if cluster := t.apps[app].App.Cluster; cluster != appfile.DefaultCluster {
		on = " " + cluster
	}
	say := fmt.Sprintf("%s: %s is read from the cluster%s, and app %s makes it there (%s). Where it is not there yet, the push is refused; ", from.Source(), from.Origin(), on, from.By, from.At)
	file := from.At.File
	text, err := fs.ReadFile(t.world.Tree, file)
	if err != nil || !harmless.MatchString(file) || !harmless.MatchString(from.Namespace) || slices.Contains(meaning.Kustomizations(), path.Base(file)) {
		return []string{say + "push this file without the entry first, and then with it"}
	}
	apply := fmt.Sprintf("kubectl -n %s apply -f %s", from.Namespace, file)
	if encrypted.Match(text) {
		apply = fmt.Sprintf("sops decrypt %s | kubectl -n %s apply -f -", file, from.Namespace)
	}
	return []string{say + "make it first:", "  kubectl create namespace " + from.Namespace, "  " + apply}
}
