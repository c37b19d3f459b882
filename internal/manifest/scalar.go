package manifest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Scalars mean what they mean to kubectl, which reads YAML 1.1 through
// sigs.k8s.io/yaml and passes it on as JSON: yes and on are booleans, 0644 is
// octal, a float without a fraction is an integer, a date is text. Tests
// compare with that library value by value.

// wellKnown are the plain scalars that are neither text nor a number.
var wellKnown = map[string]any{
	"": nil, "~": nil, "null": nil, "Null": nil, "NULL": nil,
	"y": true, "Y": true, "yes": true, "Yes": true, "YES": true,
	"true": true, "True": true, "TRUE": true, "on": true, "On": true, "ON": true,
	"n": false, "N": false, "no": false, "No": false, "NO": false,
	"false": false, "False": false, "FALSE": false, "off": false, "Off": false, "OFF": false,
	".nan": math.NaN(), ".NaN": math.NaN(), ".NAN": math.NaN(),
	".inf": math.Inf(1), ".Inf": math.Inf(1), ".INF": math.Inf(1),
	"+.inf": math.Inf(1), "+.Inf": math.Inf(1), "+.INF": math.Inf(1),
	"-.inf": math.Inf(-1), "-.Inf": math.Inf(-1), "-.INF": math.Inf(-1),
}

var floatPattern = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)

// Scalar returns the value of a scalar node: string, bool, int64, float64 or nil.
func Scalar(n *yaml.Node) (any, error) { return scalar(n) }

// scalar returns the value of a scalar node: string, bool, int64, float64 or
// nil.
func scalar(n *yaml.Node) (any, error) {
	if n.Style&yaml.TaggedStyle != 0 {
		return tagged(n.ShortTag(), n.Value)
	}
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return n.Value, nil
	}
	return asJSON(plain(n.Value))
}

// Plain returns the value of a text that is written as a plain scalar.
func Plain(text string) any {
	value, err := asJSON(plain(text))
	if err != nil {
		return text
	}
	return value
}

// tagged resolves a scalar with an explicit tag. It ignores tags of applications, and
// leaves the text as it is.
func tagged(tag, text string) (any, error) {
	var fits bool
	value := plain(text)
	switch tag {
	case "!!binary":
		return binary(text)
	case "!!null":
		fits = value == nil
	case "!!bool":
		_, fits = value.(bool)
	case "!!int":
		_, isInt := value.(int64)
		_, isUint := value.(uint64)
		fits = isInt || isUint
	case "!!float":
		_, isInt := value.(int64)
		_, isFloat := value.(float64)
		fits = isInt || isFloat
	default:
		return text, nil
	}
	if !fits {
		return nil, fmt.Errorf("%q is not of the type that its tag %s says", text, tag)
	}
	return asJSON(value)
}

// binary decodes !!binary. What is not text has no form in JSON.
func binary(text string) (any, error) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("!!binary: %w", err)
	}
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("!!binary holds bytes that are not UTF-8 text, which a Kubernetes object cannot hold; write the base64 text itself where the field wants base64")
	}
	return string(data), nil
}

// plain resolves an untagged, unquoted scalar by the rules of YAML 1.1:
// string, bool, int64, uint64, float64 or nil.
func plain(text string) any {
	if value, ok := wellKnown[text]; ok {
		return value
	}
	switch c := text[0]; {
	case c == '.':
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return f
		}
	case c == '+' || c == '-' || '0' <= c && c <= '9':
		return number(text)
	}
	return text
}

// number resolves a scalar that starts as numbers do; dates and words such as
// 10m stay text.
func number(text string) any {
	digits := strings.ReplaceAll(text, "_", "")
	if i, err := strconv.ParseInt(digits, 0, 64); err == nil {
		return i
	}
	if u, err := strconv.ParseUint(digits, 0, 64); err == nil {
		return u
	}
	if floatPattern.MatchString(digits) {
		if f, err := strconv.ParseFloat(digits, 64); err == nil {
			return f
		}
	}
	return text
}

// asJSON brings a number into the form that it has after a passage through
// JSON: int64 where its JSON text is an integer that fits, else float64.
func asJSON(value any) (any, error) {
	switch v := value.(type) {
	case uint64:
		return float64(v), nil
	case float64:
		text, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("%v is a number that JSON cannot hold", v)
		}
		if i, err := strconv.ParseInt(string(text), 10, 64); err == nil {
			return i, nil
		}
	}
	return value, nil
}
