package audit

import (
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// Numbers of RFC 5424: the facility "log audit", and severities.
const (
	facility        = 13
	severityWarning = 4
	severityInfo    = 6
)

// syslogTime is RFC 5424's TIMESTAMP, with microseconds.
const syslogTime = "2006-01-02T15:04:05.000000Z07:00"

// message is a line as RFC 5424 has it: the event's kind is the MSGID, and the line the
// message. There is no structured data.
func message(e Event, line []byte, host string, process int) []byte {
	severity := severityInfo
	if e.Decision == Refused || e.Kind == OfTrail {
		severity = severityWarning
	}
	return fmt.Appendf(nil, "<%d>1 %s %s pushboat %d %s - %s",
		facility*8+severity, e.Time.UTC().Format(syslogTime), host, process, e.Kind, line)
}

// hostName is the name of this machine as syslog allows it, "-" if it has none.
func hostName() string {
	name, err := os.Hostname()
	name = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, name)
	if err != nil || name == "" {
		return "-"
	}
	return name[:min(len(name), 255)]
}

// sendTimeout bounds connecting and each write.
const sendTimeout = 5 * time.Second

// framed counts a message's bytes before it, for connections without packets (RFC 6587).
func framed(message []byte) []byte { return append(fmt.Appendf(nil, "%d ", len(message)), message...) }

// dialSyslog connects to a target; packets says that each write is a message of its own.
func dialSyslog(t Target) (to net.Conn, packets bool, err error) {
	if t.scheme == "unix" {
		if to, err = net.DialTimeout("unixgram", t.at, sendTimeout); err == nil {
			return to, true, nil
		}
	}
	to, err = net.DialTimeout(t.scheme, t.at, sendTimeout)
	return to, t.scheme == "udp", err
}
