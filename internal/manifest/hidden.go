package manifest

import (
	"slices"
	"sort"
	"strings"
)

// Hide notes values that the object has out of a Secret of the cluster or an
// encrypted file. They are not to be shown, whatever the object's kind.
func (o *Object) Hide(values ...string) {
	for _, value := range values {
		if !slices.Contains(o.hidden, value) && strings.TrimSpace(value) != "" {
			o.hidden = append(slices.Clip(o.hidden), value)
		}
	}
}

// Hidden are the values that Hide has noted.
func (o *Object) Hidden() []string { return o.hidden }

// Redact removes from a text the values of the object that are not to be shown:
// all, if it is a Secret.
func (o *Object) Redact(text string) string {
	text = Redact(text, o.Unstructured)
	if len(o.hidden)+len(o.short) == 0 {
		return text
	}
	return NewRedacter(slices.Concat(o.hidden, o.short))(text)
}

// Hiding returns a Masker that masks some values in objects of all kinds as well.
func (m Masker) Hiding(values []string) Masker {
	m.hidden = slices.Clone(values)
	sort.SliceStable(m.hidden, func(i, j int) bool { return len(m.hidden[i]) > len(m.hidden[j]) })
	return m
}

// Text masks the hidden values in a text. Short ones count where they stand alone,
// as for Redact.
func (m Masker) Text(text string) string {
	if len(m.hidden) == 0 {
		return text
	}
	var long []string
	for _, value := range m.hidden {
		switch {
		case text == value:
			return m.Value(value)
		case len(value) >= shortSecret:
			long = append(long, value, m.Value(value))
		}
	}
	masked := strings.NewReplacer(long...).Replace(text)
	for _, value := range m.hidden {
		if len(value) < shortSecret {
			masked = replaceWordBy(masked, value, m.Value(value))
		}
	}
	return masked
}

// hides reports whether a hidden value is in a value.
func (m Masker) hides(value any) bool {
	found := false
	if len(m.hidden) > 0 {
		EachText(value, func(text string) { found = found || m.Text(text) != text })
	}
	return found
}

// hide masks the hidden values in the fields of an object, which are changed. What
// names it is left: no such value gets there.
func (m Masker) hide(object map[string]any) {
	if len(m.hidden) == 0 {
		return
	}
	metadata, _ := object["metadata"].(map[string]any)
	for _, field := range []string{"labels", "annotations"} {
		if value, ok := metadata[field]; ok {
			metadata[field] = m.texts(value)
		}
	}
	for field, value := range object {
		if isSecret(object) && field != "type" { // its values are masked by their place
			continue
		}
		if !slices.Contains([]string{"apiVersion", "kind", "metadata"}, field) {
			object[field] = m.texts(value)
		}
	}
}

// texts masks the hidden values in all texts of a value.
func (m Masker) texts(value any) any { return MapTexts(value, m.Text) }

// MapTexts puts another text in the place of each in a value, which is changed. Keys
// stay.
func MapTexts(value any, f func(string) string) any {
	switch v := value.(type) {
	case string:
		return f(v)
	case map[string]any:
		for key, inner := range v {
			v[key] = MapTexts(inner, f)
		}
	case []any:
		for i, inner := range v {
			v[i] = MapTexts(inner, f)
		}
	}
	return value
}
