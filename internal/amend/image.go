package amend

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/distribution/reference"
)

// Image is a reference to an image, in parts, as somebody wrote it.
type Image struct {
	Registry string // with its port; "" if it is not written
	Path     string // of the repository, such as shop/web
	Tag      string
	Digest   string // with its algorithm: sha256:...
}

// maxImage bounds a reference, in bytes; the grammar of the distribution project allows
// 255 for the name, 128 for the tag and less than 160 for a digest.
const maxImage = 600

// ParseImage reads a reference strictly, in the grammar of the distribution project. A
// short name stands for one of Docker Hub.
func ParseImage(text string) (Image, error) {
	if len(text) > maxImage {
		return Image{}, fmt.Errorf("the reference has more than %d bytes", maxImage)
	}
	if _, err := reference.ParseNormalizedNamed(text); err != nil {
		return Image{}, errors.New(strings.TrimPrefix(err.Error(), "invalid reference format: "))
	}
	return Split(text), nil
}

// Split takes a reference apart, whatever it is.
func Split(text string) Image {
	var i Image
	text, i.Digest, _ = strings.Cut(text, "@")
	if at := strings.LastIndexByte(text, ':'); at > strings.LastIndexByte(text, '/') {
		text, i.Tag = text[:at], text[at+1:]
	}
	first, rest, found := strings.Cut(text, "/")
	if found && (strings.ContainsAny(first, ".:") || first == "localhost" || first != strings.ToLower(first)) {
		i.Registry, text = first, rest
	}
	i.Path = text
	return i
}

// Name returns the reference without tag and digest.
func (i Image) Name() string {
	if i.Registry == "" {
		return i.Path
	}
	return i.Registry + "/" + i.Path
}

// String writes the reference.
func (i Image) String() string { return i.Name() + i.version() }

// version is what follows the name.
func (i Image) version() string {
	text := ""
	if i.Tag != "" {
		text = ":" + i.Tag
	}
	if i.Digest != "" {
		text += "@" + i.Digest
	}
	return text
}

// Pinned reports whether the reference says which version it means.
func (i Image) Pinned() bool { return cmp.Or(i.Tag, i.Digest) != "" }

// SameRepository reports whether two references mean one repository, however it is spelt:
// nginx and docker.io/library/nginx.
func (i Image) SameRepository(other Image) bool {
	a, err := reference.ParseNormalizedNamed(i.Name())
	if err != nil {
		return i.Name() == other.Name()
	}
	b, err := reference.ParseNormalizedNamed(other.Name())
	return err == nil && a.Name() == b.Name()
}

// As returns the reference with its repository spelt as in another one that means the same.
func (i Image) As(other Image) Image {
	if i.SameRepository(other) {
		i.Registry, i.Path = other.Registry, other.Path
	}
	return i
}

// parts are those that people keep apart in values.
func (i Image) parts() [4]string { return [4]string{i.Registry, i.Path, i.Tag, i.Digest} }

// meets reports whether a rendered reference is as wanted. One that lacks the wanted tag
// does as well if it has the digest, which decides.
func (i Image) meets(want Image) bool {
	return i == want || want.Digest != "" && i.Digest == want.Digest && i.Name() == want.Name() && i.Tag == ""
}

// Meets reports whether a rendered text is the wanted reference, or one that means the same.
func Meets(text string, want Image) bool { return Split(text).meets(want) }

// nearer reports whether the reference has all parts of the wanted one that another has,
// and more.
func (i Image) nearer(want, than Image) bool {
	mine, theirs, wanted := i.parts(), than.parts(), want.parts()
	more := false
	for n := range wanted {
		switch is, was := mine[n] == wanted[n], theirs[n] == wanted[n]; {
		case was && !is:
			return false
		case is && !was:
			more = true
		}
	}
	return more
}

// segments are the texts of which people make references: the whole, and its parts. Each
// is written for what is, and for what is wanted.
var segments = []func(Image) string{
	Image.String,
	func(i Image) string { return strings.TrimPrefix(Image{"", i.Path, i.Tag, i.Digest}.String(), "/") },
	func(i Image) string { return Image{i.Registry, i.Path, i.Tag, ""}.String() },
	func(i Image) string { return Image{"", i.Path, i.Tag, ""}.String() },
	Image.Name,
	func(i Image) string { return i.Path },
	func(i Image) string { return strings.TrimPrefix(i.version(), ":") },
	func(i Image) string { return i.Name()[:max(0, strings.LastIndexByte(i.Name(), '/'))] },
	func(i Image) string { return i.Path[strings.LastIndexByte(i.Path, '/')+1:] },
	func(i Image) string { return i.Registry },
	func(i Image) string { return i.Tag },
	func(i Image) string { return i.Digest },
	func(i Image) string { return strings.TrimPrefix(i.Digest, "sha256:") },
}
