package manifest

import (
	"encoding/base64"
	"encoding/json"
	"sort"
	"strconv"
	"strings"
	"unicode"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	redacted = "(secret)"
	// shortSecret is the length in bytes below which a value is removed only
	// where it stands alone: a Secret that holds "1" must not make holes into
	// every number of a message.
	shortSecret = 4
	// secretLine is the length in bytes from which a single line of a value is
	// removed also where it stands without the others.
	secretLine = 8
)

// Redact removes the values of Secrets from a text that may repeat them, such
// as an error of the API server (CVE-2025-23216): as they are, in base64,
// quoted, and line by line. Of objs only the Secrets count.
func Redact(text string, objs ...*unstructured.Unstructured) string {
	forms := map[string]bool{}
	for _, o := range objs {
		if o != nil && isSecret(o.Object) {
			addSecretForms(forms, o.Object)
		}
	}
	ordered := sortedKeys(forms)
	sort.SliceStable(ordered, func(i, j int) bool { return len(ordered[i]) > len(ordered[j]) })
	for _, form := range ordered {
		if len(form) < shortSecret {
			text = replaceWord(text, form)
		} else {
			text = strings.ReplaceAll(text, form, redacted)
		}
	}
	return text
}

// addSecretForms notes every form in which the values of a Secret may appear.
func addSecretForms(forms map[string]bool, secret map[string]any) {
	for field, value := range secret {
		if contains(shownOfSecret, field) {
			continue
		}
		eachText(value, func(text string) {
			addForms(forms, text)
			if plain := plaintext(field, text); plain != text {
				addForms(forms, plain)
			}
		})
	}
	metadata, _ := secret["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	if copied, ok := annotations[lastApplied].(string); ok {
		var inner map[string]any
		if json.Unmarshal([]byte(copied), &inner) == nil {
			delete(inner, "metadata")
			addSecretForms(forms, inner)
		}
	}
}

// eachText calls do for every scalar in value.
func eachText(value any, do func(string)) {
	switch v := value.(type) {
	case nil:
	case string:
		do(v)
	case map[string]any:
		for _, child := range v {
			eachText(child, do)
		}
	case []any:
		for _, child := range v {
			eachText(child, do)
		}
	default:
		do(string(canonical(v)))
	}
}

// addForms notes the forms of one value.
func addForms(forms map[string]bool, value string) {
	if strings.TrimSpace(value) == "" {
		return
	}
	quoted, _ := json.Marshal(value)
	for _, form := range []string{
		value,
		strings.TrimSpace(value),
		strings.Trim(strconv.Quote(value), `"`),
		strings.Trim(string(quoted), `"`),
		base64.StdEncoding.EncodeToString([]byte(value)),
		strings.TrimRight(base64.RawURLEncoding.EncodeToString([]byte(value)), "="),
	} {
		forms[form] = true
	}
	for line := range strings.Lines(value) {
		if line = strings.TrimSpace(line); len(line) >= secretLine {
			forms[line] = true
		}
	}
}

// replaceWord replaces word where no letter or digit touches it.
func replaceWord(text, word string) string {
	var b strings.Builder
	isPart := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	for {
		i := strings.Index(text, word)
		if i < 0 {
			return b.String() + text
		}
		after := text[i+len(word):]
		before := []rune(b.String() + text[:i])
		touches := len(before) > 0 && isPart(before[len(before)-1]) || after != "" && isPart([]rune(after)[0])
		b.WriteString(text[:i])
		if touches {
			b.WriteString(word)
		} else {
			b.WriteString(redacted)
		}
		text = after
	}
}
