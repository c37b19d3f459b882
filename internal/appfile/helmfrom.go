package appfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	k8syaml "sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/manifest"
)

// DefaultValuesKey is the key of values of a chart that names none.
const DefaultValuesKey = "values.yaml"

// HelmFrom are values for a chart in a ConfigMap or Secret of the app's cluster.
type HelmFrom struct {
	ValuesFrom
	// Key has a mapping in YAML, or one value if Target is set.
	Key string `json:"key,omitempty"`
	// Target is where one value belongs: keys with dots between; a dot in a key has a
	// backslash before it. "": the values are a mapping.
	Target string `json:"target,omitempty"`
	// Text has the value be a text, whatever it looks like.
	Text bool `json:"text,omitempty"`
}

// CheckTarget returns an error if a text is no place of a value: keys with dots between.
func CheckTarget(target string) error {
	keys := keysOf(target)
	switch {
	case slices.Contains(keys, ""):
		return fmt.Errorf("%q has an empty key", target)
	case strings.ContainsAny(target, "[]"):
		return fmt.Errorf("%q leads into a list, whose elements are not set one by one", target)
	case len(keys) > maxTarget:
		return fmt.Errorf("%q has more than %d keys", target, maxTarget)
	}
	return nil
}

// maxTarget bounds the keys of a target; see Helm's strvals.MaxNestedNameLevel.
const maxTarget = 30

// keysOf are the keys of a target.
func keysOf(target string) []string {
	var keys []string
	var key strings.Builder
	escaped := false
	for _, c := range target {
		switch {
		case escaped:
			key.WriteRune(c)
			escaped = false
		case c == '\\':
			escaped = true
		case c == '.':
			keys = append(keys, key.String())
			key.Reset()
		default:
			key.WriteRune(c)
		}
	}
	return append(keys, key.String())
}

// Values are the values in the data of the object, as JSON; nil if it does not have the key,
// and need not. The errors do not have the value.
func (f HelmFrom) Values(data map[string]string) (json.RawMessage, error) {
	text, has := data[f.Key]
	switch {
	case !has && f.Optional:
		return nil, nil
	case !has:
		return nil, fmt.Errorf("%s has no key %s", f.Origin(), f.Key)
	case f.Target != "":
		return f.placed(text)
	}
	values, err := k8syaml.YAMLToJSON([]byte(text))
	if err != nil || !strings.HasPrefix(strings.TrimSpace(string(values)), "{") {
		return nil, fmt.Errorf("key %s of %s holds no mapping in YAML", f.Key, f.Origin())
	}
	return values, nil
}

// HintKeys are the keys that data has, as the next thing to try.
func HintKeys(data map[string]string) string {
	const shown = 8
	keys := slices.Sorted(maps.Keys(data))
	if len(keys) == 0 {
		return "it has no keys"
	}
	return "its keys are " + strings.Join(keys[:min(len(keys), shown)], ", ")
}

// placed is one value in its place. As for helm --set, numbers, true, false and null are not
// text, unless they are in quotes (fluxcd/pkg/chartutil, ReplacePathValue). A number in a Secret
// is text: a password may look like one.
func (f HelmFrom) placed(text string) (json.RawMessage, error) {
	var value any = text
	if unquoted, ok := inQuotes(text); ok && !f.Text {
		value = unquoted
	} else if !f.Text {
		value = typed(text, f.Kind == manifest.SecretKind.Kind)
	}
	keys := keysOf(f.Target)
	for _, key := range slices.Backward(keys) {
		value = map[string]any{key: value}
	}
	written, err := json.Marshal(value)
	if err != nil {
		return nil, errors.New("it is no text") // of a ConfigMap or Secret it is
	}
	return written, nil
}

// inQuotes is a text without the quotes around it, if it has some.
func inQuotes(text string) (string, bool) {
	for _, quote := range []string{`"`, `'`} {
		if len(text) >= 2 && strings.HasPrefix(text, quote) && strings.HasSuffix(text, quote) {
			return text[1 : len(text)-1], true
		}
	}
	return "", false
}

// typed is a text as helm --set takes it (strvals.typedVal).
func typed(text string, secret bool) any {
	switch strings.ToLower(text) {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	}
	number, err := strconv.ParseInt(text, 10, 64)
	if secret || err != nil || text != "0" && strings.HasPrefix(text, "0") {
		return text
	}
	return number
}

var helmFromFields = []string{"configMap", "secret", "optional", "key", "target", "text"}

// helmFrom reads which values of a ConfigMap or Secret are meant.
func (r *reader) helmFrom(element field, namespace string) HelmValues {
	settings := r.Fields(element.Value, "an entry of helm.valuesFrom", helmFromFields)
	from := HelmFrom{ValuesFrom: r.fromObject(element, settings, "helm.valuesFrom", namespace), Key: DefaultValuesKey}
	if key, ok := settings["key"]; ok {
		from.Key, _ = r.Text(key)
	}
	if target, ok := settings["target"]; ok {
		from.Target, _ = r.Text(target)
		if err := CheckTarget(from.Target); err != nil {
			r.Add(target.Line, "helm.valuesFrom: target: "+err.Error(), "write keys with dots between, such as auth.password")
		}
	}
	if text, ok := settings["text"]; ok {
		from.Text, _ = r.Boolean(text)
	}
	return HelmValues{From: &from, Line: element.Line}
}

// Asks reports whether a cluster has to be asked for values, or for the keys of signatures.
func (h Helm) Asks() bool {
	return h.Verify != nil && h.Verify.Secret != nil || slices.ContainsFunc(h.Values, func(v HelmValues) bool { return v.From != nil })
}

// AsksForValues reports whether the app's cluster has to be asked for values of its charts, or for
// the keys of their signatures.
func (a App) AsksForValues() bool {
	return a.Helm.Asks() || slices.ContainsFunc(a.Sources, func(other Addition) bool { return other.Helm.Asks() })
}
