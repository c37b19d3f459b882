package mirror

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// What a server says of its refs (gitprotocol-pack, version 0): lines of HASH and NAME, of
// which the first ends in the server's capabilities, until a flush packet.

// Limits of what a server says of its refs. A forge has refs of its own for each request to
// merge, thousands of them.
const (
	maxAdvertised = 32 << 20 // bytes
	maxHeads      = 5000
	maxOthers     = 20000 // tags and records that are kept of it
	maxPacket     = 65520 // bytes, as Git has it
)

// advertised is what a server says of its refs.
type advertised struct {
	main   name.Branch // that HEAD names; "": it does not say
	heads  map[name.Branch]git.Hash
	others map[string]git.Hash // tags and records of deploys, by their refs
	more   bool                // there are more of those than maxOthers
}

// at is where the server has a ref; "" if it has none.
func (a *advertised) at(ref string) git.Hash {
	if branch, ok := name.BranchOf(ref); ok {
		return a.heads[branch]
	}
	return a.others[ref]
}

// errNotGit is of an answer that is not Git's.
var errNotGit = errors.New("the answer is not that of a Git server")

// readAdvertisement reads what a server says. Over HTTP, a line with the service's name
// comes before it; "" is for ssh.
func readAdvertisement(from io.Reader, service string) (advertised, error) {
	r := bufio.NewReader(io.LimitReader(from, maxAdvertised))
	if service != "" {
		line, flush, err := readPacket(r)
		if err != nil || flush || line != "# service="+service {
			return advertised{}, errNotGit
		}
		if _, flush, err = readPacket(r); err != nil || !flush {
			return advertised{}, errNotGit
		}
	}
	a := advertised{heads: map[name.Branch]git.Hash{}, others: map[string]git.Hash{}}
	for first := true; ; {
		line, flush, err := readPacket(r)
		switch {
		case err != nil:
			return advertised{}, fmt.Errorf("%w, or is longer than %d MiB", errNotGit, maxAdvertised>>20)
		case flush:
			return a, nil
		}
		if said, ok := strings.CutPrefix(line, "ERR "); ok {
			return advertised{}, fmt.Errorf("the server says: %s", manifest.OneLine(said))
		}
		if line == "version 1" { // before the first
			continue
		}
		if err := a.take(line, first); err != nil {
			return advertised{}, err
		}
		first = false
	}
}

// take reads one line.
func (a *advertised) take(line string, first bool) error {
	if first {
		var capabilities string
		line, capabilities, _ = strings.Cut(line, "\x00")
		if err := a.readCapabilities(capabilities); err != nil {
			return err
		}
	}
	text, ref, ok := strings.Cut(line, " ")
	if !ok || text == "shallow" {
		return nil
	}
	hash, err := git.ParseHash(text)
	if err != nil || len(hash) != 40 {
		return errNotGit
	}
	branch, ok := name.BranchOf(ref)
	switch {
	case hash.IsZero():
		return nil
	case !ok:
		a.takeOther(ref, hash)
		return nil
	}
	if _, err := name.ParseBranch(string(branch)); err != nil || git.CheckRef(ref) != nil {
		return nil //nolint:nilerr // Git has branches that we do not
	}
	if len(a.heads) >= maxHeads {
		return fmt.Errorf("the server has more than %d branches", maxHeads)
	}
	a.heads[branch] = hash
	return nil
}

// takeOther keeps a tag or a record. What else there is, is the server's own, also the commits
// that it says its tags lead to.
func (a *advertised) takeOther(ref string, hash git.Hash) {
	kept := strings.HasPrefix(ref, tagRefs) || strings.HasPrefix(ref, recordRefs)
	switch {
	case !kept || git.CheckRef(ref) != nil:
	case len(a.others) >= maxOthers:
		a.more = true
	default:
		a.others[ref] = hash
	}
}

// The prefixes of tags, and of records of deploys.
const (
	tagRefs    = "refs/tags/"
	recordRefs = git.RecordRefs + "deploys/"
)

func (a *advertised) readCapabilities(text string) error {
	for word := range strings.FieldsSeq(text) {
		if format, ok := strings.CutPrefix(word, "object-format="); ok && format != "sha1" {
			return fmt.Errorf("the repository has objects of %s, and only those of sha1 are taken", manifest.Clean(format))
		}
		if ref, ok := strings.CutPrefix(word, "symref=HEAD:"); ok {
			if branch, ok := name.BranchOf(ref); ok {
				a.main = branch
			}
		}
	}
	return nil
}

// readPacket reads one packet without the end of its line. flush is the packet that ends a
// list.
func readPacket(r *bufio.Reader) (line string, flush bool, err error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return "", false, err
	}
	size, err := strconv.ParseUint(string(head[:]), 16, 16)
	switch {
	case err != nil || size > maxPacket || size > 0 && size < 4:
		return "", false, errNotGit
	case size == 0:
		return "", true, nil
	}
	text := make([]byte, size-4)
	if _, err := io.ReadFull(r, text); err != nil {
		return "", false, err
	}
	return strings.TrimSuffix(string(text), "\n"), false, nil
}
