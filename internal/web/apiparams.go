package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// This file reads the parameters of the API: of the query, or of the JSON of a body. What an
// operation does not have is refused, so that a misspelt parameter is not overlooked.

// values are the parameters of a request that were given, as texts.
type values map[string]string

func (q values) text(name string) string { return q[name] }

// number is a parameter that is known to be one; otherwise if it was not given.
func (q values) number(name string, otherwise int) int {
	if n, err := strconv.Atoi(q[name]); err == nil {
		return n
	}
	return otherwise
}

// maxText bounds a parameter, in bytes.
const maxText = 1 << 10

// query reads the parameters of the query. A list has the usual limit.
func (v *visit) query() (values, error) {
	given, err := url.ParseQuery(v.r.URL.RawQuery)
	if err != nil {
		return nil, badRequest("the query cannot be read: %v", err)
	}
	return v.api.only(given)
}

// only reads parameters that are given once, and are those of the operation.
func (op *operation) only(given url.Values) (values, error) {
	q := values{}
	for name, texts := range given {
		if looksLikeToken(name) || slices.ContainsFunc(texts, looksLikeToken) {
			return nil, badRequest("the address has a token, which others may have read there: revoke it; tokens are for the header Authorization")
		}
		if len(texts) > 1 {
			return nil, badRequest("the parameter %q is given %d times", bounded(name, 100), len(texts))
		}
		q[name] = texts[0]
	}
	return op.checked(q)
}

// checked holds parameters to those of the operation.
func (op *operation) checked(q values) (values, error) {
	for name := range q {
		if !slices.ContainsFunc(op.params, func(p param) bool { return p.name == name }) {
			return nil, badRequest("there is no parameter %q", bounded(name, 100))
		}
	}
	for _, p := range op.params {
		text, given := q[p.name]
		switch {
		case !given && p.must:
			return nil, badRequest("the parameter %q is missing", p.name)
		case !given && p.name == "limit":
			q[p.name] = strconv.Itoa(usualPage)
		case given:
			if err := p.check(text); err != nil {
				return nil, badRequest("the parameter %q %v", p.name, err)
			}
		}
	}
	return q, nil
}

// check says what is wrong with the text of a parameter.
func (p param) check(text string) error {
	switch p.kind {
	case number:
		n, err := strconv.Atoi(text)
		switch {
		case err != nil || n < 0 || strconv.Itoa(n) != text:
			return errors.New("is no number")
		case p.most > 0 && (n < 1 || n > p.most):
			return errors.New("is not from 1 to " + strconv.Itoa(p.most))
		}
	case yesNo:
		if text != "true" && text != "false" {
			return errors.New("is neither true nor false")
		}
	default:
		if len(text) > maxText || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			return errors.New("has control characters, or is too long")
		}
		if p.must && strings.TrimSpace(text) == "" {
			return errors.New("is empty")
		}
	}
	return nil
}

// body reads the parameters of an action: the JSON object of the body, if there is any.
func (v *visit) body() (values, error) {
	text, err := io.ReadAll(v.r.Body)
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return v.api.checked(values{})
	}
	if kind, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, &requestError{http.StatusUnsupportedMediaType, "the body has to be JSON, with Content-Type: application/json"}
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(text, &given); err != nil || given == nil {
		return nil, badRequest("the body is no JSON object")
	}
	q := values{}
	for name, raw := range given {
		if q[name], err = v.api.plain(name, raw); err != nil {
			return nil, err
		}
	}
	return v.api.checked(q)
}

// plain is a value of a body as text.
func (op *operation) plain(name string, raw json.RawMessage) (string, error) {
	i := slices.IndexFunc(op.params, func(p param) bool { return p.name == name })
	if i < 0 {
		return "", badRequest("there is no parameter %q", bounded(name, 100))
	}
	var err error
	word := string(raw)
	switch op.params[i].kind {
	case number:
		err = json.Unmarshal(raw, new(int))
	case yesNo:
		err = json.Unmarshal(raw, new(bool))
	default:
		err = json.Unmarshal(raw, &word)
	}
	if err != nil || string(raw) == "null" {
		return "", badRequest("the parameter %q has to be of type %s", name, op.params[i].kind)
	}
	return word, nil
}

// page returns the part of a verb's list that was asked for, and the cursor of the next; "" if
// there is none, or if it is no list.
func (p paging) page(text []byte, q values) (page []byte, next string, err error) {
	if p.key == "" {
		return text, "", nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, "", err
	}
	limit := q.number("limit", usualPage)
	if !p.cut {
		if len(list) < limit || len(list) == 0 {
			return text, "", nil
		}
		last := list[len(list)-1]
		if p.oldest {
			last = list[0]
		}
		next, err = keyOf(last, p.key)
		return text, next, err
	}
	keys := make([]string, len(list))
	for i, element := range list {
		if keys[i], err = keyOf(element, p.key); err != nil {
			return nil, "", err
		}
	}
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(keys[a], keys[b]) })
	chosen := []json.RawMessage{}
	for _, i := range order {
		if keys[i] <= q.text(p.by) && q.text(p.by) != "" {
			continue
		}
		if len(chosen) == limit {
			break
		}
		chosen, next = append(chosen, list[i]), keys[i]
	}
	if len(chosen) < limit || len(order) > 0 && next == keys[order[len(order)-1]] {
		next = ""
	}
	page, err = json.MarshalIndent(chosen, "", "  ")
	return append(page, '\n'), next, err
}

// keyOf is the value of an element's key, as text.
func keyOf(element json.RawMessage, key string) (string, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(element, &fields); err != nil {
		return "", err
	}
	var word string
	if err := json.Unmarshal(fields[key], &word); err == nil {
		return word, nil
	}
	return string(fields[key]), nil
}
