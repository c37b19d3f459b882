package kube

import (
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// cause is one of the API server's reasons for refusing an object, in parts. The server
// writes them as "Invalid value: 70000: must be between 1 and 65535, inclusive"
// (apimachinery's field.Error).
type cause struct {
	reason metav1.CauseType
	field  string
	value  string // the refused value in the server's notation, or ""
	detail string // the mistake in it, or ""
}

// titles are the beginnings of a cause's message, and tell whether a value follows.
var titles = []struct {
	text     string
	hasValue bool
}{
	{"Invalid value", true},
	{"Unsupported value", true},
	{"Duplicate value", true},
	{"Not found", true},
	{"Too many", true},
	{"Too few", true},
	{"Required value", false},
	{"Forbidden", false},
	{"Too long", false},
	{"Too short", false},
	{"Internal error", false},
}

func parseCause(c metav1.StatusCause) cause {
	parsed := cause{reason: c.Type, field: c.Field, detail: c.Message}
	for _, title := range titles {
		rest, ok := strings.CutPrefix(c.Message, title.text)
		if !ok || rest != "" && !strings.HasPrefix(rest, ": ") {
			continue
		}
		rest = strings.TrimPrefix(rest, ": ")
		if title.hasValue {
			parsed.value, parsed.detail = cutShown(rest)
		} else {
			parsed.detail = rest
		}
		break
	}
	return parsed
}

// cutShown splits "VALUE: detail". A value is a quoted string, a JSON value or
// a word, and may itself contain anything.
func cutShown(text string) (value, detail string) {
	if quoted, err := strconv.QuotedPrefix(text); err == nil {
		return quoted, strings.TrimPrefix(text[len(quoted):], ": ")
	}
	if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
		decoder := json.NewDecoder(strings.NewReader(text))
		var raw json.RawMessage
		if decoder.Decode(&raw) == nil {
			end := decoder.InputOffset()
			return text[:end], strings.TrimPrefix(text[end:], ": ")
		}
	}
	value, detail, _ = strings.Cut(text, ": ")
	return value, detail
}

// immutable matches the API server's messages about a field that cannot change on a
// live object. Every pattern is a text of Kubernetes 1.37; the last covers the rules of
// CustomResourceDefinitions. The patterns see only the detail, never a value that
// somebody wrote.
var immutable = regexp.MustCompile(`^(` + strings.Join([]string{
	`field is immutable\b`,
	`field cannot be (set once created|cleared once set|modified once set)$`,
	`may not change once set$`,
	`may not be changed in an update\.?$`,
	`[\w.]+ is immutable after creation\b`,
	`updates to statefulset spec for fields other than `,
	`pod updates may not change fields other than `,
	`updates to \w+ are forbidden\.?$`,
	`cannot change roleRef$`,
	`[\w. ]+ (is|are) immutable\.?$`,
}, "|") + `)`)

// isImmutable reports whether the only cause is that a live object has another value.
func (c cause) isImmutable() bool {
	switch c.reason {
	case metav1.CauseTypeFieldValueInvalid, metav1.CauseType("FieldValueForbidden"):
		return immutable.MatchString(c.detail)
	}
	return false
}

// IsImmutable reports whether an object was refused only because fields of the live
// object cannot change, so that deleting and recreating it would help. It is false for
// an object that is wrong in any other way too.
func IsImmutable(err error) bool {
	status := apierrors.APIStatus(nil)
	if !errors.As(err, &status) || !apierrors.IsInvalid(err) {
		return false
	}
	causes := causesOf(status.Status())
	for _, c := range causes {
		if !c.isImmutable() {
			return false
		}
	}
	return len(causes) > 0
}

func causesOf(status metav1.Status) []cause {
	if status.Details == nil {
		return nil
	}
	causes := make([]cause, len(status.Details.Causes))
	for i, c := range status.Details.Causes {
		causes[i] = parseCause(c)
	}
	return causes
}
