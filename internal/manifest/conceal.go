package manifest

import (
	"slices"
	"strconv"
	"strings"
)

// Conceal notes fields, by JSON pointers, that depend on hidden values. A text that a
// template makes of a password is as secret as the password, and can look like
// anything, so its place masks it. Its texts are also hidden by their value (see Hide),
// since errors repeat them, unless they are too short to tell from others. Pointers to
// missing fields change nothing.
func (o *Object) Conceal(pointers ...string) {
	for _, pointer := range pointers {
		steps, err := ParsePointer(pointer)
		if err != nil {
			continue
		}
		value, ok := valueAt(o.Object, steps)
		if !ok {
			continue
		}
		o.concealed = append(slices.Clip(o.concealed), pointer)
		EachText(value, func(text string) {
			switch {
			case text == "true" || text == "false":
			case len(text) < shortSecret:
				o.short = append(slices.Clip(o.short), text)
			default:
				o.Hide(text)
			}
		})
	}
}

// Concealed are the pointers that Conceal has noted.
func (o *Object) Concealed() []string { return o.concealed }

// ConcealAs conceals in the object what another version of it conceals, from which elements of
// lists may be missing, or have moved. An element is known by its name. Where elements have
// none and their list is not as long as that of the other version, all of the list is concealed.
func (o *Object) ConcealAs(whole *Object) {
	o.concealed = nil
	for _, pointer := range whole.concealed {
		if found, _ := counterpart(pointer, whole.Object, o.Object); found != "" && !slices.Contains(o.concealed, found) {
			o.concealed = append(o.concealed, found)
		}
	}
}

// Counterparts are pointers, in one version of an object, to what pointers name in another
// version of it. Elements of lists are known by their names: those that have none are left out,
// as is what the version does not have. Pointers with steps Each are left out too.
func Counterparts(from, to map[string]any, pointers ...string) []string {
	var found []string
	for _, pointer := range pointers {
		if other, exact := counterpart(pointer, from, to); exact {
			found = append(found, other)
		}
	}
	return found
}

// counterpart is the pointer in one version of an object of what a pointer names in another
// one; "" if it is not there. It is not exact where a list is all that can be told.
func counterpart(pointer string, from, to any) (found string, exact bool) {
	steps, err := ParsePointer(pointer)
	if err != nil {
		return "", false
	}
	for _, step := range steps {
		list, isList := from.([]any)
		others, also := to.([]any)
		if isList && also {
			place, known := placeIn(others, list, step)
			if !known {
				return found, false
			}
			if place < 0 {
				return "", false
			}
			from, _ = valueAt(from, []string{step})
			to, found = others[place], found+"/"+strconv.Itoa(place)
			continue
		}
		var there, here bool
		from, there = valueAt(from, []string{step})
		to, here = valueAt(to, []string{step})
		if !there || !here {
			return "", false
		}
		found += "/" + EscapeStep(step)
	}
	return found, true
}

// placeIn is where a list has the element that another version of it has at a step; -1 if it
// has it nowhere. known is false if that cannot be told.
func placeIn(list, other []any, step string) (place int, known bool) {
	i, err := strconv.Atoi(step)
	if err != nil || i < 0 || i >= len(other) {
		return -1, true
	}
	key := listKey(list, other)
	if key == "" {
		return i, len(list) == len(other)
	}
	name := nameOf(key, other[i])
	return slices.IndexFunc(list, func(element any) bool { return nameOf(key, element) == name }), true
}

// Conceals reports whether some of the object is not to be shown.
func (o *Object) Conceals() bool { return len(o.concealed)+len(o.hidden) > 0 }

// HideOwn hides values of a Secret that stand in its own metadata or type as well,
// which are shown otherwise.
func (o *Object) HideOwn() {
	if !isSecret(o.Object) {
		return
	}
	forms := map[string]bool{}
	addSecretForms(forms, o.Object)
	for _, text := range o.openTexts() {
		for form := range forms {
			if len(form) >= shortSecret && strings.Contains(text, form) {
				o.Hide(form)
			}
		}
	}
}

// openTexts are the texts of a Secret that are shown: of its labels, annotations and
// its type.
func (o *Object) openTexts() []string {
	var texts []string
	add := func(text string) { texts = append(texts, text) }
	EachText(o.Object["type"], add)
	if metadata, ok := o.Object["metadata"].(map[string]any); ok {
		EachText(metadata["labels"], add)
		EachText(metadata["annotations"], add)
	}
	return texts
}

// Telling returns the values that must not stand in a cluster's words about the object:
// in the message of a pod, or the last line of its log. They are the values that the
// object hides, and those of a Secret, if they are too long to be words of the message.
func (o *Object) Telling() []string {
	var values []string
	for _, value := range o.hidden {
		if len(value) >= shortSecret {
			values = append(values, value)
		}
	}
	if isSecret(o.Object) {
		forms := map[string]bool{}
		addSecretForms(forms, o.Object)
		for _, form := range sortedKeys(forms) {
			if len(form) >= secretLine {
				values = append(values, form)
			}
		}
	}
	return values
}

// ShownTexts are the texts of the object that are not masked by its kind: all, or
// those of a Secret's metadata and type.
func (o *Object) ShownTexts() []string {
	if isSecret(o.Object) {
		return o.openTexts()
	}
	var texts []string
	EachText(o.Object, func(text string) { texts = append(texts, text) })
	return texts
}

// Of returns a Masker that also masks the fields that an object conceals, in the object
// and in other states of it. The object may be nil.
func (m Masker) Of(o *Object) Masker {
	if o == nil || len(o.concealed) == 0 {
		return m
	}
	m.concealed, m.paths = nil, nil
	for _, pointer := range o.concealed {
		steps, err := ParsePointer(pointer)
		if err != nil {
			continue
		}
		m.concealed = append(m.concealed, steps)
		m.paths = append(m.paths, diffPath(o.Object, steps))
	}
	return m
}

// maskConcealed masks the concealed fields of an object, which is changed.
func (m Masker) maskConcealed(object map[string]any) {
	for _, steps := range m.concealed {
		parent, ok := valueAt(object, steps[:len(steps)-1])
		last := steps[len(steps)-1]
		if !ok {
			continue
		}
		switch in := parent.(type) {
		case map[string]any:
			if value, ok := in[last]; ok {
				in[last] = m.Value(string(canonical(value)))
			}
		case []any:
			if i, err := strconv.Atoi(last); err == nil && i >= 0 && i < len(in) {
				in[i] = m.Value(string(canonical(in[i])))
			}
		}
	}
}

// conceals reports whether a field, by its path in the notation of Diff, is concealed.
func (m Masker) conceals(path string) bool {
	return slices.ContainsFunc(m.paths, func(concealed string) bool {
		rest, ok := strings.CutPrefix(path, concealed)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// concealsWithin reports whether a field, or one below it, is concealed.
func (m Masker) concealsWithin(path string) bool {
	return m.conceals(path) || slices.ContainsFunc(m.paths, func(concealed string) bool {
		rest, ok := strings.CutPrefix(concealed, path)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// valueAt follows the steps of a JSON pointer.
func valueAt(value any, steps []string) (any, bool) {
	for _, step := range steps {
		switch in := value.(type) {
		case map[string]any:
			inner, ok := in[step]
			if !ok {
				return nil, false
			}
			value = inner
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(in) {
				return nil, false
			}
			value = in[i]
		default:
			return nil, false
		}
	}
	return value, true
}

// diffPath writes the steps of a JSON pointer as Diff writes a path.
func diffPath(value any, steps []string) string {
	path := ""
	for _, step := range steps {
		inner, ok := valueAt(value, []string{step})
		if !ok {
			return path
		}
		if list, isList := value.([]any); isList {
			i, _ := strconv.Atoi(step) // valueAt has followed it
			path += elementName(listKey(list), i, inner)
		} else {
			path = join(path, step)
		}
		value = inner
	}
	return path
}
