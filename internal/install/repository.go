package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/report"
)

// appFile is pushboat.yaml of the repository that deploys the server.
const appFile = `# This repository deploys the Pushboat server that hosts it: see docs/install.md,
# "The server deploys itself". Nothing in it is ever deleted from the cluster.
apps:
  - name: ` + App + `
    path: server
    namespace: ` + kube.SystemNamespace + `
    timeout: 10m
`

// WriteRepository writes the content of the repository that deploys the installed server
// into a new folder, and says how to go on.
func WriteRepository(ctx context.Context, order Order, dir string, out io.Writer) error {
	cluster, err := order.open()
	if err != nil {
		return err
	}
	values, err := order.values(ctx, cluster)
	if err != nil {
		return err
	}
	repository := values.selfRepository()
	if repository == "" {
		return report.WithHint(errors.New("the installed server deploys nothing of itself"), "allow it: pushboat install --self-deploy")
	}
	objects, err := renderFor(ctx, cluster, values, order.Version)
	if err != nil {
		return err
	}
	if err := writeFolder(dir, objects); err != nil {
		return err
	}
	fmt.Fprintf(out, `The server's own manifests are in %[1]s. An admin pushes them to the server:

    cd %[1]s
    git init -b main && git add . && git commit -m "The server"
    git push ssh://git@HOST/%[2]s.git main

From then on a commit there changes the server, and pushboat install does no more.
`, dir, repository)
	return nil
}

// writeFolder writes a repository into a folder, which has to be new or empty.
func writeFolder(dir string, objects []*manifest.Object) error {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return report.WithHint(fmt.Errorf("%q is not empty", dir), "name a new folder")
	}
	files := map[string]string{"pushboat.yaml": appFile}
	for _, o := range objects {
		if !isChangeable(o.ID()) {
			continue
		}
		text, err := yaml.Marshal(o.Object)
		if err != nil {
			return fmt.Errorf("write %s: %w", o.ID(), err)
		}
		file := strings.ToLower(o.GetKind()) + strings.TrimPrefix(o.GetName(), App) + ".yaml" // service.yaml, service-web.yaml
		files[filepath.Join("server", file)] = string(text)
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return fmt.Errorf("write the repository: %w", err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			return fmt.Errorf("write the repository: %w", err)
		}
	}
	return nil
}

// refuseSelf returns an error if the server deploys itself: it would take back at once
// whatever an installation changes. An installation that ends that is none.
func (o Order) refuseSelf(ctx context.Context, cluster *kube.Cluster) error {
	if o.Given.SelfDeploy == NoSelf {
		return nil
	}
	set, err := getServer(ctx, cluster)
	if err != nil || set == nil || set.GetLabels()[kube.PartOfLabel] == "" {
		return err
	}
	return report.WithHint(errors.New("the server deploys itself from a repository, and would take back what is changed here"),
		"commit the change there; if the server does not run, end that: pushboat install --self-deploy=%s", NoSelf)
}
