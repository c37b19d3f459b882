// Package client writes configurations of ssh for servers that a test or the demo has
// started.
package client

import "fmt"

// Host is a server, and the operator who connects to it.
type Host struct {
	Name       string // the server's name in ssh commands
	Address    string // host name or address, without a port
	Port       string
	User       string
	Key        string // file with the operator's private key
	KnownHosts string // file with the server's host key, under Name
}

// Config is the host's part of a configuration of ssh (ssh_config(5)). Only the known host
// key is accepted, and ssh uses neither the user's agent nor the user's configuration.
func (h Host) Config() string {
	return fmt.Sprintf(`Host %s
  HostName %s
  Port %s
  HostKeyAlias %s
  User %s
  IdentityFile "%s"
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile "%s"
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  CheckHostIP no
  BatchMode yes
  LogLevel ERROR
`, h.Name, h.Address, h.Port, h.Name, h.User, h.Key, h.KnownHosts)
}
