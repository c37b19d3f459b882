package script

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"

	"github.com/pushboat/pushboat/internal/render/charts/chartstest"
)

const chartsUsage = "charts start | stop | off | on | publish DIR | push DIR | artifact DIR NAME TAG | guard USER:PASSWORD | asked PATTERN | authority DIR | sign NAME VERSION key|SUBJECT"

// cmdCharts runs a registry of charts for the script.
func cmdCharts(ts *testscript.TestScript, neg bool, args []string) {
	s := on(ts)
	switch verb := strings.Join(args, " "); {
	case verb == "start" && !neg && s.charts == nil:
		registry, err := chartstest.Start()
		ts.Check(err)
		ts.Defer(registry.Close)
		s.charts = registry
		ts.Setenv("CHARTS", registry.Repo())
		ts.Setenv("OCI", registry.OCI())
	case s.charts == nil:
		ts.Fatalf("usage: %s; start comes first", chartsUsage)
	case verb == "stop" && !neg:
		s.charts.Close()
	case (verb == "off" || verb == "on") && !neg:
		s.charts.Away(verb == "off")
	case len(args) == 2 && args[0] == "guard" && !neg:
		s.charts.Guard(args[1])
	case len(args) == 2 && args[0] == "asked":
		found := strings.Contains(strings.Join(s.charts.Asked(), "\n"), args[1])
		if found == neg {
			ts.Fatalf("the registry got these requests:\n%s", strings.Join(s.charts.Asked(), "\n"))
		}
	case len(args) == 2 && args[0] == "authority" && !neg:
		ts.Check(s.authority(ts.MkAbs(args[1])))
	case len(args) == 4 && args[0] == "artifact" && !neg:
		ts.Check(s.pushArtifact(ts.MkAbs(args[1]), args[2], args[3]))
	case len(args) == 4 && args[0] == "sign" && !neg && s.signing != nil:
		ts.Check(s.sign(args[1], args[2], args[3]))
	case len(args) == 2 && !neg:
		ts.Check(s.publish(args[0], ts.MkAbs(args[1])))
	default:
		ts.Fatalf("usage: %s", chartsUsage)
	}
}

// publish packs the chart of a folder, as helm package does, and adds it to the registry.
func (s *stage) publish(where, dir string) error {
	loaded, archive, err := pack(dir)
	if err != nil {
		return err
	}
	switch where {
	case "publish":
		s.charts.Publish(loaded.Metadata.Name, loaded.Metadata.Version, archive)
		return nil
	case "push":
		return s.charts.Push(loaded.Metadata.Name, loaded.Metadata.Version, archive)
	}
	return fmt.Errorf("usage: %s", chartsUsage)
}

// pushArtifact pushes the files of a folder under a tag, as flux push artifact does.
func (s *stage) pushArtifact(dir, name, tag string) error {
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, file))
		files[file] = string(text)
		return err
	})
	if err != nil {
		return err
	}
	layer, err := chartstest.Archive(files)
	if err != nil {
		return err
	}
	return s.charts.PushArtifact(name, tag, layer)
}

func pack(dir string) (*chart.Chart, []byte, error) {
	loaded, err := loader.Load(dir)
	if err != nil {
		return nil, nil, err
	}
	to, err := os.MkdirTemp(filepath.Dir(dir), "packed-")
	if err != nil {
		return nil, nil, err
	}
	file, err := chartutil.Save(loaded, to)
	if err != nil {
		return nil, nil, err
	}
	archive, err := os.ReadFile(file)
	return loaded, archive, err
}
