package manifest

// Rendered checks an object that a renderer has made, as Parse checks written ones.
// source is its origin. A list is replaced by its items.
func Rendered(fields map[string]any, source Source) ([]*Object, Problems) {
	p := parser{file: source.File}
	p.values(fields, flat(fields, source.Line), 0)
	if len(p.foreign) > 0 {
		p.foreign = nil
		p.add(source.Line, Problem{Message: "the rendered document is no Kubernetes object", Hint: "an object has apiVersion and kind"})
	}
	return p.objects, p.finish()
}

// flat has one line for a value and everything in it that Parse checks.
func flat(value any, line int) lines {
	fields, ok := value.(map[string]any)
	if !ok {
		return lines{line: line}
	}
	in := &inside{make([]string, 0, len(fields)), make([]lines, 0, len(fields))}
	for key := range fields {
		part := lines{line: line}
		if items, ok := fields[key].([]any); ok && key == "items" {
			part.inside = &inside{}
			for _, item := range items {
				part.inside.parts = append(part.inside.parts, flat(item, line))
			}
		}
		in.keys, in.parts = append(in.keys, key), append(in.parts, part)
	}
	return lines{line, in}
}
