package bucket

import (
	"errors"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Address is a bucket, and a folder in it.
type Address struct {
	Bucket string
	Folder string // without a slash at either end; "": the whole bucket
}

// scheme begins addresses, as Amazon's own tools have it.
const scheme = "s3://"

// Forms of the parts of addresses. None has a character that an address would escape.
var (
	bucketForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	folderForm = regexp.MustCompile(`^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$`)
	regionForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,40}$`)
)

// maxFolder bounds a folder, in bytes: a key has 1,024 at most.
const maxFolder = 512

// IsAddress reports whether a text is meant to be the address of a bucket.
func IsAddress(text string) bool { return strings.HasPrefix(text, scheme) }

// ParseAddress reads s3://BUCKET or s3://BUCKET/FOLDER. Its error does not repeat the
// text, in which people may have put keys.
func ParseAddress(text string) (Address, error) {
	rest, ok := strings.CutPrefix(text, scheme)
	bucket, folder, _ := strings.Cut(rest, "/")
	folder = strings.TrimSuffix(folder, "/")
	ok = ok && bucketForm.MatchString(bucket) && !strings.Contains(bucket, "..")
	ok = ok && (folder == "" || len(folder) <= maxFolder && isFolder(folder))
	if !ok {
		return Address{}, errors.New("it is no address of a bucket; write s3://BUCKET or s3://BUCKET/FOLDER, of letters, digits, dots and dashes")
	}
	return Address{bucket, folder}, nil
}

func isFolder(folder string) bool {
	parts := strings.Split(folder, "/")
	return folderForm.MatchString(folder) && !slices.Contains(parts, ".") && !slices.Contains(parts, "..")
}

// String writes the address as it is read.
func (a Address) String() string { return scheme + strings.TrimSuffix(a.Bucket+"/"+a.Folder, "/") }

// In is the address of a folder in this one.
func (a Address) In(folder string) Address { return Address{a.Bucket, path.Join(a.Folder, folder)} }

// key is the key of a file of the folder; of "", the prefix of all keys.
func (a Address) key(name string) string {
	if a.Folder == "" {
		return name
	}
	return a.Folder + "/" + name
}

// CheckEndpoint reports a mistake in the address of storage. Its error does not repeat
// the address.
func CheckEndpoint(text string) error {
	_, err := parseEndpoint(text)
	return err
}

// CheckRegion reports a mistake in the name of a region.
func CheckRegion(text string) error {
	if !regionForm.MatchString(text) {
		return errors.New("it is no name of a region; write eu-central-1, or what the storage calls its own")
	}
	return nil
}

func parseEndpoint(text string) (url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "", u.RawQuery != "", u.Fragment != "",
		strings.Trim(u.Path, "/") != "" && !isFolder(strings.Trim(u.Path, "/")):
		return url.URL{}, errors.New("it is no address of storage; write https://s3.example.org, without the bucket")
	case u.User != nil:
		return url.URL{}, errors.New("there are keys in the address; write them into a file, and its path into backup.credentials")
	}
	return url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}, nil
}
