package signature

import (
	"bytes"
	"errors"
)

// The headers of a commit that hold a signature: of the commit as it is, and of its form in
// a repository of SHA-256. Neither is part of what is signed (gitformat-signature; commit.c,
// parse_buffer_signed_by_header). The second cannot be verified here, and counts for nothing.
const (
	header       = "gpgsig"
	headerSHA256 = "gpgsig-sha256"
)

// split separates a commit, as Git stores it, into the text that was signed and the armour
// of its signature. It refuses whatever tools may read in two ways.
func split(commit []byte) (payload, armoured []byte, err error) {
	if bytes.IndexByte(commit, 0) >= 0 {
		return nil, nil, errors.New("has a NUL byte, at which tools stop reading")
	}
	payload = make([]byte, 0, len(commit))
	rest, of := commit, "" // of: the header that a line which begins with a blank goes on
	for len(rest) > 0 && rest[0] != '\n' {
		line, after := cutLine(rest)
		name, value := of, line[1:]
		if line[0] != ' ' {
			word, text, _ := bytes.Cut(line, []byte(" "))
			name, value = string(word), text
		}
		switch {
		case name == header && line[0] != ' ' && armoured != nil:
			return nil, nil, errTwice
		case name == header:
			armoured = append(armoured, value...)
		case name == headerSHA256:
		case bytes.HasPrefix([]byte(name), []byte(header)): // Git leaves it out of the text as well
			return nil, nil, errors.New("has a header that looks like a signature and is none")
		default:
			payload = append(payload, line...)
		}
		rest, of = after, name
	}
	if armoured == nil {
		return nil, nil, errUnsigned
	}
	return append(payload, rest...), armoured, nil
}

// cutLine returns the first line, with its end, and what follows.
func cutLine(text []byte) (line, rest []byte) {
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		return text[:i+1], text[i+1:]
	}
	return text, nil
}
