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
func flat(value any, line int) *lines {
	l := &lines{line: line}
	fields, ok := value.(map[string]any)
	if !ok {
		return l
	}
	for key := range fields {
		l.keys = append(l.keys, key)
		part := &lines{line: line}
		if items, ok := fields[key].([]any); ok && key == "items" {
			for _, item := range items {
				part.parts = append(part.parts, flat(item, line))
			}
		}
		l.parts = append(l.parts, part)
	}
	return l
}
