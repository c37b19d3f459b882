package plain

import (
	"slices"
	"strings"
)

// sort sorts the digests. Those of before, nil for none, are sorted already, and nearly all
// are the same: to sort ten thousand took longer than to find out which files have changed.
func (r *Read) sort(before *Read) {
	if before == nil || !r.isListed() || !before.isListed() {
		r.Sorted = slices.Sorted(slices.Values(r.Digests))
		return
	}
	gone, come := r.since(before)
	slices.Sort(gone)
	slices.Sort(come)
	r.Sorted = exchange(before.Sorted, gone, come)
}

// isListed reports whether the folders have all that was read.
func (r *Read) isListed() bool {
	n := 0
	for _, files := range r.folders {
		for _, f := range files {
			n += len(f.digests)
		}
	}
	return n == len(r.Digests)
}

// since returns the digests of files that have gone since before, and of those that have
// come. A file that has changed is both.
func (r *Read) since(before *Read) (gone, come []string) {
	for folder, files := range before.folders {
		for _, f := range without(files, r.folders[folder]) {
			gone = append(gone, f.digests...)
		}
	}
	for folder, files := range r.folders {
		for _, f := range without(files, before.folders[folder]) {
			come = append(come, f.digests...)
		}
	}
	return gone, come
}

// without returns the files that are not among others, the very same ones. Both are in the
// order of names.
func without(files, others []*file) []*file {
	var rest []*file
	for _, f := range files {
		if len(others) > 0 && others[0] == f {
			others = others[1:]
			continue
		}
		for len(others) > 0 && strings.Compare(others[0].path, f.path) < 0 {
			others = others[1:]
		}
		if len(others) > 0 && others[0] == f {
			others = others[1:]
			continue
		}
		rest = append(rest, f)
	}
	return rest
}

// exchange returns a sorted list without the texts of gone, each of which is in it as often,
// and with those of come. Both are sorted.
func exchange(list, gone, come []string) []string {
	sorted := make([]string, 0, len(list)+len(come)-len(gone))
	for len(gone)+len(come) > 0 {
		goes := len(come) == 0 || len(gone) > 0 && gone[0] <= come[0]
		var next string
		if goes {
			next, gone = gone[0], gone[1:]
		} else {
			next, come = come[0], come[1:]
		}
		at, _ := slices.BinarySearch(list, next)
		sorted, list = append(sorted, list[:at]...), list[at:]
		if goes {
			list = list[1:]
		} else {
			sorted = append(sorted, next)
		}
	}
	return append(sorted, list...)
}
