package converge

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// refs are the branches, tags and records of all repositories in a folder: "REPO REF", with
// their commits.
type refs map[string]string

// readRefs reads the refs of the repositories in a folder with Git alone.
func (w *world) readRefs(repos string) (refs, error) {
	found := refs{}
	for _, repo := range w.repos() {
		out, err := w.git(w.home.Dir, "--git-dir", filepath.Join(repos, repo+".git"),
			"for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags", "refs/pushboat/deploys")
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(out) {
			ref, at, _ := strings.Cut(strings.TrimSpace(line), " ")
			found[repo+" "+ref] = at
		}
	}
	return found, nil
}

// repos are the names of the repositories.
func (w *world) repos() []string {
	var names []string
	for _, b := range w.branches {
		names = append(names, b.repo)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// setBack returns an error if one of the former refs is missing, or is no longer at its
// former commit or one that builds on it. goesOn reports whether a commit builds on another
// one.
func (before refs) setBack(now refs, goesOn func(repo, from, to string) bool) error {
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(before)) {
		was, is := before[key], now[key]
		repo, ref, _ := strings.Cut(key, " ")
		switch {
		case was == is:
		case is == "":
			errs = append(errs, fmt.Errorf("%s is gone; it was at %.9s", key, was))
		case strings.HasPrefix(ref, "refs/tags/"), !goesOn(repo, was, is):
			errs = append(errs, fmt.Errorf("%s went back from %.9s to %.9s", key, was, is))
		}
	}
	return errors.Join(errs...)
}

// goesOn returns a function that asks Git, in the repositories of a folder, whether a
// commit builds on another one.
func (w *world) goesOn(repos string) func(repo, from, to string) bool {
	return func(repo, from, to string) bool {
		_, err := w.git(w.home.Dir, "--git-dir", filepath.Join(repos, repo+".git"), "merge-base", "--is-ancestor", from, to)
		return err == nil
	}
}

// moves are the commits to which a branch of the server was moved, oldest first, from its
// reflog.
func (w *world) moves(b *branch) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(w.bare(b), "logs", b.full()))
	return parseMoves(string(text)), err
}

// parseMoves parses a reflog.
func parseMoves(text string) []string {
	var moves []string
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) > 2 {
			moves = append(moves, fields[1])
		}
	}
	return moves
}
