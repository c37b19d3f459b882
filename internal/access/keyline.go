package access

import (
	"cmp"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// The grammar of a key file, one key a line:
//
//	line    = blank | "#" anything | [ options BLANK ] type BLANK base64 BLANK name
//	options = option { "," option }
//	option  = ( "role" | "repo" | "from" ) "=" DQUOTE value DQUOTE
//
// It is a strict part of OpenSSH's authorized_keys: an option that this server
// does not know is an error, since ignoring a restriction would be a hole.

// Limits of a key file; an 8192-bit RSA key takes 1.4 KiB.
const (
	maxFileBytes = 4 << 20
	maxLineBytes = 16 << 10
)

// RSA modulus limits in bits. Under 2048 is breakable; over 8192 only burns the
// server's CPU before the login (CVE-2026-39829); ssh-audit warns under 3072.
const (
	minRSABits  = 2048
	goodRSABits = 3072
	maxRSABits  = 8192
)

// keyTypes are the types that the SSH door accepts.
var keyTypes = []string{
	ssh.KeyAlgoED25519, ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256,
	ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
	ssh.KeyAlgoRSA,
}

// keyLine is the content of one line.
type keyLine struct {
	operator Operator
	key      ssh.PublicKey
	warning  string // "" or a remark for the admin about the key
}

// parseKeyLine reads a line that is not blank and not a comment. The operator
// gets role unless the line names another; a fixed role cannot be changed.
func parseKeyLine(line string, role Role, fixed bool) (keyLine, error) {
	options, rest, err := splitOptions(line)
	if err != nil {
		return keyLine{}, err
	}
	var parsed keyLine
	if parsed.operator, err = readOptions(options, role, fixed); err != nil {
		return keyLine{}, err
	}
	fields := strings.Fields(rest)
	if len(fields) < 2 {
		return keyLine{}, errors.New(`a key is "TYPE BASE64 NAME", as in a .pub file`)
	}
	if parsed.key, parsed.warning, err = parseKey(fields[0], fields[1]); err != nil {
		return keyLine{}, err
	}
	name := strings.Join(fields[2:], " ")
	if fixed {
		name = nameFromComment(name)
	}
	if name == "" {
		return keyLine{}, errors.New("the key has no name: write the operator's name after the key")
	}
	if CheckOperator(name) != nil {
		return keyLine{}, errors.New("the word after the key is the operator's name:" +
			" up to 64 letters, digits and . _ @ + -, no blanks")
	}
	parsed.operator.Name = name
	parsed.operator.Fingerprint = ssh.FingerprintSHA256(parsed.key)
	return parsed, nil
}

// unnamedAdmin is the operator of an admin's key without a comment.
const unnamedAdmin = "admin"

// nameFromComment makes an operator's name of the comment of a .pub file,
// which people have as their computer wrote it: "Ana Smith (work)" becomes
// "Ana-Smith-work".
func nameFromComment(comment string) string {
	return cmp.Or(plainName(comment, maxOperatorName), unnamedAdmin)
}

// plainName is a text in the grammar of operators' names, with hyphens in the place of
// other characters; "" if none is left.
func plainName(text string, most int) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return !operatorName.MatchString("a" + string(r)) })
	name := strings.TrimLeft(strings.Join(words, "-"), "._@+-")
	return name[:max(0, min(len(name), most))]
}

type option struct{ name, value string }

// splitOptions takes the options off the head of a line. A line without
// options starts with a key type.
func splitOptions(line string) ([]option, string, error) {
	if head := firstWord(line); slices.Contains(keyTypes, head) || knownElsewhere(head) {
		return nil, line, nil
	}
	var options []option
	for {
		name, rest, found := strings.Cut(line, "=")
		if !found || strings.ContainsAny(name, " \t,\"") {
			return nil, "", fmt.Errorf("unknown option or key type (%s): options are role, repo and from,"+
				` as in role="push"; types are %s`, shown(firstWord(line)), strings.Join(keyTypes, ", "))
		}
		value, after, err := quoted(rest)
		if err != nil {
			return nil, "", fmt.Errorf("option (%s): %w", shown(name), err)
		}
		options = append(options, option{name, value})
		if !strings.HasPrefix(after, ",") {
			return options, after, needsBlank(after)
		}
		line = after[1:]
	}
}

func firstWord(line string) string {
	if i := strings.IndexAny(line, " \t,"); i >= 0 {
		return line[:i]
	}
	return line
}

// knownElsewhere are types that deserve an answer of their own.
func knownElsewhere(keyType string) bool {
	return keyType == "ssh-dss" || strings.Contains(keyType, "-cert-v01@")
}

func quoted(s string) (value, after string, err error) {
	if !strings.HasPrefix(s, `"`) {
		return "", "", errors.New("the value stands in double quotes")
	}
	value, after, found := strings.Cut(s[1:], `"`)
	if !found {
		return "", "", errors.New("the closing double quote is missing")
	}
	if strings.Contains(value, `\`) {
		return "", "", errors.New("a value has no backslash")
	}
	return value, after, nil
}

func needsBlank(after string) error {
	if strings.HasPrefix(after, " ") || strings.HasPrefix(after, "\t") {
		return nil
	}
	return errors.New("expected a comma or a blank after the value of an option")
}

func readOptions(options []option, role Role, fixed bool) (Operator, error) {
	op := Operator{Role: role}
	seen := map[string]bool{}
	for _, o := range options {
		if seen[o.name] {
			return Operator{}, fmt.Errorf("option (%s) is given twice", shown(o.name))
		}
		seen[o.name] = true
		if err := readOption(&op, o, fixed); err != nil {
			return Operator{}, err
		}
	}
	return op, nil
}

func readOption(op *Operator, o option, fixed bool) (err error) {
	switch {
	case o.name == "from":
		op.From, err = ParseSources(o.value)
	case fixed && (o.name == "role" || o.name == "repo"):
		return fmt.Errorf("option %q: every key in an admin key file is an admin's;"+
			" other keys belong in the file of authorized keys", o.name)
	case o.name == "repo":
		op.Repos, err = ParseGlobs(o.value)
	case o.name == "role":
		if op.Role = Role(o.value); !op.Role.Valid() {
			err = fmt.Errorf("%s is not read, push, deploy or admin", shown(o.value))
		}
	default:
		return fmt.Errorf("unknown option (%s): options are role, repo and from", shown(o.name))
	}
	if err != nil {
		return fmt.Errorf("option %q: %w", o.name, err)
	}
	return nil
}

// ParseKey reads the text of a public key, "TYPE BASE64" with or without a comment, and
// returns what an admin should know about it, if anything. The error repeats nothing of
// the text.
func ParseKey(text string) (key ssh.PublicKey, warning string, err error) {
	if len(text) > maxLineBytes {
		return nil, "", fmt.Errorf("longer than %d bytes", maxLineBytes)
	}
	if HasPrivateKey(text) {
		return nil, "", ErrPrivateKey
	}
	fields := strings.Fields(text)
	if len(fields) < 2 {
		return nil, "", errors.New(`a key is "TYPE BASE64", as in a .pub file`)
	}
	return parseKey(fields[0], fields[1])
}

// parseKey reads a key and says whether it is one that may be used.
func parseKey(keyType, encoded string) (ssh.PublicKey, string, error) {
	if strings.Contains(keyType, "-cert-v01@") {
		return nil, "", errors.New("certificates are not accepted here, give the plain key")
	}
	if !slices.Contains(keyTypes, keyType) {
		return nil, "", fmt.Errorf("the key type (%s) is not accepted: make a key with ssh-keygen -t ed25519", shown(keyType))
	}
	blob, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return nil, "", fmt.Errorf("decode %s key: %w", keyType, err)
	}
	key, err := ssh.ParsePublicKey(blob)
	if err != nil {
		return nil, "", fmt.Errorf("the base64 is no %s key, or a part of it is missing", keyType) // the error may repeat it
	}
	if key.Type() != keyType {
		return nil, "", fmt.Errorf("the key says that it is of type %q, not %q", key.Type(), keyType)
	}
	warning, err := judgeRSA(key)
	return key, warning, err
}

func judgeRSA(key ssh.PublicKey) (warning string, err error) {
	crypto, ok := key.(ssh.CryptoPublicKey)
	if !ok {
		return "", nil
	}
	pub, ok := crypto.CryptoPublicKey().(*rsa.PublicKey)
	if !ok {
		return "", nil
	}
	switch bits := pub.N.BitLen(); {
	case bits < minRSABits || bits > maxRSABits:
		return "", fmt.Errorf("RSA key of %d bits: %d to %d are accepted; better: ssh-keygen -t ed25519",
			bits, minRSABits, maxRSABits)
	case bits < goodRSABits:
		return fmt.Sprintf("RSA key of %d bits is weak: replace it, ssh-keygen -t ed25519", bits), nil
	}
	return "", nil
}
