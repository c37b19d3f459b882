package name

import (
	"errors"
	"fmt"
	"strings"
)

// Limits of a repository's name. A name becomes a path below the store's
// directory, so both stay far under NAME_MAX and PATH_MAX.
const (
	maxRepoBytes = 100
	// MaxRepoParts bounds the parts of a repository's name.
	MaxRepoParts = 3
)

// repoGrammar ends every error about a repository's name.
const repoGrammar = "a name is 1 to 3 parts joined by '/', each of a-z, 0-9, '.', '_' and '-', starting with a letter or digit, at most 100 bytes in all"

// Repo is a repository's name that has passed ParseRepo, such as "shop" or
// "team/shop". Only ParseRepo makes one of a client's bytes, so a Repo can form
// a path.
type Repo string

// ParseRepo reads a repository's name as git clients send it: "shop",
// "shop.git", "/shop.git" and "shop.git/" are the same repository. Anything outside the
// grammar is an error that states it: a name reaches a path and a command
// line, where "..", a leading '-' or a ';' have each been somebody's CVE
// (CVE-2017-8386, CVE-2025-22130, CVE-2026-45408).
func ParseRepo(s string) (Repo, error) {
	repo := Repo(strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(s, "/"), "/"), ".git"))
	if err := repo.Check(); err != nil {
		return "", fmt.Errorf("repository name %s: %w", quote(s), err)
	}
	return repo, nil
}

// Check holds a name to the grammar once more, for whoever makes a path of it.
// The error states the grammar.
func (r Repo) Check() error {
	if err := checkRepo(string(r)); err != nil {
		return fmt.Errorf("%w; %s", err, repoGrammar)
	}
	return nil
}

func checkRepo(repo string) error {
	if repo == "" {
		return errors.New("it is empty")
	}
	if len(repo) > maxRepoBytes {
		return fmt.Errorf("it has %d bytes", len(repo))
	}
	parts := strings.Split(repo, "/")
	if len(parts) > MaxRepoParts {
		return fmt.Errorf("it has %d parts", len(parts))
	}
	for _, part := range parts {
		if err := checkPart(part); err != nil {
			return err
		}
	}
	return nil
}

func checkPart(part string) error {
	if part == "" {
		return errors.New("it has an empty part")
	}
	for i := range len(part) {
		if c := part[i]; !isAlnum(c) && (i == 0 || !strings.ContainsRune("._-", rune(c))) {
			return fmt.Errorf("the part %s has a %q at byte %d", quote(part), c, i+1)
		}
	}
	if strings.Contains(part, "..") {
		return fmt.Errorf("the part %s contains '..'", quote(part))
	}
	for _, suffix := range []string{".git", ".lock", "."} {
		if strings.HasSuffix(part, suffix) {
			return fmt.Errorf("the part %s ends in %q", quote(part), suffix)
		}
	}
	return nil
}

func isAlnum(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }
