package appfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
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
	// Target is where one value belongs, see CheckTarget. "": the values are a mapping.
	Target string `json:"target,omitempty"`
	// Text has the value be a text, whatever it looks like.
	Text bool `json:"text,omitempty"`
}

// CheckTarget returns an error if a text is no place of a value, as helm --set has it: keys with
// dots between, and places in lists, such as a.b[0].c. A dot in a key has a backslash before it.
func CheckTarget(target string) error {
	if !targetForm.MatchString(target) {
		return fmt.Errorf("%q is no place of a value", target)
	}
	if keys := len(targetKey.FindAllString(target, -1)); keys > maxTarget {
		return fmt.Errorf("%q has more than %d keys", target, maxTarget)
	}
	for _, found := range targetIndex.FindAllStringSubmatch(target, -1) {
		if index, err := strconv.Atoi(found[1]); err != nil || index > maxIndex {
			return fmt.Errorf("%q leads beyond place %d of a list", target, maxIndex)
		}
	}
	return nil
}

// HintTarget is the next thing to try after an error of CheckTarget.
const HintTarget = "write keys with dots between, and places in lists, such as auth.users[0].password"

const (
	maxTarget = 30   // keys of a target; see Helm's strvals.MaxNestedNameLevel
	maxIndex  = 1000 // of an element that a target names: Helm fills the list up to it
)

// The grammar of targets (Helm's strvals): what would end a key has a backslash before it.
var (
	targetForm  = regexp.MustCompile(`^` + keyForm + `(\[\d+\])*(\.` + keyForm + `(\[\d+\])*)*$`)
	targetKey   = regexp.MustCompile(keyForm)
	targetIndex = regexp.MustCompile(`\[(\d+)\]`)
)

const keyForm = `([^\\.,=\[\]]|\\.)+`

// Filled are the values in the data of the object; nil if it does not have the key, and need not.
// The errors do not have the value.
func (f HelmFrom) Filled(data map[string]string) (*HelmValues, error) {
	text, has := data[f.Key]
	filled := &HelmValues{Beneath: true, At: f.Target, Text: f.Text, Secret: f.Kind == manifest.SecretKind.Kind, Line: f.Line}
	var err error
	switch {
	case !has && f.Optional:
		return nil, nil
	case !has:
		return nil, fmt.Errorf("%s has no key %s", f.Origin(), f.Key)
	case f.Target != "":
		if filled.Inline, err = json.Marshal(text); err != nil {
			return nil, errors.New("it is no text") // of a ConfigMap or Secret it is
		}
		return filled, nil
	}
	filled.Inline, err = k8syaml.YAMLToJSON([]byte(text))
	if err == nil && string(filled.Inline) == "null" {
		filled.Inline = []byte("{}") // a file of comments alone has no values
	}
	if err != nil || !strings.HasPrefix(strings.TrimSpace(string(filled.Inline)), "{") {
		return nil, fmt.Errorf("key %s of %s holds no mapping in YAML", f.Key, f.Origin())
	}
	return filled, nil
}

// Texts are the texts among the values, as the chart sees them.
func (v HelmValues) Texts() []string {
	texts := manifest.TextsIn(v.Inline)
	if v.At != "" && !v.Text {
		return slices.DeleteFunc(texts, func(text string) bool { return slices.Contains(noTexts, strings.ToLower(text)) })
	}
	return texts
}

// noTexts are values that are no texts for helm --set.
var noTexts = []string{"true", "false", "null"}

// HintKeys are the keys that data has, as the next thing to try.
func HintKeys(data map[string]string) string {
	const shown = 8
	keys := slices.Sorted(maps.Keys(data))
	if len(keys) == 0 {
		return "it has no keys"
	}
	return "its keys are " + strings.Join(keys[:min(len(keys), shown)], ", ")
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
			r.Add(target.Line, "helm.valuesFrom: target: "+err.Error(), HintTarget)
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
// the keys of signatures.
func (a App) AsksForValues() bool {
	return a.Helm.Asks() || a.Artifact.Asks() || slices.ContainsFunc(a.Sources, func(other Addition) bool { return other.Helm.Asks() || other.Artifact.Asks() })
}
