package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// opened is a trail's newest file, and where its chain stands.
type opened struct {
	root   *os.Root
	file   *os.File
	number int   // of the file
	size   int64 // of its lines
	head   head
}

// open makes a folder's trail ready for its next line. remarks say what was not as the
// last writer has left it, to be written into the trail.
func open(dir string) (o *opened, remarks []string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	o = &opened{head: head{mark: mark{Hash: genesis}, First: 1}}
	if o.root, err = os.OpenRoot(dir); err != nil {
		return nil, nil, err
	}
	if remarks, err = o.settle(); err != nil {
		o.close()
		return nil, nil, err
	}
	return o, remarks, nil
}

func (o *opened) close() {
	if o.file != nil {
		_ = o.file.Close() // what counts was synced
	}
	_ = o.root.Close()
}

// settle opens the newest file, cuts off a line that was not finished, and finds the end
// of the chain.
func (o *opened) settle() (remarks []string, err error) {
	kept, known := readHead(o.root)
	numbers, err := listFiles(o.root)
	if err != nil {
		return nil, err
	}
	end, torn, err := o.findEnd(numbers)
	if err != nil {
		return nil, err
	}
	if torn > 0 {
		remarks = append(remarks, fmt.Sprintf("an unfinished line of %d bytes was cut off, as after a kill in mid-write", torn))
	}
	o.head = joined(kept, known, end)
	remarks = append(remarks, differences(kept, known, end)...)
	if o.file == nil {
		err = o.begin(1)
	}
	if err == nil && !known {
		err = writeHead(o.root, o.head) // from now on, it takes no room to change it
	}
	return remarks, err
}

// end is the end of the chain as the files have it.
type end struct {
	last  mark
	lines bool   // there is a last line
	first uint64 // line of the oldest file; 0: not known
	err   error  // why the last line is no good one
}

// findEnd opens the newest file, and looks for the last line, which is in the file before
// if the newest has none yet.
func (o *opened) findEnd(numbers []int) (found end, torn int64, err error) {
	found.last.Hash = genesis
	for _, number := range slices.Backward(numbers) {
		file, err := o.root.OpenFile(fileName(number), os.O_RDWR|os.O_APPEND, 0)
		if err != nil {
			return found, 0, err
		}
		t, err := tailOf(file)
		if err == nil && o.file == nil {
			torn, err = t.torn, cutOff(file, t)
			o.file, o.number, o.size = file, number, t.size
		} else {
			err = errors.Join(err, file.Close())
		}
		if err != nil {
			return found, 0, err
		}
		if t.size > 0 {
			found.lines, found.err = true, t.err
			if t.err == nil {
				found.last = mark{t.last.Seq, t.last.Hash}
			}
			break
		}
	}
	if len(numbers) > 0 {
		if first, err := firstOf(o.root, numbers[0]); err == nil {
			found.first = first.Seq
		}
	}
	return found, torn, nil
}

func tailOf(file *os.File) (tail, error) {
	info, err := file.Stat()
	if err != nil {
		return tail{}, err
	}
	return readTail(file, info.Size())
}

// cutOff removes an unfinished line.
func cutOff(file *os.File, t tail) error {
	if t.torn == 0 {
		return nil
	}
	return errors.Join(file.Truncate(t.size), file.Sync())
}

// joined is where the chain goes on: after the last line, or after the kept head if that
// is ahead, so that the gap stays to be seen.
func joined(kept head, known bool, found end) head {
	next := head{found.last, max(found.first, 1)}
	if known {
		next.First = max(kept.First, 1)
		if kept.Seq > found.last.Seq || found.err != nil {
			next.mark = kept.mark
		}
	}
	return next
}

// differences says how the files differ from the kept head.
func differences(kept head, known bool, found end) (remarks []string) {
	switch {
	case found.err != nil:
		remarks = append(remarks, "the last line is damaged: "+found.err.Error())
	case !known && found.lines:
		remarks = append(remarks, fmt.Sprintf("the kept head was missing; the last line found is %d", found.last.Seq))
	case known && kept.Seq > found.last.Seq:
		remarks = append(remarks, fmt.Sprintf("the lines %d to %d were missing from the end", found.last.Seq+1, kept.Seq))
	case known && kept.Seq == found.last.Seq && kept.Hash != found.last.Hash:
		remarks = append(remarks, fmt.Sprintf("line %d is another than was kept as the last, of hash %s", kept.Seq, kept.Hash))
	}
	if known && found.first > kept.First {
		remarks = append(remarks, fmt.Sprintf("the lines %d to %d were missing from the beginning", kept.First, found.first-1))
	}
	return remarks
}

// begin makes the file with a number, and goes on in it.
func (o *opened) begin(number int) error {
	file, err := o.root.OpenFile(fileName(number), os.O_CREATE|os.O_EXCL|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if err := o.syncFolder(); err != nil {
		return errors.Join(err, file.Close())
	}
	if o.file != nil {
		_ = o.file.Close() // it was synced
	}
	o.file, o.number, o.size = file, number, 0
	return nil
}

func (o *opened) syncFolder() error {
	folder, err := o.root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// forget deletes the oldest files until no more than keep are left. The head knows the
// first line that stays before any file goes.
func (o *opened) forget(keep int) error {
	numbers, err := listFiles(o.root)
	if err != nil || len(numbers) <= keep {
		return err
	}
	gone := numbers[:len(numbers)-keep]
	first := o.head.Seq + 1
	if oldest, err := firstOf(o.root, numbers[len(gone)]); err == nil {
		first = oldest.Seq
	}
	o.head.First = first
	if err := writeHead(o.root, o.head); err != nil {
		return err
	}
	for _, number := range gone {
		if err := o.root.Remove(fileName(number)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// folderOf is the folder of a data directory's trail.
func folderOf(data string) string { return filepath.Join(data, "audit") }
