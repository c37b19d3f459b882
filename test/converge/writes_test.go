package converge

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// serverPrefix begins the name of each server in the audit log.
const serverPrefix = "server-"

// write is a request of a server that changed something on the cluster.
type write struct {
	at   time.Time // when the API server received it
	by   string    // the server's name
	what string
}

// reign is the time of one server with the data directory: from its epoch to the next
// one's.
type reign struct {
	server string
	epoch  int64 // when the reign began, in milliseconds since 1970
}

// event has the relevant fields of a line in an audit log.
type event struct {
	Verb             string
	RequestURI       string
	ImpersonatedUser struct{ Username string }
	ObjectRef        struct{ Resource, Namespace, Name, APIGroup, Subresource string }
	ResponseStatus   struct{ Code int }
	Received         time.Time `json:"requestReceivedTimestamp"`
}

// parseWrite parses a line of an audit log. ok is false if the line is not about a change
// by a server. Leases and reviews of rights are left out.
func parseWrite(line []byte) (w write, ok bool, err error) {
	if !bytes.Contains(line, []byte(serverPrefix)) {
		return write{}, false, nil
	}
	var e event
	if err := json.Unmarshal(line, &e); err != nil {
		return write{}, false, fmt.Errorf("audit log: %w in %.200s", err, line)
	}
	switch e.Verb {
	case "create", "update", "patch", "delete", "deletecollection":
	default:
		return write{}, false, nil
	}
	switch e.ObjectRef.APIGroup {
	case "coordination.k8s.io", "authorization.k8s.io", "authentication.k8s.io":
		return write{}, false, nil
	}
	by := e.ImpersonatedUser.Username
	if !strings.HasPrefix(by, serverPrefix) || e.ResponseStatus.Code >= 300 || strings.Contains(e.RequestURI, "dryRun=All") {
		return write{}, false, nil
	}
	what := fmt.Sprintf("%s %s %s/%s", e.Verb, e.ObjectRef.Resource, e.ObjectRef.Namespace, e.ObjectRef.Name)
	return write{at: e.Received, by: by, what: what}, true, nil
}

// stale returns an error if a server has written after another one took its place. Servers
// whose epoch was not seen are left out.
func stale(writes []write, reigns []reign) error {
	own := map[string]int{}
	for i, r := range reigns {
		own[r.server] = i
	}
	var errs []error
	for _, w := range writes {
		i, ok := own[w.by]
		if !ok || i+1 == len(reigns) {
			continue
		}
		if next := reigns[i+1]; w.at.UnixMilli() > next.epoch {
			late := w.at.Sub(time.UnixMilli(next.epoch)).Round(time.Microsecond)
			errs = append(errs, fmt.Errorf("%s made %s %s after %s had taken its place", w.by, w.what, late, next.server))
		}
	}
	return errors.Join(errs...)
}

// auditLogs reads the audit logs in a folder. It reads each line once.
type auditLogs struct {
	dir  string
	read map[uint64]int64 // how many bytes of each file were read, by inode, since a large file is renamed
}

// next returns the writes since the last call. It removes the file of an API server that
// has ended.
func (a *auditLogs) next(current string) ([]write, error) {
	paths, err := filepath.Glob(filepath.Join(a.dir, "*.log"))
	var writes []write
	for _, path := range paths {
		more, failure := a.more(path, filepath.Base(path) == current)
		writes, err = append(writes, more...), errors.Join(err, failure)
	}
	return writes, err
}

// more reads the new complete lines of a file. It removes a file that does not grow any
// more.
func (a *auditLogs) more(path string, stays bool) ([]write, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	inode, err := inodeOf(file)
	if err != nil {
		return nil, err
	}
	if _, err := file.Seek(a.read[inode], io.SeekStart); err != nil {
		return nil, err
	}
	var writes []write
	for lines := bufio.NewReader(file); ; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) && !stays { // a kill has cut the last line off
			delete(a.read, inode)
			return writes, os.Remove(path)
		}
		if errors.Is(err, io.EOF) {
			return writes, nil
		}
		if err != nil {
			return nil, err
		}
		a.read[inode] += int64(len(line))
		w, ok, err := parseWrite(line)
		if err != nil {
			return nil, err
		}
		if ok {
			writes = append(writes, w)
		}
	}
}

// inodeOf returns the inode number of an open file.
func inodeOf(file *os.File) (uint64, error) {
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, errors.New("files have no inodes here")
	}
	return stat.Ino, nil
}
