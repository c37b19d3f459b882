package manifest

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	redacted = "(secret)"
	// shortSecret is the length in bytes below which a value is removed only where it
	// stands alone: a Secret that holds "1" must not make holes into every number of a
	// message.
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
	return clearing(forms)(text)
}

// NewRedacter returns a function that removes values from texts as Redact does:
// decrypted values, which any object may have.
func NewRedacter(values []string) func(text string) string {
	forms := map[string]bool{}
	for _, value := range values {
		addForms(forms, value)
	}
	return clearing(forms)
}

// SecretValues returns the values of the object that nobody may see: those that Hide
// has noted, and all decoded values of a Secret.
func (o *Object) SecretValues() []string {
	values := slices.Clone(o.hidden)
	if !isSecret(o.Object) {
		return values
	}
	for field, value := range o.Object {
		if !slices.Contains(shownOfSecret, field) {
			EachText(value, func(text string) { values = append(values, plaintext(field, text)) })
		}
	}
	return values
}

// clearing returns a function that removes all forms of values from a text.
func clearing(forms map[string]bool) func(text string) string {
	ordered := sortedKeys(forms)
	sort.SliceStable(ordered, func(i, j int) bool { return len(ordered[i]) > len(ordered[j]) })
	var short, long []string
	for _, form := range ordered {
		if len(form) < shortSecret {
			short = append(short, form)
		} else {
			long = append(long, form, redacted)
		}
	}
	replacer := strings.NewReplacer(long...) // the longest form wins
	return func(text string) string {
		text = replacer.Replace(text)
		for _, word := range short {
			text = replaceWord(text, word)
		}
		return text
	}
}

// addSecretForms notes every form in which the values of a Secret may appear.
func addSecretForms(forms map[string]bool, secret map[string]any) {
	for field, value := range secret {
		if slices.Contains(shownOfSecret, field) {
			continue
		}
		EachText(value, func(text string) {
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

// EachText calls do for every scalar in value.
func EachText(value any, do func(string)) {
	switch v := value.(type) {
	case nil:
	case string:
		do(v)
	case map[string]any:
		for _, child := range v {
			EachText(child, do)
		}
	case []any:
		for _, child := range v {
			EachText(child, do)
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

// replaceWord removes word where no letter or digit touches it.
func replaceWord(text, word string) string { return replaceWordBy(text, word, redacted) }

// replaceWordBy puts another text in the place of word, where no letter or digit
// touches it.
func replaceWordBy(text, word, by string) string {
	isPart := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	var b strings.Builder
	for done := 0; ; {
		i := strings.Index(text[done:], word)
		if i < 0 {
			return b.String() + text[done:]
		}
		start, end := done+i, done+i+len(word)
		before, _ := utf8.DecodeLastRuneInString(text[:start])
		after, _ := utf8.DecodeRuneInString(text[end:])
		b.WriteString(text[done:start])
		if isPart(before) || isPart(after) {
			b.WriteString(word)
		} else {
			b.WriteString(by)
		}
		done = end
	}
}
