package appfile

import (
	"path"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Import says that the apps of a revision are objects of other tools in it. The zero value
// leaves it to what the revision has, where it has no pushboat.yaml.
type Import struct {
	Tool   string          // one of Tools
	Root   string          // the folder of the roots; "": where they are found
	Self   []string        // addresses that mean this repository
	Source manifest.Source // of the entry
}

// Tools are the values of Import.Tool: ToolAuto is whatever the revision has.
const (
	ToolAuto = "auto"
	ToolFlux = "flux"
	ToolArgo = "argo"
)

// Tools are the tools whose objects are read.
var Tools = []string{ToolAuto, ToolFlux, ToolArgo}

var importFields = []string{"tool", "root", "self"}

// readImport reads the tool, or a mapping with it.
func (r *reader) readImport(fields map[string]field) Import {
	f, ok := fields["import"]
	if !ok {
		return Import{}
	}
	found := Import{Tool: ToolAuto, Source: manifest.Source{File: Name, Line: f.Line}}
	if f.Value.Kind == yaml.ScalarNode {
		found.Tool, _ = r.OneOf(f, Tools...)
	} else {
		settings := r.Fields(f.Value, "import", importFields)
		if tool, ok := settings["tool"]; ok {
			tool.Name = "import.tool"
			found.Tool, _ = r.OneOf(tool, Tools...)
		}
		if root, ok := settings["root"]; ok {
			text, _ := r.Text(root)
			if message := checkPath(text); message != "" {
				r.Add(root.Line, "import.root: "+text+" "+message, "")
			}
			found.Root = path.Clean(text)
		}
		if self, ok := settings["self"]; ok {
			self.Name = "import.self"
			found.Self = r.texts(self)
		}
	}
	if apps, ok := fields["apps"]; ok {
		r.Add(apps.Line, "apps: has no effect beside import", "take one of the two out")
	}
	return found
}
