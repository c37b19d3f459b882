package meaning

import (
	"iter"
	"path"
)

// Two are at most two members of a set of texts: enough to tell whether it has another one than a
// given one. So who reads which file is found in time that grows with the files and with what
// kustomizations list, not with the product of both.
type Two struct{ first, second string }

// add adds a text, which is not empty; false if the set had it, or two others.
func (t *Two) add(text string) bool {
	switch {
	case t.first == "":
		t.first = text
	case t.second == "" && t.first != text:
		t.second = text
	default:
		return false
	}
	return true
}

// join adds those of another set.
func (t *Two) join(other Two) {
	for _, text := range []string{other.first, other.second} {
		if text != "" {
			t.add(text)
		}
	}
}

// Other reports whether the set has another text than a given one.
func (t Two) Other(than string) bool {
	return t.first != "" && t.first != than || t.second != "" && t.second != than
}

// pairs are a set for each of some paths.
type pairs map[string]*Two

func (p pairs) add(at, text string) bool {
	if p[at] == nil {
		p[at] = &Two{}
	}
	return p[at].add(text)
}

func (p pairs) of(at string) Two {
	if found := p[at]; found != nil {
		return *found
	}
	return Two{}
}

// Above are the folders that a file or folder is in, from the nearest to the root.
func Above(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for name != "." {
			if name = path.Dir(name); !yield(name) {
				return
			}
		}
	}
}

// Within tells for each file in which of some folders it is, by their By.
func Within(starts []Start) func(file string) Two {
	by := pairs{}
	for _, s := range starts {
		by.add(s.Folder, s.By)
	}
	return func(file string) (two Two) {
		for folder := range Above(file) {
			two.join(by.of(folder))
		}
		return two
	}
}

// Inner tells for each folder which of some files are in it or below.
func Inner(files []string) func(folder string) Two {
	in := pairs{}
	for _, file := range files {
		for folder := range Above(file) {
			in.add(folder, file)
		}
	}
	return in.of
}

// Start is a folder that is built, and by what.
type Start struct{ Folder, By string }

// Readers knows by what the files of a revision are read, as far as kustomizations list them.
type Readers struct {
	layout *Layout
	built  pairs // folders and other entries: by what they are reached
	listed pairs // those that a kustomization lists
}

// Readers follows what the kustomizations of folders list, and what that lists.
func (l *Layout) Readers(starts []Start) *Readers {
	r := &Readers{l, pairs{}, pairs{}}
	waiting := append([]Start(nil), starts...)
	for len(waiting) > 0 {
		next := waiting[len(waiting)-1]
		waiting = waiting[:len(waiting)-1]
		if !r.built.add(next.Folder, next.By) {
			continue
		}
		for _, entry := range l.listed[next.Folder] {
			r.listed.add(entry, next.By)
			waiting = append(waiting, Start{entry, next.By})
		}
	}
	return r
}

// Listed is by what a file is read that kustomizations list.
func (r *Readers) Listed(file string) Two { return r.listed.of(file) }

// Reach is Listed, where of a folder without a kustomization all files in it and below are read.
func (r *Readers) Reach(file string) Two {
	two := r.Listed(file)
	for folder := range Above(file) {
		if !r.layout.Builds(folder) {
			two.join(r.built.of(folder))
		}
	}
	return two
}

// Reads tells for each folder which of some files are read where it is built; of a folder without
// a kustomization, those in it and below.
func (l *Layout) Reads(files []string) func(folder string) Two {
	by, reads := l.listers(), pairs{}
	var waiting []Start
	for _, file := range files {
		for _, folder := range by[file] {
			waiting = append(waiting, Start{folder, file})
		}
		for folder := range Above(file) {
			if !l.Builds(folder) {
				waiting = append(waiting, Start{folder, file})
			}
		}
	}
	for len(waiting) > 0 {
		next := waiting[len(waiting)-1]
		waiting = waiting[:len(waiting)-1]
		if !reads.add(next.Folder, next.By) {
			continue
		}
		for _, folder := range by[next.Folder] {
			waiting = append(waiting, Start{folder, next.By})
		}
	}
	return reads.of
}

// Entries are what the kustomization of a folder lists.
func (l *Layout) Entries(folder string) []string { return l.listed[folder] }
