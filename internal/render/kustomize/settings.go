package kustomize

import (
	"encoding/json"
	"fmt"
	"io/fs"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/appfile"
)

// prepare returns the root kustomization with an app's settings in it, and with
// the request to say where each object comes from. own tells that the author has
// asked for that too, and so wants it in the objects.
func prepare(fsys fs.FS, file string, add appfile.Kustomize) (root []byte, own bool, err error) {
	text, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, false, fmt.Errorf("read %s: %w", file, err)
	}
	fields := map[string]any{}
	if err := yaml.Unmarshal(text, &fields); err != nil {
		return nil, false, fmt.Errorf("read %s: %w", file, err)
	}
	metadata, _ := fields["buildMetadata"].([]any)
	for _, option := range metadata {
		own = own || option == types.OriginAnnotations
	}
	if !own {
		fields["buildMetadata"] = append(metadata, types.OriginAnnotations)
	}
	for name, more := range map[string]json.RawMessage{
		"images": add.Images, "patches": add.Patches, "components": add.Components, "replicas": add.Replicas,
	} {
		if err := extend(fields, name, more); err != nil {
			return nil, false, err
		}
	}
	affix(fields, "namePrefix", add.NamePrefix, "")
	affix(fields, "nameSuffix", "", add.NameSuffix)
	root, err = yaml.Marshal(fields)
	return root, own, err
}

// extend appends the elements of a list in JSON to a field.
func extend(fields map[string]any, name string, more json.RawMessage) error {
	if len(more) == 0 {
		return nil
	}
	var elements []any
	if err := json.Unmarshal(more, &elements); err != nil {
		return fmt.Errorf("kustomize.%s in %s: %w", name, appfile.Name, err)
	}
	written, _ := fields[name].([]any)
	fields[name] = append(written, elements...)
	return nil
}

// affix puts text around the text of a field.
func affix(fields map[string]any, name, before, after string) {
	if before == "" && after == "" {
		return
	}
	written, _ := fields[name].(string)
	fields[name] = before + written + after
}
