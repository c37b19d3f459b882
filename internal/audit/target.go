package audit

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
)

// Target is a place that lines are sent to: file:///PATH, unix:///PATH, udp://HOST:PORT or
// tcp://HOST:PORT. The last three speak syslog.
type Target struct{ scheme, at string }

// String writes a target as it is parsed.
func (t Target) String() string { return t.scheme + "://" + t.at }

// errTarget is of a text that is no target. It does not repeat the text.
var errTarget = errors.New("it is no target; write file:///PATH, unix:///dev/log, udp://HOST:514 or tcp://HOST:601")

// ParseTarget reads a target.
func ParseTarget(text string) (Target, error) {
	at, err := url.Parse(text)
	if err != nil || at.User != nil || at.RawQuery != "" || at.Fragment != "" {
		return Target{}, errTarget
	}
	switch at.Scheme {
	case "file", "unix":
		if at.Host != "" || !filepath.IsAbs(at.Path) || strings.HasSuffix(at.Path, "/") {
			return Target{}, fmt.Errorf("the path is not absolute; write %s:///PATH", at.Scheme)
		}
		return Target{at.Scheme, filepath.Clean(at.Path)}, nil
	case "udp", "tcp":
		port, err := strconv.Atoi(at.Port())
		if err != nil || port < 1 || port > 65535 || at.Hostname() == "" || strings.Trim(at.Path, "/") != "" {
			return Target{}, fmt.Errorf("host or port is missing; write %s://HOST:PORT", at.Scheme)
		}
		return Target{at.Scheme, net.JoinHostPort(at.Hostname(), at.Port())}, nil
	}
	return Target{}, errTarget
}

// ParseTargets reads all, each once. The error names the entry.
func ParseTargets(texts []string) ([]Target, error) {
	var targets []Target
	seen := map[Target]bool{}
	for i, text := range texts {
		target, err := ParseTarget(text)
		if err == nil && seen[target] {
			err = errors.New("it is there already")
		}
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
		seen[target] = true
		targets = append(targets, target)
	}
	return targets, nil
}
