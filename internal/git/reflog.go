package git

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Move is a line of a ref's reflog; zero if there is none. Git keeps a reflog of
// branches and notes, and none of tags.
type Move struct {
	From, To Hash
	When     time.Time // zero: the line does not say
	Who      string    // the operator, any bytes
	Why      string    // "push", "rollback …"
}

// maxReflogLine bounds what is read of the reflog's end.
const maxReflogLine = 4 << 10

// LastMove returns the newest line of a ref's reflog. It is for people: an unreadable
// reflog gives a zero Move.
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

// parseMove reads a line, which is "OLD NEW WHO <ADDRESS> WHEN ZONE<TAB>WHY".
func parseMove(line string) Move {
	what, why, _ := strings.Cut(line, "\t")
	fields := strings.SplitN(what, " ", 3)
	if len(fields) != 3 {
		return Move{}
	}
	from, err1 := ParseHash(fields[0])
	to, err2 := ParseHash(fields[1])
	if err1 != nil || err2 != nil {
		return Move{}
	}
	who, rest, _ := strings.Cut(fields[2], " <")
	return Move{From: from, To: to, When: parseWhen(rest), Who: who, Why: why}
}

// parseWhen reads "ADDRESS> WHEN ZONE", where WHEN is in seconds since 1970.
func parseWhen(text string) time.Time {
	_, text, _ = strings.Cut(text, "> ")
	text, _, _ = strings.Cut(text, " ")
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds <= 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
