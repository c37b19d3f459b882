package sshd

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Git's services, by their names in Git's protocol.
const (
	ServiceReceivePack   = "git-receive-pack"   // push
	ServiceUploadPack    = "git-upload-pack"    // clone and fetch
	ServiceUploadArchive = "git-upload-archive" // git archive --remote
)

var services = []string{ServiceReceivePack, ServiceUploadPack, ServiceUploadArchive}

// Limits on a command line.
const (
	maxCommandBytes = 4 << 10
	maxCommandWords = 64
)

// Command is a client's command: a Git service on a path, or words.
type Command struct {
	Service string   // one of the Service constants, or ""
	Path    string   // of Git's repository, without one leading slash
	Args    []string // the words, when it is not Git
}

// ParseCommand parses the line that a client sent. It is not a shell: blanks separate
// words, a part of a word may stand in single or double quotes, and every other
// character stands for itself. Backslashes (outside single quotes), control characters
// and invalid UTF-8 are errors, as is an open quote.
//
// Git's services take exactly one path, and may be written as "git-upload-pack"
// or "git upload-pack".
func ParseCommand(line string) (Command, error) {
	words, err := splitWords(line)
	if err != nil {
		return Command{}, err
	}
	service, rest := serviceOf(words)
	if service == "" {
		return Command{Args: words}, nil
	}
	if len(rest) != 1 || rest[0] == "" {
		return Command{}, fmt.Errorf("%s takes one repository, as in %s 'shop.git'", service, service)
	}
	return Command{Service: service, Path: strings.TrimPrefix(rest[0], "/")}, nil
}

func serviceOf(words []string) (service string, rest []string) {
	if len(words) > 0 && slices.Contains(services, words[0]) {
		return words[0], words[1:]
	}
	if len(words) > 1 && words[0] == "git" && slices.Contains(services, "git-"+words[1]) {
		return "git-" + words[1], words[2:]
	}
	return "", nil
}

func splitWords(line string) ([]string, error) {
	if err := checkLine(line); err != nil {
		return nil, err
	}
	var words []string
	for line = strings.TrimLeft(line, " "); line != ""; line = strings.TrimLeft(line, " ") {
		if len(words) == maxCommandWords {
			return nil, fmt.Errorf("the command has more than %d words", maxCommandWords)
		}
		word, rest, err := cutWord(line)
		if err != nil {
			return nil, err
		}
		words, line = append(words, word), rest
	}
	return words, nil
}

func checkLine(line string) error {
	if len(line) > maxCommandBytes {
		return fmt.Errorf("the command is longer than %d bytes", maxCommandBytes)
	}
	if !utf8.ValidString(line) {
		return errors.New("the command is not UTF-8")
	}
	if i := strings.IndexFunc(line, unicode.IsControl); i >= 0 {
		return fmt.Errorf("the command has the control character %q", line[i:i+1])
	}
	return nil
}

// cutWord cuts the first word off line, which does not start with a blank.
func cutWord(line string) (word, rest string, err error) {
	var b strings.Builder
	for line != "" && line[0] != ' ' {
		switch c := line[0]; c {
		case '\'', '"':
			part, after, closed := strings.Cut(line[1:], line[:1])
			if !closed {
				return "", "", fmt.Errorf("the quote %c in the command is not closed", c)
			}
			if c == '"' && strings.Contains(part, `\`) {
				return "", "", errBackslash
			}
			b.WriteString(part)
			line = after
		case '\\':
			return "", "", errBackslash
		default:
			b.WriteByte(c)
			line = line[1:]
		}
	}
	return b.String(), line, nil
}

var errBackslash = errors.New("the command has a backslash outside single quotes")
