package bucket

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

// Keys sign requests. Printing them shows nothing of them.
type Keys struct {
	ID, Secret string
	Token      string // of keys that expire; "": they do not
}

// String keeps the keys out of logs and errors.
func (Keys) String() string { return "(keys)" }

// GoString does so for %#v.
func (k Keys) GoString() string { return k.String() }

// maxKeyFile bounds a file of keys, in bytes.
const maxKeyFile = 8 << 10

// ReadKeys reads a file with one line, KEY:SECRET. Its errors repeat neither the file's
// name nor its content: people put the keys themselves where the name belongs.
func ReadKeys(name string) (Keys, error) {
	file, err := os.Open(name)
	if err != nil {
		return Keys{}, unreadable(err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFile))
	if err != nil {
		return Keys{}, unreadable(err)
	}
	id, secret, found := strings.Cut(strings.TrimSpace(string(text)), ":")
	if !found || !isPrintable(id) || !isPrintable(secret) {
		return Keys{}, errors.New("the file is not one line with KEY:SECRET")
	}
	return Keys{ID: id, Secret: secret}, nil
}

func unreadable(err error) error {
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		err = of.Err
	}
	return fmt.Errorf("the file that is to have KEY:SECRET in it: %w", err)
}

// isPrintable reports whether a text may be in a header.
func isPrintable(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// sign signs a request by the version 4 of Amazon's signatures, as "Signing AWS API
// requests" has it. Its path and query are as they are sent, with nothing to escape in
// the path; payload is the hash of its body.
func (k Keys) sign(r *http.Request, payload [sha256.Size]byte, region string, now time.Time) {
	moment := now.UTC().Format("20060102T150405Z")
	day := moment[:8]
	signed := map[string]string{
		"host": r.URL.Host, "x-amz-date": moment, "x-amz-content-sha256": hex.EncodeToString(payload[:]),
	}
	if k.Token != "" {
		signed["x-amz-security-token"] = k.Token
	}
	if sum := r.Header.Get("Content-MD5"); sum != "" {
		signed["content-md5"] = sum
	}
	names := slices.Sorted(maps.Keys(signed))
	var headers strings.Builder
	for _, name := range names {
		headers.WriteString(name + ":" + signed[name] + "\n")
		if name != "host" {
			r.Header.Set(name, signed[name])
		}
	}
	list := strings.Join(names, ";")
	canonical := sha256.Sum256([]byte(strings.Join([]string{
		r.Method, r.URL.Path, r.URL.RawQuery, headers.String(), list, signed["x-amz-content-sha256"],
	}, "\n")))
	scope := day + "/" + region + "/s3/aws4_request"
	key := []byte("AWS4" + k.Secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	signature := mac(key, "AWS4-HMAC-SHA256\n"+moment+"\n"+scope+"\n"+hex.EncodeToString(canonical[:]))
	r.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		k.ID, scope, list, hex.EncodeToString(signature)))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
