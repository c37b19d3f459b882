package web

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/pushboat/pushboat/internal/errand"
)

// This file has pages' questions: what no package but command finds out is asked of the verb
// itself, which answers as data. So rights and the audit trail are those of the verb, and a
// page shows nothing that it would not.

// maxAnswer bounds the data of one answer, in bytes.
const maxAnswer = 4 << 20

// errLongAnswer is for an answer of which a page has only a part.
var errLongAnswer = errors.New("the answer is too long for a page")

// asks runs a verb, and reads its answer; words has its flags, and then is what follows
// them. Without an answer, said is the verb's refusal, for people.
func (v *visit) asks(answer any, words []string, then ...string) (said []string, err error) {
	as := v.asVerb()
	as.Most, as.Errors = maxAnswer, &errand.Session{}
	words = append(words, "-o", "json")
	if len(then) > 0 {
		words = append(append(words, "--"), then...)
	}
	v.door.Run(v.r.Context(), as, words) // doctor fails where something is wrong, and still answers
	text := as.Bytes()
	switch {
	case len(text) >= maxAnswer:
		return nil, errLongAnswer
	case len(bytes.TrimSpace(text)) == 0:
		return splitLines(as.Errors.Text()), nil
	}
	return nil, json.Unmarshal(text, answer)
}
