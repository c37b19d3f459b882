package access

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
)

// ErrPrivateKey is the error of a text that is, or has in it, a private key.
var ErrPrivateKey = errors.New("that is a private key; give the public one, FILE.pub, and keep this one to yourself")

// privateMarks stand in the texts of private keys, whatever their tool: PEM of
// OpenSSH, OpenSSL and PKCS#8, PGP, SSH2 (RFC 4716's sibling), SSH1, PuTTY, age,
// and the first bytes of OpenSSH's own format in base64 ("openssh-key-v1").
var privateMarks = []string{
	"private key-----", "private key block-----", "private key ----", "ssh private key file format",
	"putty-user-key-file-", "age-secret-key-", "age-plugin-", "b3blbnnzac1rzxktdjea",
}

// HasPrivateKey reports whether a text shows by its form that a private key is in
// it. One without any of the known forms is not found: so nothing that is read
// where a key is expected is repeated in an error, found or not.
func HasPrivateKey(text string) bool {
	text = strings.ToLower(text)
	for _, mark := range privateMarks {
		if strings.Contains(text, mark) {
			return true
		}
	}
	return false
}

// plainWord is a word that is no part of a key, a token or a password that a
// machine has made: those have digits, capitals or more letters.
var plainWord = regexp.MustCompile(`^[a-z]([a-z-]{0,18}[a-z])?$`)

// shown is a word of a key file as an error may repeat it: in quotes if it is a
// plain word, such as a misspelt option, and else only by its length.
func shown(word string) string {
	if plainWord.MatchString(word) {
		return fmt.Sprintf("%q", word)
	}
	return fmt.Sprintf("a word of %d characters", len(word))
}

// CheckKeyPath refuses the path of a key file if it is not a path but a key: somebody
// who mistakes one for the other must not find the key in a log. Setting is the flag or
// setting that has it.
func CheckKeyPath(setting, path string) error {
	if HasPrivateKey(path) || strings.ContainsAny(path, "\n\r") || len(path) > maxPath {
		return fmt.Errorf("%s has a key itself, and wants the path of a file that has it", setting)
	}
	return nil
}

// maxPath is the longest path that Linux opens, in bytes (PATH_MAX).
const maxPath = 4096

// WithoutPath returns the cause of a file's error without the path in it, for
// settings in which people put the secret itself by mistake.
func WithoutPath(err error) error {
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		return of.Err
	}
	return err
}
