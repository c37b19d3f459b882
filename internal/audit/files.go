package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
)

// fileForm is the name of a file of the trail: its number.
var fileForm = regexp.MustCompile(`^([0-9]{8})\.jsonl$`)

func fileName(number int) string { return fmt.Sprintf("%08d.jsonl", number) }

// listFiles returns the numbers of a trail's files, oldest first.
func listFiles(root *os.Root) ([]int, error) {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, entry := range entries {
		if parts := fileForm.FindStringSubmatch(entry.Name()); parts != nil && entry.Type().IsRegular() {
			number, _ := strconv.Atoi(parts[1]) // eight digits
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// eachLine calls take with each line of a reader, without its line break, and its number
// from 1. A last line that has no break is left out, and its length returned. A line
// that is too long is taken as far as maxLine reaches, and so is none.
func eachLine(from io.Reader, take func(number int, line []byte) error) (torn int, err error) {
	reader := bufio.NewReaderSize(from, maxLine+1)
	for number := 1; ; number++ {
		line, err := reader.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			line = bytes.Clone(line)
			err = skipLine(reader)
		}
		switch {
		case errors.Is(err, io.EOF):
			return len(line), nil
		case err != nil:
			return 0, err
		}
		if err := take(number, bytes.TrimSuffix(line, []byte("\n"))); err != nil {
			return 0, err
		}
	}
}

// skipLine reads to the end of a line.
func skipLine(reader *bufio.Reader) error {
	for {
		if _, err := reader.ReadSlice('\n'); !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// tail is the end of a file of the trail.
type tail struct {
	size int64 // of its whole lines
	torn int64 // bytes of an unfinished line behind them
	last Event // the last line, if good
	err  error // why the last line is none; errNoLine for a file without a line
}

// readTail reads the end of a file.
func readTail(file io.ReaderAt, size int64) (tail, error) {
	from := max(0, size-2*maxLine)
	end := make([]byte, size-from)
	if _, err := file.ReadAt(end, from); err != nil && !errors.Is(err, io.EOF) {
		return tail{}, err
	}
	whole := bytes.LastIndexByte(end, '\n') + 1
	t := tail{size: from + int64(whole), torn: int64(len(end) - whole), err: errNoLine}
	if whole > 0 {
		lines := end[:whole-1]
		t.last, t.err = decode(lines[bytes.LastIndexByte(lines, '\n')+1:])
	}
	return t, nil
}

// firstOf returns the first line of a file.
func firstOf(root *os.Root, number int) (Event, error) {
	file, err := root.Open(fileName(number))
	if err != nil {
		return Event{}, err
	}
	defer file.Close()
	first, err := Event{}, errNoLine
	_, scanned := eachLine(file, func(_ int, line []byte) error {
		first, err = decode(line)
		return io.EOF // enough
	})
	if scanned != nil && !errors.Is(scanned, io.EOF) {
		err = scanned
	}
	return first, err
}
