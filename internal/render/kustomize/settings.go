package kustomize

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"
	k8syaml "sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/render/substitute"
)

// settings checks the files that an app's settings name, as if they stood in the
// kustomization of its folder.
func (c *checker) settings(folder string, add appfile.Kustomize) {
	c.within = []string{folder}
	c.affix.prefixes = append(c.affix.prefixes, add.NamePrefix)
	c.affix.suffixes = append(c.affix.suffixes, add.NameSuffix)
	look := func(field string, text json.RawMessage, do func(at place, n *yaml.Node)) {
		var root yaml.Node
		if len(text) == 0 || yaml.Unmarshal(text, &root) != nil || len(root.Content) == 0 {
			return // kustomize reports the problem
		}
		at := place{file: appfile.Name, folder: folder, field: "kustomize." + field}
		unplaced(&root)
		c.each(root.Content[0], func(n *yaml.Node) { do(at, n) })
	}
	look("components", add.Components, c.component)
	look("patches", add.Patches, func(at place, n *yaml.Node) { c.local(at, child(n, "path")) })
}

// unplaced removes the lines from a node: they are those of a text in memory.
func unplaced(n *yaml.Node) {
	n.Line = 0
	for _, inner := range n.Content {
		unplaced(inner)
	}
}

// prepare returns the root kustomization with an app's settings in it and, if noted is
// set, with the request to note the origin of each object. own tells that the author
// has asked for that, and so wants it in the objects.
func prepare(fsys fs.FS, file string, add appfile.Kustomize, marks *substitute.Marks, noted bool) (root []byte, own bool, err error) {
	text, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, false, fmt.Errorf("read %s: %w", file, err)
	}
	fields := map[string]any{}
	if err := k8syaml.Unmarshal(marks.Text(text), &fields); err != nil {
		return nil, false, fmt.Errorf("read %s: %w", file, err)
	}
	canonize(fields)
	metadata, _ := fields["buildMetadata"].([]any)
	for _, option := range metadata {
		own = own || option == types.OriginAnnotations
	}
	if noted && !own {
		fields["buildMetadata"] = append(metadata, types.OriginAnnotations)
	}
	if err := addImages(fields, marks.JSON(add.Images), add); err != nil {
		return nil, false, err
	}
	for name, more := range map[string]json.RawMessage{
		"patches": add.Patches, "components": add.Components, "replicas": add.Replicas, "labels": add.Labels,
	} {
		if err := extend(fields, name, marks.JSON(more)); err != nil {
			return nil, false, err
		}
	}
	annotate(fields, add.CommonAnnotations)
	if add.Replace {
		for name, text := range map[string]string{"namePrefix": add.NamePrefix, "nameSuffix": add.NameSuffix} {
			if text != "" {
				fields[name] = text
			}
		}
	} else {
		affix(fields, "namePrefix", add.NamePrefix, "")
		affix(fields, "nameSuffix", "", add.NameSuffix)
	}
	if add.Namespace != "" {
		fields["namespace"] = add.Namespace
	}
	root, err = k8syaml.Marshal(fields)
	return root, own, err
}

// canonize spells the fields as kustomize does, which accepts any case.
func canonize(fields map[string]any) {
	for name, value := range fields {
		if is := canonical(name); is != name {
			delete(fields, name)
			fields[is] = value
		}
	}
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

// addImages adds images to those of a kustomization. One of the same name takes the place of
// that in it if the settings replace; what the settings do not say stays where Flux does it, whose
// generated kustomization is an overlay (fluxcd/pkg/kustomize, Generator).
func addImages(fields map[string]any, more json.RawMessage, add appfile.Kustomize) error {
	if !add.Replace || len(more) == 0 {
		return extend(fields, "images", more)
	}
	var images []map[string]any
	if err := json.Unmarshal(more, &images); err != nil {
		return fmt.Errorf("kustomize.images in %s: %w", appfile.Name, err)
	}
	written, _ := fields["images"].([]any)
	all := slices.Clone(written)
	for _, image := range images {
		at := slices.IndexFunc(all, func(own any) bool {
			fields, ok := own.(map[string]any)
			return ok && fields["name"] == image["name"]
		})
		switch {
		case at < 0:
			all = append(all, image)
		case add.Generate:
			own, _ := all[at].(map[string]any)
			all[at] = overlaid(own, image)
		default:
			all[at] = image
		}
	}
	fields["images"] = all
	return nil
}

// overlaid is an image of a kustomization with what another one says over it. Tag and digest
// both choose a version, and are set together.
func overlaid(own, image map[string]any) map[string]any {
	all := maps.Clone(own)
	if is(image["newName"]) {
		all["newName"] = image["newName"]
	}
	if is(image["newTag"]) || is(image["digest"]) {
		delete(all, "newTag")
		delete(all, "digest")
		for _, field := range []string{"newTag", "digest"} {
			if is(image[field]) {
				all[field] = image[field]
			}
		}
	}
	return all
}

func is(text any) bool { return text != nil && text != "" }

// annotate puts annotations over those of the field commonAnnotations.
func annotate(fields map[string]any, more map[string]string) {
	if len(more) == 0 {
		return
	}
	all := map[string]any{}
	if written, ok := fields["commonAnnotations"].(map[string]any); ok {
		maps.Copy(all, written)
	}
	for key, text := range more {
		all[key] = text
	}
	fields["commonAnnotations"] = all
}

// affix puts text around the text of a field.
func affix(fields map[string]any, name, before, after string) {
	if before == "" && after == "" {
		return
	}
	written, _ := fields[name].(string)
	fields[name] = before + written + after
}
