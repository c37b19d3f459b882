package history

// The tree of a record:
//
//	record.json                            the deploy, and what it changed
//	log.txt                                the lines that were shown
//	manifests/NAMESPACE/KIND/NAME.yaml     an object as applied, secrets masked;
//	                                       NAMESPACE is _cluster where there is
//	                                       none, KIND is Kind.group outside the
//	                                       core group
//	noted/SHARDS/NN                        what the next plan compares with: a
//	                                       line an object, by hash of its key;
//	                                       digest, fingerprint, key, and how it
//	                                       ended, if it did
//
// Files that a deploy did not change are the same blobs as in the record before, so the
// cost of a record grows with the change. With 10,000 objects of one kind in a
// namespace, one changed object writes 1 KB for itself, 5 KB of notes, and 250 KB for
// the folder's listing, which a repack makes small (measured).

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"strconv"
	"strings"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// The files of a record's commit.
const (
	recordFile   = "record.json"
	logFile      = "log.txt"
	manifestsDir = "manifests"
	notedDir     = "noted"
)

// noNamespace is the folder of cluster-scoped objects. No namespace can have this name:
// it is not a DNS label.
const noNamespace = "_cluster"

// manifestPath returns the path of an object's manifest.
func manifestPath(id manifest.ID) string {
	namespace, kind := noNamespace, id.Kind
	if id.Namespace != "" {
		namespace = segment(id.Namespace, "")
	}
	if id.Group != "" {
		kind += "." + id.Group
	}
	return strings.Join([]string{manifestsDir, namespace, segment(kind, ""), segment(id.Name, ".yaml")}, "/")
}

// maxSegment bounds a name in a path, in bytes: file systems allow 255, and Git writes
// NAME.lock beside it.
const maxSegment = 200

// segment makes a file name from an object's name. Names of roles may hold nearly any
// byte but the slash and the percent sign, so every unsafe character is written as %XX;
// a name that would be too long ends in a digest instead.
func segment(name, suffix string) string {
	var b strings.Builder
	for i, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.' && i > 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	text := b.String()
	if len(text)+len(suffix) > maxSegment {
		sum := sha256.Sum256([]byte(name))
		digest := "~" + hex.EncodeToString(sum[:8])
		text = text[:maxSegment-len(suffix)-len(digest)] + digest
	}
	return text + suffix
}

// Notes are spread over files, so that a change rewrites one of them. With about
// perShard notes in a file, one change in an app of 10,000 objects writes 5 KB of notes
// instead of 1.2 MB, and a small app has one file.
const (
	perShard  = 32
	maxShards = 256
)

// shardsFor returns the number of files for the notes of so many objects.
func shardsFor(objects int) int {
	shards := 1
	for shards < maxShards && shards*perShard < objects {
		shards *= 2
	}
	return shards
}

// shardOf returns the file of an object's note.
func shardOf(id manifest.ID, shards int) int {
	sum := uint32(fnvOffset)
	for i, part := range [...]string{id.Group, id.Kind, id.Namespace, id.Name} {
		if i > 0 {
			sum = (sum ^ '/') * fnvPrime
		}
		for k := range len(part) {
			sum = (sum ^ uint32(part[k])) * fnvPrime
		}
	}
	return int(sum % uint32(shards))
}

// The constants of FNV-1a in 32 bits. shardOf hashes the parts of an object's key
// without building the key, since each record does so for every object.
const (
	fnvOffset = 2166136261
	fnvPrime  = 16777619
)

func shardPath(shard, shards int) string {
	return fmt.Sprintf("%s/%d/%02x", notedDir, shards, shard)
}

// writeShard writes the notes of the objects, in the order of their keys.
func writeShard(ids []manifest.ID, noted map[manifest.ID]record.Noted) []byte {
	sort.Slice(ids, func(i, k int) bool { return ids[i].Key() < ids[k].Key() })
	var b bytes.Buffer
	for _, id := range ids {
		n := noted[id]
		fmt.Fprintf(&b, "%s %s %s", orDash(n.Digest), orDash(n.Fingerprint), strconv.Quote(id.Key()))
		if n.Ended != "" {
			fmt.Fprintf(&b, " %s", n.Ended)
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// readNoted reads all notes of a record, and the number of their files; 0 if it has
// none.
func readNoted(tree fs.FS) (noted map[manifest.ID]record.Noted, shards int, err error) {
	noted = map[manifest.ID]record.Noted{}
	spreads, err := fs.ReadDir(tree, notedDir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(spreads) != 1 {
		return noted, 0, nil // from a version that kept its notes elsewhere
	}
	if err != nil {
		return nil, 0, err
	}
	if shards, err = strconv.Atoi(spreads[0].Name()); err != nil || shards < 1 {
		return nil, 0, fmt.Errorf("notes in %q: want a number of files", spreads[0].Name())
	}
	dir := notedDir + "/" + spreads[0].Name()
	files, err := fs.ReadDir(tree, dir)
	if err != nil {
		return nil, 0, err
	}
	for _, file := range files {
		text, err := fs.ReadFile(tree, dir+"/"+file.Name())
		if err != nil {
			return nil, 0, err
		}
		if err := readShard(noted, string(text)); err != nil {
			return nil, 0, fmt.Errorf("notes in %q: %w", file.Name(), err)
		}
	}
	return noted, shards, nil
}

func readShard(noted map[manifest.ID]record.Noted, text string) error {
	for line := range strings.Lines(text) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 3)
		if len(fields) != 3 {
			return fmt.Errorf("line %q: want digest, fingerprint and object", line)
		}
		quoted, err := strconv.QuotedPrefix(fields[2])
		if err != nil {
			return fmt.Errorf("line %q: %w", line, err)
		}
		ended := health.End(strings.TrimPrefix(fields[2][len(quoted):], " "))
		key, err := strconv.Unquote(quoted)
		if err != nil {
			return fmt.Errorf("line %q: %w", line, err)
		}
		id, ok := manifest.ParseKey(key)
		if !ok {
			return fmt.Errorf("line %q: %q is no object", line, key)
		}
		noted[id] = record.Noted{Digest: notDash(fields[0]), Fingerprint: notDash(fields[1]), Ended: ended}
	}
	return nil
}

func notDash(text string) string {
	if text == "-" {
		return ""
	}
	return text
}
