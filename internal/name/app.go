package name

import (
	"errors"
	"fmt"
	"regexp"
)

// MaxApp bounds an app's name, in bytes. It is the bound of Helm releases: ten
// below the 63 of a DNS label (RFC 1123), for the names made from it.
const MaxApp = 53

// App is an app's name: a DNS label of at most MaxApp bytes, unique on a server.
// It is a label's value, a part of a ref and of object names on the cluster.
type App string

// ParseApp reads an app's name. The error reads on from the quoted name: "is
// empty".
func ParseApp(s string) (App, error) {
	if err := checkLabel(s, MaxApp); err != nil {
		return "", err
	}
	return App(s), nil
}

// maxLabel bounds a DNS label (RFC 1123).
const maxLabel = 63

// CheckLabel holds a text to the grammar of DNS labels (RFC 1123), which the
// names of clusters and namespaces have. The error reads on from the quoted text.
func CheckLabel(s string) error { return checkLabel(s, maxLabel) }

var label = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

func checkLabel(s string, most int) error {
	switch {
	case s == "":
		return errors.New("is empty")
	case len(s) > most:
		return fmt.Errorf("has %d characters; at most %d are allowed", len(s), most)
	case !label.MatchString(s):
		return errors.New("is not made of lower-case letters, digits and inner hyphens")
	}
	return nil
}
