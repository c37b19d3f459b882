package audit

import (
	"fmt"
	"os"
	"time"
)

// Fault is one thing wrong with a trail.
type Fault struct {
	File string `json:"file"` // "": the trail as a whole
	Line int    `json:"line"` // in the file, from 1; 0: the end of the file
	Text string `json:"text"`
}

// String is a line for people.
func (f Fault) String() string {
	switch {
	case f.File == "":
		return f.Text
	case f.Line == 0:
		return fmt.Sprintf("%s, at its end: %s", f.File, f.Text)
	}
	return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Text)
}

// Verdict is the result of a verification.
type Verdict struct {
	Lines  int       `json:"lines"`
	Files  int       `json:"files"`
	First  uint64    `json:"first"` // line of those that are kept
	Last   uint64    `json:"last"`
	Hash   string    `json:"hash"` // of the last line: the head of the trail
	At     time.Time `json:"at"`   // of the last line
	Faults []Fault   `json:"faults"`
	More   int       `json:"moreFaults,omitempty"` // faults that are not listed
}

// maxFaults bounds the faults that are listed.
const maxFaults = 20

// Verify reads the whole trail, and finds lines that were removed, changed or moved.
func (t *Trail) Verify() (Verdict, error) {
	now, err := t.settle()
	if err != nil {
		return Verdict{}, err
	}
	root, err := os.OpenRoot(folderOf(t.config.Data))
	if err != nil {
		return Verdict{}, err
	}
	defer root.Close()
	return verify(root, now)
}

// verify checks the files in a folder against what is known to be on disk.
func verify(root *os.Root, now state) (v Verdict, err error) {
	numbers, err := listFiles(root)
	if err != nil {
		return v, err
	}
	v.Faults = []Fault{}
	var lines chain
	for _, number := range numbers {
		v.Files++
		err := eachStored(root, number, now, func(at int, line []byte) error {
			e, err := lines.take(line)
			if err != nil {
				v.add(Fault{fileName(number), at, err.Error()})
			}
			if e.Seq == lines.last.Seq {
				v.At = e.Time
			}
			return nil
		})
		if err != nil {
			return v, err
		}
	}
	v.Lines, v.First = lines.lines, lines.first
	v.Last, v.Hash = now.head.Seq, now.head.Hash
	for _, fault := range ends(lines, now.head) {
		v.add(fault)
	}
	return v, nil
}

// ends compares both ends of the chain with the head.
func ends(lines chain, kept head) (faults []Fault) {
	if lines.first > kept.First {
		faults = append(faults, Fault{Text: fmt.Sprintf("the lines %d to %d are missing from the beginning", kept.First, lines.first-1)})
	}
	switch {
	case lines.last.Seq < kept.Seq:
		faults = append(faults, Fault{Text: fmt.Sprintf("the lines %d to %d are missing from the end", lines.last.Seq+1, kept.Seq)})
	case lines.last.Seq > kept.Seq:
		faults = append(faults, Fault{Text: fmt.Sprintf("line %d stands behind the last that was written, %d", lines.last.Seq, kept.Seq)})
	case lines.last.Hash != kept.Hash && kept.Seq > 0:
		faults = append(faults, Fault{Text: fmt.Sprintf("the last line, %d, is another than was written", kept.Seq)})
	}
	return faults
}

func (v *Verdict) add(f Fault) {
	if len(v.Faults) == maxFaults {
		v.More++
		return
	}
	v.Faults = append(v.Faults, f)
}
