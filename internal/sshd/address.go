package sshd

import (
	"cmp"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
)

// Address is the address by which clients reach the server, as they write it.
type Address struct {
	User string // "": that of the client
	Host string // "": the host that the client connected to
	Port int    // 0: the port that the client connected to; 22 if there is a Host
}

// Names that are safe in a command that people paste into a shell.
var (
	plainUser = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`)
	plainHost = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.:-]*$`)
)

// Bounds of these names, in bytes. The host's is that of RFC 1035.
const (
	maxUser = 64
	maxHost = 253
)

func isPlainUser(text string) bool { return len(text) <= maxUser && plainUser.MatchString(text) }

func isPlainHost(text string) bool { return len(text) <= maxHost && plainHost.MatchString(text) }

// ParseAddress parses [USER@]HOST[:PORT], with an IPv6 address in brackets if there is
// a port.
func ParseAddress(text string) (Address, error) {
	wrong := fmt.Errorf("%q is no address; write git.example.org, git@git.example.org or git.example.org:2222", text)
	user, rest, named := strings.Cut(text, "@")
	if !named {
		user, rest = "", text
	}
	a := Address{User: user, Host: strings.Trim(rest, "[]"), Port: 22}
	if host, port, err := net.SplitHostPort(rest); err == nil {
		if a.Host, err = host, error(nil); err == nil {
			a.Port, err = strconv.Atoi(port)
		}
		if err != nil {
			return Address{}, wrong
		}
	}
	isIP := net.ParseIP(a.Host) != nil
	if named && !isPlainUser(user) || !isPlainHost(a.Host) || a.Port < 1 || a.Port > 65535 ||
		strings.Contains(a.Host, ":") && !isIP {
		return Address{}, wrong
	}
	return a, nil
}

// or fills in missing parts from the client's connection and user name.
func (a Address) or(user string, local net.Addr) Address {
	if !isPlainUser(user) {
		user = "git"
	}
	a.User = cmp.Or(a.User, user)
	if tcp, ok := local.(*net.TCPAddr); ok && a.Host == "" {
		a.Host, a.Port = tcp.IP.String(), tcp.Port
	}
	return a
}

// Command is the command by which a client calls the server: "ssh -p 2222
// git@git.example.org".
func (a Address) Command() string {
	if a.Port == 0 || a.Port == 22 {
		return "ssh " + a.User + "@" + a.Host
	}
	return fmt.Sprintf("ssh -p %d %s@%s", a.Port, a.User, a.Host)
}

// URL is the prefix of the addresses of repositories: "ssh://git@git.example.org:2222".
func (a Address) URL() string {
	host := a.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if a.Port != 0 && a.Port != 22 {
		host += ":" + strconv.Itoa(a.Port)
	}
	return "ssh://" + a.User + "@" + host
}

// Fill replaces HOST in the messages of verbs and in hints with the address: "ssh HOST
// status", "ssh -t HOST top" and "ssh://HOST/shop". Without a host, the text stays as it is.
func (a Address) Fill(text string) string {
	if a.Host == "" || !strings.Contains(text, "HOST") {
		return text
	}
	withTerminal := "ssh -t" + strings.TrimPrefix(a.Command(), "ssh")
	return strings.NewReplacer("ssh HOST ", a.Command()+" ", "ssh -t HOST ", withTerminal+" ", "ssh://HOST/", a.URL()+"/").Replace(text)
}

// Fill replaces HOST with the server's address, as the client of the session calls it.
func (s *Session) Fill(text string) string { return s.address.Fill(text) }
