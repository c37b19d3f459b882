package git

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Move is what the reflog says of the last time that a ref moved; zero if it
// says nothing. Git keeps one of branches and notes, and none of tags.
type Move struct {
	To  Hash
	Who string // the operator, any bytes
	Why string // "push", "rollback …"
}

// maxReflogLine bounds what is read of the reflog's end.
const maxReflogLine = 4 << 10

// LastMove returns the newest line of a ref's reflog, which is
// "OLD NEW WHO <ADDRESS> WHEN ZONE<TAB>WHY". It is for people: a reflog that
// cannot be read says nothing.
func (r *Repository) LastMove(ref string) Move {
	if CheckRef(ref) != nil {
		return Move{}
	}
	file, err := os.Open(filepath.Join(r.dir, "logs", filepath.FromSlash(ref)))
	if err != nil {
		return Move{}
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return Move{}
	} else if start := info.Size() - maxReflogLine; start > 0 {
		if _, err := file.Seek(start, io.SeekStart); err != nil {
			return Move{}
		}
	}
	text, err := io.ReadAll(io.LimitReader(file, maxReflogLine))
	if err != nil {
		return Move{}
	}
	text = bytes.TrimSuffix(text, []byte("\n"))
	return parseMove(string(text[bytes.LastIndexByte(text, '\n')+1:]))
}

func parseMove(line string) Move {
	what, why, _ := strings.Cut(line, "\t")
	fields := strings.SplitN(what, " ", 3)
	if len(fields) != 3 {
		return Move{}
	}
	to, err := ParseHash(fields[1])
	if err != nil {
		return Move{}
	}
	who, _, _ := strings.Cut(fields[2], " <")
	return Move{To: to, Who: who, Why: why}
}
