package audit

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
)

// headFile is the name of the file with the head.
const headFile = "head.json"

// head says where the trail ends, beside the trail: lines that were cut off its end, or
// files off its beginning, are found by comparing.
type head struct {
	mark
	First uint64 // the oldest line that is kept
}

var hashForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// text always has the same length, so that it is overwritten in place, within a block.
func (h head) text() []byte {
	return fmt.Appendf(nil, `{"seq":%20d,"hash":"%s","first":%20d}`+"\n", h.Seq, h.Hash, h.First)
}

// parseHead reads a head; known is false for any other text.
func parseHead(text []byte) (h head, known bool) {
	var fields struct {
		Seq   uint64
		Hash  string
		First uint64
	}
	if json.Unmarshal(text, &fields) != nil || !hashForm.MatchString(fields.Hash) {
		return head{}, false
	}
	return head{mark{fields.Seq, fields.Hash}, fields.First}, true
}

// readHead reads the head of a trail; known is false if there is none that can be read.
func readHead(root *os.Root) (h head, known bool) {
	text, err := root.ReadFile(headFile)
	if err != nil {
		return head{}, false
	}
	return parseHead(text)
}

// writeHead keeps a head. It is not forced to disk: after a loss of power it may be
// older than the trail, which is no fault.
func writeHead(root *os.Root, h head) error {
	file, err := root.OpenFile(headFile, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(h.text(), 0)
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}
