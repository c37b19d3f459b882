package jq

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// kind says what a token is.
type kind int

const (
	isEnd    kind = iota
	isMark        // punctuation: the text is it
	isWord        // a keyword or the name of a function
	isField       // .name: the text is name
	isText        // a string: the text is its value
	isNumber      // the text is as written
)

// token is a part of an expression.
type token struct {
	kind kind
	text string
}

// say names the token in an error.
func (t token) say() string {
	switch t.kind {
	case isEnd:
		return "its end"
	case isText:
		return fmt.Sprintf("%q", t.text)
	default:
		return t.text
	}
}

// is reports whether the token is one of some marks or keywords.
func (t token) is(texts ...string) bool {
	for _, one := range texts {
		if (t.kind == isMark || t.kind == isWord) && t.text == one {
			return true
		}
	}
	return false
}

// shapes are the tokens, as patterns at the beginning of the rest; the first that fits counts.
var shapes = []struct {
	kind    kind
	pattern *regexp.Regexp
}{
	{isText, regexp.MustCompile(`^"(?:[^"\\]|\\.)*"`)},
	{isNumber, regexp.MustCompile(`^(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?`)},
	{isField, regexp.MustCompile(`^\.[A-Za-z_][A-Za-z0-9_]*`)},
	{isWord, regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(?:::[A-Za-z_][A-Za-z0-9_]*)*`)},
	{isMark, regexp.MustCompile(`^(?:\?//=?|//=|\.\.|\|=|//|==|!=|<=|>=|\+=|-=|\*=|/=|%=|[.\[\](){}|,:;?=<>+\-*/%$@])`)},
}

var blank = regexp.MustCompile(`^(?:[ \t\r\n]+|#[^\r\n]*)+`)

// lex splits an expression into tokens, of which the last is its end.
func lex(expression string) ([]token, *Refusal) {
	var tokens []token
	at := 0
	for {
		at += len(blank.FindString(expression[at:]))
		if at == len(expression) {
			return append(tokens, token{kind: isEnd}), nil
		}
		t, length := next(expression[at:])
		if length == 0 {
			return nil, unread("%q is no part of jq", shorten(expression[at:]))
		}
		if t.kind == isText {
			value, err := unquote(t.text)
			if err != nil {
				return nil, err
			}
			t.text = value
		}
		tokens, at = append(tokens, t), at+length
	}
}

// next is the first token of a rest, and how long it is; 0 if it begins with none.
func next(rest string) (t token, length int) {
	for _, shape := range shapes {
		if found := shape.pattern.FindString(rest); found != "" {
			t = token{kind: shape.kind, text: found}
			if t.kind == isField {
				t.text = found[1:]
			}
			return t, len(found)
		}
	}
	return token{}, 0
}

// unquote is the value of a string.
func unquote(quoted string) (string, *Refusal) {
	if strings.Contains(strings.ReplaceAll(quoted, `\\`, ""), `\(`) {
		return "", unread("a string with %s", `\(`).hinted("write the string out")
	}
	var value string
	if err := json.Unmarshal([]byte(quoted), &value); err != nil {
		return "", unread("%s is no string", shorten(quoted))
	}
	return value, nil
}

// shorten is the beginning of a text.
func shorten(s string) string {
	if runes := []rune(s); len(runes) > 20 {
		return string(runes[:20]) + "…"
	}
	return s
}

// unread is a refusal; the expression is written before it.
func unread(format string, args ...any) *Refusal {
	return &Refusal{Message: fmt.Sprintf(format, args...)}
}

// hinted is the refusal with a hint.
func (r *Refusal) hinted(hint string) *Refusal {
	r.Hint = hint
	return r
}
