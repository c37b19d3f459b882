package appfile

import (
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// The grammars of names. Each check returns the mistake, to follow the quoted value, or
// "".

func checkLabel(s string) string { return wrong(name.CheckLabel(s)) }

// checkAccount says what is wrong with a ServiceAccount, NAMESPACE/NAME.
func checkAccount(s string) string {
	namespace, account, _ := strings.Cut(s, "/")
	if checkLabel(namespace) != "" || len(validation.IsDNS1123Subdomain(account)) > 0 {
		return "is no ServiceAccount: write NAMESPACE/NAME"
	}
	return ""
}

func checkName(s string) string {
	_, err := name.ParseApp(s)
	return wrong(err)
}

func checkBranch(s string) string {
	_, err := name.ParseBranch(s)
	return wrong(err)
}

// wrong is the text of an error, "" for none.
func wrong(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// checkPath holds a path to being a clean one inside the repository. Globs are
// allowed.
func checkPath(s string) string {
	trimmed := strings.TrimSuffix(s, "/")
	switch {
	case s == "":
		return `is empty; write "." for the whole repository`
	case path.IsAbs(s):
		return "is absolute; paths start at the repository's root"
	case strings.Contains(s, `\`):
		return "has a backslash; folders are separated by /"
	case !utf8.ValidString(s) || manifest.Clean(s) != s:
		return "has characters that do not print"
	case strings.Contains(s, "**"):
		return "has **; a * matches within one folder, so write one entry for each depth"
	}
	for element := range strings.SplitSeq(trimmed, "/") {
		if element == ".." {
			return "leads out of the repository"
		}
		if strings.EqualFold(element, ".git") {
			return "is Git's own folder"
		}
	}
	if clean := path.Clean(trimmed); !fs.ValidPath(clean) {
		return "is not a path"
	}
	if _, err := path.Match(trimmed, ""); err != nil {
		return "has a bracket that is not closed"
	}
	return ""
}
